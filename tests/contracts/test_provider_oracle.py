"""The official client as an oracle: it asks what we ask, and reads from one server what we read."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.lib.streaming.chat import ChatCompletionStreamState

from bot.providers.openai import OpenAI
from bot.types import Entry, ModelRequest, ToolCall, ToolSpec
from tests.contracts.provider import KEY, Result, call, openai
from tests.fakes import openai_echo
from tests.fakes.openai_server import FakeOpenAI, call_piece, stream_of, text_stream, whole

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PIECES = [
    [call_piece(0, "call_a", "weather", "")],
    [call_piece(0, None, None, '{"city":')],
    [call_piece(1, "call_b", "time", "{}"), call_piece(0, None, None, '"Oslo"}')],
]
STREAMS: dict[str, list[bytes]] = {
    "text": text_stream("Hel", "lo, ", "wörld 🙂"),
    "nothing": stream_of(),
    "cut off": stream_of({"content": "Hello"}, finish="length"),
    "refusal": stream_of({"refusal": "I can"}, {"refusal": "not."}),
    "calls": stream_of(*({"tool_calls": one} for one in PIECES), finish="tool_calls"),
    "text and calls": stream_of(
        {"content": "Let me see."}, *({"tool_calls": one} for one in PIECES), finish="tool_calls"
    ),
}
FUNCTION = {"name": "weather", "arguments": '{"city":"Oslo"}'}
DOCUMENTS = {
    "text": whole({"content": "Hello, wörld 🙂"}),
    "calls": whole(
        {"tool_calls": [{"id": "call_a", "type": "function", "function": FUNCTION}]}, "tool_calls"
    ),
}


@pytest.fixture
async def ours(server: FakeOpenAI) -> AsyncIterator[OpenAI]:
    provider = openai(server)
    yield provider
    await provider.close()


@pytest.fixture
async def official(server: FakeOpenAI) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=server.url, api_key=KEY, max_retries=0) as client:
        yield client


def messages() -> Iterator[dict[str, Any]]:
    """A conversation as the documentation writes it."""
    yield {"role": "system", "content": "Be brief."}
    yield {"role": "user", "content": "Weather in Oslo?"}
    function = {"name": "weather", "arguments": '{"city":"Oslo"}'}
    tool_calls = [{"id": "call_a", "type": "function", "function": function}]
    yield {"role": "assistant", "content": None, "tool_calls": tool_calls}
    yield {"role": "tool", "tool_call_id": "call_a", "content": "rain"}
    yield {"role": "assistant", "content": "Rain."}
    url = "data:image/png;base64,AAAA"
    image = {"type": "image_url", "image_url": {"url": url}}
    yield {"role": "user", "content": [{"type": "text", "text": "And é 🙂?"}, image]}


def entries() -> list[Entry]:
    """The same conversation as a transcript."""
    asked = ToolCall("call_a", "weather", '{"city":"Oslo"}', {"city": "Oslo"})
    image = {"kind": "image", "url": "data:image/png;base64,AAAA"}
    return [
        Entry("user", "Weather in Oslo?", 1.0),
        Entry("assistant", "", 2.0, calls=(asked,), stop="tools"),
        Entry("tool", "rain", 3.0, call_id="call_a", name="weather"),
        Entry("assistant", "Rain.", 4.0, stop="end"),
        Entry("user", "And é 🙂?", 5.0, attachments=(image,)),
    ]


async def test_our_request_is_the_official_one(
    server: FakeOpenAI, ours: OpenAI, official: AsyncOpenAI
):
    """Field for field, and with the same headers where they matter."""
    server.answer(*text_stream("ok"))
    server.answer(*text_stream("ok"))
    function = {"name": "weather", "description": "The weather.", "parameters": WEATHER}
    stream = await official.chat.completions.create(
        model="fake-1",
        messages=list(messages()),  # type: ignore[arg-type]
        tools=[{"type": "function", "function": function}],  # type: ignore[list-item]
        temperature=0.2,
        top_p=0.9,
        max_tokens=500,
        reasoning_effort="high",
        stream=True,
        stream_options={"include_usage": True},
    )
    assert [chunk async for chunk in stream]
    tools = [ToolSpec("weather", "The weather.", WEATHER)]
    params = {"temperature": 0.2, "top_p": 0.9}
    request = ModelRequest("fake-1", "Be brief.", entries(), tools, "high", params, 500)
    await call(ours, request)
    theirs, our = server.requests
    assert our.body == theirs.body
    assert our.path == theirs.path
    for header in ("Authorization", "Content-Type"):
        assert our.headers[header] == theirs.headers[header]


async def official_answer(client: AsyncOpenAI) -> Any:
    """One streamed answer, put together by the official client."""
    state = ChatCompletionStreamState()
    stream = await client.chat.completions.create(
        model="fake-1",
        messages=[{"role": "user", "content": "hello"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    async for chunk in stream:
        state.handle_chunk(chunk)
    return state.current_completion_snapshot


def assert_same(our: Result, theirs: Any) -> None:
    """Text, calls, usage and the reason to stop."""
    choice, entry = theirs.choices[0], our.final.entry
    message = choice.message
    assert entry.text == (message.content or message.refusal or "")
    calls = [
        (one.id, one.function.name, one.function.arguments) for one in message.tool_calls or ()
    ]
    assert [(one.id, one.name, one.arguments) for one in entry.calls] == calls
    assert [one.args for one in entry.calls] == [json.loads(arguments) for _, _, arguments in calls]
    assert entry.usage is not None
    spent = (theirs.usage.prompt_tokens, theirs.usage.completion_tokens)
    assert (entry.usage.input, entry.usage.output) == spent
    stops = {"stop": "end", "length": "length", "tool_calls": "tools"}
    assert entry.stop == stops[choice.finish_reason]


@pytest.mark.parametrize("name", STREAMS)
async def test_we_read_a_stream_as_the_official_client_does(
    server: FakeOpenAI, ours: OpenAI, official: AsyncOpenAI, name: str
):
    server.answer(*STREAMS[name])
    server.answer(*STREAMS[name])
    theirs = await official_answer(official)
    assert_same(await call(ours), theirs)


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_we_read_a_whole_answer_as_the_official_client_does(
    server: FakeOpenAI, ours: OpenAI, official: AsyncOpenAI, name: str
):
    for _ in range(2):
        server.answer(DOCUMENTS[name], content_type="application/json")
    theirs = await official.chat.completions.create(
        model="fake-1", messages=[{"role": "user", "content": "hello"}]
    )
    assert_same(await call(ours), theirs)


async def test_the_echo_server_speaks_to_both():
    """The server of the benchmarks is understood by the official client too."""
    server = await openai_echo.start()
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    provider = openai(url)
    async with AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0) as client:
        theirs = await official_answer(client)
        our = await call(provider)
        assert [model.id async for model in client.models.list()] == ["echo"]
    assert_same(our, theirs)
    assert our.text == "echo: hello"
    await provider.close()
    server.close()
    await server.wait_closed()
