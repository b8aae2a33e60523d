"""Sentences that say when: what stands behind `/task new`, read into a schedule and a prompt.

`every 1h Service watch: check the status`, `at 2026-12-24T18:00 …`, `cron 0 9 * * 1-5 -- Name: …`,
`hourly …`, and phrases in front, at the end or between: `every Friday at 5pm`, `in 20m`, `tomorrow
at 9`, `first Monday of the month`. A sentence that says no time, an impossible one or one that can
be meant in two ways is refused with a sentence that says what to write.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.errors import RequestError
from bot.schedule import titles, zones
from bot.schedule.meaning import meaning
from bot.schedule.phrases import Clause, clause, clauses
from bot.schedule.phrases_time import PARTS
from bot.schedule.tokens import Found, Halfway, Words, Wrong, words_of
from bot.schedule.trigger import Cron, Schedule, cron_of

_READ = 4000
_OPENER = re.compile(r"\s*(?:please\s+)?remind me(?=\s|$)\s*", re.IGNORECASE)
_CRON = re.compile(r"\s*cron\s+(?=[\"'@\d*?])", re.IGNORECASE)
_TAIL = {"times", "part", "zone", "weekdays", "later", "weekday"}
_USAGE = (
    "no time was found; write first when, for example"
    ' "every 1h Service watch: check the status" or "tomorrow at 9:00 call the shop"'
)
_NOTHING = 'say what to do then, for example "every Friday at 17:00 send the report"'
_TWO = 'two times were found; write the one that is meant first, as "every 2h check the mail"'


@dataclass
class Request:
    """What one sentence asks for; `zone` is the one its times are meant in."""

    schedule: Schedule
    name: str | None
    prompt: str
    zone: str


def read(text: str, now: float, zone: str) -> Request:
    """A sentence with a schedule and what to do then.

    `now` is in seconds since the epoch; `zone` is meant where the sentence names none. Raises
    RequestError (INVALID_PARAMS) with a sentence that says what to write.
    """
    zone = zones.zone_name(zone)
    if _CRON.match(text):
        return _crontab(text, zone)
    try:
        schedule, rest, found = _split(text, now, zone)
    except Wrong as fault:
        raise RequestError("INVALID_PARAMS", str(fault)) from None
    rest = rest.strip().strip(",;").strip()
    name, prompt = titles.split(rest)
    if _OPENER.match(prompt):
        prompt = titles.reminder(prompt)
    if not re.search(r"\w", prompt):
        raise RequestError("INVALID_PARAMS", _NOTHING)
    return Request(schedule, name, prompt, found.zone or zone)


def read_schedule(text: str, now: float, zone: str) -> Schedule | None:
    """A schedule alone, without anything to do; None where the text is more than that, or less.

    Raises RequestError where it is one that cannot be meant.
    """
    zone = zones.zone_name(zone)
    if _CRON.match(text):
        return _expression(text, zone) if " -- " not in text else None
    words = words_of(text, _READ)
    try:
        whole = clause(words, 0)
        if whole is None or whole.end < len(words.words) or len(text) > _READ:
            return None
        return meaning(whole.found, now, zone)
    except Wrong as fault:
        raise RequestError("INVALID_PARAMS", str(fault)) from None


def _crontab(text: str, zone: str) -> Request:
    """`cron <expression> [zone] -- name: prompt`."""
    head, mark, rest = text.partition(" -- ")
    name, prompt = titles.split(rest)
    if not mark or not prompt or prompt == rest.strip():
        raise RequestError(
            "INVALID_PARAMS",
            "a cron task needs a name; write for example"
            " cron 0 9 * * 1-5 -- Morning report: summarise the mail",
        )
    cron = _expression(head, zone)
    return Request(cron, name, prompt, cron.zone)


def _expression(text: str, zone: str) -> Cron:
    words = text.split()[1:]
    if len(words) > 1 and (given := zones.named(words[-1].strip("()"))):
        words, zone = words[:-1], given
    return cron_of(" ".join(words).strip("\"'"), zone)


def _split(text: str, now: float, zone: str) -> tuple[Schedule, str, Found]:
    """The schedule of a sentence, its other words, and what was said."""
    opener = _OPENER.match(text)
    begin = opener.end() if opener else 0
    words = words_of(text, _READ)
    start = next((at for at, span in enumerate(words.spans) if span[0] >= begin), 0)
    front = clause(words, start)
    if front and not _weak(words, front) and (found := _front(words, front, now, zone)):
        return found
    return _anywhere(words, start, now, zone)


def _weak(words: Words, one: Clause) -> bool:
    """Is this no more than a name of a day, which a sentence may have for other reasons?"""
    alone = one.end == one.start + 1 and set(one.found.said()) == {"weekday"}
    return alone and one.end < len(words.words)


def _front(
    words: Words, front: Clause, now: float, zone: str
) -> tuple[Schedule, str, Found] | None:
    """A sentence that begins with its time; a time of day may follow at its end."""
    if not front.found.times and not front.found.after and front.end < len(words.words):
        for tail in clauses(words, front.end)[0]:
            joined = front.found.joined(tail.found.said()) if _is_tail(words, tail) else None
            if joined and (schedule := _quiet(joined, now, zone)):
                return schedule, _without(words, [front, tail]), joined
    schedule = meaning(_whole(front.found), now, zone)
    return (schedule, _without(words, [front]), front.found) if schedule else None


def _whole(found: Found) -> Found:
    """`in the morning` alone is the next morning, where a sentence begins with it."""
    if found.part is None or set(found.said()) - {"part", "zone"}:
        return found
    return found.joined({"times": (PARTS[found.part],)}) or found


def _is_tail(words: Words, one: Clause) -> bool:
    last = one.end == len(words.words) and not words.text[words.spans[-1][1] :].strip()
    return last and set(one.found.said()) <= _TAIL


def _quiet(found: Found, now: float, zone: str) -> Schedule | None:
    try:
        return meaning(found, now, zone)
    except Wrong:
        return None


def _anywhere(words: Words, start: int, now: float, zone: str) -> tuple[Schedule, str, Found]:
    """A sentence with its time at the end or among other words."""
    every, faults = clauses(words, start)
    wrong = next(iter(faults.values()), None)
    if broken := next((fault for fault in faults.values() if isinstance(fault, Halfway)), None):
        raise broken  # `every day but not on weekends` is not each weekend
    good: list[tuple[Clause, Schedule]] = []
    for one in every:
        try:
            schedule = meaning(one.found, now, zone)
        except Wrong as fault:
            wrong, schedule = wrong or fault, None
        if schedule is not None:
            good.append((one, schedule))
    strong = [pair for pair in good if not _weak(words, pair[0])] or good
    if not strong:
        raise wrong or Wrong(_USAGE)
    if len(strong) > 1:
        return _together([one for one, _ in strong], words, now, zone)
    one, schedule = strong[0]
    for before in (one.start - 1, one.start - 2):
        if before in faults:  # `on 24.12. at 18:00` is not tomorrow at 18:00
            raise faults[before]
    return schedule, _without(words, [one]), one.found


def _together(
    several: list[Clause], words: Words, now: float, zone: str
) -> tuple[Schedule, str, Found]:
    """Phrases in several places that add up to one time, `on Friday send it at 17:00`."""
    found: Found | None = several[0].found
    for one in several[1:]:
        found = found.joined(one.found.said()) if found else None
    schedule = _quiet(found, now, zone) if found else None
    if found is None or schedule is None:
        raise Wrong(_TWO)
    return schedule, _without(words, several), found


def _without(words: Words, taken: list[Clause]) -> str:
    """The sentence without these phrases; marks that stood around them go with them."""
    parts, place = [], 0
    for one in taken:
        parts.append(words.text[place : words.spans[one.start][0]].strip().rstrip(","))
        place = words.spans[one.end - 1][1]
    parts.append(words.text[place:].strip().lstrip(",;-"))
    return " ".join(part.strip() for part in parts if part.strip())
