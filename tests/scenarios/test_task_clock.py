"""The clock of tasks: each due time once, or a row that says why not; whatever time itself does."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from bot.engine.port import Script, q
from bot.errors import RequestError
from bot.schedule import policy
from bot.schedule.clock import run_id
from bot.store import task_lists, task_runs, tasks
from bot.testing.clock import VirtualClock
from tests.scenarios.clock_kit import (
    DAY,
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


async def test_run_once_catches_up_once_and_explains_the_rest(path: Path, clock: VirtualClock):
    async with house_on(path, clock) as house:
        await house.add(a_task())
    clock.jump(8.5 * HOUR)
    async with house_on(path, clock) as house:
        await clock.advance(HOUR)
        assert house.hours() == [8.5, 9]
        story = await house.story()
        assert [(due, status) for due, status, _ in story] == [
            (7, "skipped"),
            (8, "ok"),
            (9, "ok"),
        ]
        assert (story[0][2] or "").startswith("7 due times, 2026-03-02T01:00:00+00:00 to")


async def test_a_minutely_task_leaves_one_row_for_a_night(path: Path, clock: VirtualClock):
    async with house_on(path, clock) as house:
        await house.add(a_task(schedule=MINUTELY), a_task("task-b", cron("* * * * *")))
    clock.jump(8 * HOUR)
    async with house_on(path, clock) as house:
        await clock.advance(30)
        for name in (ID, "task-b"):
            (skipped, ran) = await house.story(name)
            assert (skipped[2] or "").startswith("479 due times")
            assert ran[1] == "ok"


async def test_skip_runs_nothing_late(path: Path, clock: VirtualClock):
    async with house_on(path, clock) as house:
        await house.add(a_task(missed="skip"))
    clock.jump(2.5 * HOUR)
    async with house_on(path, clock) as house:
        await clock.advance(HOUR)
        assert house.hours() == [3]
        assert [status for _, status, _ in await house.story()] == ["skipped", "ok"]


async def test_the_house_s_rule_counts_where_the_task_has_none(path: Path, clock: VirtualClock):
    async with house_on(path, clock) as house:
        await house.add(a_task())
    clock.jump(2.5 * HOUR)
    async with house_on(path, clock, "tasks: {missed: skip}") as house:
        assert house.fired == []


async def test_all_catches_up_one_after_another(path: Path, clock: VirtualClock):
    async with house_on(path, clock) as house:
        await house.add(a_task(missed="all"))
    clock.jump(4.5 * HOUR)
    async with house_on(path, clock, "tasks: {missed_window: 3h}", instant=False) as house:
        await clock.advance(60)
        assert house.hours() == [4.5]
        for number in (2, 3, 4):
            assert house.fired[-1][0] == f"{ID}@20260302-0{number}0000"
            await house.end(house.fired[-1][0])
            await clock.advance(60)
        assert len(house.fired) == 3
        begun = [at for _, at in house.fired]
        assert all(later - former >= policy.REFIRE for former, later in pairwise(begun))
        assert [status for _, status, _ in await house.story()] == ["skipped", "ok", "ok", "ok"]


async def test_tasks_catch_up_five_seconds_apart(path: Path, clock: VirtualClock):
    async with house_on(path, clock) as house:
        await house.add(*(a_task(f"task-{number}") for number in range(5)))
    clock.jump(4.5 * HOUR)
    start = clock.now()
    async with house_on(path, clock) as house:
        assert len(house.fired) == 1
        await clock.advance(60)
        assert [at - start for _, at in house.fired] == [0, 5, 10, 15, 20]
        assert len({run for run, _ in house.fired}) == 5


async def test_thousands_catch_up_within_an_hour(path: Path, clock: VirtualClock):
    async with house_on(path, clock) as house:
        daily = cron("0 1 * * *")
        await asyncio.gather(*(house.add(a_task(f"task-{number}", daily)) for number in range(900)))
    clock.jump(4.5 * HOUR)
    async with house_on(path, clock, start=False) as house:
        await house.clock.tick()
        for _ in range(60):
            clock.jump(61)
            await house.clock.tick()
        assert len(house.fired) == 900


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


@pytest.mark.parametrize(("away", "runs"), [(HOUR, 1), (1.5 * HOUR, 0)])
async def test_a_single_time_that_was_missed(
    path: Path, clock: VirtualClock, away: float, runs: int
):
    async with house_on(path, clock) as house:
        await house.add(a_task(schedule={"kind": "at", "at": MADE + 60}))
    clock.jump(away)
    async with house_on(path, clock) as house:
        assert len(house.fired) == runs
        task = await house.task()
        assert (task.enabled, task.next_at) == (bool(runs), None)
        if not runs:
            assert task.because == "its time has passed"
            assert [status for _, status, _ in await house.story()] == ["skipped"]


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


async def test_a_clock_that_jumps_ahead_a_day_catches_up_once(house: House, clock: VirtualClock):
    await house.add(a_task())
    await clock.advance(1.5 * HOUR)
    clock.jump(DAY)
    await clock.advance(61)
    assert len(house.fired) == 2
    assert house.fired[1][0] == f"{ID}@20260303-010000"
    assert (await house.story())[1][1] == "skipped"


async def test_a_machine_that_slept_catches_up_within_a_minute(house: House, clock: VirtualClock):
    await house.add(a_task(), a_task("task-b", cron("30 3 * * *")))
    clock.jump(8.25 * HOUR)
    await clock.advance(65)
    assert {run for run, _ in house.fired} == {
        f"{ID}@20260302-080000",
        "task-b@20260302-033000",
    }


async def test_a_clock_that_is_set_back_repeats_nothing_and_says_so(
    house: House, clock: VirtualClock
):
    await house.add(a_task())
    await clock.advance(25.5 * HOUR)
    assert len(house.fired) == 25
    clock.jump(-DAY)
    await clock.advance(61)
    (told,) = [row for row in await house.runs() if row["cause"] == "clock"]
    assert told["status"] == "skipped"
    assert "set back by 24 h" in told["reason"]
    assert "until 2026-03-03T02:00:00+00:00" in told["reason"]
    await clock.advance(25 * HOUR)
    runs = [run for run, _ in house.fired]
    assert len(runs) == len(set(runs)) == 26
    assert house.hours()[-1] == 26


async def test_a_jump_ahead_that_was_a_mistake_does_not_freeze_a_task(
    house: House, clock: VirtualClock
):
    await house.add(a_task())
    await clock.advance(1.5 * HOUR)
    clock.jump(DAY)
    await clock.advance(120)
    clock.jump(-DAY)
    await clock.advance(2 * HOUR)
    assert house.fired[2:] == [
        (f"{ID}@20260302-020000", MADE + 2 * HOUR),
        (f"{ID}@20260302-030000", MADE + 3 * HOUR),
    ]
    runs = [run for run, _ in house.fired]
    assert len(runs) == len(set(runs))


async def test_a_clock_set_back_while_nothing_ran_is_noticed_too(path: Path, clock: VirtualClock):
    async with house_on(path, clock) as house:
        await house.add(a_task(schedule=cron("0 * * * *")))
        clock.jump(40 * DAY)
        await clock.advance(120)
        assert len(house.fired) == 1
    clock.jump(-40 * DAY)
    async with house_on(path, clock) as house:
        await clock.advance(HOUR)
        assert [run for run, _ in house.fired] == [f"{ID}@20260302-010000"]


async def test_what_history_forgot_is_not_repeated_either(path: Path, clock: VirtualClock):
    async with house_on(path, clock, "tasks: {keep_runs: 5}") as house:
        await house.add(a_task())
        await clock.advance(20.5 * HOUR)
        clock.jump(-20 * HOUR)
        await clock.advance(21 * HOUR)
        runs = [run for run, _ in house.fired]
        assert len(runs) == len(set(runs)) == 21


async def test_clocks_change_and_a_daily_task_runs_once_a_day(house: House, clock: VirtualClock):
    zone = "Europe/Berlin"
    await house.add(a_task(schedule=cron("30 2 * * *"), zone=zone))
    clock.jump(27 * DAY)  # to 29 March 2026, when 02:30 does not exist there
    house.fired.clear()
    await clock.advance(2 * DAY)
    assert [run.partition("@")[2] for run, _ in house.fired][1:] == [
        "20260329-010000",
        "20260330-003000",
    ]


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
