"""What only the messages API has: signed thinking, marks for the cache; the official client."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from anthropic import AsyncAnthropic

from bot.codec import entry_from, entry_json
from bot.providers.anthropic import Anthropic
from bot.providers.anthropic_wire import request_body
from bot.providers.http import Refused
from bot.types import Entry, ModelRequest, ThinkDelta, ToolCall, ToolSpec
from tests.contracts.provider import HELLO, KEY, Result, StillClock, call
from tests.fakes.anthropic_server import (
    FakeAnthropic,
    block,
    error,
    stream_of,
    text,
    text_stream,
    thinking,
    tool,
    whole,
)

PNG = base64.b64encode(b"\x89PNG").decode()
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [ToolSpec("time", "The time.", {"type": "object"}), ToolSpec("weather", "Sky.", WEATHER)]
MARK = {"type": "ephemeral"}


@pytest.fixture
async def server() -> AsyncIterator[FakeAnthropic]:
    async with FakeAnthropic() as server:
        yield server


@pytest.fixture
async def ours(server: FakeAnthropic) -> AsyncIterator[Anthropic]:
    provider = Anthropic("fake", server.url, [KEY], clock=StillClock())
    yield provider
    await provider.close()


@pytest.fixture
async def official(server: FakeAnthropic) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=server.url, api_key=KEY, max_retries=0) as client:
        yield client


async def test_signed_thinking_goes_back_with_its_calls_and_through_the_store(
    server: FakeAnthropic, ours: Anthropic
):
    redacted = block(1, {"type": "redacted_thinking", "data": "b3BhcXVl"})
    asked = tool(2, "toolu_1", "weather", '{"city":', '"Oslo"}')
    server.answer(*stream_of(thinking(0, "hm", "m"), redacted, asked, reason="tool_use"))
    first = await call(ours, tools=TOOLS, thinking="low")
    assert first.events[0] == ThinkDelta("hmm")
    stored = json.loads(json.dumps(entry_json(first.final.entry)))
    entry = entry_from(stored, role="assistant", at=1.0, seq=2, run=None)
    result = Entry("tool", "rain", 2.0, call_id="toolu_1", name="weather")
    server.answer(*text_stream("Rain."))
    await call(ours, tools=TOOLS, thinking="low", entries=[*HELLO.entries, entry, result])
    body = server.requests[1].body
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "hmm", "signature": "c2lnbmVk"},
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}},
    ]
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 4096}
    assert body["max_tokens"] == 4096 + 8192


def after_a_call(**wire: Any) -> ModelRequest:
    asked = ToolCall("t1", "weather", "{}", {})
    entries = [
        *HELLO.entries,
        Entry("assistant", "", 2.0, calls=(asked,), stop="tools", wire=wire or None),
        Entry("tool", "rain", 3.0, call_id="t1", name="weather"),
    ]
    return ModelRequest("fake-1", "", entries, TOOLS, "high")


def test_thinking_rests_where_another_model_made_the_call():
    """Unsigned calls of this turn forbid it; another model's signature is worth nothing."""
    signed = [{"type": "thinking", "thinking": "x", "signature": "y"}]
    own = after_a_call(api="anthropic", model="fake-1", thinking=signed)
    other = after_a_call(api="anthropic", model="fake-2", thinking=signed)
    assert "thinking" in request_body(own)
    assert "thinking" not in request_body(after_a_call())
    assert "thinking" not in request_body(other)
    assert "signature" not in json.dumps(request_body(other))
    later = replace(other, entries=[*other.entries, Entry("user", "and now?", 4.0)])
    assert "thinking" in request_body(later)


@pytest.mark.parametrize(
    ("level", "limit", "budget"),
    [("minimal", None, 1024), ("high", None, 32768), ("high", 8000, 4000), ("low", 2000, None)],
)
def test_192_levels_are_budgets_within_the_limit(level: Any, limit: int | None, budget: int | None):
    params = {"temperature": 0.5, "top_p": 0.9}
    body = request_body(replace(HELLO, thinking=level, max_tokens=limit, params=params))
    assert body.get("thinking", {}).get("budget_tokens") == budget
    assert body["max_tokens"] > (budget or 0)
    assert ("temperature" in body) == (budget is None)
    assert "thinking" not in request_body(replace(HELLO, params=params))


async def test_192_a_model_that_wants_it_otherwise_is_asked_otherwise(
    server: FakeAnthropic, ours: Anthropic
):
    """The newer form, no thinking at all, no sampling: learnt once for each model."""
    newer = '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive"'
    server.refuse(400, error(newer, "invalid_request_error"))
    for _ in range(3):
        server.answer(*text_stream("ok"))
    await call(ours, thinking="medium")
    await call(ours, thinking="medium")
    await call(ours, thinking="off")
    forms = [request.body.get("thinking", {}).get("type") for request in server.requests]
    assert forms == ["enabled", "adaptive", "adaptive", None]
    assert server.requests[2].body["output_config"] == {"effort": "medium"}
    server.refuse(400, error("this model does not support thinking", "invalid_request_error"))
    server.answer(*text_stream("ok"))
    assert (await call(ours, model="old", thinking="low")).text == "ok"
    assert "thinking" not in server.requests[-1].body
    server.refuse(400, error("`temperature` is deprecated", "invalid_request_error"))
    server.answer(*text_stream("ok"))
    assert (await call(ours, model="new", params={"temperature": 1})).text == "ok"


