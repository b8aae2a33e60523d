"""Runs from outside: who leaves stops nothing, how long they may take, what agents may call."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.cli.inside import core_of
from bot.gateway.local import Local
from bot.gateway.methods import table
from bot.testing.clock import VirtualClock
from bot.testing.running import running
from bot.types import ModelRequest
from tests.contracts.cli_support import Trunkline
from tests.contracts.gateway_product import MAIN, opened
from tests.fakes.openai_server import FakeOpenAI, text_stream
from tests.scenarios.kit import Watch, run_row, scripted


async def test_152_a_client_that_goes_leaves_its_run_to_end(tmp_path: Path):
    """A second client, in the place of the first, finds the whole answer in the history."""
    state = tmp_path / "state"
    async with opened(state) as desk:
        sent = await desk.send("[[demo stream 20 20]]")
        await desk.growing(sent["runId"])
        await desk.socket.ws.close()
        async with desk.again() as other:
            ended = await other.ok("agent.wait", runId=sent["runId"])
            messages = (await other.ok("chat.history", sessionKey=MAIN))["messages"]
    assert ended["status"] == "ok"
    assert messages[-1]["text"] == ended["reply"] and len(ended["reply"].split()) == 20


@pytest.mark.parametrize(
    ("config", "words", "seconds"),
    [
        ("agents: [{id: main}]", [], 600.0),
        ("agents: [{id: main}]", ["--timeout", "7"], 7.0),
        ("agents: [{id: main, timeout: 90s}]", [], None),
    ],
)
def test_149_the_command_line_gives_a_run_ten_minutes_unless_told_otherwise(
    tmp_path: Path, config: str, words: list[str], seconds: float | None
):
    """None: the request says nothing, so that the agent's own limit counts."""
    trunkline = Trunkline(tmp_path / "home")
    trunkline.config(config)
    assert trunkline.json("agent", "--message", "hi", "--local", *words)["status"] == "ok"
    with sqlite3.connect(trunkline.home / "trunkline.db") as store:
        [(options,)] = store.execute("SELECT options FROM inbox").fetchall()
    assert json.loads(options).get("timeout") == seconds


async def test_020_a_service_is_offered_to_the_agent_that_lists_it_alone(tmp_path: Path):
    async with FakeOpenAI() as server:
        config = f"""
agents:
  - {{id: x, model: far/m, tools: {{allow: [web_search]}}}}
  - {{id: y, model: far/m}}
providers: {{far: {{api: openai, base_url: "{server.url}", api_key: k}}}}
"""
        async with opened(tmp_path / "state", config) as desk:
            for agent in ("x", "y"):
                server.answer(*text_stream("fine"))
                await desk.say("hi", f"agent:{agent}:main")
    offered = [
        {one["function"]["name"] for one in asked.body["tools"]} for asked in server.requests
    ]
    assert ["web_search" in names for names in offered] == [True, False]


@asynccontextmanager
async def writing(state: Path) -> AsyncIterator[tuple[VirtualClock, Local]]:
    """A client of a process in which the run `r1` does not end."""
    clock = VirtualClock()
    async with running(state, clock=clock, scripted=True) as bench:
        core = core_of(bench.app)
        scripted(bench).on("hi", [asyncio.Event()])
        await bench.ask("hi", "r1")
        await bench.settle()
        client = Local(table(core), bench.app.hub, core.view)
        yield clock, client
        client.close()


@pytest.mark.parametrize(("params", "seconds"), [({}, 30), ({"timeoutMs": 45_000}, 45)])
async def test_148_a_wait_takes_half_a_minute_unless_told_otherwise(
    tmp_path: Path, params: dict[str, int], seconds: int
):
    async with writing(tmp_path) as (clock, client):
        asked = asyncio.create_task(client.request("agent.wait", {"runId": "r1", **params}))
        await clock.advance(seconds - 0.5)
        assert not asked.done()
        await clock.advance(0.5)
        answer = await asked
    assert answer["status"] == "timeout" and answer["endedAt"] is None


async def test_148_a_wait_of_nothing_returns_at_once(tmp_path: Path):
    """This clock stands still until a test lets time pass."""
    async with writing(tmp_path) as (_, client):
        answer = await client.request("agent.wait", {"runId": "r1", "timeoutMs": 0})
    assert answer["status"] == "timeout" and answer["endedAt"] is None


class Bare:
    """A model that breaks its promise to end with how it went."""

    def __init__(self, raises: bool) -> None:
        self.raises = raises

    async def stream(self, request: ModelRequest):  # type: ignore[no-untyped-def]
        if self.raises:
            raise ZeroDivisionError
        for nothing in ():
            yield nothing

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("raises", [False, True])
async def test_087_a_model_without_an_end_ends_its_run_once(tmp_path: Path, raises: bool):
    async with running(tmp_path, scripted=True) as bench:
        watch = Watch(bench)
        assert bench.model is not None
        bench.model.stream = Bare(raises).stream  # type: ignore[method-assign]
        await bench.ask("hi", "r1")
        await bench.app.engine.idle()
        assert watch.kinds("r1").count("Finished") == 1
        assert (await run_row(bench, "r1"))["state"] == "error"
