"""Wall clocks and instants: which moment a local time means, also on the days that clocks change.

A local time that a change skips means the first moment after it; one that it repeats means the
first of the two.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from apscheduler.triggers.cron import CronTrigger

from bot.errors import RequestError

LOCAL = "local"


@lru_cache(maxsize=1)
def names() -> dict[str, str]:
    """Every zone that is known here, by its name in lower case."""
    return {name.lower(): name for name in sorted(available_timezones())} | {LOCAL: LOCAL}


def named(text: str) -> str | None:
    """The exact name of a zone written in any case, or None."""
    return names().get(text.lower())


def zone_name(text: object) -> str:
    """The exact name of a zone; RequestError where nobody knows it."""
    found = named(text) if isinstance(text, str) else None
    if found is None:
        near = get_close_matches(str(text).lower()[:64], names(), 1, 0.7)
        fix = names()[near[0]] if near else "UTC or a place, for example Europe/Berlin"
        raise RequestError("INVALID_PARAMS", f"{str(text)[:64]!r} is not a time zone; write {fix}")
    return found


@lru_cache(maxsize=1024)
def tz(zone: str) -> tzinfo:
    """The rules of a zone; `local` is the host's own, as the timer sees it."""
    if zone == LOCAL:
        host: tzinfo = CronTrigger(hour=0).timezone
        return host
    return ZoneInfo(zone_name(zone))


def wall(at: float, zone: str) -> datetime:
    """What a clock in the zone shows at an instant, with the zone; OverflowError out of range."""
    try:
        return datetime.fromtimestamp(at, tz(zone))
    except (OverflowError, ValueError, OSError) as fault:
        raise OverflowError("the time is out of range") from fault


def repeated(local: datetime, rules: tzinfo) -> bool:
    """Does a clock show this naive local time twice?"""
    first, second = local.replace(tzinfo=rules, fold=0), local.replace(tzinfo=rules, fold=1)
    return _offset(first) > _offset(second)


def instant(local: datetime, rules: tzinfo) -> float:
    """The moment that a naive local time means, in seconds since the epoch."""
    meant = local.replace(tzinfo=rules, fold=0)
    before, after = _offset(meant), _offset(meant.replace(fold=1))
    if before < after:
        return _change(meant.timestamp() - (after - before), meant.timestamp(), rules)
    return meant.timestamp()


def _offset(moment: datetime) -> float:
    return (moment.utcoffset() or timedelta()).total_seconds()


def _change(low: float, high: float, rules: tzinfo) -> float:
    """The first second after `low`, up to `high`, that has the offset of `high`."""
    start = _offset(datetime.fromtimestamp(low, UTC).astimezone(rules))
    while high - low > 1:
        middle = float(int((low + high) / 2))
        same = _offset(datetime.fromtimestamp(middle, UTC).astimezone(rules)) == start
        low, high = (middle, high) if same else (low, middle)
    return high
