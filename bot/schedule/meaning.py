"""What phrases about time mean together, now and in a zone: one schedule, or what is missing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from bot.schedule import zones
from bot.schedule.cron import Fields
from bot.schedule.phrases_time import PARTS
from bot.schedule.tokens import Clock, Found, Wrong
from bot.schedule.trigger import At, Cron, Every, Schedule, iso, next_after

USUAL = Clock(9, 0)
DAY, WEEK = 86400.0, 604800.0
_LONGEST = 3660 * DAY
_ASK_HALF = 'is {0} in the morning or in the evening? Write "{0}am", "{0}pm" or "{1}:00"'
_ONE = {"date", "weekday", "strict", "later", "times", "part"}


def meaning(found: Found, now: float, zone: str) -> Schedule | None:
    """The schedule; None where the phrases do not say one, Wrong where they cannot be meant."""
    zone = found.zone or zone
    said = set(found.said()) - {"zone"}
    if found.moment:
        _only(said, {"moment"})
        return _future(iso(found.moment, zone), now, found.moment)
    if found.after is not None:
        return _after(found, said, now, zone)
    if found.span is not None:
        return _interval(found, said, now, zone)
    if said & {"month_days", "places", "months", "monthly", "months_apart", "yearly"}:
        return _by_month(found, said, now, zone)
    if found.weekdays or found.daily:
        _only(said, {"weekdays", "daily", "times", "part", "usual"})
        return _cron(_times(found, True), zone, weekdays=found.weekdays)
    if said == {"window"}:
        _only(said, set())
    if said & {"date", "weekday", "later", "times"}:
        return _once(found, said, now, zone)
    return None


def _only(said: set[str], fitting: set[str]) -> None:
    if "window" in said - fitting:
        raise Wrong('how often in that time? Write for example "every hour from 9:00 to 17:00"')
    if said - fitting:
        raise Wrong(
            'these times do not fit together; write one, for example "every Friday at 17:00"'
        )


def _future(at: float | None, now: float, said: str) -> At:
    if at is None:
        raise Wrong(f"{said} is not a date and time; write for example 2026-12-24T18:00")
    if at <= now:
        raise Wrong(f'{said} is past; write a time to come, for example "tomorrow at 9:00"')
    return At(at)


def _after(found: Found, said: set[str], now: float, zone: str) -> At:
    assert found.after is not None
    if found.after > _LONGEST:
        raise Wrong('that is more than 10 years; write a date, for example "on 2026-12-24 at 9:00"')
    if not said & {"times", "part"}:
        _only(said, {"after"})
        return At(math.floor(now) + found.after)
    if found.after % DAY:
        raise Wrong('write either "in 20 minutes" or a time of day, "tomorrow at 9:00"')
    _only(said, {"after", "times", "part"})
    day = _today(now, zone) + timedelta(seconds=found.after)
    return _future(_on(day, _single(found), zone), now, "that time")


def _interval(found: Found, said: set[str], now: float, zone: str) -> Schedule:
    span = found.span or 0.0
    if span > _LONGEST:
        raise Wrong('the longest interval is 10 years; write for example "every 30 days"')
    if found.window:
        _only(said, {"span", "window", "weekdays", "daily"})
        return _slots(span, *_window(found.window), zone, found.weekdays)
    if said == {"span"}:
        return Every(span, float(math.floor(now)))
    if span == WEEK and found.weekday is not None and not found.first:
        _only(said, {"span", "weekday", "times", "part"})
        return _cron(_times(found, True), zone, weekdays=(found.weekday,))
    if span in (DAY, WEEK) and (found.weekdays or span == DAY) and not _dated(said):
        _only(said, {"span", "weekdays", "times", "part"})
        return _cron(_times(found, True), zone, weekdays=found.weekdays)
    if found.weekdays and said == {"span", "weekdays"} and span < DAY:
        return _slots(span, Clock(0, 0), Clock(23, 59), zone, found.weekdays)
    if span == WEEK and not _dated(said):
        raise Wrong('on which day of the week? Write for example "every Friday at 17:00"')
    if span < DAY and not found.first:
        raise Wrong('an interval has no time of day; write "every hour from 9:00 to 17:00"')
    _only(said, {"span", "first", *_ONE})
    first = _next(found, None if found.first and found.date else now, now, zone)
    return Every(span, first - span)


def _dated(said: set[str]) -> bool:
    return bool(said & {"first", "date", "weekday", "later"})


def _window(window: tuple[Clock, Clock]) -> tuple[Clock, Clock]:
    first, last = window
    if not last.sure and last.hour <= first.hour <= 12:
        raise Wrong('which half of the day? Write for example "from 9:00 to 17:00"')
    if not first.sure and first.hour < 8 and last.hour < 13:
        raise Wrong('which half of the day? Write for example "from 7:00 to 12:00"')
    return first, last


def _slots(span: float, first: Clock, last: Clock, zone: str, weekdays: tuple[int, ...]) -> Cron:
    """Every so often within a part of the day, the first time and the last included."""
    begin, end = first.hour * 60 + first.minute, last.hour * 60 + last.minute
    end += 1440 if end < begin else 0
    step = round(span / 60)
    if span % 60 or not ((step < 60 and 60 % step == 0) or (step % 60 == 0 and step < 1440)):
        raise Wrong('within a day write for example "every 15 minutes" or "every 2 hours"')
    if step < 60:
        last_minute = begin % step + 60 - step
        hours = [h for h in range(begin // 60, end // 60 + 1) if h * 60 + last_minute <= end]
        if begin % 60 >= step or not hours or end - hours[-1] * 60 - last_minute > step:
            raise Wrong('write full hours, for example "every 30 minutes from 9:00 to 17:00"')
        minutes = list(range(begin % step, 60, step))
    else:
        hours, minutes = [at // 60 for at in range(begin, end + 1, step)], [begin % 60]
    listed = ",".join(str(hour) for hour in sorted({hour % 24 for hour in hours}))
    return _expr(",".join(map(str, minutes)), listed, "*", "*", _week(weekdays, ()), zone)


def _by_month(found: Found, said: set[str], now: float, zone: str) -> Schedule:
    fitting = {"month_days", "places", "months", "monthly", "months_apart", "yearly"}
    _only(said, fitting | {"times", "part"})
    months, days, places = found.months, found.month_days, found.places
    if found.months_apart:
        months = tuple(range(1, 13, found.months_apart))
    repeats = bool(found.monthly or found.months_apart or found.yearly)
    if (found.yearly and not months) or (months and not days and not places and not repeats):
        raise Wrong('on which day of the year? Write for example "on 24 December every year"')
    if not repeats and not months and (places or len(days) == 1):
        raise Wrong('once or each month? Write "on the 15th of every month" or "on 15 December"')
    for day in days:
        if day > 29 and months and not any(_length(month) >= day for month in months):
            raise Wrong(f'no such month has a day {day}; write "the last day of the month"')
    if not repeats and len(days) == len(months) == 1 and days[0]:
        return _once_a_year(found, days[0], months[0], now, zone)
    return _cron(
        _times(found, True),
        zone,
        days=days or (() if places else (1,)),
        months=months,
        places=places,
    )


def _length(month: int) -> int:
    return 29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31


def _once_a_year(found: Found, day: int, month: int, now: float, zone: str) -> At:
    """The next such date."""
    time, year = _single(found), _today(now, zone).year
    for later in range(year, year + 9):
        try:
            at = _on(date(later, month, day), time, zone)
        except ValueError:
            continue
        if at > now:
            return At(at)
    raise Wrong(f"there is no day {day} in that month; write for example 2026-12-24")


def _once(found: Found, said: set[str], now: float, zone: str) -> At:
    _only(said, _ONE)
    if found.later == 0 and not said & {"times", "part"}:
        raise Wrong('at what time today? Write for example "today at 17:00"')
    return _future(_next(found, now, now, zone), now, "that time")


def _next(found: Found, after: float | None, now: float, zone: str) -> float:
    """The first moment that fits; with a date, whatever it is."""
    time, today = _single(found), _today(now, zone)
    if found.date is not None:
        at = _on(found.date, time, zone)
        if after is not None and at <= after:
            raise Wrong(f"{found.date} is past; write a date to come, for example tomorrow at 9:00")
        return at
    if found.later is not None:
        return _on(today + timedelta(days=found.later), time, zone)
    for later in range(int(found.strict), 9):
        day = today + timedelta(days=later)
        if found.weekday is not None and (day.weekday() + 1) % 7 != found.weekday:
            continue
        if (at := _on(day, time, zone)) > now:
            return at
    raise Wrong('that time does not come; write for example "tomorrow at 9:00"')


def _today(now: float, zone: str) -> date:
    return zones.wall(now, zone).date()


def _on(day: date, time: Clock, zone: str) -> float:
    local = datetime(day.year, day.month, day.day, time.hour, time.minute, time.second)
    return zones.instant(local, zones.tz(zone))


def _single(found: Found) -> Clock:
    times = _times(found, False)
    if len(times) != 1:
        raise Wrong(
            'once, or each day at these times? Write for example "every day at 8:00 and 20:00"'
        )
    return times[0]


def _times(found: Found, repeats: bool) -> Sequence[Clock]:
    """The times of day that are meant: those said, or the usual ones of the phrase."""
    if not found.times:
        return found.usual if repeats and found.usual else (PARTS.get(found.part or "", USUAL),)
    if found.part in ("noon", "midday", "midnight"):
        raise Wrong('two times of day are said; write one, for example "at noon"')
    clear = any((time.sure and time.hour > 12) or time.hour == 0 for time in found.times)
    return [_half(time, found.part, clear) for time in found.times]


def _half(time: Clock, part: str | None, clear: bool) -> Clock:
    """A plain number as a time of day, where the other words tell which half of it is meant."""
    if time.sure and part not in ("afternoon", "evening", "night"):
        return time
    if part in ("afternoon", "evening") and time.hour < 12:
        return Clock(time.hour + 12, time.minute, time.second)
    if part == "night" and 6 <= time.hour < 12:
        return Clock(time.hour + 12, time.minute, time.second)
    if part == "night" and time.hour == 12:
        return Clock(0, time.minute, time.second)
    if time.sure or part or clear or time.hour >= 8:
        return time
    raise Wrong(_ASK_HALF.format(time.hour, time.hour + 12))


def _cron(
    times: Sequence[Clock],
    zone: str,
    *,
    days: tuple[int, ...] = (),
    months: tuple[int, ...] = (),
    weekdays: tuple[int, ...] = (),
    places: tuple[tuple[int, int], ...] = (),
) -> Cron:
    hours, minutes = {time.hour for time in times}, {time.minute for time in times}
    if len({(time.hour, time.minute) for time in times}) != len(hours) * len(minutes) or any(
        time.second for time in times
    ):
        raise Wrong(
            'times of one task share their minutes; write "at 8:00 and 17:00", or two tasks'
        )
    listed = ",".join(str(day) if day else "L" for day in days) or "*"
    spread = ",".join(map(str, months)) or "*"
    minute, hour = ",".join(map(str, minutes)), ",".join(map(str, hours))
    return _expr(minute, hour, listed, spread, _week(weekdays, places), zone)


def _week(weekdays: Sequence[int], places: Sequence[tuple[int, int]]) -> str:
    named = [f"{day}#{number}" if number else f"{day}L" for day, number in places]
    return ",".join([*map(str, weekdays), *named]) or "*"


def _expr(minute: str, hour: str, days: str, months: str, week: str, zone: str) -> Cron:
    cron = Cron(Fields(f"{minute} {hour} {days} {months} {week}").canonical(), zone)
    if next_after(cron, 0.0) is None:
        raise Wrong('such a day never comes; write for example "the last day of the month"')
    return cron
