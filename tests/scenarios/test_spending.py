"""What models cost: counted by day, agent, session and model, and held to the limits."""

import asyncio
from pathlib import Path

import pytest

from bot.gateway import runs as waiting
from bot.store import runs
from tests.contracts.cli_support import Trunkline
from tests.contracts.gateway_product import Desk, opened
from tests.fakes.openai_server import FakeOpenAI, call_piece, stream_of, text_stream

MAIN = "agent:main:main"
# 7 tokens in and 3 out at these prices: one dollar a call.
PRICES = "cost: {input: 100000, output: 100000}"


def config(server: FakeOpenAI, limits: str = "") -> str:
    return f"""
agents: [{{id: main, model: far/m}}]
limits: {{{limits}}}
providers:
  far:
    {{api: openai, base_url: "{server.url}", api_key: k, models: [{{id: m, {PRICES}}}, {{id: n}}]}}
"""


async def refused(desk: Desk, key: str = MAIN) -> str:
    end = await desk.say("hi", key)
    assert end["state"] == "error"
    waited = await desk.ok("agent.wait", runId=end["runId"])
    assert waited["error"]["code"] == "BUDGET"
    return str(waited["error"]["message"])


async def test_a_session_that_has_cost_its_limit_asks_no_model(tmp_path: Path):
    """The others go on, and /new begins with nothing spent."""
    async with FakeOpenAI() as server:
        for _ in range(4):
            server.answer(*text_stream("fine"))
        async with opened(tmp_path / "state", config(server, "session_cost: 2")) as desk:
            await desk.say("hi")
            await desk.say("hi")
            assert "$2.00 of $2.00" in await refused(desk)
            assert (await desk.say("/compact"))["state"] == "error"
            assert len(server.requests) == 2
            assert (await desk.say("hi", f"{MAIN}:chat:b"))["state"] == "final"
            await desk.ok("sessions.reset", sessionKey=MAIN)
            assert (await desk.say("hi"))["state"] == "final"


async def test_a_day_that_has_cost_its_limit_is_over_for_all_also_after_a_restart(tmp_path: Path):
    state = tmp_path / "state"
    async with FakeOpenAI() as server:
        server.answer(*text_stream("fine"))
        async with opened(state, config(server, "daily_cost: 1")) as desk:
            await desk.say("hi")
        async with opened(state, config(server, "daily_cost: 1")) as desk:
            desk.keys = iter(range(100, 200))
            assert "day is spent" in await refused(desk, f"{MAIN}:chat:b")
            assert (await desk.say("/usage"))["state"] == "final"
    assert len(server.requests) == 1


async def test_a_run_stops_between_its_calls(tmp_path: Path):
    """What it has used until then is counted."""
    async with FakeOpenAI() as server:
        call = {"tool_calls": [call_piece(0, "c1", "session_status", "{}")]}
        server.answer(*stream_of(call, finish="tool_calls"))
        async with opened(tmp_path / "state", config(server, "session_cost: 1")) as desk:
            assert "session is spent" in await refused(desk)
            summary = await desk.ok("usage.summary", sessionKey=MAIN)
    assert len(server.requests) == 1
    assert summary["session"]["cost"] == pytest.approx(1.0)


async def test_what_has_no_price_is_said_to_be_unknown(tmp_path: Path):
    state = tmp_path / "state"
    async with FakeOpenAI() as server:
        for _ in range(2):
            server.answer(*text_stream("fine"))
        async with opened(state, config(server)) as desk:
            await desk.say("hi")
            await desk.ok("sessions.patch", sessionKey=f"{MAIN}:chat:b", model="far/n")
            await desk.say("hi", f"{MAIN}:chat:b")
            summary = await desk.ok("usage.summary", days=7)
            here = (await desk.say("/usage"))["message"]["text"]
            there = (await desk.say("/usage", f"{MAIN}:chat:b"))["message"]["text"]
        words = ("usage", "--config", str(state / "config.yaml"))
        shown = await asyncio.to_thread(Trunkline(state).ok, *words)
    assert summary["total"] == {
        "runs": 2,
        "inputTokens": 14,
        "outputTokens": 6,
        "cost": pytest.approx(1.0),
        "unpriced": 1,
    }
    costs = {row["name"]: row["cost"] for row in summary["byModel"]}
    assert costs == {"far/m": pytest.approx(1.0), "far/n": None}
    assert [row["name"] for row in summary["byAgent"]] == ["main"]
    assert len(summary["byDay"]) == 1
    assert "This session: 1 run, 7 tokens in, 3 out, $1.0000" in here
    assert "This session: 1 run, 7 tokens in, 3 out, cost unknown for 1 run" in there
    assert "2 runs, 14 tokens in, 6 out, $1.0000 and unknown for 1 of 2 runs" in shown


async def test_099_a_run_that_begins_again_replaces_its_error(tmp_path: Path, monkeypatch):
    """Who waits hears the later end; who asks without waiting, what is known."""
    monkeypatch.setattr(waiting, "GRACE", 20.0)
    async with FakeOpenAI() as server:
        server.answer(*text_stream("fine"))
        async with opened(tmp_path / "state", config(server)) as desk:
            end = await desk.say("hi")
            run, tx, now = end["runId"], desk.core.engine.tx, desk.core.clock.now
            await tx(runs.end(run, "error", now(), error={"code": "MODEL_CUT", "message": "cut"}))
            at_once = await desk.ok("agent.wait", runId=run, timeoutMs=0)
            assert (at_once["status"], at_once["error"]["code"]) == ("error", "MODEL_CUT")
            wait = asyncio.create_task(desk.ok("agent.wait", runId=run, timeoutMs=60_000))
            await asyncio.sleep(0)
            await tx(runs.begin(run, "s", now()))
            await tx(runs.end(run, "ok", now(), reply="later"))
            assert await wait | {"startedAt": "", "endedAt": ""} == {
                "status": "ok", "startedAt": "", "endedAt": "", "reply": "later",
                "usage": {"inputTokens": 0, "outputTokens": 0},
            }  # fmt: skip
