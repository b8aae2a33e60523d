"""Phrases about time, one after another: how much of a sentence they take, and what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.schedule import phrases_days, phrases_every, phrases_time
from bot.schedule.tokens import Found, Halfway, Piece, Words, Wrong

_READERS: tuple[Callable[[Words, int], Piece | None], ...] = (
    phrases_every.starting,
    phrases_every.counted,
    phrases_time.part,
    phrases_days.month_days,
    phrases_days.weekdays,
    phrases_days.relative,
    phrases_days.dates,
    phrases_every.often,
    phrases_every.soon,
    phrases_time.window,
    phrases_time.times,
)
# Words that tell by themselves that time is meant, wherever they stand.
_LEADS = frozenset(
    (
        *("every", "each", "at", "on", "in", "hourly", "daily", "weekly", "monthly", "yearly"),
        *("annually", "quarterly", "fortnightly", "nightly", "tomorrow", "today", "tonight"),
        *("weekdays", "weekends", "once", "twice", "thrice", "next", "this", "from", "between"),
        *("the", "first", "second", "third", "fourth", "last", "biweekly", "@", "starting"),
    )
)


@dataclass(frozen=True, slots=True)
class Clause:
    """What phrases say, and the words from `start` to before `end` that say it."""

    found: Found
    start: int
    end: int


def clause(words: Words, start: int) -> Clause | None:
    """The longest run of phrases that begins at a word; Wrong for one that cannot be meant."""
    found, place = Found(), start
    while place < len(words.words):
        begin = place
        # A comma, or "and" and "of" before a further phrase, only joins.
        while place > start and words.at(place) in (",", "and", "of", "on"):
            if _piece(words, place, found):
                break
            place += 1
        try:
            piece = _piece(words, place, found)
        except Wrong as fault:
            raise (Halfway(str(fault)) if found.said() else fault) from None
        joined = found.joined(piece[0]) if piece else None
        if piece is None or joined is None:
            place = begin
            break
        found, place = joined, place + piece[1]
        if words.ends[place - 1] and place < len(words.words):
            break
    return Clause(found, start, place) if place > start and found.said() else None


def _piece(words: Words, place: int, found: Found) -> Piece | None:
    if words.at(place) == "once" and words.at(place + 1) in ("on", "at"):
        piece = _piece(words, place + 1, found)
        return (piece[0], piece[1] + 1) if piece else None
    timed = bool(found.times or found.part or found.moment or found.window or found.after)
    if zone := phrases_time.zone(words, place, timed):
        return zone
    if (found.weekday is not None or found.weekdays) and words.at(place) in phrases_time.PARTS:
        # With a mark behind it, it is a name: `every Friday Morning: brief me`.
        return None if words.ends[place] else ({"part": words.at(place)}, 1)
    if found.said() and phrases_days.excepted(words, place):
        raise Wrong('write the days that are meant, for example "every monday to saturday at 9:00"')
    for reader in _READERS:
        if piece := reader(words, place):
            return piece
    if found.said() and words.at(place) in ("every", "each") and words.at(place + 1) == "year":
        return {"yearly": True}, 2
    return None


def leads(words: Words, place: int) -> bool:
    """May a phrase that stands among other words begin with this one?"""
    word = words.at(place)
    return word in _LEADS or word[:1].isdigit() or words.at(place + 1) == "times"


def clauses(words: Words, start: int) -> tuple[list[Clause], dict[int, Wrong]]:
    """All runs of phrases from a word on, and by their places those that cannot be meant."""
    found: list[Clause] = []
    wrong: dict[int, Wrong] = {}
    place = start
    while place < len(words.words):
        try:
            one = clause(words, place) if place == start or leads(words, place) else None
        except Wrong as fault:
            wrong[place], one = fault, None
        if one is not None:
            found.append(one)
        place = one.end if one else place + 1
    return found, wrong
