"""Scripts over nodes: devices that were let in, what they may be asked to do, and who asks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import uuid4

from bot.engine.port import Row, Script, q
from bot.store.codes import CODE_LIFE, new_code

PENDING = 10
_PLACE = "node"


def paired(id: str) -> Script[Row | None]:
    """The row of a node that was let in."""
    rows = yield q("SELECT * FROM nodes WHERE id = ?", id)
    return rows[0] if rows else None


def everyone() -> Script[list[Row]]:
    return (yield q("SELECT * FROM nodes ORDER BY granted_at, id"))


def seen(id: str, now: float) -> Script[None]:
    yield q("UPDATE nodes SET seen_at = ? WHERE id = ?", now, id)


def ask(id: str, name: str, commands: Sequence[str], now: float) -> Script[Row | None]:
    """Open a request for a node, or find the one that asks for the same; None when too many wait.

    A request for other commands replaces the one before: nobody approves what they did not see.
    """
    person = json.dumps({"id": id, "name": name, "username": None, "commands": list(commands)})
    rows = yield q(
        "SELECT * FROM pairings WHERE kind = 'node' AND state = 'pending' AND expires_at > ?", now
    )
    if same := [row for row in rows if row["author"] == id and row["person"] == person]:
        return same[0]
    yield q(
        "UPDATE pairings SET state = 'denied' WHERE kind = 'node' AND state = 'pending' "
        "AND author = ?",
        id,
    )
    if sum(row["author"] != id for row in rows) >= PENDING:
        return None
    found = yield q(
        "INSERT INTO pairings(id, kind, channel, account, author, person, code, address, state, "
        "created_at, expires_at) VALUES(?, 'node', ?, ?, ?, ?, ?, '', 'pending', ?, ?) RETURNING *",
        str(uuid4()),
        _PLACE,
        _PLACE,
        id,
        person,
        new_code(),
        now,
        now + CODE_LIFE,
    )
    return found[0]


def asking(id: str, now: float) -> Script[str | None]:
    """The id of a node's open request."""
    rows = yield q(
        "SELECT id FROM pairings WHERE kind = 'node' AND state = 'pending' AND author = ? "
        "AND expires_at > ?",
        id,
        now,
    )
    return rows[0]["id"] if rows else None


def grant(person: str, now: float) -> Script[None]:
    """Let a node in, with the commands that its request names."""
    asked = json.loads(person)
    yield q(
        "INSERT INTO nodes(id, name, commands, granted_at, seen_at) VALUES(?, ?, ?, ?, ?) "
        "ON CONFLICT(id) DO UPDATE SET name = excluded.name, commands = excluded.commands, "
        "granted_at = excluded.granted_at",
        asked["id"],
        asked["name"],
        json.dumps(asked["commands"]),
        now,
        now,
    )


def remove(id: str) -> Script[bool]:
    rows = yield q("DELETE FROM nodes WHERE id = ? RETURNING id", id)
    return bool(rows)
