"""A conversation that goes on at another address: whatever names the old one is rewritten."""

from __future__ import annotations

from bot.contract import Address
from bot.engine.port import Script, q
from bot.keys import fold
from bot.store import session_marks, task_lists

# What names a conversation by its session keys, and what by its address.
_BY_KEY = (
    ("pointers", ("base", "key")),
    ("inbox", ("lane", "session_key")),
    ("runs", ("lane", "session_key")),
    ("lanes", ("key",)),
    ("children", ("parent",)),
    ("tasks", ("session_key",)),
    ("session_marks", ("key",)),
)


def move(old: Address, new: Address, now: float) -> Script[None]:
    """Carry sessions, waiting messages, routes and answers over; told again, it changes nothing."""
    if old.key == new.key:
        return
    for kind in ("group", "channel"):
        yield from _rename(_part(old, kind), _part(new, kind), now)
    yield q("UPDATE sessions SET address = ? WHERE address = ?", new.key, old.key)
    yield q("UPDATE sessions SET last_route = ? WHERE last_route = ?", new.key, old.key)
    yield q(
        "UPDATE inbox SET address = ? WHERE address = ? AND state = 'overheard'", new.key, old.key
    )
    yield from task_lists.moved(old, new)
    yield q("UPDATE children SET deliver_to = ? WHERE deliver_to = ?", new.key, old.key)
    yield q("UPDATE routes SET place = ? WHERE place = ?", new.key, old.key)
    yield q(
        "UPDATE outbox SET address = ? WHERE address = ? AND state IN ('pending', 'sending')",
        new.key,
        old.key,
    )


def _part(address: Address, kind: str) -> str:
    """What the keys of a conversation's sessions have in common."""
    parts = (address.channel, address.account, kind, address.conversation)
    return ":" + ":".join(fold(part) for part in parts)


def _rename(old: str, new: str, now: float) -> Script[None]:
    here = (f"agent:%{old}", f"agent:%{old}:%")
    found = yield q("SELECT key FROM sessions WHERE key LIKE ? OR key LIKE ?", *here)
    for key in {row["key"] for row in found}:
        # Whoever spoke at the new address before the move was heard of began a session there.
        yield q(
            "UPDATE sessions SET archived_at = ?, archived_why = 'moved' "
            "WHERE key = ? AND archived_at IS NULL",
            now,
            key.replace(old, new),
        )
        yield from session_marks.forget(key.replace(old, new))
    yield q(
        "UPDATE sessions SET key = replace(key, ?, ?), base = replace(base, ?, ?) "
        "WHERE key LIKE ? OR key LIKE ?",
        *(old, new, old, new),
        *here,
    )
    for table, columns in _BY_KEY:
        for column in columns:
            yield q(
                f"UPDATE {table} SET {column} = replace({column}, ?, ?) "
                f"WHERE {column} LIKE ? OR {column} LIKE ?",
                *(old, new),
                *here,
            )
