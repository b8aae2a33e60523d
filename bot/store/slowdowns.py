"""Scripts over how often a platform or a model asked to wait (429), kept for a week."""

from __future__ import annotations

from bot.engine.port import Row, Script, q


def asked(kind: str, name: str, until: float, now: float) -> Script[None]:
    """It asked to wait until then; `kind` is channel (an account) or model (its reference)."""
    yield q(
        "INSERT INTO slowdowns(at, kind, name, wait) VALUES(?, ?, ?, ?)",
        now,
        kind,
        name,
        max(0.0, until - now),
    )


def between(since: float, until: float) -> Script[list[Row]]:
    """`{at, kind, name, wait}`, oldest first; `wait` in seconds."""
    return (
        yield q(
            "SELECT at, kind, name, wait FROM slowdowns WHERE at > ? AND at <= ? ORDER BY at, id",
            since,
            until,
        )
    )
