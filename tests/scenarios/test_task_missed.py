"""Tasks and time that goes wrong: the program was down, the machine slept, the clock was set."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from bot.schedule import policy
from bot.testing.clock import VirtualClock
from tests.scenarios.clock_kit import (
    DAY,
    HOUR,
    MADE,
    House,
    a_task,
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
