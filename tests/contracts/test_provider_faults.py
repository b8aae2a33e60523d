"""What a model server can do wrong: each fault is one Final with a code and a readable sentence."""

import asyncio
import json
import socket
from email.utils import formatdate
from typing import Any

import pytest

from bot.providers.answer import Answer
from bot.providers.failures import scrub
from bot.providers.openai import OpenAI
from bot.providers.openai_wire import Assembly
from tests.contracts.provider import KEY, NOW, call, checked, openai
from tests.fakes.openai_server import (
    CUT,
    DONE,
    HANG,
    FakeOpenAI,
    call_piece,
    chunk,
    error,
    event,
    stream_of,
    text_stream,
    whole,
)

REFUSALS = [
    (401, error("Incorrect API key provided"), "MODEL_AUTH"),
    (403, error("Country not supported"), "MODEL_AUTH"),
    (402, error("Payment required"), "MODEL_BILLING"),
    (429, error("You exceeded your current quota", code="insufficient_quota"), "MODEL_BILLING"),
    (400, error("Your credit balance is too low"), "MODEL_BILLING"),
    (429, error("Rate limit reached"), "MODEL_RATE_LIMIT"),
    (429, error("Request too large: reduce the tokens per minute"), "MODEL_RATE_LIMIT"),
    (500, error("The server had an error"), "MODEL_OVERLOADED"),
    (502, "<html>Bad gateway</html>", "MODEL_OVERLOADED"),
    (503, "", "MODEL_OVERLOADED"),
    (529, error("Overloaded", "overloaded_error"), "MODEL_OVERLOADED"),
    (404, error("The model `x` does not exist", code="model_not_found"), "MODEL_NOT_FOUND"),
    (400, error("model 'x' not found, try pulling it first"), "MODEL_NOT_FOUND"),
    (400, error("maximum context length is 8192 tokens"), "CONTEXT_OVERFLOW"),
    (400, error("too long", code="context_length_exceeded"), "CONTEXT_OVERFLOW"),
    (413, error("prompt is too long: 210000 tokens > 200000"), "CONTEXT_OVERFLOW"),
    (400, error("the request exceeds the available context size"), "CONTEXT_OVERFLOW"),
    (500, error("input is too long: exceeds context window"), "CONTEXT_OVERFLOW"),
    (400, error("messages: field required"), "MODEL_BAD_REQUEST"),
    (422, b'{"detail":"bad"}', "MODEL_BAD_REQUEST"),
    (418, b"\xff\xfe", "MODEL_BAD_REQUEST"),
    (400, b'[{"error":{"code":400,"message":"as a list"}}]', "MODEL_BAD_REQUEST"),
    (301, "", "MODEL_BAD_REQUEST"),
]


@pytest.mark.parametrize(("status", "body", "code"), REFUSALS)
async def test_refusals_are_told_apart(
    server: FakeOpenAI, provider: OpenAI, status: int, body: bytes | str, code: str
):
    server.refuse(status, body, location="http://169.254.169.254/")
    result = await call(provider)
    failure = result.final.failure
    assert failure is not None
    assert (failure.code, failure.status) == (code, status)
    assert str(status) in failure.message
    assert failure.retryable == (code in ("MODEL_RATE_LIMIT", "MODEL_OVERLOADED"))
    assert result.final.entry.stop == ("overflow" if code == "CONTEXT_OVERFLOW" else "error")
    assert len(server.requests) == 1


async def test_a_short_readable_message(server: FakeOpenAI, provider: OpenAI):
    """Acceptance 139: one sentence, the server's words in it."""
    server.refuse(500, error("The server\nhad an\u0007 error"))
    expected = "fake answered 500 Internal Server Error: The server had an error"
    assert (await call(provider)).message == expected


@pytest.mark.parametrize(
    ("headers", "message", "wait"),
    [
        ({"Retry-After": "20"}, "", 20.0),
        ({"Retry-After": "0.5"}, "", 0.5),
        ({"Retry-After": formatdate(NOW + 30, usegmt=True)}, "", 30.0),
        ({"retry-after-ms": "1500"}, "", 1.5),
        ({"Retry-After": "soon"}, "Please try again in 7s.", 7.0),
        ({"Retry-After": "-5"}, "", 0.0),
        ({"Retry-After": "1e300"}, "", 86_400.0),
        ({"Retry-After": "nan"}, "", None),
        ({}, "Please try again in 6m0.5s. Visit", 360.5),
        ({}, "Please retry in 120ms", 0.12),
        ({}, "try again in 20 seconds", 20.0),
        ({}, "try again in a moment", None),
    ],
)
async def test_how_long_to_wait_is_honoured(
    server: FakeOpenAI, provider: OpenAI, headers: dict[str, str], message: str, wait: float | None
):
    server.refuse(429, error(message), **headers)
    failure = (await call(provider)).final.failure
    assert failure is not None
    assert failure.retry_after == (None if wait is None else pytest.approx(wait, abs=1e-6))


