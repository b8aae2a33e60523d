"""Phrases that say how often, or how long from now."""

from __future__ import annotations

from bot.schedule import durations
from bot.schedule.tokens import Clock, Piece, Words, Wrong

DAY, WEEK = 86400.0, 604800.0
_ADVERBS: dict[str, dict[str, object]] = {
    "hourly": {"span": 3600.0},
    "daily": {"span": DAY},
    "everyday": {"span": DAY},
    "weekly": {"span": WEEK},
    "fortnightly": {"span": 2 * WEEK},
    "monthly": {"monthly": True},
    "quarterly": {"months_apart": 3},
    "yearly": {"yearly": True},
    "annually": {"yearly": True},
}
_EVERY = ("every", "each")
_COUNTS = {"once": 1, "twice": 2, "thrice": 3}
_A_DAY = {2: (9, 21), 3: (8, 14, 20), 4: (8, 12, 16, 20)}
_SECOND = ("other", "second", "2nd")


def often(words: Words, place: int) -> Piece | None:
    """`every 30m`, `hourly`, `monthly`, `every other week`, `every 3 months`, `every year`."""
    first, second = words.at(place), words.at(place + 1)
    if first in _ADVERBS:
        return dict(_ADVERBS[first]), 1
    if first in ("biweekly", "bimonthly", "semiweekly"):
        raise Wrong(f'"{first}" can mean two things; write for example "every 2 weeks"')
    if first not in _EVERY:
        return None
    if second == "quarter" and words.at(place + 2) == "hour":
        return {"span": 900.0}, 3
    if second in ("month", "year", "quarter"):
        named = {"month": "monthly", "year": "yearly", "quarter": "quarterly"}[second]
        return dict(_ADVERBS[named]), 2
    if second in _SECOND and words.at(place + 2):
        return _second(words, place)
    if words.at(place + 2) in ("months", "month") and (number := durations.number(second)):
        return _months(number), 3
    if found := durations.longest(words.words[place + 1 : place + 7]):
        if found[0] <= 0:
            raise Wrong('an interval must be longer than nothing; write for example "every 30m"')
        return {"span": found[0]}, 1 + _reach(words, place + 1, found)
    if second[:1].isdigit() and not second.endswith(("st", "nd", "rd", "th")):
        raise Wrong(
            f'every {second[:20]} of what? Write for example "every 3 hours" or "every 30m"'
        )
    return None


def _reach(words: Words, place: int, found: tuple[float, int]) -> int:
    """How many words a span took: it does not reach over the end of a sentence."""
    for step in range(found[1] - 1):
        if words.ends[place + step]:
            shorter = durations.longest(words.words[place : place + step + 1])
            return shorter[1] if shorter else found[1]
    return found[1]


def _second(words: Words, place: int) -> Piece | None:
    """`every other day`; with a weekday, every two weeks on it."""
    unit = words.at(place + 2)
    if unit in ("day", "week", "hour", "minute"):
        span = durations.longest(("2", unit + "s"))
        return ({"span": span[0]}, 3) if span else None
    if unit == "month":
        return _months(2), 3
    return ({"span": 2 * WEEK}, 2) if unit.endswith("day") else None


def _months(number: float) -> dict[str, object]:
    if number == 1:
        return {"monthly": True}
    if number not in (2, 3, 4, 6):
        raise Wrong('only every 2, 3, 4 or 6 months fit a year; write for example "every 3 months"')
    return {"months_apart": int(number)}


def counted(words: Words, place: int) -> Piece | None:
    """`twice a day`, `three times an hour`, `once a week`."""
    number, took = _COUNTS.get(words.at(place)), 1
    if number is None and words.at(place + 1) == "times":
        amount = durations.number(words.at(place))
        number, took = (int(amount), 2) if amount else (None, 0)
    if number is None or words.at(place + took) not in ("a", "an", "per", *_EVERY):
        return None
    unit, took = words.at(place + took + 1), took + 2
    if number == 1:
        adverbs = {"hour": "hourly", "day": "daily", "week": "weekly"}
        adverbs |= {"month": "monthly", "year": "yearly"}
        return (dict(_ADVERBS[adverbs[unit]]), took) if unit in adverbs else None
    if unit == "day" and number in _A_DAY:
        return {"daily": True, "usual": tuple(Clock(hour, 0) for hour in _A_DAY[number])}, took
    if unit == "hour" and 3600 % number == 0:
        return {"span": 3600.0 / number}, took
    if unit in ("hour", "day", "week", "month", "year"):
        raise Wrong(
            f'when, if {number} times a {unit}? Write for example "every day at 8:00 and 20:00"'
            ' or "every Monday and Thursday at 9:00"'
        )
    return None


def soon(words: Words, place: int) -> Piece | None:
    """`in 20m`, `in 2 hours`, `in half an hour`, `2 hours from now`."""
    lead = 1 if words.at(place) in ("in", "after") else 0
    found = durations.longest(words.words[place + lead : place + lead + 6])
    if found is None:
        if lead and words.at(place) == "in" and words.at(place + 1).isdigit():
            raise Wrong(f'in {words.at(place + 1)[:20]} of what? Write for example "in 20 minutes"')
        return None
    took = lead + found[1]
    if words.at(place + took) == "from" and words.at(place + took + 1) == "now":
        took += 2
    elif not lead or words.at(place) == "after":
        return None
    if found[0] <= 0:
        raise Wrong('that is now; write for example "in 20 minutes"')
    return {"after": found[0]}, took


def starting(words: Words, place: int) -> Piece | None:
    """`first on`, `starting`: the date behind it is the first of many."""
    if words.at(place) == "first" and words.at(place + 1) == "on":
        return {"first": True}, 1
    if words.at(place) == "starting":
        return {"first": True}, 1
    return None
