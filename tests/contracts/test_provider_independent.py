"""The provider against servers that others wrote, where they are installed.

`pipx install llmock` and `npm install --global @copilotkit/aimock` bring them.
"""

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.providers.probe import Lists, live_test
from bot.types import Entry, ToolSpec
from tests.contracts.dialects import DIALECTS, Dialect
from tests.contracts.provider import call

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [ToolSpec("get_weather", "The weather.", WEATHER)]
FAULTS: list[dict[str, Any]] = [
    {"type": "stream_fault", "kind": "truncate", "after_chunks": 2},
    {"type": "stream_fault", "kind": "malformed", "after_chunks": 2},
    {"type": "stream_fault", "kind": "disconnect", "after_chunks": 2},
    {"type": "fail", "status": 401},
    {"type": "fail", "status": 429, "retry_after": 3},
]
FIXTURES = [
    {"match": {"userMessage": "Answer with"}, "response": {"content": "OK"}},
    {
        "match": {"userMessage": "ponder"},
        "response": {"content": "42", "reasoning": "Let me think."},
    },
    {"match": {"userMessage": "hello"}, "response": {"content": "Hello! How can I help?"}},
    {
        "match": {"userMessage": "weather"},
        "response": {"toolCalls": [{"name": "get_weather", "arguments": {"city": "Oslo"}}]},
    },
    {
        "match": {"userMessage": "slow"},
        "response": {"error": {"message": "slow down", "type": "rate_limit_error"}, "status": 429},
    },
]


@asynccontextmanager
async def running(program: str, *args: str) -> AsyncIterator[str]:
    """Start a server that is on the PATH, on a free port; its URL."""
    path = shutil.which(program)
    if path is None and os.environ.get("CI"):
        pytest.fail(f"needs {program} on the PATH: nothing is skipped here")
    if path is None:
        pytest.skip(f"needs {program} on the PATH, see the top of this file")
    pipe = asyncio.subprocess.PIPE
    both = {"stdout": pipe, "stderr": asyncio.subprocess.STDOUT}
    process = await asyncio.create_subprocess_exec(path, *args, **both)  # type: ignore[arg-type]
    assert process.stdout is not None
    try:
        yield await listening(process.stdout)
    finally:
        process.terminate()
        await process.communicate()


async def listening(output: asyncio.StreamReader) -> str:
    """Read what a server says until it says where it listens."""
    async with asyncio.timeout(30):
        while line := (await output.readline()).decode():
            if url := re.search(r"(?:listening|running) on (http://127\.0\.0\.1:[1-9]\d*)", line):
                return url[1]
    raise AssertionError("the server ended before it listened")


@pytest.fixture
async def llmock() -> AsyncIterator[str]:
    async with running("llmock", "serve", "--port", "0", "--response-style", "echo") as url:
        yield url


@pytest.fixture
async def aimock(tmp_path: Path) -> AsyncIterator[str]:
    fixtures, config = tmp_path / "fixtures.json", tmp_path / "config.json"
    fixtures.write_text(json.dumps({"fixtures": FIXTURES}))
    config.write_text(json.dumps({"llm": {"fixtures": str(fixtures)}}))
    async with running("aimock", "--port", "0", "--config", str(config)) as url:
        yield url


async def behave(url: str, **behaviour: Any) -> None:
    """Tell llmock how to answer the next request."""
    async with aiohttp.ClientSession() as session:
        told = {"behaviors": [behaviour]}
        async with session.post(url + "/_llmock/scenario", json=told) as response:
            assert response.status < 300, await response.text()


@dataclass(frozen=True)
class Served:
    """A wire format as these servers have it: its reader, and where it is on each."""

    dialect: Dialect
    aimock: str
    llmock: str | None = None


OPENAI, ANTHROPIC, OLLAMA = DIALECTS
AIMOCK = [Served(OPENAI, "/v1"), Served(ANTHROPIC, ""), Served(OLLAMA, "")]
LLMOCK = [Served(OPENAI, "", "/v1"), Served(ANTHROPIC, "", "/anthropic")]


def name_of(served: Served) -> str:
    return served.dialect.name


