"""What only Ollama's own API has: what a model can is asked, and so is its window."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ollama import AsyncClient

from bot.providers.http import Refused
from bot.providers.ollama import Ollama, native_base
from bot.types import Entry, ModelRequest, Notice, ToolCall, ToolSpec
from tests.contracts.provider import KEY, StillClock, call
from tests.fakes.ollama_server import (
    FakeOllama,
    end,
    error,
    line,
    stream_of,
    text_stream,
)  # fmt: skip
from tests.fakes.ollama_server import (
    call as made,
)

PNG = base64.b64encode(b"\x89PNG").decode()
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [ToolSpec("weather", "Sky.", WEATHER)]
TEXT_CALL = '{"name": "weather", "arguments": {"city": "Oslo"}}'


@pytest.fixture
async def server() -> AsyncIterator[FakeOllama]:
    async with FakeOllama() as server:
        yield server


@pytest.fixture
async def ours(server: FakeOllama) -> AsyncIterator[Ollama]:
    provider = Ollama("fake", server.url, clock=StillClock())
    yield provider
    await provider.close()


PASTED = ["", "/", "/v1", "/v1/", "/api", "/api/chat", "/v1/chat/completions"]


@pytest.mark.parametrize("ending", PASTED)
async def test_064_a_pasted_path_is_taken_off(server: FakeOllama, ending: str):
    provider = Ollama("fake", server.url + ending)
    server.answer(*text_stream("ok"))
    assert (await call(provider)).text == "ok"
    await provider.close()
    assert native_base("http://host/ollama/v1") == "http://host/ollama"


WINDOWS = [
    ({"length": 32768}, None, 32768),
    ({"length": 32768, "parameters": "stop x\nnum_ctx   16384\n"}, None, 16384),
    ({"length": 32768, "parameters": "num_ctx 16384"}, 20000, 20000),
    ({"length": 4096}, 20000, 4096),
]


@pytest.mark.parametrize(("shown", "wished", "window"), WINDOWS)
async def test_the_window_is_asked_for(
    server: FakeOllama, shown: dict[str, Any], wished: int | None, window: int
):
    server.has("fake-1", **shown)
    windows = {"fake-1": wished} if wished else None
    provider = Ollama("fake", server.url, windows=windows)
    assert provider.window("fake-1") == wished
    for _ in range(2):
        server.answer(*text_stream("ok"))
        await call(provider)
    assert provider.window("fake-1") == window
    assert [one.body["options"]["num_ctx"] for one in server.requests] == [window] * 2
    assert len(server.lists) == 1  # asked once about the model
    await provider.close()


async def test_064_a_model_without_tools_answers_without_and_says_so_once(
    server: FakeOllama, ours: Ollama
):
    server.has("fake-1")
    for _ in range(2):
        server.answer(*text_stream("ok"))
    first, second = await call(ours, tools=TOOLS), await call(ours, tools=TOOLS)
    told = [event for event in first.events if isinstance(event, Notice)]
    assert [one.code for one in told] == ["NO_TOOLS"]
    assert not any(isinstance(event, Notice) for event in second.events)
    assert all("tools" not in request.body for request in server.requests)
    assert (first.text, second.text) == ("ok", "ok")


async def test_064_an_old_server_that_only_refuses_tools(server: FakeOllama, ours: Ollama):
    server.documents["/api/show"] = {}
    server.refuse(400, error("registry.ollama.ai/library/x does not support tools"))
    for _ in range(2):
        server.answer(*text_stream("ok"))
    result = await call(ours, tools=TOOLS)
    assert any(isinstance(event, Notice) for event in result.events)
    await call(ours, tools=TOOLS)
    assert ["tools" in request.body for request in server.requests] == [True, False, False]


THINKS = [
    (("thinking",), "qwen3", "high", True),
    (("thinking",), "qwen3", "off", False),
    (("thinking",), "gptoss", "minimal", "low"),
    (("thinking",), "gptoss", "off", None),
    ((), "llama", "high", None),
]


@pytest.mark.parametrize(("can", "family", "level", "think"), THINKS)
async def test_192_thinking_is_asked_for_where_there_is_some(
    server: FakeOllama, ours: Ollama, can: tuple[str, ...], family: str, level: Any, think: Any
):
    server.has("fake-1", *can, family=family)
    server.answer(*text_stream("ok"))
    await call(ours, thinking=level)
    assert server.requests[0].body.get("think") == think


async def test_a_model_that_is_not_there(server: FakeOllama, ours: Ollama):
    result = await call(ours, model="llama9")
    assert (result.code, server.requests) == ("MODEL_NOT_FOUND", [])
    assert "model 'llama9' not found" in result.message


@pytest.mark.parametrize("answer", [(404, "404 page not found"), (405, {}), {"nothing": "known"}])
async def test_a_server_that_cannot_describe_models_is_asked_all_the_same(
    server: FakeOllama, ours: Ollama, answer: Any
):
    server.documents["/api/show"] = answer
    server.answer(*text_stream("ok"))
    assert (await call(ours)).text == "ok"
    assert "options" not in server.requests[0].body


async def test_models_are_found_with_what_they_can(server: FakeOllama, ours: Ollama):
    server.has("small", length=2048)
    fake, small = await ours.models()
    assert (fake.id, fake.window, fake.tools, fake.images, fake.thinking) == (
        *("fake-1", 8192, True, True, True),
    )
    assert (small.window, small.tools) == (2048, False)
    server.documents["/api/tags"] = (500, {"error": "busy"})
    with pytest.raises(Refused, match="busy"):
        await ours.models()


async def test_a_call_written_as_text_is_made(server: FakeOllama, ours: Ollama):
    server.answer(*text_stream("I look.\n", TEXT_CALL[:9], TEXT_CALL[9:]))
    entry = (await call(ours, tools=TOOLS)).final.entry
    assert [(one.name, one.args) for one in entry.calls] == [("weather", {"city": "Oslo"})]
    assert (entry.stop, entry.text) == ("tools", "I look.")


async def test_a_call_of_a_missing_tool_written_as_text_is_never_shown_raw(
    server: FakeOllama, ours: Ollama
):
    server.answer(*text_stream(TEXT_CALL.replace("weather", "ghost")))
    result = await call(ours, tools=TOOLS)
    assert result.text == "[The model tried to call a tool that does not exist: ghost.]"
    assert result.final.entry.calls == ()


async def test_a_call_written_twice_is_made_once(server: FakeOllama, ours: Ollama):
    """As text and as it should be."""
    calls = {"tool_calls": [made("weather", {"city": "Oslo"})]}
    server.answer(*stream_of({"content": TEXT_CALL}, calls))
    entry = (await call(ours, tools=TOOLS)).final.entry
    assert len(entry.calls) == 1


async def test_a_text_call_at_the_output_limit_is_not_made(server: FakeOllama, ours: Ollama):
    server.answer(line({"content": TEXT_CALL}), end("length"))
    assert "raise max_tokens" in (await call(ours, tools=TOOLS)).message


async def test_the_last_line_needs_no_end(server: FakeOllama, ours: Ollama):
    server.answer(line({"content": "ok"}), end().rstrip())
    assert (await call(ours)).text == "ok"


async def test_the_key_is_optional(server: FakeOllama):
    provider = Ollama("fake", server.url, [KEY])
    server.answer(*text_stream("ok"))
    await call(provider)
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    await provider.close()


async def test_our_request_is_the_official_one(server: FakeOllama, ours: Ollama):
    """Field for field."""
    server.has("fake-1", "tools", "thinking", "vision", length=4096)
    for _ in range(2):
        server.answer(*text_stream("ok"))
    asked = {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}
    official = AsyncClient(host=server.url)
    stream = await official.chat(
        model="fake-1",
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "See?", "images": [PNG]},
            {"role": "assistant", "content": "", "tool_calls": [asked]},
            {"role": "tool", "content": "rain", "tool_name": "weather"},
        ],
        tools=[
            {
                "type": "function",
                "function": {"name": "weather", "description": "Sky.", "parameters": WEATHER},
            }
        ],
        think=True,
        options={"temperature": 0.2, "num_predict": 50, "num_ctx": 4096},
        stream=True,
    )
    assert [part async for part in stream][-1].done
    await official._client.aclose()
    picture = {"kind": "image", "url": f"data:image/png;base64,{PNG}"}
    entries = [
        Entry("user", "See?", 1.0, attachments=(picture,)),
        Entry(
            "assistant",
            "",
            2.0,
            calls=(ToolCall("c1", "weather", '{"city":"Oslo"}', {"city": "Oslo"}),),
            thinking="hm",
        ),
        Entry("tool", "rain", 3.0, call_id="c1", name="weather"),
    ]
    params = {"temperature": 0.2}
    await call(ours, ModelRequest("fake-1", "Be brief.", entries, TOOLS, "high", params, 50))
    theirs, our = (request.body for request in server.requests)
    # What this client does not send, and the documentation has.
    assert our["messages"][2].pop("thinking") == "hm"
    assert our["messages"][2].pop("content") == ""
    assert our["messages"][3].pop("tool_call_id") == "c1"
    assert our == theirs


async def test_we_read_a_stream_as_the_official_client_does(server: FakeOllama, ours: Ollama):
    calls = {"tool_calls": [made("weather", {"city": "Oslo"})]}
    for _ in range(2):
        server.answer(*stream_of({"thinking": "hm"}, {"content": "Hé"}, {"content": "llo"}, calls))
    official = AsyncClient(host=server.url)
    stream = await official.chat("fake-1", [{"role": "user", "content": "hello"}], stream=True)
    parts = [part async for part in stream]
    await official._client.aclose()
    entry = (await call(ours, tools=TOOLS)).final.entry
    assert entry.text == "".join(part.message.content or "" for part in parts)
    assert entry.thinking == "".join(part.message.thinking or "" for part in parts)
    theirs = [one.function for part in parts for one in part.message.tool_calls or ()]
    assert [(one.name, one.args) for one in entry.calls] == [
        (one.name, dict(one.arguments)) for one in theirs
    ]
    assert entry.usage is not None
    last = parts[-1]
    assert (entry.usage.input, entry.usage.output) == (last.prompt_eval_count, last.eval_count)