@pytest.mark.parametrize(
    "echoed",
    [
        f"Incorrect API key provided: {KEY}.",
        "Incorrect key sk-proj-*******abcd",
        "got header Bearer abcdefgh12345678",
        "see https://user:hunter22222@proxy.example/x",
        "custom header-secret-value",
    ],
)
async def test_no_secret_comes_back(server: FakeOpenAI, echoed: str):
    provider = openai(server, headers={"X-Token": "header-secret-value"})
    server.refuse(401, error(echoed))
    message = (await call(provider)).message
    assert "[secret]" in message
    hidden = (KEY, "sk-proj", "abcdefgh12345678", "hunter22222", "header-secret-value")
    assert not any(secret in message for secret in hidden)
    assert KEY not in repr(provider)
    await provider.close()


def test_a_strangers_words_stay_short():
    assert len(scrub("x" * 100_000)) == 300
    assert scrub('{"a": "dump"}') == scrub("<html>") == ""


RECORDED = b"".join(
    stream_of(
        {"reasoning_content": "hm"},
        {"content": "Héllo 🙂"},
        {"tool_calls": [call_piece(0, "a", "one", '{"x":')]},
        {"tool_calls": [call_piece(0, None, None, "1}")]},
        finish="tool_calls",
    )
)
ENDED = RECORDED.index(b'"finish_reason": "tool_calls"')


@pytest.mark.parametrize("pieces", [1, 7, 10_000])
def test_a_stream_cut_at_any_byte_is_one_failure_until_its_end(pieces: int):
    """R19: no exception, one Final, the partial text marked, and no call from half a stream."""
    finished = RECORDED.index(b"\n\n", ENDED) + 2
    for size in range(len(RECORDED) + 1):
        data = RECORDED[:size]
        answer = Answer("fake", Assembly())
        events: list[Any] = []
        for at in range(0, size, pieces):
            events += answer.feed(data[at : at + pieces])
        result = checked([*events, *answer.end(), answer.final(NOW, "fake/m")])
        if size < finished:
            assert result.code == "MODEL_CUT"
        else:
            assert result.final.entry.calls[0].args == {"x": 1}


WHOLE = whole({"content": "Héllo", "reasoning": "hm"})


def test_a_whole_answer_cut_at_any_byte_is_one_failure():
    for size in range(len(WHOLE)):
        answer = Answer("fake", Assembly())
        events: list[Any] = [*answer.feed(WHOLE[:size]), *answer.end()]
        assert checked([*events, answer.final(NOW, "fake/m")]).code == "MODEL_CUT"


@pytest.mark.parametrize("step", range(6))
async def test_a_connection_dropped_behind_any_event(
    server: FakeOpenAI, provider: OpenAI, step: int
):
    """Dropped after the finish reason, the answer is whole; before, it is a failure."""
    steps = text_stream("Hel", "lo")
    server.answer(*steps[:step], CUT)
    server.answer(*steps[:step], CUT)  # asked again when nothing had been said at all
    result = await call(provider)
    if step >= 4:
        assert (result.text, result.final.failure) == ("Hello", None)
    else:
        assert result.code in ("MODEL_CUT", "MODEL_OVERLOADED")
        assert result.final.failure is not None
        assert result.final.failure.retryable
        assert result.text == ["", "", "Hel", "Hello"][step]


@pytest.mark.parametrize("step", range(4))
async def test_a_stall_behind_any_event(server: FakeOpenAI, step: int):
    provider = openai(server, idle_timeout=0.05)
    server.answer(*text_stream("Hel", "lo")[:step], HANG)
    result = await call(provider)
    assert (result.code, result.message) == ("MODEL_STALL", "fake sent nothing for 0.05 seconds")
    await provider.close()


async def test_keep_alive_comments_are_no_stall(server: FakeOpenAI):
    provider = openai(server, idle_timeout=1.0)
    gates = [asyncio.Event() for _ in range(4)]
    beats = [step for gate in gates for step in (gate, b": still thinking\n\n")]
    server.answer(*beats, *text_stream("ok"))
    loop = asyncio.get_running_loop()
    for number, gate in enumerate(gates, 1):
        loop.call_later(0.3 * number, gate.set)
    assert (await call(provider)).text == "ok"
    await provider.close()


