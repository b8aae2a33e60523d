"""Scripts over sessions: find or create atomically, children, pointers, reset, counters."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

from bot.codec import settings_from, settings_json
from bot.contract import Address
from bot.engine.port import Row, Script, Sql, q
from bot.keys import SessionKey, child_key, parse_key, slug_of
from bot.types import Session, Settings, Usage


def session_from(row: Row) -> Session:
    return Session(
        id=row["id"],
        key=row["key"],
        agent=row["agent"],
        label=row["label"],
        address=Address.parse(row["address"]) if row["address"] else None,
        parent=row["base"] if row["slug"] else None,
        settings=settings_from(json.loads(row["settings"])),
        updated_at=row["updated_at"],
        created_at=row["created_at"],
    )


def current(key: str) -> Script[Row | None]:
    """The row that a key points at now."""
    rows = yield q("SELECT * FROM sessions WHERE key = ? AND archived_at IS NULL", key)
    return rows[0] if rows else None


def by_id(session: str) -> Script[Row | None]:
    rows = yield q("SELECT * FROM sessions WHERE id = ?", session)
    return rows[0] if rows else None


def active_key(base: str) -> Script[str]:
    """The child a conversation has switched to, or the base; a dangling pointer is the base."""
    rows = yield q(
        "SELECT p.key FROM pointers p JOIN sessions s ON s.key = p.key AND s.archived_at IS NULL "
        "WHERE p.base = ?",
        base,
    )
    return str(rows[0]["key"]) if rows else base


def point(base: str, key: str) -> Script[None]:
    if key == base:
        yield q("DELETE FROM pointers WHERE base = ?", base)
    else:
        yield q(
            "INSERT INTO pointers(base, key) VALUES(?, ?) "
            "ON CONFLICT(base) DO UPDATE SET key = excluded.key",
            base,
            key,
        )


def kind_at(address: Address) -> Script[str | None]:
    """What kind of conversation is at an address, None when nobody has spoken there."""
    rows = yield q(
        "SELECT chat_kind FROM sessions WHERE (address = ? OR last_route = ?) "
        "AND chat_kind IS NOT NULL LIMIT 1",
        address.key,
        address.key,
    )
    return rows[0]["chat_kind"] if rows else None


def ensure(
    key: SessionKey, label: str, address: Address | None, chat_kind: str | None, now: float
) -> Script[Row]:
    """The session of a key, made now if it is not there; two callers get the same one."""
    row = yield from current(key.text)
    if row is not None:
        return row
    return (yield from _insert(key, label, address, chat_kind, Settings(), now))


def _insert(
    key: SessionKey,
    label: str,
    address: Address | None,
    chat_kind: str | None,
    settings: Settings,
    now: float,
) -> Script[Row]:
    free = yield from free_label(key.agent, label)
    rows = yield q(
        "INSERT INTO sessions(id, key, base, agent, kind, label, slug, address, chat_kind, "
        "settings, created_at, updated_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
        str(uuid4()),
        key.text,
        key.base,
        key.agent,
        key.kind,
        free,
        key.slug,
        address.key if address else None,
        chat_kind,
        json.dumps(settings_json(settings)),
        now,
        now,
    )
    return rows[0]


def free_label(agent: str, wanted: str) -> Script[str]:
    """A label that no other session of the agent has: the wanted one, or with the next number.

    Thousands may share a name: the number is doubled until it is free, then halved back.
    """
    if not (yield from _labelled(agent, wanted)):
        return wanted
    taken, free = 1, 2
    while (yield from _labelled(agent, f"{wanted} {free}")):
        taken, free = free, free * 2
    while free - taken > 1:
        middle = (taken + free) // 2
        if (yield from _labelled(agent, f"{wanted} {middle}")):
            taken = middle
        else:
            free = middle
    return f"{wanted} {free}"


def _labelled(agent: str, label: str) -> Script[bool]:
    rows = yield q(
        "SELECT 1 AS taken FROM sessions WHERE agent = ? AND label = ? AND archived_at IS NULL",
        agent,
        label,
    )
    return bool(rows)


def next_chat_label(agent: str) -> Script[str]:
    """`Chat N` with the lowest N that is free."""
    rows = yield q(
        "SELECT label FROM sessions WHERE agent = ? AND label LIKE 'Chat %' "
        "AND archived_at IS NULL",
        agent,
    )
    taken = {row["label"] for row in rows}
    number = 1
    while f"Chat {number}" in taken:
        number += 1
    return f"Chat {number}"


def create_child(base: SessionKey, label: str | None, now: float, *, activate: bool) -> Script[Row]:
    """A named child of a base session, with the parent's origin; becomes active when asked."""
    parent = yield from current(base.text)
    wanted = (label or "").strip()[:64] or (yield from next_chat_label(base.agent))
    stem = slug_of(wanted)
    slug, number = stem, 1
    while (yield from current(child_key(base.text, slug))) is not None:
        number += 1
        slug = f"{stem}-{number}"
    key = parse_key(child_key(base.text, slug))
    address = Address.parse(parent["address"]) if parent and parent["address"] else None
    kind = parent["chat_kind"] if parent else None
    row = yield from _insert(key, wanted, address, kind, Settings(), now)
    if activate:
        yield from point(base.text, key.text)
    return row


