"""Cron expressions as crontab means them, and the local times that they name.

Five fields: minute, hour, day of the month, month, weekday; with six, the first is the second.
Fields hold numbers, `*`, lists, ranges and steps; months and weekdays also names. Weekdays are 0
to 7, both ends being Sunday, and a range of them may pass the end of the week (`fri-mon`). `L` is
the last day of a month, `5L` its last Friday, `1#1` its first Monday. A day that is limited in
both ways runs when either fits, as in crontab; a field that begins with `*` does not limit.
`@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly` stand for whole expressions.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from bot.errors import RequestError

MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST = 400
# 29 February falls on a given weekday every 28 years; 40 where a century has no leap year.
_YEARS = 41
_PART = re.compile(r"(\*|\?|[a-z]{3}|\d{1,2})(?:-([a-z]{3}|\d{1,2}))?(?:/(\d{1,2}))?")
_LAST = re.compile(r"([a-z]{3}|[0-7])l")
_NTH = re.compile(r"([a-z]{3}|[0-7])#([1-5])")
_FIELDS = {
    "second": (0, 59, ()),
    "minute": (0, 59, ()),
    "hour": (0, 23, ()),
    "day of the month": (1, 31, ()),
    "month": (1, 12, MONTHS),
    "weekday": (0, 6, WEEKDAYS),
}
_HINT = "write five fields as in crontab, for example 0 9 * * 1-5 for 9:00 from Monday to Friday"


def wrong(problem: str) -> RequestError:
    """The refusal of an expression: what is wrong, and how one looks."""
    return RequestError("INVALID_PARAMS", f"{problem}; {_HINT}")


class Fields:
    """A read expression. Equal sets of times have equal `canonical` texts."""

    __slots__ = (
        *("_days", "any_day", "any_weekday", "days", "hours", "last_day", "minutes", "months"),
        *("places", "seconds", "weekdays"),
    )

    def __init__(self, expr: str) -> None:
        words = _words(expr)
        self.seconds = _values("second", words[0])
        self.minutes = _values("minute", words[1])
        self.hours = _values("hour", words[2])
        self.months = _values("month", words[4])
        day_words = words[3].lower().split(",")
        self.last_day = "l" in day_words
        self.days = _values("day of the month", ",".join(w for w in day_words if w != "l"))
        self.places, plain = _places(words[5].lower())
        self.weekdays = _values("weekday", plain)
        self.any_day = words[3][0] in "*?"
        self.any_weekday = words[5][0] in "*?"
        self._days: dict[tuple[int, int], tuple[int, ...]] = {}

    def days_in(self, year: int, month: int) -> tuple[int, ...]:
        """The days of a month that fit, in order."""
        found = self._days.get((year, month))
        if found is None:
            if len(self._days) > 600:
                self._days.clear()
            found = tuple(self._fitting(year, month)) if month in self.months else ()
            self._days[year, month] = found
        return found

    def _fitting(self, year: int, month: int) -> Iterator[int]:
        first, length = monthrange(year, month)
        for day in range(1, length + 1):
            weekday = (first + day) % 7  # monthrange counts from Monday, crontab from Sunday
            fits_day = day in self.days or (self.last_day and day == length)
            place = 0 if day + 7 > length else None
            fits_weekday = (
                weekday in self.weekdays
                or (weekday, (day + 6) // 7) in self.places
                or (weekday, place) in self.places
            )
            both = fits_day and fits_weekday
            either = not (self.any_day or self.any_weekday) and (fits_day or fits_weekday)
            if both or either:
                yield day

    def first_from(self, local: datetime) -> datetime | None:
        """The first naive local time at or after this one; None when there is none."""
        time = self._time_from(local.hour, local.minute, local.second)
        begin = local.day if time else local.day + 1
        year, month = local.year, local.month
        for _ in range(_YEARS * 12):
            days = self.days_in(year, month)
            place = bisect_left(days, begin)
            if place < len(days):
                if time is None or (year, month, days[place]) != (
                    local.year,
                    local.month,
                    local.day,
                ):
                    time = (self.hours[0], self.minutes[0], self.seconds[0])
                return datetime(year, month, days[place], *time)
            begin = 1
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)
            if year > 9999:
                break
        return None

    def _time_from(self, hour: int, minute: int, second: int) -> tuple[int, int, int] | None:
        hours, minutes, seconds = self.hours, self.minutes, self.seconds
        place = bisect_left(hours, hour)
        if place == len(hours):
            return None
        if hours[place] > hour:
            return hours[place], minutes[0], seconds[0]
        found = bisect_left(minutes, minute)
        if found < len(minutes):
            if minutes[found] > minute:
                return hour, minutes[found], seconds[0]
            late = bisect_left(seconds, second)
            if late < len(seconds):
                return hour, minute, seconds[late]
            if found + 1 < len(minutes):
                return hour, minutes[found + 1], seconds[0]
        if place + 1 == len(hours):
            return None
        return hours[place + 1], minutes[0], seconds[0]

    def canonical(self) -> str:
        """One spelling for all expressions of the same times."""
        head = [] if self.seconds == (0,) else [_spelled("second", self.seconds)]
        middle = [_spelled("minute", self.minutes), _spelled("hour", self.hours)]
        days, weekdays = self._day_texts()
        return " ".join([*head, *middle, days, _spelled("month", self.months), weekdays])

    def _day_texts(self) -> tuple[str, str]:
        """The two fields that limit the day; a leading `*` is kept where it counts."""
        all_days, all_weekdays = len(self.days) == 31, len(self.weekdays) == 7
        if (all_days and all_weekdays) or (
            not self.any_day and not self.any_weekday and (all_days or all_weekdays)
        ):
            return "*", "*"
        days = (
            ["*"] if all_days else [*_listed("day of the month", self.days), *"L" * self.last_day]
        )
        places = [f"{w}#{n}" if n else f"{w}L" for w, n in sorted(self.places, key=_place_order)]
        week = ["*"] if all_weekdays else [*_listed("weekday", self.weekdays), *places]
        if self.any_day and not all_days and not all_weekdays:
            days = [_starred("day of the month", self.days), *"L" * self.last_day]
        elif self.any_weekday and not all_days and not all_weekdays:
            week = [_starred("weekday", self.weekdays)]
        return ",".join(days), ",".join(week)


def _place_order(place: tuple[int, int]) -> tuple[int, int]:
    return place[1] or 9, place[0]


def _words(expr: str) -> list[str]:
    """Six fields of an expression, whichever way it was written."""
    if len(expr) > _LONGEST:
        raise wrong(f"the cron expression has more than {_LONGEST} characters")
    words = expr.split()
    if len(words) == 1 and words[0].startswith("@"):
        if words[0].lower() not in MACROS:
            raise wrong(f"{words[0]} is not known; there are {', '.join(sorted(MACROS))}")
        words = MACROS[words[0].lower()].split()
    if len(words) not in (5, 6):
        raise wrong(f"a cron expression has 5 fields, or 6 with seconds, not {len(words)}")
    return words if len(words) == 6 else ["0", *words]


def _places(text: str) -> tuple[frozenset[tuple[int, int]], str]:
    """Weekdays of one week of the month, `(weekday, 1 to 5, or 0 for the last)`, and the rest."""
    places: set[tuple[int, int]] = set()
    rest: list[str] = []
    for word in text.split(","):
        if found := _NTH.fullmatch(word):
            places.add((_number("weekday", found[1]) % 7, int(found[2])))
        elif found := _LAST.fullmatch(word):
            places.add((_number("weekday", found[1]) % 7, 0))
        else:
            rest.append(word)
    return frozenset(places), ",".join(rest)


def _values(field: str, text: str) -> tuple[int, ...]:
    if not text:
        return ()
    return tuple(sorted({value for word in text.split(",") for value in _part(field, word)}))


def _part(field: str, word: str) -> Iterable[int]:
    low, high, _ = _FIELDS[field]
    found = _PART.fullmatch(word.lower())
    if found is None or (found[1] in "*?" and found[2]):
        raise wrong(f"{word[:40]!r} is not a {field}")
    step = int(found[3]) if found[3] else 1
    if step == 0:
        raise wrong(f"the step in {word!r} is 0")
    if found[1] in "*?":
        return range(low, high + 1, step)
    first = _number(field, found[1])
    last = _number(field, found[2]) if found[2] else (high if found[3] else first)
    if field == "weekday":
        first, last = _week(first, last)
        return (value % 7 for value in range(first, last + 1, step))
    if first > last:
        raise wrong(f"the {field} range {word!r} runs backwards, split it in two")
    return range(first, last + 1, step)


def _week(first: int, last: int) -> tuple[int, int]:
    """Both ends of a range of weekdays, so that it runs forwards, past Saturday if it must."""
    if first == 7 and last != 7:
        first = 0
    return first, last + 7 if last < first else last


def _number(field: str, text: str) -> int:
    low, high, labels = _FIELDS[field]
    if text in labels:
        return labels.index(text) + low
    top = 7 if field == "weekday" else high
    if not text.isdigit() or not low <= int(text) <= top:
        raise wrong(f"{text!r} is not a {field} ({low} to {top})")
    return int(text)


def _spelled(field: str, values: tuple[int, ...]) -> str:
    low, high, _ = _FIELDS[field]
    if len(values) == high - low + 1:
        return "*"
    step = values[1] - values[0] if len(values) > 1 else 1
    even = all(b - a == step for a, b in pairwise(values))
    if even and len(values) >= (3 if step == 1 else 4):
        whole = values[0] == low and values[-1] + step > high
        span = "*" if whole else f"{values[0]}-{values[-1]}"
        return span if step == 1 else f"{span}/{step}"
    return ",".join(str(value) for value in values)


def _listed(field: str, values: tuple[int, ...]) -> list[str]:
    return [_spelled(field, values)] if values else []


def _starred(field: str, values: tuple[int, ...]) -> str:
    """The spelling of a field that begins with `*`, which does not limit the day beside it."""
    low = _FIELDS[field][0]
    step = values[1] - values[0] if len(values) > 1 else 31
    start = f"*/{step}"
    extra = [str(value) for value in values if (value - low) % step]
    return ",".join([start, *extra])


@lru_cache(maxsize=4096)
def parsed(expr: str) -> Fields:
    """An expression, read; RequestError names what is wrong with it, or that it never comes."""
    fields = Fields(expr)
    if fields.first_from(datetime(2001, 1, 1)) is None:
        raise wrong(f"no day of any year fits {expr[:60]!r}")
    return fields