ERRORS_INSIDE = [
    ({"error": {"message": "overloaded", "type": "overloaded_error"}}, "MODEL_OVERLOADED"),
    ({"error": {"message": "slow down", "code": 429}}, "MODEL_RATE_LIMIT"),
    ({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, "MODEL_RATE_LIMIT"),
    ({"error": {"message": "x", "code": "context_length_exceeded"}}, "CONTEXT_OVERFLOW"),
    ({"error": "just words"}, "MODEL_OVERLOADED"),
    ({"error": {"code": [], "message": {}}}, "MODEL_OVERLOADED"),
]


@pytest.mark.parametrize(("document", "code"), ERRORS_INSIDE)
async def test_an_error_inside_a_good_status(
    server: FakeOpenAI, provider: OpenAI, document: dict[str, Any], code: str
):
    """In a stream behind some text, and as a whole answer."""
    server.answer(event(chunk({"content": "so far"})), event(document), DONE)
    server.answer(json.dumps(document).encode(), content_type="application/json")
    streamed, alone = await call(provider), await call(provider)
    assert (streamed.code, streamed.text) == (code, "so far")
    assert (alone.code, alone.text) == (code, "")


async def test_an_error_event_is_an_error(server: FakeOpenAI, provider: OpenAI):
    server.answer(b'event: error\ndata: {"message":"it broke"}\n\n')
    assert "it broke" in (await call(provider)).message


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Sign in to this network</html>",
        b"data: not json\n\n",
        b"data: [1]\n\n",
        b"data: {\n\n",
        b"{}",
        b"nonsense",
        b"",
        b"data: " + b"[" * 100_000 + b"\n\n",
        b"data: {}\n\n" + DONE,
        event(chunk({"content": "x"})) + DONE,
    ],
)
async def test_nonsense_is_a_failure(server: FakeOpenAI, provider: OpenAI, body: bytes):
    server.answer(body)
    assert (await call(provider)).code == "MODEL_CUT"


async def test_a_filtered_answer_is_not_an_answer(server: FakeOpenAI, provider: OpenAI):
    server.answer(*stream_of({"content": "so"}, finish="content_filter"))
    result = await call(provider)
    assert (result.code, result.text) == ("MODEL_BAD_REQUEST", "so")
    assert "content_filter" in result.message


async def test_a_huge_event_is_given_up(server: FakeOpenAI, provider: OpenAI):
    server.answer(b"data: ", *[b"x" * (1 << 20)] * 20)
    assert "one event of more than 8 MiB" in (await call(provider)).message


def test_an_endless_answer_is_given_up():
    answer = Answer("fake", Assembly())
    piece = event(chunk({"content": "x" * (1 << 20)}))
    fed = 0
    while not answer.complete:
        answer.feed(piece)
        fed += 1
        assert fed < 100
    final = answer.final(NOW, "m")
    assert final.failure is not None
    assert "more than 64 MiB" in final.failure.message


async def test_nobody_is_listening():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        provider = openai(f"http://me:hunter2@127.0.0.1:{port}/v1")
        result = await call(provider)
    assert result.code == "MODEL_OVERLOADED"
    assert f"cannot reach 127.0.0.1:{port}" in result.message
    assert "hunter2" not in result.message
    await provider.close()


@pytest.mark.parametrize("url", ["not a url", "http://", "ftp://x/", "http://[::1"])
async def test_a_wrong_address_is_said(url: str):
    provider = openai(url)
    assert (await call(provider)).code == "MODEL_BAD_REQUEST"
    await provider.close()


async def test_a_kept_connection_that_closed_meanwhile_is_no_failure(
    server: FakeOpenAI, provider: OpenAI
):
    """The server hangs up before a word of an answer: asked once more, and only once more."""
    server.answer(*text_stream("one"))
    await call(provider)
    server.answer(drop=True)
    server.answer(*text_stream("two"))
    assert (await call(provider)).text == "two"
    assert len(server.requests) == 3


async def test_a_request_that_cannot_be_written_is_a_failure(provider: OpenAI):
    result = await call(provider, params={"seed": float("nan")})
    assert result.code == "MODEL_BAD_REQUEST"


async def test_cancelling_is_not_swallowed(server: FakeOpenAI, provider: OpenAI):
    server.answer(HANG)
    task = asyncio.create_task(call(provider), name="call")
    await asyncio.wait_for(server.asked.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(server.left.wait(), 30)
