"""Schedules and times in plain words; `when.read_schedule` reads a description back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from bot.schedule import durations, zones
from bot.schedule.cron import Fields, parsed
from bot.schedule.phrases_days import MONTHS, ORDINALS, WEEKDAYS
from bot.schedule.trigger import At, Every, Schedule

_DAY = 86400
_MOST_TIMES = 6


def describe(schedule: Schedule, zone: str) -> str:
    """A schedule in words, its times with the zone; `zone` is the one to show instants in.

    An interval of less than a day is described without its anchor. A cron expression of a shape
    that has no plain words stays as it is.
    """
    if isinstance(schedule, At):
        return f"once on {moment(schedule.at, zone)}"
    if isinstance(schedule, Every):
        span = durations.spelled(schedule.seconds)
        if schedule.seconds % _DAY:
            return f"every {span}"
        return f"every {span}, first on {moment(schedule.anchor + schedule.seconds, zone)}"
    fields = parsed(parsed(schedule.expr).canonical())
    said = _cron(fields) if fields.seconds == (0,) else None
    return f"{said} ({schedule.zone})" if said else f'cron "{schedule.expr}" ({schedule.zone})'


def moment(at: float, zone: str, now: float | None = None) -> str:
    """A time as a person writes it, with the zone; without the year if `now` is in the same year.

    A time that clocks show twice is given in UTC when it is the second one.
    """
    local = zones.wall(at, zone)
    if local.fold:
        local, zone = zones.wall(at, "UTC"), "UTC"
    year = "" if now is not None and zones.wall(now, zone).year == local.year else f" {local.year}"
    name = f"{WEEKDAYS[(local.weekday() + 1) % 7][:3]} {local.day} {MONTHS[local.month - 1][:3]}"
    return f"{name}{year} at {_shown(local)} ({zone})"


def _shown(local: datetime) -> str:
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def _cron(fields: Fields) -> str | None:
    """An expression in words, or None where its shape is not one of ours."""
    slots = _slots(fields)
    if slots is not None:
        return None if (days := _slot_days(fields)) is None else slots + days
    if len(fields.hours) * len(fields.minutes) > _MOST_TIMES:
        return None
    times = [f"{hour:02}:{minute:02}" for hour in fields.hours for minute in fields.minutes]
    days = _days(fields)
    return None if days is None else f"{days} at {listed(times)}"


def _slots(fields: Fields) -> str | None:
    """Times at an even distance through a part of the day: `every hour from 09:00 to 17:00`."""
    times = [hour * 60 + minute for hour in fields.hours for minute in fields.minutes]
    if len(times) < 4:
        return None
    step = times[1] - times[0]
    if any(later - earlier != step for earlier, later in pairwise(times)):
        return None
    if len(times) <= _MOST_TIMES and step > 60:
        return None
    first, last = (timedelta(minutes=times[place]) for place in (0, -1))
    begin, end = (f"{datetime.min + at:%H:%M}" for at in (first, last))
    if (step < 60 and 60 % step) or (step > 60 and step % 60):
        return None
    return f"every {durations.spelled(step * 60)} from {begin} to {end}"


def _slot_days(fields: Fields) -> str | None:
    if len(fields.days) < 31 or len(fields.months) < 12 or fields.places or fields.last_day:
        return None
    if len(fields.weekdays) == 7:
        return ""
    if fields.weekdays == (1, 2, 3, 4, 5):
        return " on weekdays"
    return f" every {listed([WEEKDAYS[day] for day in _from_monday(fields.weekdays)])}"


def _days(fields: Fields) -> str | None:
    """The days of an expression: every day, every Friday, the 1st and 15th of every month."""
    every_day = len(fields.days) == 31
    every_weekday = len(fields.weekdays) == 7 and not fields.places
    if not every_day and not every_weekday:
        return None
    if every_day and every_weekday:
        return "every day" if len(fields.months) == 12 else None
    if every_day and not fields.places:
        return _weekdays(fields)
    months = (
        "every month"
        if len(fields.months) == 12
        else listed([MONTHS[month - 1] for month in fields.months])
    )
    if every_day:
        if len(fields.places) > 1 or fields.weekdays:
            return None
        ((day, number),) = fields.places
        return f"the {ORDINALS[number]} {WEEKDAYS[day]} of {months}"
    if fields.last_day:
        return None if fields.days else f"the last day of {months}"
    if len(fields.days) == len(fields.months) == 1:
        return f"every year on {fields.days[0]} {months}"
    return f"the {listed([ordinal(day) for day in fields.days])} of {months}"


def _weekdays(fields: Fields) -> str | None:
    if len(fields.months) < 12:
        return None
    if fields.weekdays == (1, 2, 3, 4, 5):
        return "every weekday"
    return f"every {listed([WEEKDAYS[day] for day in _from_monday(fields.weekdays)])}"


def _from_monday(days: Sequence[int]) -> list[int]:
    return sorted(days, key=lambda day: (day - 1) % 7)


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th`."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number in (11, 12, 13) else ending}"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    head, last = ", ".join(names[:-1]), names[-1]
    return f"{head} and {last}" if head else last
