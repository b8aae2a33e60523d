"""When a schedule is due: once, at an interval, or by a cron expression; and its form as JSON.

Times are seconds since the epoch. A cron time that a change of clocks skips is due at the first
moment after it, together with what is due there anyway; one that the change repeats is due the
first time only, whatever the expression: an interval (`Every`) goes by real time instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor, isfinite
from typing import Any, TypeGuard

from bot.errors import RequestError
from bot.schedule import zones
from bot.schedule.cron import parsed

LONGEST = 100 * 366 * 86400.0
# A day before the last one that a date can name, so that every zone can show it.
_LATEST = 253402214400
_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class At:
    """Due once, at this time."""

    at: float


@dataclass(frozen=True, slots=True)
class Every:
    """Due `seconds` after the anchor, and again after each further `seconds`."""

    seconds: float
    anchor: float


@dataclass(frozen=True, slots=True)
class Cron:
    """Due when a clock in the zone (a name, or `local`) shows a time that fits the expression."""

    expr: str
    zone: str


Schedule = At | Every | Cron


def next_after(schedule: Schedule, after: float) -> float | None:
    """The first due time later than `after`; None when there is none.

    RequestError for a cron expression or a zone that cannot be read; `schedule_of` lets none pass.
    """
    if isinstance(schedule, At):
        return schedule.at if schedule.at > after else None
    if isinstance(schedule, Every):
        return _next_of_grid(schedule, after)
    try:
        return _next_of_cron(schedule, after)
    except OverflowError:
        return None


def upcoming(schedule: Schedule, after: float, count: int) -> list[float]:
    """The first `count` due times later than `after`; fewer when there are no more."""
    found: list[float] = []
    while len(found) < count and (due := next_after(schedule, after)) is not None:
        found.append(due)
        after = due
    return found


def _next_of_grid(every: Every, after: float) -> float | None:
    steps = max(1.0, floor((after - every.anchor) / every.seconds) + 1.0)
    while (due := every.anchor + steps * every.seconds) <= after:
        if due == due + every.seconds:
            return None
        steps += 1
    return due


def _next_of_cron(cron: Cron, after: float) -> float | None:
    fields, rules = parsed(cron.expr), zones.tz(cron.zone)
    moment = zones.wall(floor(after), cron.zone)
    local = moment.replace(tzinfo=None, fold=0) + _SECOND
    if moment.fold:
        # Everything that the clock shows twice has had its first time already.
        while zones.repeated(local, rules):
            local = local.replace(second=0) + _MINUTE
    while (fitting := fields.first_from(local)) is not None:
        if (due := zones.instant(fitting, rules)) > after:
            return due
        local = fitting + _SECOND
    return None


def schedule_of(document: Mapping[str, Any], now: float, zone: str) -> Schedule:
    """A schedule from its JSON form; RequestError says what is wrong with it.

    `{kind: "at", at}` (ISO 8601 or seconds since the epoch), `{kind: "every", everyMs, anchorMs?}`
    or `{kind: "cron", expr, tz?}`. `now` anchors an interval without an anchor; `zone` is meant
    where neither the time nor the document names one. A past `at` is taken: the store has some.
    """
    kind = document.get("kind")
    if kind == "at":
        return At(_at(document.get("at"), zone))
    if kind == "every":
        return _every(document.get("everyMs"), document.get("anchorMs"), now)
    if kind == "cron":
        return cron_of(document.get("expr"), document.get("tz") or zone)
    raise RequestError("INVALID_PARAMS", "schedule.kind must be at, every or cron")


def document_of(schedule: Schedule, zone: str = "UTC") -> dict[str, Any]:
    """The JSON form; a time carries the offset that `zone` has then."""
    if isinstance(schedule, At):
        return {"kind": "at", "at": zones.wall(schedule.at, zone).isoformat()}
    if isinstance(schedule, Every):
        span, anchor = round(schedule.seconds * 1000), round(schedule.anchor * 1000)
        return {"kind": "every", "everyMs": span, "anchorMs": anchor}
    return {"kind": "cron", "expr": schedule.expr, "tz": schedule.zone}


def cron_of(expr: object, zone: object) -> Cron:
    """A cron schedule of a checked expression and zone."""
    if not isinstance(expr, str):
        raise RequestError(
            "INVALID_PARAMS", 'schedule.expr must be a cron expression, for example "0 9 * * 1-5"'
        )
    spaced = " ".join(expr.split())
    parsed(spaced)
    return Cron(spaced, zones.zone_name(zone))


def _every(milliseconds: object, anchor: object, now: float) -> Every:
    if not _number(milliseconds) or not 1 <= milliseconds <= LONGEST * 1000:
        raise RequestError(
            "INVALID_PARAMS",
            "schedule.everyMs must be a number of milliseconds above 0, for example 3600000",
        )
    if anchor is not None and (not _number(anchor) or abs(anchor) > _LATEST * 1000):
        raise RequestError(
            "INVALID_PARAMS", "schedule.anchorMs must be milliseconds since 1970-01-01T00:00:00Z"
        )
    return Every(milliseconds / 1000, now if anchor is None else anchor / 1000)


def _at(value: object, zone: str) -> float:
    if _number(value) and 0 <= value <= _LATEST:
        return float(value)
    found = iso(value, zone) if isinstance(value, str) else None
    if found is None:
        raise RequestError(
            "INVALID_PARAMS",
            "schedule.at must be a date and time, for example 2026-12-24T18:00:00+01:00",
        )
    return found


def iso(text: str, zone: str) -> float | None:
    """The moment that an ISO 8601 text means, in `zone` without an offset; None if it is none."""
    try:
        read = datetime.fromisoformat(text.strip())
        naive = read.tzinfo is None
        at = zones.instant(read, zones.tz(zone)) if naive else read.timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return at if 0 <= at <= _LATEST else None


def _number(value: object) -> TypeGuard[float]:
    """Is this a number, and not a truth value or none at all?"""
    if isinstance(value, float):
        return isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)
