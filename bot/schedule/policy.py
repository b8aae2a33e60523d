"""What becomes of due times: run, passed over with a reason, or held back for a moment.

Every due time up to now is judged once, in one of these ways. `next_at` of a task is its first due
time that nobody has judged. While it is held back (after an error, or so that not all tasks that
were missed begin at once) `next_at` is when it is looked at again, and `state["held"]` keeps that
first due time. It counts only for that `next_at`: who sets another has set the due time itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from bot.errors import RequestError
from bot.schedule import zones
from bot.schedule.trigger import Every, Schedule, next_after
from bot.types import Task

Missed = Literal["run-once", "skip", "all"]

LATE = 60.0  # later than this, a due time was missed; below, the machine was only busy
MOST = 10  # missed due times that run at most, where all shall
REFIRE = 2.0  # between two runs of one task, at least
STAGGER = 5.0  # between two tasks that catch up
SPREAD = 3600.0  # within which all have begun to catch up
FAULT = 60.0  # until a task that could not be started is tried again
FAULTS = 3
COUNTED = 1500  # due times of a cron expression that are counted one by one: a day of minutes
CATCH_UP = "tasks that were missed begin one after another"


@dataclass(frozen=True, slots=True)
class Dues:
    """The due times from `first` to a moment: the last few, how many, and the one behind them.

    `count` is a lower bound unless `exact`.
    """

    first: float
    tail: tuple[float, ...]
    count: int
    exact: bool
    next: float | None


@dataclass(frozen=True, slots=True)
class Passed:
    """Due times that do not run, and why, as a sentence."""

    count: int
    exact: bool
    first: float
    last: float
    why: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of the due times up to now.

    `run` in their order, one after another; `passed` are the rest. `late`: they are caught up with.
    `next_at` is the first due time behind them; `last` the last of them.
    """

    run: tuple[float, ...]
    passed: Passed | None
    late: bool
    next_at: float | None
    last: float


def held(task: Task) -> Mapping[str, Any] | None:
    """What keeps a task back until its `next_at`: `due`, `until`, `why`, `seen`."""
    kept = task.state.get("held")
    return kept if isinstance(kept, Mapping) and kept.get("until") == task.next_at else None


def first_due(task: Task) -> float:
    """The first due time that nobody has judged; the task has a next time."""
    kept = held(task)
    assert task.next_at is not None
    return float(kept["due"]) if kept else task.next_at


def delayed(
    task: Task, until: float, why: str, *, due: float | None = None, seen: float | None = None
) -> Task:
    """The task, looked at again not before `until`; its due times are judged then.

    `why` completes "held back: ...". `due` is the first due time that is left to judge, the task's
    own if None; `seen` when they were judged to be caught up with.
    """
    if task.next_at is None or (until <= task.next_at and due is None):
        return task
    kept = {"due": first_due(task) if due is None else due, "until": until, "why": why}
    return replace(task, next_at=until, state={**task.state, "held": {**kept, "seen": seen}})


def judge(task: Task, schedule: Schedule, missed: Missed, window: float, now: float) -> Judged:
    """Decide about a task whose next time has come.

    A due time that is more than a minute late was missed, unless the task was held back. `run-once`
    lets the last one run when it is not older than `window` seconds or than the distance to the
    next, whichever is more; `skip` none; `all` the last ten that are not older.
    """
    kept = held(task)
    dues = dues_until(schedule, first_due(task), now)
    since = max(dues.tail[-1], float(kept["until"]) if kept else 0.0)
    late = now - since > LATE
    seen = float(kept["seen"]) if kept and kept.get("seen") is not None else now
    reach = max(window, dues.next - dues.tail[-1]) if dues.next is not None else window
    young = tuple(due for due in dues.tail if seen - due <= reach)
    if not late:
        run = (young or dues.tail[-1:]) if missed == "all" and _to_run(kept) else dues.tail[-1:]
    elif missed == "all":
        run = young
    else:
        run = young[-1:] if missed == "run-once" else ()
    why = _why(kept, missed, late, run, reach)
    return Judged(run, _passed(dues, len(run), schedule, why), late, dues.next, dues.tail[-1])


def _to_run(kept: Mapping[str, Any] | None) -> bool:
    """Do several due times run although the task was held back? Not after an error."""
    return kept is None or kept.get("seen") is not None


def _why(
    kept: Mapping[str, Any] | None,
    missed: Missed,
    late: bool,
    run: tuple[float, ...],
    reach: float,
) -> str:
    if kept is not None and not late:
        return f"Held back: {kept['why']}"
    away = "Nobody was there to run it: the program was down or asleep, or the clock was set"
    if missed == "skip":
        return f"{away}. The task skips what it misses"
    if not run:
        return f"{away}. It is more than {span(reach)} ago"
    if missed == "run-once":
        return f"{away}. The task makes up for the last one only"
    return f"{away}. The task makes up for the last {MOST} at most, and for {span(reach)}"


