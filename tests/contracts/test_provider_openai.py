"""The OpenAI provider against a scripted server: what it asks, what it understands."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.providers.openai import OpenAI
from bot.types import (
    Entry,
    ModelRequest,
    Notice,
    TextDelta,
    ThinkDelta,
    ToolCall,
    ToolSpec,
    Usage,
)
from tests.contracts.provider import HELLO, KEY, call, checked
from tests.fakes.openai_server import (
    DONE,
    FakeOpenAI,
    call_piece,
    chunk,
    error,
    event,
    stream_of,
    text_stream,
    usage,
    whole,
)

CALLS = [ToolCall("call_a", "weather", '{"city":"Oslo"}', {"city": "Oslo"})]
TOOL = ToolSpec("weather", "The weather.", {"type": "object", "properties": {}})


async def test_the_request_has_the_whole_conversation(server: FakeOpenAI, provider: OpenAI):
    entries = [
        Entry("user", "one", 1.0),
        Entry("note", "for people", 1.0),
        Entry("assistant", "", 2.0, stop="error"),
        Entry("assistant", "let me see", 2.0, calls=tuple(CALLS), stop="tools"),
        Entry("tool", "rain", 3.0, call_id="call_a", name="weather"),
        Entry("user", "look", 4.0, attachments=({"kind": "image", "url": "data:image/png,x"},)),
        Entry("user", "no image", 5.0, attachments=({"kind": "file", "url": "https://x/y"},)),
    ]
    request = ModelRequest(
        "fake-1", "be brief", entries, [TOOL], "high", {"temperature": 0.2, "top_p": None}, 99
    )
    server.answer(*text_stream("ok"))
    await call(provider, request)
    asked = server.requests[0]
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.body == {
        "model": "fake-1",
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 99,
        "temperature": 0.2,
        "reasoning_effort": "high",
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "weather",
                    "description": "The weather.",
                    "parameters": {"type": "object", "properties": {}},
                },
            }
        ],
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "one"},
            {
                "role": "assistant",
                "content": "let me see",
                "tool_calls": [
                    {
                        "id": "call_a",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city":"Oslo"}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_a", "content": "rain"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image_url", "image_url": {"url": "data:image/png,x"}},
                ],
            },
            {"role": "user", "content": "no image"},
        ],
    }


async def test_what_is_not_set_is_absent(server: FakeOpenAI, provider: OpenAI):
    """Acceptance 186, 190, 192: no empty tools, no unset parameter, no effort without thinking."""
    server.answer(*text_stream("ok"))
    await call(provider)
    assert set(server.requests[0].body) == {"model", "messages", "stream", "stream_options"}


async def test_tools_are_told_as_they_are_now(server: FakeOpenAI, provider: OpenAI):
    other = replace(TOOL, description="The weather of tomorrow.")
    for tools in ((TOOL,), (TOOL,), (other,), (TOOL, other)):
        server.answer(*text_stream("ok"))
        await call(provider, tools=tools)
    told = [[tool["function"] for tool in asked.body["tools"]] for asked in server.requests]
    said = [[tool["description"] for tool in tools] for tools in told]
    assert said == [
        ["The weather."],
        ["The weather."],
        ["The weather of tomorrow."],
        ["The weather.", "The weather of tomorrow."],
    ]


async def test_broken_arguments_are_not_sent_back(server: FakeOpenAI, provider: OpenAI):
    entry = Entry("assistant", "", 1.0, calls=(ToolCall("a", "weather", '{"ci', None),))
    server.answer(*text_stream("ok"))
    await call(provider, entries=[entry])
    sent = server.requests[0].body["messages"][0]["tool_calls"][0]
    assert sent["function"]["arguments"] == "{}"


async def test_text_is_streamed_as_it_comes(server: FakeOpenAI, provider: OpenAI):
    gate = asyncio.Event()
    first, *rest = text_stream("Hel", "lo")[1:]
    server.answer(first, gate, *rest)
    stream = provider.stream(HELLO)
    events = [await anext(stream)]
    assert events == [TextDelta("Hel")]
    gate.set()
    result = checked([*events, *[event async for event in stream]])
    entry = result.final.entry
    assert (entry.text, entry.stop, entry.usage) == ("Hello", "end", Usage(7, 3))
    assert entry.model == "fake/fake-1"


async def test_a_server_without_streaming_is_understood(server: FakeOpenAI, provider: OpenAI):
    server.answer(whole({"content": "Hello"}), content_type="application/json")
    result = await call(provider)
    assert result.events[0] == TextDelta("Hello")
    assert result.final.entry.usage == Usage(7, 3)


STREAMED_CALLS = {
    "whole": [[call_piece(0, "a", "one", '{"x":1}')], [call_piece(1, "b", "two", "{}")]],
    "cut": [
        [call_piece(0, "a", "one", "")],
        [call_piece(0, None, None, '{"x"')],
        [call_piece(0, None, None, ":1}")],
        [call_piece(1, "b", "two", "{"), call_piece(1, None, None, "}")],
    ],
    "interleaved": [
        [call_piece(0, "a", "one", '{"x'), call_piece(1, "b", "two", "{")],
        [call_piece(1, None, None, "}"), call_piece(0, None, None, '":1}')],
    ],
    "late id": [
        [call_piece(0, None, "one", '{"x":')],
        [call_piece(0, "a", None, "1}")],
        [call_piece(1, "b", "two", "")],
    ],
    "everything repeated": [
        [call_piece(0, "a", "one", '{"x":')],
        [call_piece(0, "a", "one", "1}")],
        [call_piece(1, "b", "two", "{}")],
    ],
    "all number 0": [[call_piece(0, "a", "one", '{"x":1}')], [call_piece(0, "b", "two", "{}")]],
    "no numbers": [
        [{"id": "a", "function": {"name": "one", "arguments": '{"x":'}}],
        [{"function": {"arguments": "1}"}}],
        [{"id": "b", "function": {"name": "two", "arguments": {}}}],
    ],
}


@pytest.mark.parametrize("form", STREAMED_CALLS)
async def test_tool_calls_are_put_together(server: FakeOpenAI, provider: OpenAI, form: str):
    """Acceptance 187, 191: the same two calls, however a server cuts and numbers them."""
    deltas = [{"tool_calls": pieces} for pieces in STREAMED_CALLS[form]]
    server.answer(*stream_of(*deltas, finish="tool_calls"))
    entry = (await call(provider)).final.entry
    assert entry.stop == "tools"
    assert [(one.id, one.name, one.args) for one in entry.calls] == [
        ("a", "one", {"x": 1}),
        ("b", "two", {}),
    ]


async def test_tool_calls_of_a_whole_answer(server: FakeOpenAI, provider: OpenAI):
    """Without ids, as some servers give them: each call gets one of its own; `stop` means tools."""
    calls = [{"function": {"name": "one", "arguments": '{"x":1}'}}] * 2
    server.answer(whole({"tool_calls": calls}), content_type="application/json")
    entry = (await call(provider)).final.entry
    assert [one.args for one in entry.calls] == [{"x": 1}, {"x": 1}]
    assert len({one.id for one in entry.calls}) == 2
    assert all(one.id for one in entry.calls)
    assert entry.stop == "tools"


@pytest.mark.parametrize(
    "arguments",
    ['{"x":', '{"x":1}{"x":1}', "[1]", "null", '"x"', "NaN", '{"x":1,"x":2}', "[" * 999],
)
async def test_wrong_arguments_are_none(server: FakeOpenAI, provider: OpenAI, arguments: str):
    server.answer(*stream_of({"tool_calls": [call_piece(0, "a", "one", arguments)]}))
    (one,) = (await call(provider)).final.entry.calls
    assert (one.arguments, one.args) == (arguments, None)


async def test_a_call_cut_by_the_output_limit_is_not_made(server: FakeOpenAI, provider: OpenAI):
    pieces = {"tool_calls": [call_piece(0, "a", "one", '{"x":1}')]}
    server.answer(*stream_of({"content": "so"}, pieces, finish="length"))
    result = await call(provider)
    assert (result.code, result.text) == ("MODEL_CUT", "so")
    assert "max_tokens" in result.message


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_reasoning_comes_apart(server: FakeOpenAI, provider: OpenAI, field: str):
    server.answer(*stream_of({field: "hm, "}, {field: "well"}, {"content": "yes"}))
    result = await call(provider)
    assert (result.final.entry.thinking, result.text) == ("hm, well", "yes")
    assert isinstance(result.events[0], ThinkDelta)


@pytest.mark.parametrize("cut", range(1, 27))
async def test_reasoning_in_tags_comes_apart_wherever_it_is_cut(
    server: FakeOpenAI, provider: OpenAI, cut: int
):
    text = "\n<think>a < b</think>\n\nyes <think> no"
    server.answer(*text_stream(text[:cut], text[cut:]))
    result = await call(provider)
    assert (result.final.entry.thinking, result.text) == ("a < b", "yes <think> no")


@pytest.mark.parametrize(
    ("pieces", "thinking", "text"),
    [
        (["<", "thin", "g>"], "", "<thing>"),
        (["<thin"], "", "<thin"),
        (["<think>on and", " on</th"], "on and on</th", ""),
        (["  ", "text"], "", "  text"),
    ],
)
async def test_what_only_looks_like_a_tag_is_kept(
    server: FakeOpenAI, provider: OpenAI, pieces: list[str], thinking: str, text: str
):
    server.answer(*text_stream(*pieces))
    result = await call(provider)
    assert (result.final.entry.thinking, result.text) == (thinking, text)


@pytest.mark.parametrize(
    ("finish", "stop"),
    [("stop", "end"), ("length", "length"), ("eos", "end"), ("tool_calls", "end")],
)
async def test_why_it_stopped(server: FakeOpenAI, provider: OpenAI, finish: str, stop: str):
    server.answer(*stream_of({"content": "x"}, finish=finish))
    assert (await call(provider)).final.entry.stop == stop


async def test_odd_but_harmless_streams(server: FakeOpenAI, provider: OpenAI):
    """Byte order mark, CRLF, comments, empty and foreign chunks, parts as content, odd usage."""
    odd: list[Any] = [
        chunk({"content": [{"type": "text", "text": "a"}]}, usage=usage(1, 1)),
        {"choices": None},
        {"choices": [None]},
        {"choices": [{"index": 1, "delta": {"content": "another choice"}}]},
        {"choices": [{"delta": {"content": 5, "tool_calls": [None]}}]},
        chunk({"content": "b"}, usage={"prompt_tokens": "many"}),
        chunk({}, "stop"),
    ]
    stream = b"\xef\xbb\xbf: hello\n\n" + b"".join(map(event, odd)) + DONE
    server.answer(stream.replace(b"\n", b"\r\n"), content_type="text/plain")
    result = await call(provider)
    assert (result.text, result.final.entry.usage) == ("ab", Usage(1, 1))


async def test_lone_surrogates_are_made_storable(server: FakeOpenAI, provider: OpenAI):
    server.answer(*text_stream("a\ud800b\0"))
    assert (await call(provider)).text == "a\ufffdb\ufffd"


async def test_a_refused_parameter_is_left_out_from_then_on(server: FakeOpenAI, provider: OpenAI):
    """Acceptance 192: a model that cannot reason answers all the same."""
    server.refuse(400, error("Unrecognized request argument supplied: reasoning_effort"))
    for _ in range(2):
        server.answer(*text_stream("ok"))
        assert (await call(provider, thinking="low")).text == "ok"
    asked = [request.body.get("reasoning_effort") for request in server.requests]
    assert asked == ["low", None, None]


async def test_the_new_name_of_the_output_limit_is_learnt(server: FakeOpenAI, provider: OpenAI):
    server.refuse(400, error("Unsupported: 'max_tokens'. Use 'max_completion_tokens' instead."))
    server.answer(*text_stream("ok"))
    await call(provider, max_tokens=9)
    assert "max_tokens" not in server.requests[1].body
    assert server.requests[1].body["max_completion_tokens"] == 9


async def test_without_a_key_the_makers_server_is_not_even_asked():
    provider = OpenAI("openai")
    result = await call(provider)
    assert result.code == "NO_CREDENTIALS"
    assert "providers.openai.api_key" in result.message
    await provider.close()


TOOLS = [ToolSpec("weather", "Sky.", {"type": "object"})]
WRITTEN = '{"name": "weather", "arguments": {"city": "Oslo"}}'


async def test_a_call_written_as_text_is_made(server: FakeOpenAI, provider: OpenAI):
    server.answer(*text_stream("I look.\n", WRITTEN[:20], WRITTEN[20:]))
    server.answer(*text_stream(WRITTEN))
    entry = (await call(provider, tools=TOOLS)).final.entry
    assert [(one.name, one.args) for one in entry.calls] == [("weather", {"city": "Oslo"})]
    assert (entry.stop, entry.text) == ("tools", "I look.")
    assert (await call(provider)).text == WRITTEN  # no tools were on offer: it is an answer


async def test_064_a_model_that_refuses_tools_is_asked_without_and_it_is_said(
    server: FakeOpenAI, provider: OpenAI
):
    server.refuse(400, error("this model does not support tools"))
    for _ in range(2):
        server.answer(*text_stream("ok"))
    first, second = await call(provider, tools=TOOLS), await call(provider, tools=TOOLS)
    assert [one.code for one in first.events if isinstance(one, Notice)] == ["NO_TOOLS"]
    assert not any(isinstance(one, Notice) for one in second.events)
    assert ["tools" in request.body for request in server.requests] == [True, False, False]
