"""The words of a sentence, with their places in it, as the readers of phrases want them."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

_WORD = re.compile(r"[^\s,]+|,")
_ENDS = ":.!?;"
_AROUND = "()[]\"'" + _ENDS


class Wrong(Exception):
    """A phrase about time that cannot be meant; the text says what to write instead."""


class Halfway(Wrong):
    """The same, behind phrases that could be meant."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day; `sure` says that nobody could take it for the other half of the day."""

    hour: int
    minute: int
    second: int = 0
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """What the phrases of one sentence say about time; each value is from one phrase."""

    span: float | None = None  # every so many seconds
    months_apart: int | None = None  # every so many months
    after: float | None = None  # so many seconds from now
    daily: bool = False
    yearly: bool = False
    weekdays: tuple[int, ...] = ()  # 0 is Sunday
    places: tuple[tuple[int, int], ...] = ()  # weekday, week of the month; 0 is the last
    month_days: tuple[int, ...] = ()  # 0 is the last
    monthly: bool = False
    months: tuple[int, ...] = ()
    date: date | None = None
    weekday: int | None = None  # the next of these
    strict: bool = False  # not today
    first: bool = False  # the date is the first of many
    later: int | None = None  # so many days from today
    moment: str | None = None  # a whole ISO time
    times: tuple[Clock, ...] = ()
    usual: tuple[Clock, ...] = ()  # the times unless others are said
    part: str | None = None  # morning, noon and so on
    window: tuple[Clock, Clock] | None = None
    zone: str | None = None

    def joined(self, piece: dict[str, Any]) -> Found | None:
        """With one phrase more, or None if it says again what was said."""
        if not self.said().keys().isdisjoint(piece):
            return None
        return Found(**({f.name: getattr(self, f.name) for f in fields(self)} | piece))

    def said(self) -> dict[str, Any]:
        """The values that are there."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        nothing = (None, False, ())
        return {n: v for n, v in values.items() if not any(v is empty for empty in nothing)}


Piece = tuple[dict[str, Any], int]
"""What a phrase says, and how many words it took."""


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence in words: lower case, without marks around them; a comma is a word."""

    text: str
    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    ends: tuple[bool, ...]  # a mark behind this word ends what it belongs to

    def at(self, place: int) -> str:
        """A word, or nothing behind the last."""
        return self.words[place] if place < len(self.words) else ""

    def raw(self, place: int) -> str:
        """A word as it was written, without marks around it."""
        if place >= len(self.words):
            return ""
        start, end = self.spans[place]
        return self.text[start:end].strip(_AROUND)


def words_of(text: str, most: int) -> Words:
    """The words in the first `most` characters of a text; a word is not cut in two."""
    end = len(text) if len(text) <= most else max(text.rfind(" ", 0, most), 0) or most
    found = list(_WORD.finditer(text, 0, end))
    ends = tuple(match[0][-1] in _ENDS for match in found)
    words = tuple(m[0] if m[0] == "," else m[0].lower().strip(_AROUND) for m in found)
    return Words(text, words, tuple(match.span() for match in found), ends)
