"""Scripts over people: who is paired, who asked to be, and which agent a place was switched to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from bot.contract import Address, Author
from bot.engine.port import Row, Script, q
from bot.store import nodes
from bot.store.codes import CODE_LIFE, new_code

NOTICES_A_DAY = 3
PENDING_PER_ACCOUNT = 3
_DAY = 86400.0


def paired(account: str, author: str) -> Script[bool]:
    rows = yield q("SELECT 1 AS yes FROM people WHERE account = ? AND author = ?", account, author)
    return bool(rows)


def stored_route(place: str) -> Script[str | None]:
    """The agent that `/agent switch` chose for a place."""
    rows = yield q("SELECT agent FROM routes WHERE place = ?", place)
    return rows[0]["agent"] if rows else None


def route(place: str, agent: str, who: str, now: float) -> Script[None]:
    yield q(
        "INSERT INTO routes(place, agent, set_by, at) VALUES(?, ?, ?, ?) ON CONFLICT(place) "
        "DO UPDATE SET agent = excluded.agent, set_by = excluded.set_by, at = excluded.at",
        place,
        agent,
        who,
        now,
    )


def routes() -> Script[list[Row]]:
    return (yield q("SELECT * FROM routes ORDER BY place"))


def ask_pairing(author: Author, address: Address, now: float) -> Script[str | None]:
    """Open a pairing request; its code, or None when no notice may be given now.

    One notice for each code (an hour), three a day for one person, three open ones an account.
    """
    rows = yield q(
        "SELECT count(*) AS n, "
        "max(CASE WHEN state = 'pending' THEN expires_at ELSE 0 END) AS until "
        "FROM pairings WHERE account = ? AND author = ? AND created_at > ?",
        address.account,
        author.id,
        now - _DAY,
    )
    if rows[0]["n"] >= NOTICES_A_DAY or (rows[0]["until"] or 0) > now:
        return None
    rows = yield q(
        "SELECT count(*) AS n FROM pairings WHERE account = ? AND state = 'pending' "
        "AND kind = 'sender' AND expires_at > ?",
        address.account,
        now,
    )
    if rows[0]["n"] >= PENDING_PER_ACCOUNT:
        return None
    code = new_code()
    yield q(
        "INSERT INTO pairings(id, kind, channel, account, author, person, code, address, state, "
        "created_at, expires_at) VALUES(?, 'sender', ?, ?, ?, ?, ?, ?, 'pending', ?, ?)",
        str(uuid4()),
        address.channel,
        address.account,
        author.id,
        json.dumps({"id": author.id, "name": author.name[:64], "username": author.username}),
        code,
        address.key,
        now,
        now + CODE_LIFE,
    )
    return code


def pending_pairings(now: float) -> Script[list[Mapping[str, Any]]]:
    rows = yield q(
        "SELECT * FROM pairings WHERE state = 'pending' AND expires_at > ? ORDER BY created_at", now
    )
    return [pairing_row(row) for row in rows]


def pairing_row(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "kind": row["kind"],
        "channel": row["channel"],
        "account": row["account"],
        "author": json.loads(row["person"]),
        "code": row["code"],
        "createdAt": row["created_at"],
        "expiresAt": row["expires_at"],
        "address": row["address"],
    }


def decide_pairing(
    wanted: str, approve: bool, now: float, kind: str = "%"
) -> Script[dict[str, Any] | None]:
    """Approve or deny an open request by its code or id; the request, None when there is none.

    `kind` is sender or node, as a pattern.
    """
    rows = yield q(
        "UPDATE pairings SET state = ? WHERE state = 'pending' AND expires_at > ? "
        "AND (code = ? OR id = ?) AND kind LIKE ? RETURNING *",
        "approved" if approve else "denied",
        now,
        wanted.strip().upper(),
        wanted.strip(),
        kind,
    )
    if not rows:
        return None
    found = pairing_row(rows[0])
    if approve and found["kind"] == "node":
        yield from nodes.grant(rows[0]["person"], now)
    elif approve:
        yield q(
            "INSERT INTO people(account, author, person, granted_at) VALUES(?, ?, ?, ?) "
            "ON CONFLICT(account, author) DO UPDATE SET person = excluded.person",
            rows[0]["account"],
            rows[0]["author"],
            rows[0]["person"],
            now,
        )
    return found


def revoke(account: str, author: str) -> Script[bool]:
    rows = yield q(
        "DELETE FROM people WHERE account = ? AND author = ? RETURNING author", account, author
    )
    return bool(rows)


def everyone() -> Script[list[Row]]:
    """All paired people."""
    return (yield q("SELECT * FROM people ORDER BY granted_at"))
