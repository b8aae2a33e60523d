"""The clock of tasks: each due time once, or a row that says why not."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.engine.port import Script, q
from bot.errors import RequestError
from bot.schedule.clock import run_id
from bot.store import task_lists, task_runs, tasks
from bot.testing.clock import VirtualClock
from tests.scenarios.clock_kit import (
    HOUR,
    MADE,
    REFUSED,
    House,
    a_task,
    config,
    cron,
    house_on,
)

ID = "task-a-000001"
MINUTELY = {"kind": "every", "everyMs": 60_000, "anchorMs": MADE * 1000}


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(MADE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
async def house(path: Path, clock: VirtualClock) -> AsyncIterator[House]:
    async with house_on(path, clock) as one:
        yield one


async def test_every_due_time_runs_once_at_its_time(house: House, clock: VirtualClock):
    await house.add(a_task())
    await clock.advance(5.5 * HOUR)
    assert house.hours() == [1, 2, 3, 4, 5]
    assert house.fired[0][0] == f"{ID}@20260302-010000"
    task = await house.task()
    assert (task.runs, task.last_run_at) == (5, MADE + 5 * HOUR)
    assert task.next_at == MADE + 6 * HOUR


def test_runs_have_names_that_survive_a_session_key():
    assert run_id(ID, MADE, "due") == f"{ID}@20260302-000000"
    assert run_id(ID, MADE + 0.1234, "manual") == f"{ID}@20260302-000000-123.manual"


async def test_a_restart_runs_nothing_again_and_loses_nothing(path: Path, clock: VirtualClock):
    async with house_on(path, clock) as house:
        await house.add(a_task())
        await clock.advance(1.5 * HOUR)
        assert house.hours() == [1]
    for number in range(3):
        async with house_on(path, clock) as house:
            await clock.advance(HOUR)
            assert house.hours() == [2 + number]


async def test_two_processes_run_each_due_time_once(path: Path, clock: VirtualClock):
    async with (
        house_on(path, clock, start=False) as one,
        house_on(path, clock, start=False) as other,
    ):
        await one.add(*(a_task(f"task-a-{number:06}") for number in range(60)))
        for _ in range(5):
            clock.jump(HOUR)
            await asyncio.gather(one.clock.tick(), other.clock.tick())
        runs = [run for run, _ in one.fired + other.fired]
        assert len(runs) == len(set(runs)) == 300


async def test_a_loop_that_stalls_for_some_seconds_loses_no_single_time(
    house: House, clock: VirtualClock
):
    at = {"kind": "at", "at": MADE + 30}
    await house.add(a_task(schedule=at, missed="skip"))
    clock.jump(45)
    await clock.advance(60)
    assert len(house.fired) == 1
    task = await house.task()
    assert (task.enabled, task.next_at) == (True, None), "it is switched off when it is judged"


async def test_a_run_that_is_still_on_is_not_doubled(house: House, clock: VirtualClock):
    house.instant = False
    await house.add(a_task())
    await clock.advance(2.5 * HOUR)
    assert len(house.fired) == 1
    assert [row[1:] for row in await house.story()] == [
        ("running", None),
        ("skipped", "The run before is still on"),
    ]
    await house.end(house.fired[0][0])
    await clock.advance(HOUR)
    assert house.hours() == [1, 3]


async def test_queue_lets_one_run_wait_for_the_one_before(house: House, clock: VirtualClock):
    house.instant = False
    await house.add(a_task(overlap="queue"))
    await clock.advance(3.5 * HOUR)
    assert house.hours() == [1]
    story = await house.story()
    assert [status for _, status, _ in story] == ["running", "running", "skipped"]
    assert story[1][2] == "It waits for the run before it"
    await house.end(house.fired[0][0])
    await clock.settle()
    assert house.hours() == [1, 3.5]
    assert house.fired[1][0] == f"{ID}@20260302-020000"
    assert (await house.story())[1][1:] == ("running", None)


async def test_a_run_that_waits_survives_a_restart(path: Path, clock: VirtualClock):
    async with house_on(path, clock, instant=False) as house:
        await house.add(a_task(overlap="queue"))
        await clock.advance(2.5 * HOUR)
    async with house_on(path, clock, start=False) as house:
        # Ended, and killed before anybody looked for what waits.
        await house.end(f"{ID}@20260302-010000")
    async with house_on(path, clock) as house:
        assert [run for run, _ in house.fired] == [f"{ID}@20260302-020000"]


async def test_what_waits_is_dropped_with_its_reason_when_the_task_is_paused(
    house: House, clock: VirtualClock
):
    house.instant = False
    await house.add(a_task(overlap="queue"))
    await clock.advance(2.5 * HOUR)
    task = replace(await house.task(), enabled=False, because="paused by Ada", next_at=None)
    await house.engine.tx(tasks.change(task, clock.now()))
    await house.end(house.fired[0][0])
    await clock.settle()
    assert len(house.fired) == 1
    assert (await house.story())[1][1:] == ("skipped", "The task was switched off: paused by Ada")


async def test_two_runs_of_a_task_are_two_seconds_apart(house: House, clock: VirtualClock):
    await house.add(a_task())
    await clock.advance(HOUR - 1)
    await house.engine.tx(house.clock.start(await house.task(), "manual", clock.now()))
    await clock.advance(60)
    assert [at - MADE for _, at in house.fired] == [3599, 3601]
    assert (await house.task()).next_at == MADE + 2 * HOUR


async def test_nothing_runs_while_tasks_are_off_and_then_it_was_missed(
    path: Path, clock: VirtualClock
):
    async with house_on(path, clock, "tasks: {enabled: false}") as house:
        await house.add(a_task())
        await clock.advance(2.5 * HOUR)
        assert (house.fired, await house.runs()) == ([], [])
        house.config = config()
        await clock.advance(61)
        assert [status for _, status, _ in await house.story()] == ["skipped", "ok"]


@pytest.mark.parametrize(
    ("agents", "why"),
    [
        (
            "agents: [{id: main}, {id: watch, enabled: false}]",
            "The agent watch is switched off",
        ),
        ("agents: [{id: main}]", "The agent watch is gone, and no other runs its tasks"),
    ],
)
async def test_an_agent_that_is_off_runs_nothing_and_no_other_does_it(
    path: Path, clock: VirtualClock, agents: str, why: str
):
    async with house_on(path, clock, agents) as house:
        await house.add(a_task(agent="watch"))
        await clock.advance(2.5 * HOUR)
        assert house.fired == []
        assert [row[1:] for row in await house.story()] == [("skipped", why)] * 2
        with pytest.raises(RequestError, match=why):
            await house.engine.tx(house.clock.start(await house.task(), "manual", clock.now()))
        house.config = config("agents: [{id: main}, {id: watch}]")
        await clock.advance(HOUR)
        assert house.hours() == [3], "the task went on, and is there when its agent is"


async def test_a_limit_of_runs_an_hour_is_kept_and_told(house: House, clock: VirtualClock):
    await house.add(a_task(schedule=MINUTELY, maxRunsPerHour=3))
    await clock.advance(HOUR + 150)
    assert [round((at - MADE) / 60) for _, at in house.fired] == [1, 2, 3, 61, 62]
    story = await house.story()
    assert story[3][1:] == ("skipped", "Its limit of 3 runs an hour is reached")


async def test_what_cannot_begin_is_told_and_the_next_time_tries_again(
    house: House, clock: VirtualClock
):
    house.refuse = REFUSED
    await house.add(a_task())
    await clock.advance(1.5 * HOUR)
    assert [row[1:] for row in await house.story()] == [("skipped", "The session is gone")]
    house.refuse = None
    await clock.advance(HOUR)
    assert house.hours() == [2]


async def test_a_task_that_breaks_the_clock_is_switched_off_and_the_others_run(
    house: House, clock: VirtualClock
):
    bad = replace(a_task("task-bad"), schedule={"kind": "never"})
    await house.add(bad, a_task())
    await clock.advance(HOUR + 90)
    assert len(house.fired) == 1
    assert (await house.task("task-bad")).enabled
    await clock.advance(90)
    task = await house.task("task-bad")
    assert (task.enabled, task.next_at) == (False, None)
    assert (task.because or "").startswith("it could not be started 3 times: schedule.kind must")
    assert [status for _, status, _ in await house.story("task-bad")] == ["skipped"]


async def test_by_hand_retry_and_strong_leave_the_grid_alone(house: House, clock: VirtualClock):
    off = replace(a_task(), enabled=False, because="paused", next_at=None)
    await house.add(off, a_task("task-on"))
    manual = await house.engine.tx(house.clock.start(off, "manual", clock.now()))
    assert manual == f"{ID}@20260302-000000.manual"
    on = await house.task("task-on")
    await clock.advance(90)
    due = MADE + 7.0
    strong = house.clock.start(on, "strong", clock.now(), due=due, strong=True)
    assert await house.engine.tx(strong) == "task-on@20260302-000007.strong"
    again = house.clock.start(on, "strong", clock.now(), due=due, strong=True)
    assert await house.engine.tx(again) is None, "one strong run for each cue"
    await house.engine.tx(house.clock.start(on, "retry", clock.now()))
    assert (await house.task("task-on")).next_at == MADE + HOUR
    assert (await house.task("task-on")).runs == 2
    assert (await house.task()).next_at is None


async def test_history_is_bounded_and_keeps_what_is_on(path: Path, clock: VirtualClock):
    async with house_on(path, clock, "tasks: {keep_runs: 5}") as house:
        house.instant = False
        await house.add(a_task())
        await clock.advance(HOUR)
        await clock.advance(20 * HOUR)
        rows = await house.story()
        assert [(due, status) for due, status, _ in rows] == [
            (1, "running"),
            *((hour, "skipped") for hour in range(17, 22)),
        ]


async def test_reading_moves_no_due_time(house: House, clock: VirtualClock):
    await house.add(a_task())
    clock.jump(3 * HOUR)
    before = await house.task()
    for _ in range(3):
        await house.engine.read(task_lists.listing(session=before.session))
        await house.engine.read(task_runs.history(ID, 5))
    assert await house.task() == before


async def test_a_cron_task_runs_at_the_minute_that_it_names(house: House, clock: VirtualClock):
    """No surprise: the top of the hour is the top of the hour."""
    await house.add(*(a_task(f"task-{number}", cron("0 * * * *")) for number in range(20)))
    await clock.advance(HOUR)
    assert {at for _, at in house.fired} == {MADE + HOUR}


async def test_only_what_is_due_is_looked_at(path: Path, clock: VirtualClock):
    async with house_on(path, clock, start=False) as house:
        plans: list[str] = []

        def explained() -> Script[None]:
            for asked in (tasks.due(clock.now(), 50), tasks.next_due()):
                sql = next(asked)
                asked.close()
                rows = yield q(f"EXPLAIN QUERY PLAN {sql[0]}", *sql[1])
                plans.extend(row["detail"] for row in rows)

        await house.engine.read(explained())
    assert plans
    assert all("tasks_due" in plan for plan in plans), plans


async def test_the_state_of_a_task_stays_json(house: House, clock: VirtualClock):
    await house.add(*(a_task(f"task-{number}") for number in range(3)))
    clock.jump(3.5 * HOUR)
    await clock.advance(61)
    for number in range(3):
        task = await house.task(f"task-{number}")
        assert json.loads(json.dumps(dict(task.state))) == {}