def children(base: str) -> Script[list[Row]]:
    """The named children of a base session, newest first."""
    return (
        yield q(
            "SELECT * FROM sessions WHERE base = ? AND slug IS NOT NULL AND archived_at IS NULL "
            "ORDER BY updated_at DESC, created_at DESC",
            base,
        )
    )


def rename(key: str, label: str, now: float) -> Script[Row | None]:
    row = yield from current(key)
    if row is None or row["label"] == label:
        return row
    free = yield from free_label(row["agent"], label)
    rows = yield q(
        "UPDATE sessions SET label = ?, updated_at = ? WHERE id = ? RETURNING *",
        free,
        now,
        row["id"],
    )
    return rows[0]


def reset(key: str, reason: str, now: float) -> Script[Row | None]:
    """Archive what a key points at and begin afresh; label and settings are carried over."""
    old = yield from archive(key, reason, now)
    if old is None:
        return None
    address = Address.parse(old["address"]) if old["address"] else None
    settings = settings_from(json.loads(old["settings"]))
    row = yield from _insert(parse_key(key), old["label"], address, old["chat_kind"], settings, now)
    if old["last_route"]:
        yield q("UPDATE sessions SET last_route = ? WHERE id = ?", old["last_route"], row["id"])
    return row


def archive(key: str, reason: str, now: float) -> Script[Row | None]:
    """Put the current session of a key away; its transcript is kept."""
    rows = yield q(
        "UPDATE sessions SET archived_at = ?, archived_why = ? "
        "WHERE key = ? AND archived_at IS NULL RETURNING *",
        now,
        reason,
        key,
    )
    return rows[0] if rows else None


def patch(key: str, changes: dict[str, Any], now: float) -> Script[Row | None]:
    """Change a session's overrides; None clears one."""
    row = yield from current(key)
    if row is None:
        return None
    settings = replace(settings_from(json.loads(row["settings"])), **changes)
    rows = yield q(
        "UPDATE sessions SET settings = ?, updated_at = ? WHERE id = ? RETURNING *",
        json.dumps(settings_json(settings)),
        now,
        row["id"],
    )
    return rows[0]


def spoken(
    key: SessionKey, label: str, route: Address | None, chat_kind: str | None, now: float
) -> Script[Row]:
    """The session of a key, made now if it is not there, with its activity noted.

    `route` is where a channel spoke from; None, from the operator, leaves the last one.
    """
    rows = yield _note_activity(key, route, now)
    if not rows:
        yield from _insert(key, label, route, chat_kind, Settings(), now)
        rows = yield _note_activity(key, route, now)
    return rows[0]


def _note_activity(key: SessionKey, route: Address | None, now: float) -> Sql:
    place = route.key if route else None
    return q(
        "UPDATE sessions SET updated_at = ?, last_route = coalesce(?, last_route), "
        "address = coalesce(address, ?) WHERE key = ? AND archived_at IS NULL RETURNING *",
        now,
        place,
        place,
        key.text,
    )


def count(session: str, usage: Usage, context: int, lines: int, now: float) -> Script[int]:
    """Add a run's usage to the session's totals and its lines to the transcript's length.

    `context` is the size of the last request, 0 when there was none. Returns the number of the
    last line.
    """
    rows = yield q(
        "UPDATE sessions SET last_seq = last_seq + ?, "
        "input_tokens = input_tokens + ?, output_tokens = output_tokens + ?, "
        "cost = CASE WHEN CAST(? AS DOUBLE PRECISION) IS NULL THEN cost "
        "ELSE coalesce(cost, 0) + CAST(? AS DOUBLE PRECISION) END, "
        "context_used = CASE WHEN CAST(? AS BIGINT) > 0 THEN CAST(? AS BIGINT) "
        "ELSE context_used END, updated_at = ? WHERE id = ? RETURNING last_seq",
        lines,
        usage.input,
        usage.output,
        usage.cost,
        usage.cost,
        context,
        context,
        now,
        session,
    )
    return int(rows[0]["last_seq"])


def compacted(session: str, context: int) -> Script[None]:
    """Count a compaction; `context` is what a request has after it, in tokens."""
    yield q(
        "UPDATE sessions SET compactions = compactions + 1, context_used = ? WHERE id = ?",
        context,
        session,
    )


def listing(limit: int, agent: str | None = None, key: str | None = None) -> Script[list[Row]]:
    """Current sessions, newest first, with their work: running and queued."""
    where, params = ("AND s.agent = ?", [agent]) if agent else ("", [])
    where, params = ("AND s.key = ?", [key]) if key else (where, params)
    return (
        yield q(
            "SELECT s.*, p.key AS pointed, m.pinned, m.archived, m.read_at, "
            "(SELECT count(*) FROM runs r WHERE r.session_key = s.key AND r.ended_at IS NULL "
            " AND r.state = 'running') AS running, "
            "(SELECT count(*) FROM runs r WHERE r.session_key = s.key AND r.ended_at IS NULL "
            " AND r.state = 'queued') AS queued "
            "FROM sessions s LEFT JOIN pointers p ON p.base = s.base "
            "LEFT JOIN session_marks m ON m.key = s.key "
            f"WHERE s.archived_at IS NULL {where} ORDER BY s.updated_at DESC LIMIT ?",
            *params,
            limit,
        )
    )
