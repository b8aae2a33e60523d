"""Scripts over the transcript: append in order, read the tail."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from bot.codec import entry_from, entry_json
from bot.engine.port import Row, Script, q
from bot.types import Entry


def append(session: str, entries: Sequence[Entry]) -> Script[list[Entry]]:
    """Add entries behind the last one; they come back with their numbers."""
    rows = yield q(
        "UPDATE sessions SET last_seq = last_seq + ? WHERE id = ? RETURNING last_seq",
        len(entries),
        session,
    )
    return (yield from put(session, int(rows[0]["last_seq"]), entries))


def put(session: str, last: int, entries: Sequence[Entry]) -> Script[list[Entry]]:
    """Add entries whose numbers were taken already and end with `last`."""
    first = last - len(entries) + 1
    numbered = [replace(entry, seq=first + place) for place, entry in enumerate(entries)]
    for entry in numbered:
        yield q(
            "INSERT INTO entries(session, seq, role, run, at, body) VALUES(?, ?, ?, ?, ?, ?)",
            session,
            entry.seq,
            entry.role,
            entry.run,
            entry.at,
            json.dumps(entry_json(entry)),
        )
    return numbered


def amend(session: str, entry: Entry) -> Script[None]:
    """Complete an entry that is stored already."""
    body = json.dumps(entry_json(entry))
    yield q("UPDATE entries SET body = ? WHERE session = ? AND seq = ?", body, session, entry.seq)


def after(session: str, seq: int) -> Script[list[Entry]]:
    """The entries behind a number, in order."""
    rows = yield q("SELECT * FROM entries WHERE session = ? AND seq > ? ORDER BY seq", session, seq)
    return [from_row(row) for row in rows]


def tail(session: str, limit: int, before: int | None = None) -> Script[list[Entry]]:
    """The last entries (before a number), oldest first."""
    rows = yield q(
        "SELECT * FROM entries WHERE session = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
        session,
        before if before is not None else 1 << 62,
        limit,
    )
    return [from_row(row) for row in reversed(rows)]


def of_run(session: str, run: str) -> Script[list[Entry]]:
    rows = yield q("SELECT * FROM entries WHERE session = ? AND run = ? ORDER BY seq", session, run)
    return [from_row(row) for row in rows]


def from_row(row: Row) -> Entry:
    return entry_from(
        json.loads(row["body"]), role=row["role"], at=row["at"], seq=row["seq"], run=row["run"]
    )
