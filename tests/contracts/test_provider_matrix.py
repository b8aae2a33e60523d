"""Behaviour by provider: what every wire format must do, held against a server of each.

What only one of them has is in `test_provider_<name>.py`; servers that others wrote are in
`test_provider_independent.py`.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.types import TextDelta, ThinkDelta, ToolSpec
from tests.contracts.dialects import DIALECTS, Dialect, Stage
from tests.contracts.provider import HELLO, KEY, NOW, call, checked
from tests.fakes.model_server import CUT, HANG

TOOLS = [ToolSpec("weather", "The weather.", {"type": "object"})]
TWO = [("a", "weather", '{"city":"Oslo"}'), ("b", "weather", '{"city":"Rome"}')]

each = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)


@pytest.fixture
async def stage(dialect: Dialect) -> AsyncIterator[Stage]:
    async with dialect.server() as server:
        provider = dialect.provider(server.url)
        yield Stage(dialect, server, provider)
        await provider.close()


@each
async def test_text_comes_as_it_is_written(stage: Stage):
    """The first piece is here while the server still waits before the second."""
    gate = asyncio.Event()
    begun = stage.dialect.begun("Héllo, ")
    rest = stage.dialect.text("Héllo, ", "wörld 🙂")[len(begun) :]
    stage.answer(*begun, gate, *rest)
    stream = stage.provider.stream(HELLO)
    events: list[Any] = [await asyncio.wait_for(anext(stream), 20)]
    gate.set()
    events += [event async for event in stream]
    result = checked(events)
    assert events[0] == TextDelta("Héllo, ")
    assert (result.text, result.final.entry.stop) == ("Héllo, wörld 🙂", "end")
    assert result.final.entry.at == NOW
    assert result.final.entry.model == "fake/fake-1"


@each
async def test_what_it_took_is_counted(stage: Stage):
    stage.answer(*stage.dialect.text("ok"))
    usage = (await call(stage.provider)).final.entry.usage
    assert usage is not None
    assert (usage.input, usage.output) == (7, 3)


@each
async def test_reasoning_comes_apart(stage: Stage):
    stage.answer(*stage.dialect.thought("hm", "yes"))
    result = await call(stage.provider)
    assert result.events[:2] == [ThinkDelta("hm"), TextDelta("yes")]


@each
async def test_191_parallel_calls_have_names_and_arguments(stage: Stage):
    stage.answer(*stage.dialect.calls("I look.", TWO))
    entry = (await call(stage.provider, tools=TOOLS)).final.entry
    assert [(one.name, one.args) for one in entry.calls] == [
        ("weather", {"city": "Oslo"}),
        ("weather", {"city": "Rome"}),
    ]
    assert (entry.stop, entry.text) == ("tools", "I look.")
    assert len({one.id for one in entry.calls}) == 2


@each
async def test_calls_that_share_an_id_get_their_own(stage: Stage):
    stage.answer(*stage.dialect.calls("", [("same", *one[1:]) for one in TWO]))
    entry = (await call(stage.provider, tools=TOOLS)).final.entry
    assert len({one.id for one in entry.calls}) == 2


WRONG = ['{"city":', "[1]", '"text"', "nonsense", '{"a":1,"a":2}', '{"a":' * 200 + "1" + "}" * 200]


@each
@pytest.mark.parametrize("arguments", WRONG)
async def test_wrong_arguments_run_nothing(stage: Stage, arguments: str):
    """Cut, of another type, with a key twice, nested too deeply: the tool is told so. Where the
    arguments stand as an object in the answer, it is the answer that cannot be read."""
    stage.answer(*stage.dialect.calls("", [("a", "weather", arguments)]))
    entry = (await call(stage.provider, tools=TOOLS)).final.entry
    assert [one.args for one in entry.calls] in ([None], [])
    assert bool(entry.calls) == (entry.stop == "tools")


@each
async def test_huge_arguments_are_none(stage: Stage):
    huge = json.dumps({"text": "x" * (2 << 20)})
    stage.answer(*stage.dialect.calls("", [("a", "weather", huge)]))
    (asked,) = (await call(stage.provider, tools=TOOLS)).final.entry.calls
    assert asked.args is None


@each
async def test_the_output_limit_is_told(stage: Stage):
    stage.answer(*stage.dialect.text("so far", reason="length"))
    result = await call(stage.provider)
    assert (result.final.entry.stop, result.text) == ("length", "so far")


REFUSALS = [
    (400, "messages: field required", "invalid_request_error", "MODEL_BAD_REQUEST"),
    (401, "invalid x-api-key", "authentication_error", "MODEL_AUTH"),
    (403, "not yours", "permission_error", "MODEL_AUTH"),
    (402, "Payment required", "billing_error", "MODEL_BILLING"),
    (400, "Your credit balance is too low", "invalid_request_error", "MODEL_BILLING"),
    (404, "model 'x' not found", "not_found_error", "MODEL_NOT_FOUND"),
    (400, "prompt is too long: 2 tokens > 1 maximum", "invalid_request_error", "CONTEXT_OVERFLOW"),
    (413, "too large", "request_too_large", "CONTEXT_OVERFLOW"),
    (429, "slow down", "rate_limit_error", "MODEL_RATE_LIMIT"),
    (500, "broken", "api_error", "MODEL_OVERLOADED"),
    (529, "Overloaded", "overloaded_error", "MODEL_OVERLOADED"),
]


@each
@pytest.mark.parametrize(("status", "message", "kind", "code"), REFUSALS)
async def test_refusals_are_told_apart(
    stage: Stage, status: int, message: str, kind: str, code: str
):
    if kind == "request_too_large":
        message = "request too large"
    stage.server.refuse(status, stage.dialect.error(message, kind), retry_after="7")
    failure = (await call(stage.provider)).final.failure
    assert failure is not None
    assert (failure.code, failure.status) == (code, status)
    waits = code in ("MODEL_RATE_LIMIT", "MODEL_OVERLOADED")
    assert failure.retry_after == (7.0 if waits else None)
    assert failure.retryable == waits
    assert len(stage.server.requests) == 1


@each
async def test_no_secret_comes_back(stage: Stage):
    stage.server.refuse(401, stage.dialect.error(f"wrong key {KEY}", "authentication_error"))
    assert "wrong key [secret]" in (await call(stage.provider)).message


@each
async def test_an_error_inside_an_answer_ends_it(stage: Stage):
    inside = stage.dialect.error_inside("Overloaded", "overloaded_error")
    stage.answer(*stage.dialect.begun("so far"), inside)
    result = await call(stage.provider)
    assert (result.code, result.text) == ("MODEL_OVERLOADED", "so far")


@each
async def test_unknown_events_mean_nothing(stage: Stage):
    steps = stage.dialect.text("Hel", "lo")
    stage.answer(
        *(part for step in steps[:-1] for part in (step, stage.dialect.unknown)), steps[-1]
    )
    result = await call(stage.provider)
    assert (result.text, result.final.failure) == ("Hello", None)


GARBAGE = [
    b"<html>Sign in to this network</html>",
    b"data: not json\n\n",
    b"{",
    b"{}",
    b"[]",
    b"nonsense\n\n",
    b"",
    b"\xff\xfe\x00\n\n",
    b"data: " + b"[" * 100_000 + b"\n\n",
    b"[" * 100_000 + b"\n",
    b'{"message": 5, "done": false}\n',
    b'{"type":"message_delta","delta":[],"usage":[]}\n',
]


@each
@pytest.mark.parametrize("body", GARBAGE)
async def test_garbage_is_one_readable_failure(stage: Stage, body: bytes):
    stage.answer(body)
    assert (await call(stage.provider)).code == "MODEL_CUT"


@each
async def test_a_huge_event_is_given_up(stage: Stage):
    stage.answer(b'data: "', *[b"x" * (1 << 20)] * 20)
    assert (await call(stage.provider)).code == "MODEL_CUT"


@each
@pytest.mark.parametrize("pieces", [1, 7, 100_000])
def test_an_answer_cut_at_any_byte_is_one_final(dialect: Dialect, pieces: int):
    """R19: no exception, one Final, partial text marked, no call of half an answer."""
    whole = b"".join(dialect.calls("Héllo 🙂", TWO))
    good = 0
    for size in range(len(whole) + 1):
        answer = dialect.answer()
        events: list[Any] = []
        for at in range(0, size, pieces):
            events += answer.feed(whole[at : min(size, at + pieces)])
        result = checked([*events, *answer.end(), answer.final(NOW, "fake/m")])
        if result.final.failure is None:
            good += 1
            assert len(result.final.entry.calls) == 2
        else:
            assert result.code == "MODEL_CUT"
    assert 0 < good < 400


@each
async def test_a_cut_connection_is_told(stage: Stage):
    stage.answer(*stage.dialect.begun("Hel", "lo"), CUT)
    result = await call(stage.provider)
    assert (result.code, result.text) == ("MODEL_CUT", "Hello")


@each
async def test_a_stall_is_told(dialect: Dialect):
    async with dialect.server() as server:
        provider = dialect.provider(server.url, idle_timeout=0.05)
        server.answer(*dialect.begun("Hel"), HANG)
        result = await call(provider)
        said = "fake sent nothing for 0.05 seconds"
        assert (result.code, result.message) == ("MODEL_STALL", said)
        await provider.close()


@each
async def test_nobody_is_listening(dialect: Dialect):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        provider = dialect.provider(f"http://me:hunter2@127.0.0.1:{port}")
        result = await call(provider)
    assert result.code == "MODEL_OVERLOADED"
    assert f"cannot reach 127.0.0.1:{port}" in result.message
    assert "hunter2" not in result.message
    await provider.close()


@each
@pytest.mark.parametrize("url", ["not a url", "http://", "ftp://x/", "http://[::1"])
async def test_a_wrong_address_is_said(dialect: Dialect, url: str):
    provider = dialect.provider(url)
    assert (await call(provider)).code == "MODEL_BAD_REQUEST"
    await provider.close()


@each
async def test_151_closing_the_iterator_ends_the_call(stage: Stage):
    stage.answer(*stage.dialect.begun("Hello"), HANG)
    stream = stage.provider.stream(HELLO)
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    await asyncio.wait_for(stage.server.left.wait(), 20)


@each
async def test_cancelling_is_not_swallowed(stage: Stage):
    stage.answer(HANG)
    task = asyncio.create_task(call(stage.provider), name="call")
    await asyncio.wait_for(stage.server.asked.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(stage.server.left.wait(), 20)


@each
async def test_no_more_calls_at_once_than_allowed(dialect: Dialect):
    async with dialect.server() as server:
        provider = dialect.provider(server.url, max_concurrent=2)
        for _ in range(6):
            server.answer(*dialect.text("ok"))
        results = await asyncio.gather(*(call(provider) for _ in range(6)))
        assert [one.text for one in results] == ["ok"] * 6
        assert server.most_at_once <= 2
        await provider.close()


@each
async def test_190_parameters_reach_the_server_and_unset_ones_are_absent(stage: Stage):
    for _ in range(2):
        stage.answer(*stage.dialect.text("ok"))
    params = {"temperature": 0.2, "top_p": 0.9, "seed": None}
    await call(stage.provider, params=params, max_tokens=500)
    await call(stage.provider)
    first, second = (
        request.body | request.body.get("options", {}) for request in stage.server.requests
    )
    assert (first["temperature"], first["top_p"]) == (0.2, 0.9)
    assert 500 in (first.get("max_tokens"), first.get("num_predict"))
    assert {"temperature", "top_p", "seed"}.isdisjoint(second)


@each
async def test_186_messages_tools_model_and_stream_are_asked_for(stage: Stage):
    for _ in range(2):
        stage.answer(*stage.dialect.text("ok"))
    await call(stage.provider, tools=TOOLS, system="Be brief.")
    await call(stage.provider)
    with_tools, without = (request.body for request in stage.server.requests)
    assert (with_tools["model"], with_tools["stream"]) == ("fake-1", True)
    assert "weather" in json.dumps(with_tools["tools"])
    assert "hello" in json.dumps(with_tools["messages"])
    assert "Be brief." in json.dumps(with_tools)
    assert "tools" not in without


@each
async def test_another_key_uses_the_same_connections(stage: Stage):
    """A credential of its own costs an object, not a connection pool."""
    for _ in range(2):
        stage.answer(*stage.dialect.text("ok"))
    twin = stage.provider.with_key("sk-other")  # type: ignore[attr-defined]
    await call(stage.provider)
    await call(twin)
    ours, theirs = (dict(request.headers) for request in stage.server.requests)
    login = "x-api-key" if stage.dialect.name == "anthropic" else "Authorization"
    assert KEY in ours[login] and "sk-other" in theirs[login]
    assert twin._http is stage.provider._http  # type: ignore[attr-defined]
