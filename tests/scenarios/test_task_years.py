"""A thousand tasks over two years: every due time runs once, or a row says why it did not.

The due times are worked out a second time here, from calendars alone. The machine is off now and
then, its clock is set wrong and right again, and two processes look at the same table.
"""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.engine.port import Row, Script, q
from bot.store import task_runs, tasks
from bot.testing.clock import VirtualClock
from tests.scenarios.clock_kit import DAY, HOUR, MADE, House, a_task, cron, house_on

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
YEARS = 730 * DAY
END = MADE + YEARS
MISSED = ("run-once", "skip", "all")
SPAN = re.compile(r"(\d+) due times, (\S+) to (\S+)\. ")


@dataclass(frozen=True)
class Made:
    """A task, and how its due times follow from a calendar."""

    name: str
    schedule: dict[str, Any]
    zone: str
    missed: str
    due: frozenset[float]


def moment(day: date, hour: int, minute: int, zone: ZoneInfo) -> float:
    """When a wall clock shows this time, or the first one after it that it does show."""
    shown = datetime(day.year, day.month, day.day, hour, minute)
    while shown.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != shown:
        shown += timedelta(minutes=1)
    return shown.replace(tzinfo=zone).timestamp()


def days(chosen: str, number: int) -> Iterator[date]:
    day = datetime.fromtimestamp(MADE - 2 * DAY, UTC).date()
    while day < datetime.fromtimestamp(END + 2 * DAY, UTC).date():
        weekday = day.isoweekday() % 7
        if (
            chosen in ("day", "night")
            or (chosen == "week" and weekday == number)
            or (chosen == "work" and 1 <= weekday <= 5)
            or (chosen == "month" and day.day == number)
        ):
            yield day
        day += timedelta(days=1)


def drawn(number: int, dice: random.Random) -> Made:
    """One task of the house: most are weekly, some daily, monthly or at an interval."""
    zone = ZONES[number % len(ZONES)]
    hour, minute = dice.choice(((9, 0), (2, 30)))
    kind = dice.choices(("week", "day", "work", "month", "every", "at"), (45, 2, 1, 48, 2, 2))[0]
    if number < len(ZONES):
        kind, hour, minute = "day", 2, 30  # where clocks change
    elif number == len(ZONES):
        kind = "night"
    name, missed = f"task-{number:06}", dice.choice(MISSED)
    if kind == "every":
        seconds = dice.choice((24, 36, 72, 168)) * HOUR
        grid = (MADE + step * seconds for step in range(1, int(YEARS / seconds) + 1))
        schedule = {"kind": "every", "everyMs": seconds * 1000, "anchorMs": MADE * 1000}
        return Made(name, schedule, zone, missed, frozenset(grid))
    if kind == "at":
        at = MADE + dice.randrange(1, 700) * DAY + hour * HOUR
        return Made(name, {"kind": "at", "at": at}, zone, missed, frozenset({at}))
    which = {"week": dice.randrange(7), "month": dice.randrange(1, 29)}.get(kind, 0)
    fields = {
        "week": f"{minute} {hour} * * {which}",
        "day": f"{minute} {hour} * * *",
        "work": f"{minute} {hour} * * 1-5",
        "month": f"{minute} {hour} {which} * *",
        "night": "0,30 1-3 * * *",
    }
    times = [(h, m) for h in (1, 2, 3) for m in (0, 30)] if kind == "night" else [(hour, minute)]
    at_all = (moment(d, h, m, ZoneInfo(zone)) for d in days(kind, which) for h, m in times)
    due = frozenset(at for at in at_all if MADE < at <= END)
    return Made(name, cron(fields[kind]), zone, missed, due)


def downtimes(dice: random.Random) -> list[tuple[float, float]]:
    """When nothing runs: some minutes, a night, a week; never across the end."""
    found: list[tuple[float, float]] = []
    at = MADE + 5 * DAY
    while at < END - 40 * DAY:
        lasts = dice.choice((300, HOUR, 8 * HOUR, 8 * HOUR, DAY, 7 * DAY))
        found.append((at, at + lasts))
        at += lasts + dice.uniform(10, 40) * DAY
    return found


