"""Spans of time in words: `30m`, `1h30m`, `1.5h`, `10 minutes`, `1 hour and 30 minutes`, `hour`."""

from __future__ import annotations

import re
from collections.abc import Sequence

_UNITS = {
    "ms": 0.001,
    **dict.fromkeys(("millisecond", "milliseconds", "msec", "msecs"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), 604800.0),
}
_ALONE = frozenset(("second", "minute", "hour", "day", "week"))
_NUMBERS = {
    **{"a": 1.0, "an": 1.0, "one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0},
    **{"six": 6.0, "seven": 7.0, "eight": 8.0, "nine": 9.0, "ten": 10.0, "twelve": 12.0},
    **{"fifteen": 15.0, "twenty": 20.0, "thirty": 30.0, "other": 2.0, "half": 0.5},
}
_NAMED = ((604800, "week"), (86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_PIECE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)([a-z]{1,12})")
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,6})?")
_MOST_WORDS = 6


def longest(words: Sequence[str]) -> tuple[float, int] | None:
    """The longest span that up to six words begin with: its seconds, and how many words it took."""
    best: tuple[float, int] | None = None
    total, place = 0.0, 0
    while place < min(len(words), _MOST_WORDS):
        if place and words[place] == "and":
            place += 1
        piece = _piece(words, place)
        if piece is None:
            break
        seconds, place = total + piece[0], place + piece[1]
        total = seconds
        if place <= _MOST_WORDS:
            best = (total, place)
    return best


def _piece(words: Sequence[str], place: int) -> tuple[float, int] | None:
    """One amount with its unit, in one word or in two; several in one word, as in `1h30m`."""
    if place >= len(words):
        return None
    word, following = words[place], words[place + 1] if place + 1 < len(words) else ""
    if word in _ALONE and place == 0:
        return _UNITS[word], 1
    if word == "half" and following in ("a", "an") and words[place + 2 : place + 3]:
        unit = _UNITS.get(words[place + 2])
        return (unit / 2, 3) if unit else None
    amount = float(word) if _NUMBER.fullmatch(word) else _NUMBERS.get(word)
    if amount is not None:
        return (amount * _UNITS[following], 2) if following in _UNITS else None
    pieces = [(found[1], found[2]) for found in _PIECE.finditer(word)]
    if not pieces or "".join(a + b for a, b in pieces) != word:
        return None
    if any(unit not in _UNITS for _, unit in pieces):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in pieces), 1


def number(word: str) -> float | None:
    """A number in digits or as a word; None for any other word."""
    return float(word) if _NUMBER.fullmatch(word) else _NUMBERS.get(word)


def spelled(seconds: float) -> str:
    """A span in words that `longest` reads back: `hour`, `30 minutes`, `1 hour 30 minutes`."""
    milliseconds = round(seconds * 1000)
    if milliseconds % 1000:
        return f"{milliseconds} milliseconds"
    whole, parts = milliseconds // 1000, []
    for size, unit in _NAMED:
        if unit == "week" and whole % size:
            continue
        count, whole = divmod(whole, size)
        if count:
            parts.append((count, unit))
    if len(parts) == 1 and parts[0][0] == 1:
        return parts[0][1]
    if len(parts) > 3:
        return f"{milliseconds // 1000} seconds"
    return " ".join(f"{count} {unit}{'s' if count > 1 else ''}" for count, unit in parts)