def test_the_beginning_is_marked_for_the_cache():
    entries = [*HELLO.entries, Entry("assistant", "Hi.", 2.0), Entry("user", "More?", 3.0)]
    body = request_body(ModelRequest("m", "Be brief.", entries, TOOLS))
    assert body["system"][0]["cache_control"] == MARK
    assert [tool.get("cache_control") for tool in body["tools"]] == [None, MARK]
    assert body["messages"][2]["content"][-1]["cache_control"] == MARK
    assert json.dumps(body).count("cache_control") == 3


async def test_what_the_cache_gave_and_took_is_counted(server: FakeAnthropic, ours: Anthropic):
    counts = {"cache_read_input_tokens": 100, "cache_creation_input_tokens": 20}
    server.answer(*stream_of(text(0, "ok"), **counts))
    usage = (await call(ours)).final.entry.usage
    assert usage is not None
    assert (usage.input, usage.output, usage.cache_read, usage.cache_write) == (127, 3, 100, 20)


def test_neighbours_become_one_message_and_results_come_first():
    calls = (ToolCall("a", "x", "{}", {}), ToolCall("b", "x", "nonsense", None))
    picture = {"kind": "image", "url": f"data:image/png;base64,{PNG}"}
    entries = [
        Entry("note", "for people", 0.0),
        Entry("assistant", "I begin.", 0.0),
        Entry("user", "one", 1.0),
        Entry("user", "two", 2.0, attachments=({"kind": "image", "url": "https://x/y.png"},)),
        Entry("assistant", "", 3.0, calls=calls),
        Entry("tool", "fine", 4.0, call_id="a", attachments=(picture,)),
        Entry("tool", "bad", 5.0, call_id="b", is_error=True),
        Entry("user", " ", 6.0),
        Entry("user", "go on", 7.0),
    ]
    messages = request_body(ModelRequest("m", "", entries))["messages"]
    assert [one["role"] for one in messages] == ["user", "assistant", "user", "assistant", "user"]
    url = {"type": "url", "url": "https://x/y.png"}
    assert messages[2]["content"][1] == {"type": "image", "source": url}
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    assert messages[4]["content"] == [
        {
            "type": "tool_result",
            "tool_use_id": "a",
            "content": [{"type": "text", "text": "fine"}, {"type": "image", "source": source}],
        },
        {"type": "tool_result", "tool_use_id": "b", "content": "bad", "is_error": True},
        {"type": "text", "text": "go on", "cache_control": MARK},
    ]
    assert messages[3]["content"][1]["input"] == {}


async def test_a_refusal_is_no_answer(server: FakeAnthropic, ours: Anthropic):
    server.answer(*stream_of(text(0, "so"), reason="refusal"))
    result = await call(ours)
    assert (result.code, result.text) == ("MODEL_BAD_REQUEST", "so")


async def test_a_call_cut_by_the_output_limit_is_not_made(server: FakeAnthropic, ours: Anthropic):
    server.answer(*stream_of(tool(0, "t", "weather", '{"ci'), reason="max_tokens"))
    assert "raise max_tokens" in (await call(ours)).message


async def test_without_a_key_the_makers_server_is_not_even_asked():
    provider = Anthropic("anthropic")
    result = await call(provider)
    assert result.code == "NO_CREDENTIALS"
    assert "providers.anthropic.api_key" in result.message
    with pytest.raises(Refused):
        await provider.models()


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/", "/v1/messages"])
async def test_any_form_of_the_address_is_understood(server: FakeAnthropic, ending: str):
    provider = Anthropic("fake", server.url + ending, [KEY])
    server.answer(*text_stream("ok"))
    assert (await call(provider)).text == "ok"
    await provider.close()


async def test_the_models_are_listed_page_by_page(server: FakeAnthropic, ours: Anthropic):
    first = {"data": [{"id": "a", "display_name": "A"}], "has_more": True, "last_id": "a"}
    server.documents["/v1/models"] = first
    last = {"data": [{"id": "b", "max_input_tokens": 5}], "has_more": False, "last_id": "b"}
    server.documents["/v1/models?after_id=a"] = last
    models = await ours.models()
    assert [(one.id, one.name, one.window) for one in models] == [("a", "A", None), ("b", "", 5)]
    assert all(request.headers["x-api-key"] == KEY for request in server.lists)


def messages() -> Iterator[dict[str, Any]]:
    """A conversation as the documentation writes it."""
    yield {"role": "user", "content": [{"type": "text", "text": "Weather in Oslo?"}]}
    asked = {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Oslo"}}
    yield {"role": "assistant", "content": [asked]}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "rain"}
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    image = {"type": "image", "source": source}
    last = {"type": "text", "text": "And é 🙂?", "cache_control": MARK}
    yield {"role": "user", "content": [result, image, last]}


