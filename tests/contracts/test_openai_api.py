"""The official client of OpenAI's API against the running gateway."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import openai
import pytest

from bot.engine.port import Row, Script
from bot.engine.port import q as _q
from tests.contracts.gateway_kit import BEARER, TOKEN
from tests.contracts.gateway_product import CONFIG, Desk, opened
from tests.fakes.openai_server import FakeOpenAI, stream_of

ON = CONFIG + "gateway: {openai_api: true}\n"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()


@asynccontextmanager
async def client(state: Path, config: str = ON) -> AsyncIterator[tuple[Desk, openai.AsyncOpenAI]]:
    async with (
        opened(state, config) as desk,
        openai.AsyncOpenAI(base_url=f"{desk.url}/v1", api_key=TOKEN, timeout=30) as api,
    ):
        yield desk, api


def said(*texts: str) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[at % 2], "content": text} for at, text in enumerate(texts)]


async def test_an_agent_answers_and_says_what_it_used(tmp_path: Path) -> None:
    async with client(tmp_path) as (_, api):
        answer = await api.chat.completions.create(
            model="agent:main", messages=said("[[demo text hello]]")
        )
        assert answer.choices[0].message.content == "hello"
        assert answer.choices[0].finish_reason == "stop"
        assert answer.model == "agent:main"
        assert answer.usage is not None and answer.usage.prompt_tokens > 0
        assert answer.usage.total_tokens == (
            answer.usage.prompt_tokens + answer.usage.completion_tokens
        )


async def test_a_model_is_asked_through_the_default_agent(tmp_path: Path) -> None:
    async with client(tmp_path) as (desk, api):
        answer = await api.chat.completions.create(model="demo/second", messages=said("hi"))
        assert "hi" in (answer.choices[0].message.content or "")
        story = await desk.ok("why", id=answer.id)
        assert story["run"]["status"] == "ok"


async def test_models_are_agents_and_models(tmp_path: Path) -> None:
    async with client(tmp_path) as (_, api):
        names = [one.id async for one in api.models.list()]
        assert {"agent:main", "agent:other", "demo/demo", "demo/second"} <= set(names)
        assert (await api.models.retrieve("demo/demo")).id == "demo/demo"
        with pytest.raises(openai.NotFoundError):
            await api.models.retrieve("nobody/nothing")


async def test_a_stream_grows_and_ends_with_its_usage(tmp_path: Path) -> None:
    async with client(tmp_path) as (_, api):
        stream = await api.chat.completions.create(
            model="agent:main",
            messages=said("[[demo stream 8 20]]"),
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
        pieces = [one.choices[0].delta.content or "" for one in chunks if one.choices]
        whole = "".join(pieces)
        assert len(whole.split()) == 8 and len([piece for piece in pieces if piece]) > 1
        assert [one.choices[0].finish_reason for one in chunks if one.choices][-1] == "stop"
        assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens > 0
        assert not chunks[-1].choices and len({one.id for one in chunks}) == 1


async def test_where_an_answer_ends_is_said_in_the_words_of_the_api(tmp_path: Path) -> None:
    async with FakeOpenAI() as server:
        far = f"providers: {{far: {{api: openai, base_url: {server.url}, api_key: k}}}}\n"
        config = ON.replace("demo/second: {}", "far/m: {}") + far
        config = config.replace("name: Assistant", "name: Assistant, model: far/m")
        async with client(tmp_path, config) as (_, api):
            asked = {"model": "agent:main", "messages": said("hi")}
            server.answer(*stream_of({"content": "as far as it g"}, finish="length"))
            answer = await api.chat.completions.create(**asked)
            assert answer.choices[0].finish_reason == "length"
            server.answer(*stream_of({"content": "as far as it g"}, finish="length"))
            chunks = [one async for one in await api.chat.completions.create(**asked, stream=True)]
            assert [one.choices[0].finish_reason for one in chunks][-1] == "length"
            server.answer(*stream_of({"content": "no"}, finish="content_filter"))
            with pytest.raises(openai.BadRequestError) as refused:
                await api.chat.completions.create(**asked)
            assert refused.value.code == "content_filter"
            # In the middle of a stream the error is its last event.
            server.answer(*stream_of({"content": "It begins well, "}, finish="content_filter"))
            stream = await api.chat.completions.create(**asked, stream=True)
            with pytest.raises(openai.APIError) as cut:
                _ = [one async for one in stream]
            assert cut.value.code == "content_filter"


async def test_what_is_sent_is_remembered_only_for_a_user(tmp_path: Path) -> None:
    async with client(tmp_path) as (desk, api):
        await api.chat.completions.create(model="agent:main", messages=said("one"), user="Ada L")
        await api.chat.completions.create(model="agent:main", messages=said("two"), user="Ada L")
        kept = await desk.ok("chat.history", sessionKey="agent:main:api:ada%20l", exact=True)
        assert [row["text"] for row in kept["messages"] if row["role"] == "user"] == ["one", "two"]
        await api.chat.completions.create(model="agent:main", messages=said("three"))
        rows = (await desk.ok("sessions.list"))["sessions"]
        assert [row["sessionKey"] for row in rows if row["kind"] == "api"] == [
            "agent:main:api:ada%20l"
        ]


async def test_a_stateless_request_brings_its_own_history(tmp_path: Path) -> None:
    async with client(tmp_path) as (desk, api):
        messages = [{"role": "system", "content": "Speak like a sailor."}]
        messages += said("earlier", "an answer", "[[demo text now]]")
        answer = await api.chat.completions.create(model="agent:main", messages=messages)
        run = await desk.ok("agent.wait", runId=answer.id)
        assert run["reply"] == "now"
        row = await desk.core.engine.read(_session_of(answer.id))
        texts = [(one.role, one.text) for one in await desk.core.sessions.history(row, 10)]
        assert texts == [
            ("user", "earlier"),
            ("assistant", "an answer"),
            ("user", "[[demo text now]]"),
            ("assistant", "now"),
        ]


def _session_of(run: str) -> Script[str]:
    rows = yield _q("SELECT session FROM runs WHERE id = ?", run)
    return str(rows[0]["session"])


async def test_a_picture_reaches_the_agent_as_a_file(tmp_path: Path) -> None:
    async with client(tmp_path) as (desk, api):
        content = [
            {"type": "text", "text": "what is this?"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        ]
        await api.chat.completions.create(
            model="agent:main", messages=[{"role": "user", "content": content}], user="eve"
        )
        kept = await desk.ok("chat.history", sessionKey="agent:main:api:eve", exact=True)
        file = kept["messages"][0]["attachments"][0]
        assert (file["kind"], file["mime"], file["size"]) == ("image", "image/png", 48)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "image_url", "image_url": {"url": "http://127.0.0.1/a.png"}}
                        ],
                    }
                ]
            },
            "messages[0].content",
        ),
    ],
)
async def test_what_cannot_be_honoured_is_refused(
    tmp_path: Path, change: dict[str, object], param: str
) -> None:
    async with client(tmp_path) as (_, api):
        body = {"model": "agent:main", "messages": said("hi"), **change}
        with pytest.raises(openai.BadRequestError) as refused:
            await api.chat.completions.create(**body)  # type: ignore[call-overload]
        assert refused.value.param == param and refused.value.type == "invalid_request_error"


async def test_an_unknown_agent_and_a_wrong_key(tmp_path: Path) -> None:
    async with client(tmp_path) as (_, api):
        with pytest.raises(openai.NotFoundError) as missing:
            await api.chat.completions.create(model="agent:nobody", messages=said("hi"))
        assert missing.value.code == "model_not_found"
        with pytest.raises(openai.AuthenticationError):
            await api.with_options(api_key="wrong").models.list()


async def test_a_failed_run_is_an_error_once(tmp_path: Path) -> None:
    async with client(tmp_path) as (desk, api):
        with pytest.raises(openai.APIStatusError) as failed:
            await api.chat.completions.create(
                model="agent:main", messages=said("[[demo error 500]]")
            )
        assert failed.value.status_code >= 500
        with pytest.raises(openai.RateLimitError) as slowed:
            await api.chat.completions.create(
                model="agent:main", messages=said("[[demo error 429]]")
            )
        assert slowed.value.type == "rate_limit_error"
        rows = await desk.core.engine.read(_runs())
        assert len(rows) == 2  # the client has not tried again


def _runs() -> Script[list[Row]]:
    return (yield _q("SELECT id, state FROM runs"))


async def test_who_hangs_up_stops_the_run(tmp_path: Path) -> None:
    async with client(tmp_path) as (desk, api):
        stream = await api.chat.completions.create(
            model="agent:main", messages=said("[[demo stream 2000 50]]"), stream=True
        )
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                break
        await stream.close()
        async with asyncio.timeout(30):
            ended = await desk.ok("agent.wait", runId=chunk.id, timeoutMs=25000)
        assert ended["error"]["code"] == "ABORTED"


async def test_it_is_off_until_switched_on(tmp_path: Path) -> None:
    async with client(tmp_path, CONFIG) as (desk, api):
        with pytest.raises(openai.NotFoundError, match=r"gateway\.openai_api"):
            await api.chat.completions.create(model="agent:main", messages=said("hi"))
        async with aiohttp.ClientSession() as http:
            answer = await http.get(f"{desk.url}/v1/models")
            assert answer.status == 401 and "error" in await answer.json()
            answer = await http.post(
                f"{desk.url}/v1/chat/completions", headers=BEARER, data="model=x"
            )
            assert answer.status == 415
