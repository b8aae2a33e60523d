"""Phrases that name a time of day, a part of the day, or the zone it is meant in."""

from __future__ import annotations

import re

from bot.schedule import zones
from bot.schedule.tokens import Clock, Piece, Words, Wrong

PARTS = {
    **{"morning": Clock(9, 0), "noon": Clock(12, 0), "midday": Clock(12, 0)},
    **{"afternoon": Clock(15, 0), "evening": Clock(18, 0), "night": Clock(21, 0)},
    **{"midnight": Clock(0, 0)},
}
_EXACT = ("noon", "midday", "midnight")
_CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d{2})(?::(\d{2}))?)?(am|pm|a\.m|p\.m)?")
_HALVES = {"am": "am", "pm": "pm", "a.m": "am", "p.m": "pm"}
# Each of these letters stands for several zones, or for half a year of one.
_LOUD = frozenset(
    ("cet", "cest", "eet", "eest", "est", "edt", "cst", "cdt", "mst", "mdt", "pst", "pdt", "bst")
)
_QUIET = frozenset(
    ("IST", "MSK", "JST", "KST", "WET", "WEST", "MET", "AEST", "AEDT", "ACST", "ACDT", "AWST")
)
_QUIETER = frozenset(("NZST", "NZDT", "HST", "AKST", "SGT", "HKT", "ET", "CT", "MT", "PT", "BRT"))
_AREAS = ("africa/", "america/", "asia/", "atlantic/", "australia/", "europe/", "pacific/")
_SHIFTED = re.compile(r"(?:utc|gmt)?[+-]\d{1,2}(?::?\d{2})?")
_UNTIL = ("to", "until", "till", "-", "through")


def clock(words: Words, place: int, bare: bool) -> tuple[Clock, int] | None:
    """A time of day and how many words it took; a plain number is one only where `bare` says so."""
    word = words.at(place)
    if word in _EXACT:
        return PARTS[word], 1
    found = _CLOCK.fullmatch(word)
    if found is None or ("." in word and not found[4] and not bare):
        return None
    half, took = _HALVES.get(found[4] or ""), 1
    if half is None and words.at(place + 1) in _HALVES:
        half, took = _HALVES[words.at(place + 1)], 2
    elif half is None and words.at(place + 1) in ("o'clock", "oclock", "h"):
        took = 2
    if half is None and found[2] is None and not bare:
        return None
    return _checked(word, found, half), took


def _checked(word: str, found: re.Match[str], half: str | None) -> Clock:
    hour, minute, second = int(found[1]), int(found[2] or 0), int(found[3] or 0)
    if minute > 59 or second > 59 or hour > 23 or (half and not 0 < hour <= 12):
        raise Wrong(
            f'{word} is not a time of day; write for example "at 9:30", "at 17:00" or "5pm"'
        )
    if half:
        return Clock(hour % 12 + (12 if half == "pm" else 0), minute, second)
    sure = found[2] is not None or hour > 12 or hour == 0 or (len(found[1]) == 2 and hour < 10)
    return Clock(hour, minute, second, sure)


def times(words: Words, place: int) -> Piece | None:
    """`at 9`, `at 8 and 20`, `9am`, `17:00`, `at noon`; with `around` and the like in front."""
    start = place
    led = words.at(place) in ("at", "around", "@")
    place += led
    first = clock(words, place, led)
    if first is None or (led and words.at(place + first[1]) in ("minutes", "seconds", "%")):
        return None
    found, place = [first[0]], place + first[1]
    while not words.ends[place - 1] and len(found) < 24:
        step = 0
        while words.at(place + step) in (",", "and", "or", "&", "at"):
            step += 1
        more = clock(words, place + step, led or first[0].sure) if step else None
        if more is None or _measures(words, place + step + more[1]):
            break
        found.append(more[0])
        place += step + more[1]
    return {"times": _one_half(found, words, place)}, place - start


def _measures(words: Words, place: int) -> bool:
    """Does a word follow that makes the number before it an amount?"""
    return words.at(place) != "" and words.at(place).isalpha() and words.at(place).endswith("s")


def _one_half(found: list[Clock], words: Words, place: int) -> tuple[Clock, ...]:
    """`8 and 10pm` are both in the evening: the half at the end holds for plain numbers before."""
    last = words.at(place - 1)
    if last.endswith(("pm", "p.m")) and not all(time.sure for time in found):
        return tuple(
            Clock(time.hour % 12 + 12, time.minute) if not time.sure else time for time in found
        )
    if last.endswith(("am", "a.m")):
        return tuple(Clock(time.hour, time.minute, time.second) for time in found)
    return tuple(found)


def window(words: Words, place: int) -> Piece | None:
    """`from 9 to 17`, `between 9am and 5pm`."""
    lead = words.at(place)
    if lead not in ("from", "between"):
        return None
    first = clock(words, place + 1, True)
    if first is None:
        return None
    middle = place + 1 + first[1]
    if words.at(middle) not in (("and",) if lead == "between" else _UNTIL):
        return None
    last = clock(words, middle + 1, True)
    if last is None:
        return None
    return {"window": (first[0], last[0])}, middle + 1 + last[1] - place


def part(words: Words, place: int) -> Piece | None:
    """`in the morning`, `at night`, `every evening`, `tonight`, `nightly`."""
    first, second, third = (words.at(place + step) for step in range(3))
    if first == "tonight":
        return {"later": 0, "part": "night"}, 1
    if first == "nightly":
        return {"daily": True, "part": "night"}, 1
    if first == "this" and second in ("morning", "afternoon", "evening"):
        return {"later": 0, "part": second}, 2
    if first in ("every", "each") and second in PARTS:
        return {"daily": True, "part": second}, 2
    if first in ("in", "on") and second == "the" and third.removesuffix("s") in PARTS:
        return {"part": third.removesuffix("s")}, 3
    if first == "at" and second == "night":
        return {"part": "night"}, 2
    return None


def zone(words: Words, place: int, after_time: bool) -> Piece | None:
    """A zone by its name; letters that could mean several are refused where a time precedes."""
    lead = 1 if words.at(place) == "in" else 0
    word = words.at(place + lead)
    if (word in ("utc", "gmt") or "/" in word) and (name := zones.named(word)):
        return {"zone": name}, lead + 1
    if word == "local":
        more = words.at(place + lead + 1) == "time"
        return ({"zone": zones.LOCAL}, lead + 1 + more) if after_time or more else None
    if not after_time or lead:
        return None
    raw = words.raw(place)
    if word in _LOUD or raw in _QUIET or raw in _QUIETER:
        raise Wrong(f"{raw} can mean several time zones; name a place, for example Europe/Berlin")
    if _SHIFTED.fullmatch(word) and not word.isdigit():
        raise Wrong(
            f"{raw} does not say when clocks change; name a place, as Europe/Berlin, or UTC"
        )
    if word.startswith(_AREAS):
        raise Wrong(f"{raw[:40]} is not a time zone; write for example Europe/Berlin or UTC")
    return None