async def test_our_request_is_the_official_one(
    server: FakeAnthropic, ours: Anthropic, official: AsyncAnthropic
):
    """Field for field, and with the same headers where they matter."""
    for _ in range(2):
        server.answer(*text_stream("ok"))
    sky = {"name": "weather", "description": "Sky.", "input_schema": WEATHER}
    async with official.messages.stream(
        model="fake-1",
        max_tokens=10_000,
        messages=list(messages()),  # type: ignore[arg-type]
        system=[{"type": "text", "text": "Be brief.", "cache_control": MARK}],  # type: ignore[list-item]
        tools=[{**sky, "cache_control": MARK}],  # type: ignore[list-item]
        extra_body={"temperature": 0.2},
    ) as stream:
        await stream.get_final_message()
    call_made = ToolCall("t1", "weather", '{"city":"Oslo"}', {"city": "Oslo"})
    image = {"kind": "image", "url": f"data:image/png;base64,{PNG}"}
    entries = [
        Entry("user", "Weather in Oslo?", 1.0),
        Entry("assistant", "", 2.0, calls=(call_made,), stop="tools"),
        Entry("tool", "rain", 3.0, call_id="t1", name="weather"),
        Entry("user", "And é 🙂?", 4.0, attachments=(image,)),
    ]
    params = {"temperature": 0.2}
    await call(
        ours,
        ModelRequest("fake-1", "Be brief.", entries, TOOLS[1:], params=params, max_tokens=10_000),
    )
    theirs, our = server.requests
    assert our.body == theirs.body
    assert our.path == theirs.path
    heads = [
        {name.lower(): value for name, value in one.headers.items()} for one in server.requests
    ]
    assert heads[0]["content-type"] == heads[1]["content-type"]
    # The client has gone on to another version of the API, without sampling parameters, which
    # compatible servers do not know; both are served.
    assert "anthropic-version" in heads[0]
    assert heads[1]["anthropic-version"] == "2023-06-01"
    assert heads[1]["x-api-key"] == KEY


STREAMS = {
    "text": text_stream("Hel", "lo, ", "wörld 🙂"),
    "cut off": stream_of(text(0, "Hello"), reason="max_tokens"),
    "cached": stream_of(text(0, "Hello"), cache_read_input_tokens=9),
    "thinking": stream_of(thinking(0, "hm", "m"), text(1, "yes")),
    "calls": stream_of(
        text(0, "Let me see."),
        tool(1, "t1", "weather", '{"city":', '"Oslo"}'),
        tool(2, "t2", "time"),
        reason="tool_use",
    ),
}


def assert_same(our: Result, theirs: Any) -> None:
    """Text, thinking, calls, usage and the reason to stop."""
    entry = our.final.entry
    kinds = {kind: [one for one in theirs.content if one.type == kind] for kind in
             ("text", "thinking", "tool_use")}  # fmt: skip
    assert entry.text == "".join(one.text for one in kinds["text"])
    assert entry.thinking == "".join(one.thinking for one in kinds["thinking"])
    assert [(one.id, one.name, one.args) for one in entry.calls] == [
        (one.id, one.name, one.input) for one in kinds["tool_use"]
    ]
    assert entry.usage is not None
    cached = theirs.usage.cache_read_input_tokens or 0
    assert entry.usage.input == theirs.usage.input_tokens + cached
    assert entry.usage.output == theirs.usage.output_tokens
    stops = {"end_turn": "end", "max_tokens": "length", "tool_use": "tools"}
    assert entry.stop == stops[theirs.stop_reason]


@pytest.mark.parametrize("name", STREAMS)
async def test_we_read_a_stream_as_the_official_client_does(
    server: FakeAnthropic, ours: Anthropic, official: AsyncAnthropic, name: str
):
    for _ in range(2):
        server.answer(*STREAMS[name])
    question: Any = [{"role": "user", "content": "hello"}]
    async with official.messages.stream(model="fake-1", max_tokens=9, messages=question) as stream:
        theirs = await stream.get_final_message()
    assert_same(await call(ours), theirs)


async def test_we_read_a_whole_message_as_the_official_client_does(
    server: FakeAnthropic, ours: Anthropic, official: AsyncAnthropic
):
    used = {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Oslo"}}
    document = whole({"type": "text", "text": "Hé."}, used, reason="tool_use")
    for _ in range(2):
        server.answer(document, content_type="application/json")
    question: Any = [{"role": "user", "content": "hello"}]
    theirs = await official.messages.create(model="fake-1", max_tokens=9, messages=question)
    assert_same(await call(ours), theirs)


async def test_a_token_of_a_sign_in_goes_where_tokens_go(server: FakeAnthropic):
    provider = Anthropic("fake", server.url, ["sk-ant-oat-token"])
    server.answer(*text_stream("ok"))
    assert (await call(provider)).text == "ok"
    (request,) = server.requests
    assert request.headers["Authorization"] == "Bearer sk-ant-oat-token"
    assert "x-api-key" not in request.headers
    await provider.close()
