"""Scripts over approvals, and over what was allowed for longer than once.

States: `pending`, then one of `allowed`, `denied`, `expired`. `begun_at` is set right before what
was allowed starts, so that after a crash nobody starts it a second time. A grant belongs to an
agent: one with a `digest` allows exactly one call to one person in one session, one with a
`program` lets the agent run that file, with a `sha256` only together with that script.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from bot.engine.port import Row, Script, q

CODE_SYMBOLS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_LISTED = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be allowed, and whose it is. Times in seconds since the epoch.

    `digest` names the exact arguments. `remember` is what allow-always would store: rows of
    `{program, script, sha256}`. `cards` are the addresses that see the card.
    """

    run: str
    call: str
    tool: str
    command: str
    cwd: str | None
    session: str
    session_key: str
    agent: str
    requester: str
    reason: str
    digest: str
    now: float
    expires_at: float
    remember: Sequence[Mapping[str, Any]] = ()
    cards: Sequence[str] = field(default=())


def of_call(run: str, call: str) -> Script[Row | None]:
    rows = yield q("SELECT * FROM approvals WHERE run = ? AND call = ?", run, call)
    return rows[0] if rows else None


def unbegun(run: str, call: str) -> Script[bool]:
    """Did a call wait for a person, and did nothing of it start?"""
    rows = yield q(
        "SELECT 1 AS yes FROM approvals WHERE run = ? AND call = ? AND begun_at IS NULL", run, call
    )
    return bool(rows)


def request(asked: Asked) -> Script[Row]:
    """A new pending approval, under a short code that no other pending one has."""
    code = _code()
    while (yield q("SELECT 1 AS yes FROM approvals WHERE code = ? AND state = 'pending'", code)):
        code = _code()
    rows = yield q(
        "INSERT INTO approvals(id, code, run, call, tool, command, cwd, session, session_key, "
        "agent, requester, reason, digest, remember, cards, state, created_at, expires_at) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?) RETURNING *",
        str(uuid4()),
        code,
        asked.run,
        asked.call,
        asked.tool,
        asked.command,
        asked.cwd,
        asked.session,
        asked.session_key,
        asked.agent,
        asked.requester,
        asked.reason,
        asked.digest,
        json.dumps([dict(one) for one in asked.remember]),
        json.dumps(list(asked.cards)),
        asked.now,
        asked.expires_at,
    )
    return rows[0]


def _code() -> str:
    return "".join(secrets.choice(CODE_SYMBOLS) for _ in range(4))


def find(name: str) -> Script[Row | None]:
    """An approval by its id or its code; of several with one code the pending, else the last."""
    rows = yield q(
        "SELECT * FROM approvals WHERE id = ? OR code = ? "
        "ORDER BY CASE WHEN state = 'pending' THEN 0 ELSE 1 END, created_at DESC LIMIT 1",
        name.lower(),
        name.upper(),
    )
    return rows[0] if rows else None


def settle(
    approval: str, state: str, decision: str | None, by: str | None, now: float
) -> Script[Row | None]:
    """End a pending approval; None when it had ended before."""
    rows = yield q(
        "UPDATE approvals SET state = ?, decision = ?, decided_by = ?, decided_at = ? "
        "WHERE id = ? AND state = 'pending' RETURNING *",
        state,
        decision,
        by,
        now,
        approval,
    )
    return rows[0] if rows else None


def begin(run: str, call: str, now: float) -> Script[bool]:
    """Mark that what was allowed starts now; False when it may not, or has started before."""
    rows = yield q(
        "UPDATE approvals SET begun_at = ? WHERE run = ? AND call = ? AND state = 'allowed' "
        "AND begun_at IS NULL RETURNING id",
        now,
        run,
        call,
    )
    return bool(rows)


def listed(pending: bool) -> Script[list[Row]]:
    """The pending ones, or the last of all, newest first."""
    only = "WHERE state = 'pending' " if pending else ""
    return (yield q(f"SELECT * FROM approvals {only}ORDER BY created_at DESC LIMIT ?", _LISTED))


def overdue(now: float) -> Script[list[Row]]:
    return (yield q("SELECT * FROM approvals WHERE state = 'pending' AND expires_at <= ?", now))


def grant_once_more(row: Row, by: str, now: float) -> Script[None]:
    """Allow exactly this call again, to the same person in the same session."""
    yield q(
        "INSERT INTO grants(agent, session, requester, digest, set_by, created_at) "
        "VALUES(?, ?, ?, ?, ?, ?)",
        row["agent"],
        row["session"],
        row["requester"],
        row["digest"],
        by,
        now,
    )


def granted(session: str, requester: str, digest: str, now: float) -> Script[bool]:
    """Was exactly this call allowed for the session? Notes that it was used."""
    rows = yield q(
        "UPDATE grants SET used_at = ? WHERE session = ? AND requester = ? AND digest = ? "
        "RETURNING id",
        now,
        session,
        requester,
        digest,
    )
    return bool(rows)


def remember(agent: str, rules: Sequence[Mapping[str, Any]], by: str, now: float) -> Script[None]:
    """Let an agent run these programs from now on."""
    for rule in rules:
        yield q(
            "INSERT INTO grants(agent, program, script, sha256, set_by, created_at) "
            "VALUES(?, ?, ?, ?, ?, ?)",
            agent,
            rule["program"],
            rule.get("script"),
            rule.get("sha256"),
            by,
            now,
        )


def remembered(agent: str) -> Script[list[Row]]:
    """The programs that an agent may run because somebody said always."""
    return (yield q("SELECT * FROM grants WHERE agent = ? AND program IS NOT NULL", agent))


def standing() -> Script[list[Row]]:
    """Everything that somebody said always to, of all agents, newest first."""
    return (
        yield q("SELECT * FROM grants WHERE program IS NOT NULL ORDER BY created_at DESC, id DESC")
    )


def take_back(grant: int) -> Script[Row | None]:
    """Ask about a program again; the row that is gone, None when it was gone before."""
    rows = yield q("DELETE FROM grants WHERE id = ? AND program IS NOT NULL RETURNING *", grant)
    return rows[0] if rows else None


def used(grants: Sequence[int], now: float) -> Script[None]:
    for grant in grants:
        yield q("UPDATE grants SET used_at = ? WHERE id = ?", now, grant)
