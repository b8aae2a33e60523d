"""Scripts that keep the store healthy: wake what is open, keep poison, forget what is old."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from bot.engine.port import Script, Wake, q
from bot.jsonio import clean_text
from bot.store import task_results, task_runs, task_told, tasks

T = TypeVar("T")

KEPT = 7 * 86400.0
# Each minute, so 7.2 million rows of each table a day.
_BATCH = 5000
_KEPT_RAW = 65_536
_OLD = (
    "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE accepted_at < ? "
    "AND state NOT IN ('open', 'running') LIMIT ?)",
    "DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE ended_at < ? LIMIT ?)",
    "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE sent_at < ? "
    "AND state NOT IN ('pending', 'sending') LIMIT ?)",
    "DELETE FROM children WHERE run IN (SELECT run FROM children WHERE ended_at < ? LIMIT ?)",
    "DELETE FROM effects WHERE key IN (SELECT key FROM effects WHERE at < ? LIMIT ?)",
    "DELETE FROM calls WHERE run IN (SELECT run FROM calls WHERE ended_at < ? LIMIT ?)",
    "DELETE FROM pairings WHERE id IN (SELECT id FROM pairings WHERE expires_at < ? LIMIT ?)",
    "DELETE FROM pins WHERE place IN (SELECT place FROM pins WHERE at < ? LIMIT ?)",
    "DELETE FROM slowdowns WHERE id IN (SELECT id FROM slowdowns WHERE at < ? LIMIT ?)",
    "DELETE FROM browsers WHERE hash IN (SELECT hash FROM browsers WHERE expires_at < ? LIMIT ?)",
)


def sweep(now: float) -> Script[None]:
    """Wake whatever has open rows, and the clock of tasks; forget what is older than a week."""
    for row in (yield q("SELECT DISTINCT lane FROM inbox WHERE state IN ('open', 'running')")):
        yield Wake("lane", row["lane"])
    for row in (
        yield q(
            "SELECT address, min(next_at) AS due "
            "FROM outbox WHERE state IN ('pending', 'sending') GROUP BY address"
        )
    ):
        yield Wake("out", row["address"], row["due"])
    yield tasks.CLOCK
    for task in (yield from task_runs.unsettled()):
        yield Wake("sched", f"task:{task}")
    yield from task_told.waiting()
    yield from task_results.forget_sessions(now)
    for statement in _OLD:
        yield q(statement, now - KEPT, _BATCH)


def once(key: str, script: Script[T], now: float) -> Script[T]:
    """Do an effect one time: a command that runs again after a crash gets its first result."""
    rows = yield q("SELECT result FROM effects WHERE key = ?", key)
    if rows:
        script.close()
        stored: T = json.loads(rows[0]["result"])
        return stored
    result = yield from script
    yield q("INSERT INTO effects(key, result, at) VALUES(?, ?, ?)", key, json.dumps(result), now)
    return result


def known(key: str) -> Script[bool]:
    """Was an effect done?"""
    return bool((yield q("SELECT 1 AS done FROM effects WHERE key = ?", key)))


def done(key: str, now: float) -> Script[None]:
    """Note that an effect was done."""
    yield q(
        "INSERT INTO effects(key, result, at) VALUES(?, 'true', ?) ON CONFLICT(key) DO NOTHING",
        key,
        now,
    )


def quarantine(account: str, raw: object, reason: str, now: float) -> Script[None]:
    """Keep an event that could not be understood, at most 64 KiB of it."""
    yield q(
        "INSERT INTO quarantine(account, reason, raw, at) VALUES(?, ?, ?, ?)",
        account,
        clean_text(reason[:500]),
        _kept(raw),
        now,
    )


def _kept(raw: object) -> str:
    """An event as JSON, as far as it goes: it stands here because something is wrong with it."""
    try:
        return json.dumps(raw, default=repr)[:_KEPT_RAW]
    except (TypeError, ValueError, RecursionError) as error:
        return json.dumps(f"cannot be shown: {error!r}")[:_KEPT_RAW]


def quarantined() -> Script[dict[str, int]]:
    rows = yield q("SELECT account, count(*) AS n FROM quarantine GROUP BY account")
    return {row["account"]: row["n"] for row in rows}


def counts() -> Script[dict[str, Any]]:
    """How much waits: for health and status."""
    rows = yield q(
        "SELECT (SELECT count(*) FROM inbox WHERE state IN ('open', 'running')) AS inbox, "
        "(SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')) AS outbox"
    )
    return {"inbox": rows[0]["inbox"], "outbox": rows[0]["outbox"]}


def mark(name: str, value: str) -> Script[None]:
    """Remember a value under a name."""
    yield q(
        "INSERT INTO marks(name, value) VALUES(?, ?) "
        "ON CONFLICT(name) DO UPDATE SET value = excluded.value",
        name,
        value,
    )


def marked(name: str) -> Script[str | None]:
    rows = yield q("SELECT value FROM marks WHERE name = ?", name)
    return rows[0]["value"] if rows else None
