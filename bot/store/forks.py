"""A conversation that goes on elsewhere: a child with a copy of what was said up to a message."""

from __future__ import annotations

from dataclasses import replace

from bot.engine.port import Row, Script, q
from bot.keys import SessionKey, main_key, parse_key
from bot.store import entries, sessions
from bot.types import Entry

_WITH_CHILDREN = ("main", "direct", "group", "channel", "thread", "child")


def fork(key: SessionKey, up_to: int, label: str | None, now: float) -> Script[Row | None]:
    """A named child with the transcript up to entry `up_to` and the overrides of the session.

    The label is free or gets a number. None without such a session.
    """
    old = yield from sessions.current(key.text)
    if old is None:
        return None
    base = key.base if key.kind in _WITH_CHILDREN else main_key(key.agent)
    wanted = label or f"{old['label'][:56]} branch"
    row = yield from sessions.create_child(parse_key(base), wanted, now, activate=False)
    kept = whole((yield from entries.after(old["id"], 0)), up_to)
    if kept:
        yield from entries.append(row["id"], [replace(entry, seq=0) for entry in kept])
    settings = sessions.session_from(old).settings
    overrides = {"model": settings.model, "thinking": settings.thinking}
    return (yield from sessions.patch(row["key"], overrides, now))


def whole(lines: list[Entry], up_to: int) -> list[Entry]:
    """The entries up to a number; with the results of the calls that the last one made, or
    without those calls where a result is missing."""
    kept = [line for line in lines if line.seq <= up_to]
    later = lines[len(kept) :]
    while kept and later and later[0].role == "tool":
        kept.append(later.pop(0))
    answered = {line.call_id for line in kept if line.role == "tool"}
    while kept and not all(call.id in answered for call in kept[-1].calls):
        kept.pop()
    return kept


def is_source(session: str) -> Script[bool]:
    """Does another session that is in use show runs of this one?"""
    rows = yield q(
        "SELECT 1 AS yes FROM entries e JOIN sessions s ON s.id = e.session "
        "WHERE s.archived_at IS NULL AND e.session <> ? AND e.run IN "
        "(SELECT run FROM entries WHERE session = ? AND run IS NOT NULL) LIMIT 1",
        session,
        session,
    )
    return bool(rows)
