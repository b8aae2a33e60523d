"""Rows of a week as figures: percentiles of times, counts by hour, channel and tool. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.engine.port import Row
from bot.gateway.rows import when
from bot.store.usage import day_of

# Upper bounds of the bars, in seconds; the last bar has none.
BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
LIMITED = "MODEL_RATE_LIMIT"


def percentile(values: Sequence[float], part: float) -> float | None:
    """The value that a part of the sorted values does not exceed (nearest rank); None of none."""
    if not values:
        return None
    rank = -int(-part * len(values) // 1)
    return values[min(len(values), max(1, rank)) - 1]


def spread(values: Iterable[float]) -> dict[str, Any]:
    """Times in seconds as `{count, p50, p95, max, bars: [{upTo, count}]}`."""
    known = sorted(max(0.0, one) for one in values)
    counted = Counter(next((b for b in BOUNDS if one <= b), None) for one in known)
    return {
        "count": len(known),
        "p50": percentile(known, 0.5),
        "p95": percentile(known, 0.95),
        "max": known[-1] if known else None,
        "bars": [{"upTo": bound, "count": counted[bound]} for bound in (*BOUNDS, None)],
    }


def times(rows: Sequence[Row]) -> dict[str, Any]:
    """How long runs waited, thought and took; only those that ended well count as replies."""
    begun = [row for row in rows if row["started_at"] is not None]
    well = [row for row in begun if row["state"] == "ok"]
    spoken = [row for row in begun if row["first_at"] is not None]
    return {
        "queueWait": spread(row["started_at"] - row["accepted_at"] for row in begun),
        "firstToken": spread(row["first_at"] - row["started_at"] for row in spoken),
        "reply": spread(row["ended_at"] - row["started_at"] for row in well),
    }


def limited(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """By day (UTC): how many runs ended, failed, and failed because the provider said 429."""
    days: dict[str, Counter[str]] = {}
    for row in rows:
        counts = days.setdefault(day_of(row["ended_at"]), Counter())
        counts["runs"] += 1
        counts["failed"] += row["state"] == "error"
        counts["limited"] += _code(row["error"]) == LIMITED
    names = ("runs", "failed", "limited")
    return [
        {"day": one, **{name: counts[name] for name in names}}
        for one, counts in sorted(days.items())
    ]


def _code(error: str | None) -> str:
    found: Mapping[str, Any] = json.loads(error) if error else {}
    return str(found.get("code", ""))


def by_channel(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Messages by channel and hour: `{channel, at, count}`, `at` the hour's beginning."""
    counts: Counter[tuple[int, str]] = Counter()
    for row in rows:
        counts[int(row["hour"]), channel_of(row["address"])] += row["n"]
    return [
        {"channel": name, "at": when(hour * 3600.0), "count": count}
        for (hour, name), count in sorted(counts.items())
    ]


def waits(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """By day (UTC) and name: how often a channel's account or a model asked to wait, how long."""
    counts: Counter[tuple[str, str, str]] = Counter()
    seconds: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        key = day_of(row["at"]), row["kind"], row["name"]
        counts[key] += 1
        seconds[key] += row["wait"]
    return [
        {"day": day, "kind": kind, "name": name, "count": count, "seconds": round(waited, 3)}
        for (day, kind, name), count in sorted(counts.items())
        for waited in [seconds[day, kind, name]]
    ]


def again(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """By channel: how many parts were sent, how many of them took more than one attempt."""
    parts: Counter[str] = Counter()
    more: Counter[str] = Counter()
    for row in rows:
        name = channel_of(row["address"])
        parts[name] += row["parts"]
        more[name] += row["again"] or 0
    return [{"channel": name, "parts": parts[name], "again": more[name]} for name in sorted(parts)]


def channel_of(address: str) -> str:
    """The platform that an address as it is stored belongs to."""
    return address.partition(":")[0]
