"""Killed at every step of a scheduled run: its due time runs once, and its result is told once."""

import asyncio
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.contract import Address, Author, Message, Ref
from bot.engine.port import Sql, Wake
from bot.engine.postgres import connect, put, run_script
from bot.schedule.recipients import announced
from bot.steps import STEPS
from bot.store import tasks
from bot.store.migrations import open_store
from bot.types import Task
from tests.kill.checks import wrong
from tests.kill.house import House, house

pytestmark = pytest.mark.kill

KINDS = ("idempotent", "keyless")
CHECK = '[[demo tool count {"what": "x"}]][[demo text Needs deeper analysis: yes\nFound it]]'
OWN = tuple(step for step in STEPS if step.startswith(("sched.", "task.")))
TURN = ("lane.woken", "lane.claimed", "turn.prompted", "turn.streaming", "turn.streamed")
TURN += ("turn.called", "tool.intended", "tool.ran", "tool.recorded")
TURN += ("turn.committing", "turn.committed")
OUT = ("out.woken", "out.sending", "out.sent", "out.receipt")


def schedule(
    home: House,
    kind: str,
    prompt: str,
    policy: dict[str, object],
    after: float = 0.0,
    delivery: dict[str, str] | None = None,
    to: str = "ada",
) -> None:
    """Put a task that is due `after` seconds into the store; its result goes `to` somebody.

    A program that runs is told of it on PostgreSQL only.
    """
    now = time.time() + after
    place = Address(kind, kind, to)
    moment = datetime.fromtimestamp(now, UTC)
    task = Task(
        id="task-watch-0a1b2c",
        agent="main",
        session=f"agent:main:{kind}:{kind}:direct:{to}",
        name="Watch",
        prompt=prompt,
        schedule={"kind": "at", "at": moment.isoformat()},
        zone="UTC",
        policy=policy,
        delivery=delivery or announced(place),
        requester=f"{kind}:ada",
        asked=Message(Ref(place, "m1"), Author("ada", "Ada"), "", moment, "direct"),
        next_at=now,
        created_at=now,
        updated_at=now,
    )
    # The wakes are not needed for a program that starts: it looks at its tables.
    if home.store is not None:
        with connect(home.store) as shared:
            wakes: list[Wake] = []
            run_script(shared, tasks.put(task), wakes)
            for wake in wakes:
                run_script(shared, put({wake: after}), [])
        return
    path = home.state / "trunkline.db"
    open_store(path)
    with closing(sqlite3.connect(path)) as store, store:
        script = tasks.put(task)
        step = next(script, None)
        while step is not None:
            found = []
            if isinstance(step, Sql):
                found = store.execute(step.text, tuple(step.params)).fetchall()
            try:
                step = script.send(found)
            except StopIteration:
                step = None


async def expect_once(home: House, kind: str, expected: str, runs: list[str]) -> None:
    await home.quiet()
    rows = home.rows("SELECT * FROM task_runs ORDER BY created_at, id")
    assert [row["cause"] for row in rows] == runs, home.log()
    assert all(row["status"] == "ok" and row["settled_at"] for row in rows), home.log()
    seen = home.platforms[kind].visible("ada")
    assert list(wrong(seen, [expected], kind == "keyless")) == [], seen
    assert len(home.counted()) <= len(runs), "a tool ran twice in one run"
    [task] = home.rows("SELECT * FROM tasks")
    assert (task["enabled"], task["because"], task["runs"]) == (0, "done", len(runs))
    lines = home.rows(
        "SELECT body FROM entries e JOIN sessions s ON s.id = e.session "
        "WHERE s.key LIKE '%:direct:ada'"
    )
    assert len(lines) == 1 and expected in lines[0]["body"]
    await expect_receipt(home)


async def expect_receipt(home: House) -> None:
    """What became of the one delivery is known a moment after people see it."""
    known: list[str] = []
    for _ in range(20):
        rows = home.rows("SELECT delivery FROM task_runs WHERE delivery <> 'not-requested'")
        known = [row["delivery"] for row in rows]
        if known == ["delivered"]:
            return
        await home.quiet()
    raise AssertionError(known)


async def killed_at(step: str, kind: str, state: Path) -> None:
    async with house(state, kind) as home:
        schedule(home, kind, CHECK, {"mode": "cheap", "escalate": True, "skills": ["count"]})
        await home.start(crash_at=step)
        assert await home.died(), f"{step} was never reached on {kind}"
        await home.start()
        await expect_once(home, kind, "Found it", ["due", "strong"])


@pytest.mark.parametrize("step", [*OWN, *TURN, *OUT])
async def test_a_kill_anywhere_leaves_one_run_for_each_due_time_and_one_delivery(
    step: str, tmp_path: Path
):
    ended = await asyncio.gather(
        *(killed_at(step, kind, tmp_path / kind) for kind in KINDS), return_exceptions=True
    )
    failures = [error for error in ended if isinstance(error, Exception)]
    if failures:
        raise ExceptionGroup(step, failures)


async def test_kills_again_and_again_change_nothing_of_that(tmp_path: Path):
    """The check, its judgement, the strong run, its judgement and its delivery, each killed."""
    async with house(tmp_path, "idempotent") as home:
        policy = {"mode": "cheap", "escalate": True, "skills": ["count"]}
        schedule(home, "idempotent", CHECK, policy)
        for step in ("sched.fired", "turn.committed", "task.settling", "task.settled"):
            await home.start(crash_at=step)
            assert await home.died(), step
        for step in ("turn.streamed", "turn.committing", "task.settling", "out.sent"):
            await home.start(crash_at=step)
            await home.died()
            await home.kill()
        await home.start()
        await expect_once(home, "idempotent", "Found it", ["due", "strong"])


@pytest.mark.parametrize("step", [*OWN, "out.sending", "out.sent"])
async def test_a_reminder_survives_a_kill_too(step: str, tmp_path: Path):
    async with house(tmp_path, "idempotent") as home:
        schedule(home, "idempotent", "remember the milk", {"mode": "text"})
        await home.start(crash_at=step)
        assert await home.died(), f"{step} was never reached"
        await home.start()
        await expect_once(home, "idempotent", "remember the milk", ["due"])
