"""Scripts over signed-in browsers: known by the hash of their cookie, forgotten when it expires."""

from __future__ import annotations

from bot.engine.port import Script, q


def add(hash: str, now: float, expires_at: float, agent: str) -> Script[None]:
    """Remember a browser; `agent` is what it calls itself, for the operator to recognise."""
    yield q(
        "INSERT INTO browsers(hash, created_at, expires_at, seen_at, agent) VALUES(?, ?, ?, ?, ?)",
        hash,
        now,
        expires_at,
        now,
        agent,
    )


def last_seen(hash: str, now: float) -> Script[float | None]:
    """When a browser that is still signed in was last written down; None when it is not."""
    rows = yield q("SELECT seen_at FROM browsers WHERE hash = ? AND expires_at > ?", hash, now)
    return float(rows[0]["seen_at"]) if rows else None


def extend(hash: str, now: float, expires_at: float) -> Script[None]:
    yield q("UPDATE browsers SET seen_at = ?, expires_at = ? WHERE hash = ?", now, expires_at, hash)


def revoke(hash: str) -> Script[None]:
    yield q("DELETE FROM browsers WHERE hash = ?", hash)
