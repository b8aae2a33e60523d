"""Phrases that name days: weekdays, days of the month, dates, and days counted from today."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from typing import Any

from bot.schedule.tokens import Piece, Words, Wrong

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
ORDINALS = ("last", "first", "second", "third", "fourth", "fifth")
_FULL = {name.lower(): place for place, name in enumerate(WEEKDAYS)}
_DAYS = {
    **_FULL,
    **{name[:3]: place for name, place in _FULL.items()},
    **{"tues": 2, "weds": 3, "thur": 4, "thurs": 4},
}
_PLURAL = {f"{name}s": place for name, place in _FULL.items()}
_MONTHS = {
    **{name.lower(): place for place, name in enumerate(MONTHS, 1)},
    **{name.lower()[:3]: place for place, name in enumerate(MONTHS, 1)},
    "sept": 9,
}
_SETS = {
    **dict.fromkeys(("weekday", "workday", "weekdays", "workdays"), (1, 2, 3, 4, 5)),
    **dict.fromkeys(("weekend", "weekends"), (0, 6)),
}
_NTH = re.compile(r"(\d{1,2})(st|nd|rd|th)")
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}t\d{2}:?\d{2}[\d:.]*(?:z|[+-]\d{2}:?\d{2})?")
_NUMERIC = re.compile(r"\d{1,2}[/.]\d{1,2}[/.]\d{4}")
_SLASHED = re.compile(r"\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4}|\.)?")
_EVERY = ("every", "each")


def weekdays(words: Words, place: int) -> Piece | None:
    """`every Friday`, `Mondays and Thursdays`, `Monday to Friday`, `on weekdays`, `weekends`."""
    start, lead = place, words.at(place)
    repeats = lead in _EVERY
    if repeats or lead == "on":
        place += 1
        place += words.at(place) == "the" and words.at(place + 1) in _SETS
    found: list[int] = []
    while True:
        days, took, plural = _group(words, place)
        if not took:
            break
        found, repeats, place = [*found, *days], repeats or plural, place + took
        step = 1 if words.at(place) in (",", "and", "&") else 0
        step += words.at(place + step) in ("and", "on", "every") and step > 0
        if (
            not step
            or len(found) > 14
            or words.ends[place - 1]
            or not _group(words, place + step)[1]
        ):
            break
        place += step
    if not found:
        return None
    if not repeats and len(set(found)) == 1:
        if dated := _date(words, place):
            return dated[0], place + dated[1] - start
        return {"weekday": found[0]}, place - start
    return {"weekdays": tuple(sorted(set(found)))}, place - start


def _group(words: Words, place: int) -> tuple[tuple[int, ...], int, bool]:
    """One weekday, a set or a range of them: which, how many words, and whether they repeat."""
    word = words.at(place)
    if word in _SETS:
        return _SETS[word], 1, True
    if word in _PLURAL:
        return (_PLURAL[word],), 1, True
    first, dash, last = word.partition("-")
    took = 1
    if word in _DAYS and words.at(place + 1) in ("to", "through", "until", "-"):
        first, dash, last, took = word, "-", words.at(place + 2), 3
    if dash and first in _DAYS and last in _DAYS:
        length = (_DAYS[last] - _DAYS[first]) % 7
        return tuple((_DAYS[first] + step) % 7 for step in range(length + 1)), took, True
    return ((_DAYS[word],), 1, False) if word in _DAYS else ((), 0, False)


def month_days(words: Words, place: int) -> Piece | None:
    """`first Monday of the month`, `the last day of every month`, `on the 1st and 15th`."""
    start = place
    led = words.at(place) in ("on", *_EVERY)
    every = words.at(place) in _EVERY
    place += led
    place += words.at(place) == "the"
    word, following = words.at(place), words.at(place + 1)
    number = ORDINALS.index(word) if word in ORDINALS else _ordinal(word)
    if number is None:
        return None
    if following in _DAYS and number <= 5:
        piece: dict[str, object] = {"places": ((_DAYS[following], number),)}
        months, took = _of_months(words, place + 2)
        if every and not took:
            if word in ("second", "2nd"):
                return None  # that is every two weeks
            months = {"monthly": True}
        return {**piece, **months}, place + 2 + took - start
    if following == "day" and word in ("first", "last", "1st"):
        months, took = _of_months(words, place + 2)
        if not took:
            return None
        return {"month_days": (number,), **months}, place + 2 + took - start
    return _numbered(words, start, place, every)


def _numbered(words: Words, start: int, place: int, every: bool) -> Piece | None:
    """Days of the month by their numbers, `1st and 15th`."""
    found: list[int] = []
    while (number := _ordinal(words.at(place))) is not None:
        if not 1 <= number <= 31:
            raise Wrong(f"no month has a day {number}; write for example the 15th of every month")
        found, place = [*found, number], place + 1
        step = 0
        while words.at(place + step) in (",", "and", "&", "the"):
            step += 1
        if not step or len(found) > 31 or _ordinal(words.at(place + step)) is None:
            break
        place += step
    if not found:
        return None
    months, took = _of_months(words, place)
    several = len(months.get("months", ())) > 1
    if len(found) == 1 and not several and (dated := _date(words, place - 1)):
        yearly = {"yearly": True} if every and "months" in dated[0] else {}
        return {**dated[0], **yearly}, place - 1 + dated[1] - start
    if every and not took:
        months = {"monthly": True}
    return {"month_days": tuple(sorted(set(found))), **months}, place + took - start


def _ordinal(word: str) -> int | None:
    found = _NTH.fullmatch(word)
    return int(found[1]) if found else None


def _of_months(words: Words, place: int) -> tuple[dict[str, Any], int]:
    """`of the month`, `of every month`, `every month`, `of January and July`."""
    start = place
    led = words.at(place) in ("of", "in")
    place += led
    if words.at(place) in ("the", *_EVERY, "a") and words.at(place + 1) == "month":
        return {"monthly": True}, place + 2 - start
    if not led:
        return {}, 0
    found: list[int] = []
    while words.at(place) in _MONTHS:
        found.append(_MONTHS[words.at(place)])
        place += 1
        step = 0
        while words.at(place + step) in (",", "and", "&"):
            step += 1
        if not step or len(found) > 12 or words.at(place + step) not in _MONTHS:
            break
        place += step
    return ({"months": tuple(sorted(set(found)))}, place - start) if found else ({}, 0)


def dates(words: Words, place: int) -> Piece | None:
    """`on 2026-12-24`, `Dec 24`, `24 December 2026`, or a whole ISO time."""
    start, lead = place, words.at(place)
    place += lead in ("on", "at", *_EVERY)
    place += words.at(place) == "the"
    found, word = _date(words, place), words.at(place)
    if lead in _EVERY and (found is None or "months" not in found[0]):
        return None
    if lead in _EVERY and found:
        found = {**found[0], "yearly": True}, found[1]
    if found is None and (_NUMERIC.fullmatch(word) or (lead == "on" and _SLASHED.fullmatch(word))):
        raise Wrong(f"{words.at(place)} can be read in two ways; write 2026-12-24 or 24 December")
    return (found[0], place + found[1] - start) if found else None


def _date(words: Words, place: int) -> Piece | None:
    word = words.at(place)
    if _MOMENT.fullmatch(word):
        return {"moment": words.raw(place)}, 1
    if _ISO.fullmatch(word):
        year, month, day = (int(part) for part in word.split("-"))
        return {"date": _checked(year, month, day)}, 1
    following = words.at(place + 1)
    skip = 1 if following == "of" else 0
    if _DAY.fullmatch(word) and words.at(place + 1 + skip) in _MONTHS:
        return _dated(words, place + 2 + skip, _MONTHS[words.at(place + 1 + skip)], word, place)
    if word in _MONTHS and _DAY.fullmatch(following):
        return _dated(words, place + 2, _MONTHS[word], following, place)
    return None


def _dated(words: Words, place: int, month: int, day: str, start: int) -> Piece:
    """A day of a named month, with the year if one follows."""
    found = _DAY.fullmatch(day)
    assert found is not None
    number = int(found[1])
    comma = 1 if words.at(place) == "," else 0
    year = words.at(place + comma)
    if re.fullmatch(r"[12]\d{3}", year):
        return {"date": _checked(int(year), month, number)}, place + comma + 1 - start
    if not 1 <= number <= monthrange(2024, month)[1]:
        raise Wrong(f"{MONTHS[month - 1]} has no day {number}; write for example 24 December")
    return {"month_days": (number,), "months": (month,)}, place - start


def _checked(year: int, month: int, day: int) -> date:
    if not (1 <= month <= 12 and year >= 1970 and 1 <= day <= monthrange(year, month)[1]):
        named = MONTHS[month - 1] if 1 <= month <= 12 else f"month {month}"
        raise Wrong(f"there is no day {day} in {named} {year}; write for example 2026-12-24")
    return date(year, month, day)


def excepted(words: Words, place: int) -> bool:
    """Are days taken out here, `except Sunday`, `but not on weekends`?"""
    if words.at(place) not in ("except", "excluding", "but", "not"):
        return False
    place += 1
    while words.at(place) in ("not", "on", "for", "the"):
        place += 1
    return bool(_group(words, place)[1])


def relative(words: Words, place: int) -> Piece | None:
    """`tomorrow`, `today`, `the day after tomorrow`, `next Tuesday`, `this Friday`."""
    first, second = words.at(place), words.at(place + 1)
    if first in ("tomorrow", "today"):
        later = int(first == "tomorrow")
        if second in ("morning", "afternoon", "evening", "night", "noon", "midnight"):
            return {"later": later, "part": second}, 2
        return {"later": later}, 1
    skip = 1 if first == "the" else 0
    if [words.at(place + skip + step) for step in range(3)] == ["day", "after", "tomorrow"]:
        return {"later": 2}, 3 + skip
    lead = 1 if first == "on" else 0
    if words.at(place + lead) not in ("next", "this"):
        return None
    day = words.at(place + lead + 1)
    if day in _DAYS:
        strict = {"strict": True} if words.at(place + lead) == "next" else {}
        return {"weekday": _DAYS[day], **strict}, lead + 2
    if words.at(place + lead) == "next" and day in ("week", "month", "weekend", "year"):
        raise Wrong(f'on which day of next {day}? Write for example "next Monday at 9:00"')
    return None
