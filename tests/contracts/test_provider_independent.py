"""The provider against servers that others wrote, where they are installed.

`pipx install llmock` and `npm install --global @copilotkit/aimock` bring them.
"""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.types import Entry, ToolSpec
from tests.contracts.provider import call, openai

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [ToolSpec("get_weather", "The weather.", WEATHER)]
FIXTURES = [
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


async def test_llmock_answers_calls_tools_and_fails_as_the_real_ones_do(llmock: str):
    provider = openai(llmock + "/v1", idle_timeout=0.5)
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
    await provider.close()


async def test_aimock_answers_and_calls_tools(aimock: str):
    provider = openai(aimock + "/v1")
    assert (await call(provider)).text == "Hello! How can I help?"
    weather = [Entry("user", "the weather?", 1.0)]
    (asked,) = (await call(provider, tools=TOOLS, entries=weather)).final.entry.calls
    assert (asked.name, asked.args) == ("get_weather", {"city": "Oslo"})
    assert (await call(provider, entries=[Entry("user", "slow", 1.0)])).code == "MODEL_RATE_LIMIT"
    await provider.close()