@pytest.mark.parametrize("served", LLMOCK, ids=name_of)
async def test_llmock_answers_calls_tools_and_fails_as_the_real_ones_do(
    llmock: str, served: Served
):
    provider = served.dialect.provider(f"{llmock}{served.llmock}", idle_timeout=0.5)
    good = await call(provider)
    assert "hello" in good.text
    assert good.final.entry.usage is not None
    (asked,) = (await call(provider, tools=TOOLS)).final.entry.calls
    assert (asked.name, set(asked.args or ())) == ("get_weather", {"city"})
    for kind, code in [
        ("disconnect", "MODEL_CUT"),
        ("truncate", "MODEL_CUT"),
        ("malformed", "MODEL_CUT"),
        ("stall", "MODEL_STALL"),
    ]:
        more = {"stall_seconds": 5} if kind == "stall" else {}
        await behave(llmock, type="stream_fault", kind=kind, after_chunks=2, **more)
        assert (await call(provider)).code == code, kind
    await behave(llmock, type="tool_fault", kind="malformed_arguments")
    assert (await call(provider, tools=TOOLS)).final.entry.calls[0].args is None
    await behave(llmock, type="fail", status=429, retry_after=3)
    failure = (await call(provider)).final.failure
    assert failure is not None
    assert (failure.code, failure.retry_after) == ("MODEL_RATE_LIMIT", 3.0)
    await behave(llmock, type="fail", status=529)
    assert (await call(provider)).code == "MODEL_OVERLOADED"
    await provider.close()


async def test_llmock_takes_the_result_of_its_call(llmock: str):
    """A whole round of tools with the messages API: ids and blocks are as it wants them."""
    provider = ANTHROPIC.provider(f"{llmock}/anthropic")
    asked = (await call(provider, tools=TOOLS)).final.entry
    result = Entry("tool", "rain", 3.0, call_id=asked.calls[0].id, name="get_weather")
    entries = [Entry("user", "hello", 1.0), asked, result]
    answer = await call(provider, tools=TOOLS, entries=entries)
    assert (answer.final.entry.stop, answer.final.failure) == ("end", None)
    await provider.close()


@pytest.mark.parametrize("served", LLMOCK, ids=name_of)
async def test_llmock_finds_no_fault_with_us(llmock: str, served: Served):
    """Its verdict on whoever does as our failures say: what was cut is asked again, what was
    refused for good is not. How long to wait between is the run's business, not the provider's."""
    provider = served.dialect.provider(f"{llmock}{served.llmock}", idle_timeout=0.5)
    for number, told in enumerate(FAULTS):
        await behave(llmock, **told)
        question = [Entry("user", f"question {number}, please", 1.0)]
        failure = (await call(provider, entries=question)).final.failure
        assert failure is not None
        if failure.retryable and failure.retry_after is None:
            assert (await call(provider, entries=question)).final.failure is None
    await provider.close()
    async with aiohttp.ClientSession() as session, session.get(llmock + "/_llmock/verdict") as got:
        verdict = await got.json()
    assert verdict["passed"] is True, verdict
    # It takes asking again behind a broken piece for another call, and warns of the first.
    warned = {one["code"] for one in verdict["findings"]}
    assert warned <= {"gave_up", "no_backoff", "malformed_chunk_ignored"}


@pytest.mark.parametrize("served", AIMOCK, ids=name_of)
async def test_aimock_answers_and_calls_tools(aimock: str, served: Served):
    provider = served.dialect.provider(aimock + served.aimock)
    assert (await call(provider)).text == "Hello! How can I help?"
    weather = [Entry("user", "the weather?", 1.0)]
    (asked,) = (await call(provider, tools=TOOLS, entries=weather)).final.entry.calls
    assert (asked.name, asked.args) == ("get_weather", {"city": "Oslo"})
    assert (await call(provider, entries=[Entry("user", "slow", 1.0)])).code == "MODEL_RATE_LIMIT"
    thought = await call(provider, entries=[Entry("user", "ponder", 1.0)])
    assert (thought.final.entry.thinking, thought.text) == ("Let me think.", "42")
    await provider.close()


@pytest.mark.parametrize("served", AIMOCK, ids=name_of)
async def test_aimock_lists_its_models(aimock: str, served: Served):
    provider = served.dialect.provider(aimock + served.aimock)
    assert isinstance(provider, Lists)
    assert await provider.models()
    assert (await live_test(provider, "gpt-4o"))["ok"] is True
    await provider.close()
