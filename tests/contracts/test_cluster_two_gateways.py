"""Two real gateways on one PostgreSQL: whoever watches at either sees, stops and decides all."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.cli_support import Running, Trunkline
from tests.contracts.gateway_kit import TOKEN
from tests.contracts.gateway_product import MAIN, Talk, signed_in
from tests.contracts.postgres_kit import database

AT_MOST = 0.3  # seconds until what is decided at one gateway is done at the other
TRIALS = 5
CONFIG = """
store: {{url: "{url}"}}
limits: {{per_sender: null}}
agents:
  - id: main
    tools: {{allow: [exec], exec: {{security: full, ask: off}}}}
  - id: asks
    tools: {{allow: [exec], exec: {{security: full, ask: always}}}}
"""


@pytest.fixture
def empty() -> Iterator[str]:
    with database(empty=True) as made:
        yield made


class Machine:
    """A home of its own, as on another machine, with the same store and the same token."""

    def __init__(self, folder: Path, url: str, more: str = "") -> None:
        folder.mkdir()
        self.program = Trunkline(folder / "home")
        self.program.config(CONFIG.format(url=url) + more)
        (self.program.home / "token").write_text(TOKEN)

    def ran(self, mark: str, agent: str = "main") -> bool:
        """Was it this machine on which a run made this file?"""
        return (self.program.home / "workspaces" / agent / mark).exists()

    @contextmanager
    def up(self) -> Iterator[Running]:
        with self.program.up() as running:
            yield running


@asynccontextmanager
async def client(running: Running) -> AsyncIterator[Talk]:
    async with signed_in(running.url, ["tool-events"]) as socket:
        yield Talk(socket, running.url)


@asynccontextmanager
async def pair(tmp_path: Path, url: str) -> AsyncIterator[tuple[list[Machine], list[Talk]]]:
    """Two machines, up, each with a client."""
    machines = [Machine(tmp_path / name, url) for name in ("one", "two")]
    with machines[0].up() as first, machines[1].up() as second:
        async with client(first) as one, client(second) as two:
            yield machines, [one, two]


def checked(talk: Talk, run: str) -> list[dict[str, Any]]:
    """The events of a run at one client: in order, with one end."""
    seen = talk.of(run, "agent")
    numbers = [one["seq"] for one in seen]
    assert numbers == sorted(set(numbers)), numbers
    assert len([one for one in talk.of(run, "chat") if one["state"] != "delta"]) == 1
    return seen


def text_of(events: list[dict[str, Any]]) -> str:
    return str([one["data"]["text"] for one in events if one["stream"] == "assistant"][-1])


def growth(events: list[dict[str, Any]]) -> list[float]:
    """When each piece of the answer was made, in seconds."""
    said = [one for one in events if one["stream"] == "assistant"]
    return [datetime.fromisoformat(one["ts"]).timestamp() for one in said]


async def drained(talk: Talk) -> None:
    """Everything that was sent before this is read."""
    await talk.ok("health")


def mark(name: str) -> str:
    return f"[[demo tool exec {json.dumps({'command': f'touch {name}'})}]]"


async def test_a_run_is_seen_live_and_ends_once_at_both(tmp_path: Path, empty: str):
    async with pair(tmp_path, empty) as (machines, (one, two)):
        for number in range(2):
            for here, there in ((one, two), (two, one)):
                run = f"r{number}-{here is one}"
                text = f"{mark(run)}[[demo stream 60 20]]"
                await here.ok("chat.send", sessionKey=MAIN, message=text, idempotencyKey=run)
                ends = [await here.end(run), await there.end(run)]
                assert [end["state"] for end in ends] == ["final", "final"]
                assert ends[0]["message"]["text"] == ends[1]["message"]["text"]
                for talk in (here, there):
                    seen = checked(talk, run)
                    assert {"lifecycle", "tool", "assistant"} <= {one["stream"] for one in seen}
                    assert text_of(seen).endswith("word60")
                away = there if machines[0 if here is one else 1].ran(run) else here
                pieces = growth(away.of(run, "agent"))
                assert 3 <= len(pieces) <= 2 + 10 * (pieces[-1] - pieces[0] + 0.2), pieces


async def test_commands_are_answered_to_both(tmp_path: Path, empty: str):
    async with pair(tmp_path, empty) as (_, (one, two)):
        for number, here in enumerate((one, two, one, two)):
            run = f"c{number}"
            await here.ok("chat.send", sessionKey=MAIN, message="/help", idempotencyKey=run)
            for talk in (one, two):
                assert "/stop" in (await talk.end(run))["message"]["text"]
                await drained(talk)
                checked(talk, run)


async def test_waiting_at_the_other_costs_no_second(tmp_path: Path, empty: str):
    async with pair(tmp_path, empty) as (_, (one, two)):
        late = []
        for number in range(TRIALS * 2):
            run = f"w{number}"
            for talk in (one, two):
                await drained(talk)
            text = "[[demo stream 10 30]]"
            await one.ok("agent", message=text, idempotencyKey=run, sessionKey=MAIN)
            waits = [
                asyncio.create_task(_waited(talk, run)) for talk in (one, two)
            ]  # one of them waits where the run is not
            times = [await wait for wait in waits]
            late.append(max(times) - min(times))
        print(f"\nthe later of two waits: {_figures(late)}")
        assert sorted(late)[len(late) // 2] < AT_MOST


async def test_a_task_run_now_is_waited_for_at_any(tmp_path: Path, empty: str):
    """Who waits is told of the judgement, wherever the task was run and judged."""
    async with pair(tmp_path, empty) as (_, talks):
        key = {"idempotencyKey": "made", "sessionKey": MAIN}
        added = await talks[0].ok("tasks.add", text="every day at 3:00 look", **key)
        late = []
        for number in range(TRIALS * 2):
            named = {"id": added["id"], "idempotencyKey": f"t{number}"}
            waits = [asyncio.create_task(_task_run(talk, named)) for talk in talks]
            times = [await wait for wait in waits]
            late.append(max(times) - min(times))
        print(f"\nthe later of two who wait for a task's run: {_figures(late)}")
        assert sorted(late)[TRIALS] < AT_MOST


async def _task_run(talk: Talk, named: dict[str, str]) -> float:
    row = await talk.ok("tasks.run", **named)
    assert row["status"] == "ok", row
    return time.monotonic()


async def _waited(talk: Talk, run: str) -> float:
    answer = await talk.ok("agent.wait", runId=run, timeoutMs=60_000)
    assert answer["status"] == "ok"
    return time.monotonic()


@pytest.mark.parametrize("how", ["abort", "stop"])
async def test_a_stop_reaches_the_run_in_the_other(tmp_path: Path, empty: str, how: str):
    async with pair(tmp_path, empty) as (machines, talks):
        took = []
        for number in range(TRIALS):
            run = f"{how}{number}"
            text = f"{mark(run)}[[demo stream 2000 50]]"
            await talks[0].ok("chat.send", sessionKey=MAIN, message=text, idempotencyKey=run)
            for talk in talks:
                await talk.growing(run)
            away = talks[1] if machines[0].ran(run) else talks[0]
            began = time.monotonic()
            if how == "abort":
                assert (await away.ok("chat.abort", sessionKey=MAIN))["aborted"] == [run]
            else:
                said = {"message": "/stop", "idempotencyKey": f"now{number}"}
                await away.ok("chat.send", sessionKey=MAIN, **said)
            assert (await away.end(run))["state"] == "aborted"
            took.append(time.monotonic() - began)
            for talk in talks:
                assert (await talk.end(run))["state"] == "aborted"
                checked(talk, run)
        print(f"\n{how} at the other gateway: {_figures(took)}")
        assert sorted(took)[TRIALS // 2] < AT_MOST


async def test_an_approval_is_shown_and_decided_at_the_other(tmp_path: Path, empty: str):
    key = "agent:asks:main"
    async with pair(tmp_path, empty) as (machines, talks):
        took = []
        for number in range(TRIALS):
            run = f"a{number}"
            sent = {"sessionKey": key, "message": mark(run), "idempotencyKey": run}
            await talks[number % 2].ok("chat.send", **sent)
            cards = [(await talk.socket.event("approval.requested"))["payload"] for talk in talks]
            assert cards[0] == cards[1]
            decider = talks[number // 2 % 2]
            began = time.monotonic()
            await decider.ok("approvals.resolve", id=cards[0]["id"], decision="allow-once")
            for talk in talks:
                assert (await talk.end(run))["state"] == "final"
                gone = [one for one in talk.socket.events if one["event"] == "approval.resolved"]
                assert gone[-1]["payload"]["id"] == cards[0]["id"]
                assert (await talk.ok("approvals.list"))["approvals"] == []
            if not machines[talks.index(decider)].ran(run, "asks"):
                took.append(time.monotonic() - began)
        print(f"\napproved elsewhere, to the end at both: {_figures(took)}")


async def test_who_comes_in_the_middle_sees_how_far_it_is(tmp_path: Path, empty: str):
    one, two = Machine(tmp_path / "one", empty), Machine(tmp_path / "two", empty)
    with one.up() as first, two.up() as second:
        async with client(first) as here:
            text = f"{mark('mid')}[[demo stream 2000 20]]"
            await here.ok("chat.send", sessionKey=MAIN, message=text, idempotencyKey="mid")
            await here.growing("mid")
            away = second if one.ran("mid") else first
            async with client(away) as there:
                await there.growing("mid")
                history = await there.ok("chat.history", sessionKey=MAIN)
                active = history["activeRun"]
                assert active["runId"] == "mid" and active["text"].startswith("word1 word2")
                before = len(there.of("mid", "agent"))
                while len(there.of("mid", "agent")) < before + 3:
                    there.socket.events.append(await there.socket.frame())
                for event in there.of("mid", "agent")[before:]:
                    assert event["seq"] > active["seq"]
                    assert event["data"]["text"].startswith(active["text"])
                await there.ok("chat.abort", sessionKey=MAIN)
                assert (await there.end("mid"))["state"] == "aborted"
                assert (await there.ok("chat.history", sessionKey=MAIN))["activeRun"] is None


async def test_a_run_whose_process_dies_is_ended_by_the_other_and_told_once(
    tmp_path: Path, empty: str
):
    one, two = Machine(tmp_path / "one", empty), Machine(tmp_path / "two", empty)
    with one.up() as first, two.up() as second:
        async with client(first) as here, client(second) as there:
            text = f"{mark('cut')}[[demo stream 100 50]]"
            await here.ok("chat.send", sessionKey=MAIN, message=text, idempotencyKey="cut")
            for talk in (here, there):
                await talk.growing("cut")
            dying, left = (first, there) if one.ran("cut") else (second, here)
            dying.process.kill()
            end = await left.end("cut")
            assert end["state"] == "final" and end["message"]["text"].endswith("word100")
            await drained(left)
            seen = checked(left, "cut")
            assert [e["data"]["phase"] for e in seen if e["stream"] == "lifecycle"] == [
                *("start", "start", "end")
            ]
            shown = (await left.ok("chat.history", sessionKey=MAIN))["messages"]
            assert [line["role"] for line in shown].count("user") == 1
            assert shown[-1]["text"].endswith("word100")


def _figures(took: list[float]) -> str:
    """The middle and the longest, in milliseconds."""
    if not took:
        return "none"
    middle = sorted(took)[len(took) // 2]
    return f"p50 {middle * 1000:.0f} ms, longest {max(took) * 1000:.0f} ms of {len(took)}"