def _passed(dues: Dues, run: int, schedule: Schedule, why: str) -> Passed | None:
    """All but the last `run` of the due times."""
    count = dues.count - run
    if count <= 0:
        return None
    last = dues.tail[-1 - run] if run < len(dues.tail) else _before(schedule, dues)
    return Passed(count, dues.exact, dues.first, last, why)


def _before(schedule: Schedule, dues: Dues) -> float:
    """The due time in front of the tail."""
    start, step = dues.tail[0], max(1.0, dues.tail[-1] - dues.tail[0])
    while True:
        found = dues_from(schedule, max(dues.first, start - step), start, keep=MOST + 1)
        if len(found) > 1 or start - step <= dues.first:
            return found[-2] if len(found) > 1 else dues.first
        step *= 2


def dues_from(schedule: Schedule, first: float, until: float, keep: int) -> tuple[float, ...]:
    """The last `keep` due times behind `first`, up to `until`."""
    found: deque[float] = deque(maxlen=keep)
    due = next_after(schedule, first)
    while due is not None and due <= until:
        found.append(due)
        due = next_after(schedule, due)
    return tuple(found)


@lru_cache(256)
def dues_until(schedule: Schedule, first: float, now: float) -> Dues:
    """The due times from `first`, which is one, up to `now`, without walking through years.

    Cached, because many tasks share their times.
    """
    tail: deque[float] = deque([first], maxlen=MOST)
    count = 1
    due = next_after(schedule, first)
    while due is not None and due <= now and count < COUNTED:
        if isinstance(schedule, Every) and count == MOST:
            return _of_grid(schedule, first, now)
        tail.append(due)
        count += 1
        due = next_after(schedule, due)
    if due is None or due > now:
        return Dues(first, tuple(tail), count, True, due)
    step = (tail[-1] - first) / count * MOST
    while len(last := dues_from(schedule, now - step, now, MOST)) < MOST:
        step *= 2
    return Dues(first, last, count, False, next_after(schedule, last[-1]))


def _of_grid(every: Every, first: float, now: float) -> Dues:
    tail = dues_from(every, now - (MOST + 1) * every.seconds, now, MOST)
    count = round((tail[-1] - first) / every.seconds) + 1
    return Dues(first, tail, count, True, next_after(every, tail[-1]))


def said(passed: Passed, zone: str) -> str:
    """The reason of a skipped row: how many, from when to when (ISO 8601), and why."""
    if passed.count == 1:
        return passed.why
    more = "" if passed.exact else "more than "
    first, last = (shown(at, zone) for at in (passed.first, passed.last))
    return f"{more}{passed.count} due times, {first} to {last}. {passed.why}"


def overlap(rule: Literal["skip", "queue"], on: int, waiting: int) -> str | None:
    """Why a due time may not be claimed while runs of its task are on, or wait; None if it may."""
    if not on and not waiting:
        return None
    if rule == "skip":
        return "The run before is still on"
    return "The run before is still on, and one waits already" if waiting else None


def refused(judged: Judged, why: str) -> Passed:
    """The due times that would have run, passed over for another reason."""
    return Passed(len(judged.run), True, judged.run[0], judged.run[-1], why)


def rewound(
    schedule: Schedule, now: float, until: float, claimed: Iterable[float], known: float | None
) -> float:
    """The first due time behind `now`, before `until`, that has no run yet; `until` if none.

    For a clock that was set back. `known` is the first due time that history still knows if it has
    begun to forget: what was before it had its run.
    """
    had = set(claimed)
    due = next_after(schedule, now if known is None else max(now, known))
    while due is not None and due < until and due in had:
        due = next_after(schedule, due)
    return until if due is None else min(due, until)


def shown(at: float, zone: str) -> str:
    """A moment as ISO 8601 with the offset of a zone, to the second."""
    try:
        return zones.wall(at, zone).isoformat(timespec="seconds")
    except (RequestError, OverflowError):
        return zones.wall(at, "UTC").isoformat(timespec="seconds")


def span(seconds: float) -> str:
    """A length of time in words: 45 s, 20 min, 3 h, 2 days."""
    for least, unit, name in ((172_800, 86_400, "days"), (7200, 3600, "h"), (120, 60, "min")):
        if seconds >= least:
            return f"{round(seconds / unit)} {name}"
    return f"{seconds:g} s"