def open_now() -> Script[tuple[float | None, list[str]]]:
    """The next due time, and the tasks that have runs on or waiting."""
    return (yield from tasks.next_due()), (yield from task_runs.unsettled())


async def live(
    houses: tuple[House, House], clock: VirtualClock, off: list[tuple[float, float]]
) -> int:
    """Let the years pass from due time to due time; how often somebody looked."""
    looked = 0
    while True:
        due, unsettled = await houses[0].engine.read(open_now())
        for name in unsettled:
            clock.jump(2)
            await houses[0].clock.release(name)
        if due is None or due > END:
            return looked
        now = clock.now()
        if off and due >= off[0][0]:
            clock.jump(max(0.0, off.pop(0)[1] - now))
        elif due > now:
            clock.jump(due - now)
        if looked % 97 == 0:
            await asyncio.gather(*(house.clock.tick() for house in houses))
        else:
            await houses[looked % 2].clock.tick()
        if looked % 5000 == 2500:
            # The clock runs a day ahead for a moment, and is put right again.
            clock.jump(DAY)
            await houses[0].clock.tick()
            clock.jump(-DAY)
            await houses[0].clock.tick()
        looked += 1


def rows_of(name: str) -> Script[list[Row]]:
    return (yield q("SELECT * FROM task_runs WHERE task = ? ORDER BY due_at", name))


def judge(made: Made, rows: list[Row]) -> Counter[str]:
    """Hold what happened against the calendar."""
    ran = [row["due_at"] for row in rows if row["status"] == "ok"]
    assert len(ran) == len(set(ran)), f"{made.name} ran twice"
    assert set(ran) <= made.due, f"{made.name} ran when it was not due"
    told: set[float] = set()
    for row in rows:
        if row["status"] != "skipped" or row["cause"] != "due":
            continue
        assert row["reason"], f"{made.name} says nothing"
        if found := SPAN.match(row["reason"]):
            first, last = (datetime.fromisoformat(found[i]).timestamp() for i in (2, 3))
            span = {due for due in made.due if first <= due <= last}
            assert len(span) == int(found[1]), f"{made.name}: {row['reason']}"
            told |= span
        else:
            told.add(row["due_at"])
    assert told <= made.due, f"{made.name} explains what was not due"
    silent = made.due - told - set(ran)
    assert not silent, f"{made.name}: nobody knows of {sorted(silent)[:3]}"
    return Counter(due=len(made.due), ran=len(ran), told=len(told - set(ran)))


@pytest.mark.timeout(900)
async def test_a_thousand_tasks_over_two_years(tmp_path: Path):
    dice = random.Random(5)
    made = [drawn(number, dice) for number in range(1000)]
    clock, path, text = VirtualClock(MADE), tmp_path / "store.db", "tasks: {keep_runs: 100000}"
    begun, worked = time.perf_counter(), time.process_time()
    async with (
        house_on(path, clock, text, start=False) as one,
        house_on(path, clock, text, start=False) as other,
    ):
        await asyncio.gather(
            *(
                one.add(a_task(each.name, each.schedule, zone=each.zone, missed=each.missed))
                for each in made
            )
        )
        looked = await live((one, other), clock, downtimes(dice))
        sums: Counter[str] = Counter()
        for each in made:
            sums += judge(each, await one.engine.read(rows_of(each.name)))
        seconds, work = time.perf_counter() - begun, time.process_time() - worked
    print(f"\n{sums['due']} due times: {sums['ran']} ran, {sums['told']} explained; ", end="")
    print(f"{looked} looks, {seconds:.1f} s, {work:.1f} s of work")
    assert sums["ran"] + sums["told"] == sums["due"]
    assert sums["ran"] > 0.8 * sums["due"]
    assert len({run for run, _ in one.fired + other.fired}) == sums["ran"]
    # The work, because a busy machine and its disk take their time.
    assert work < 60
