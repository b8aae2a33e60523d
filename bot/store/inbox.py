"""Scripts over the inbox: accept once, take in order, finish."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from bot.codec import message_from, stored_message
from bot.contract import Address, Message
from bot.engine.port import Row, Script, q

OPEN = "('open', 'running')"
# What a session's lane does beside answering prompts.
COMPACT = "compact"
PROMPT = "prompt"
# Waiting messages beyond the queue's cap, told in short with the next turn.
DROPPED = "dropped"
# What another session says to this one; where that came from, and through how many sessions.
INTERNAL = "internal"
SOURCE = "source"
HOPS = "hops"
# What a scheduled run is given.
ERRAND = "errand"


@dataclass(frozen=True, slots=True)
class Item:
    """A message in the inbox. `run` is None for what makes no run. `at`: when it was accepted."""

    id: int
    lane: str
    kind: str
    state: str
    run: str | None
    session_key: str | None
    agent: str | None
    requester: str
    rule: str
    matched: str | None
    tries: int
    options: Mapping[str, Any]
    message: Message
    at: float


def dedupe_key(message: Message) -> str:
    """What makes two events the same one: where, which message, which change of it."""
    return f"{ref_key(message)}/{message.change}/{message.version}"


def ref_key(message: Message) -> str:
    address = message.address
    return f"{address.channel}:{address.account}:{address.conversation}/{message.ref.id}"


def seen(dedupe: str) -> Script[bool]:
    rows = yield q("SELECT 1 AS seen FROM inbox WHERE dedupe = ?", dedupe)
    return bool(rows)


def put(
    message: Message,
    *,
    kind: str,
    state: str,
    lane: str,
    requester: str,
    rule: str,
    now: float,
    matched: str | None = None,
    agent: str | None = None,
    session_key: str | None = None,
    run: str | None = None,
    options: Mapping[str, Any] | None = None,
    dedupe: str | None = None,
    reason: str | None = None,
) -> Script[Item]:
    """Store a message that is not there yet."""
    rows = yield q(
        "INSERT INTO inbox(dedupe, ref, lane, kind, state, run, session_key, agent, address, "
        "requester, rule, matched, message, options, reason, accepted_at) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "RETURNING id",
        dedupe or dedupe_key(message),
        ref_key(message),
        lane,
        kind,
        state,
        run,
        session_key,
        agent,
        message.address.key,
        requester,
        rule,
        matched,
        json.dumps(stored_message(message)),
        json.dumps(options) if options else None,
        reason,
        now,
    )
    return Item(
        id=rows[0]["id"],
        lane=lane,
        kind=kind,
        state=state,
        run=run,
        session_key=session_key,
        agent=agent,
        requester=requester,
        rule=rule,
        matched=matched,
        tries=0,
        options=options or {},
        message=message,
        at=now,
    )


def recent(requester: str, since: float) -> Script[int]:
    """How many messages of one sender were taken since then; refused ones prolong no limit."""
    rows = yield q(
        "SELECT count(*) AS n FROM inbox WHERE requester = ? AND accepted_at > ? "
        "AND kind IN ('prompt', 'command')",
        requester,
        since,
    )
    return int(rows[0]["n"])


def last_of(requester: str, address: Address) -> Script[Message | None]:
    """What somebody said last in a conversation, of the last things they said at all."""
    rows = yield q(
        "SELECT address, message FROM inbox WHERE requester = ? ORDER BY accepted_at DESC LIMIT 50",
        requester,
    )
    here = (row["message"] for row in rows if row["address"] == address.key)
    said = next(here, None)
    return message_from(json.loads(said)) if said else None


def waiting(lane: str, limit: int) -> Script[list[Item]]:
    """What a lane has to do, oldest first: first what was under way, then what is open."""
    rows = yield q(
        f"SELECT * FROM inbox WHERE lane = ? AND state IN {OPEN} ORDER BY id LIMIT ?", lane, limit
    )
    return [item_from(row) for row in rows]


def open_prompts(lane: str) -> Script[list[Item]]:
    """The messages that wait in a lane, oldest first."""
    rows = yield q(
        "SELECT * FROM inbox WHERE lane = ? AND state = 'open' AND kind = 'prompt' ORDER BY id",
        lane,
    )
    return [item_from(row) for row in rows]


def several(items: Sequence[int]) -> Script[list[Item]]:
    marks = ", ".join("?" * len(items))
    rows = yield q(f"SELECT * FROM inbox WHERE id IN ({marks}) ORDER BY id", *items)
    return [item_from(row) for row in rows]


def drop(item: int, now: float, reason: str, *, told: bool) -> Script[None]:
    """Take a waiting message back because too many wait; with `told` its gist goes on."""
    yield from finish(item, now, state=DROPPED if told else "withdrawn", reason=reason)


def take_dropped(lane: str, before: int) -> Script[list[Message]]:
    """Messages that were dropped for want of room and not told of yet, this one time."""
    rows = yield q(
        "UPDATE inbox SET state = 'withdrawn' WHERE lane = ? AND state = 'dropped' AND id < ? "
        "RETURNING id, message",
        lane,
        before,
    )
    return [message_from(json.loads(row["message"])) for row in sorted(rows, key=itemgetter("id"))]


def of_run(run: str) -> Script[Item | None]:
    """The message that a run was made for."""
    rows = yield q("SELECT * FROM inbox WHERE run = ?", run)
    return item_from(rows[0]) if rows else None


def opted(item: Item, **options: Any) -> Script[None]:
    """Add to an item's options."""
    yield q(
        "UPDATE inbox SET options = ? WHERE id = ?",
        json.dumps({**item.options, **options}),
        item.id,
    )


def start(item: int, session_key: str | None = None) -> Script[None]:
    """Mark an item as under way, in a session that was chosen for it only now."""
    yield q(
        "UPDATE inbox SET state = 'running', session_key = coalesce(?, session_key) WHERE id = ?",
        session_key,
        item,
    )


def move(item: int, session_key: str, agent: str) -> Script[None]:
    """Send an item on to the lane of its session."""
    yield q(
        "UPDATE inbox SET lane = ?, session_key = ?, agent = ? WHERE id = ?",
        session_key,
        session_key,
        agent,
        item,
    )


def fault(item: int) -> Script[int]:
    """Count an attempt that raised; how many there were."""
    rows = yield q("UPDATE inbox SET tries = tries + 1 WHERE id = ? RETURNING tries", item)
    return int(rows[0]["tries"])


def finish(
    item: int, now: float, *, state: str = "done", reason: str | None = None
) -> Script[None]:
    yield q(
        "UPDATE inbox SET state = ?, reason = coalesce(?, reason), done_at = ? WHERE id = ?",
        state,
        reason,
        now,
        item,
    )


def more(lane: str) -> Script[bool]:
    rows = yield q(f"SELECT 1 AS more FROM inbox WHERE lane = ? AND state IN {OPEN} LIMIT 1", lane)
    return bool(rows)


def under_way(lane: str) -> Script[bool]:
    """Is a run of this lane on?"""
    rows = yield q("SELECT 1 AS n FROM inbox WHERE lane = ? AND state = 'running' LIMIT 1", lane)
    return bool(rows)


def withdraw(lane: str, now: float, run: str | None = None) -> Script[list[str]]:
    """Take back what waits in a lane (or one run of it); the runs that will not happen."""
    where, params = ("AND run = ?", [run]) if run else ("", [])
    rows = yield q(
        "UPDATE inbox SET state = 'withdrawn', done_at = ? "
        f"WHERE lane = ? AND state = 'open' AND run IS NOT NULL {where} RETURNING run",
        now,
        lane,
        *params,
    )
    return [row["run"] for row in rows]


def hand_on(item: int, kind: str, lane: str, text: str) -> Script[None]:
    """Leave an item to another lane as work of a kind, with a text of its own."""
    rows = yield q("SELECT message FROM inbox WHERE id = ?", item)
    kept = json.loads(rows[0]["message"]) | {"text": text, "command": None}
    yield q(
        "UPDATE inbox SET kind = ?, lane = ?, state = 'open', message = ? WHERE id = ?",
        kind,
        lane,
        json.dumps(kept),
        item,
    )


def amend(message: Message, now: float) -> Script[list[str]]:
    """An edit or deletion reached messages that still wait: change them, or take them back.

    The runs that were to answer them.
    """
    rows = yield q(
        "SELECT id, run, message FROM inbox WHERE ref = ? AND state = 'open' AND kind = 'prompt'",
        ref_key(message),
    )
    for row in rows:
        if message.change == "deleted":
            yield from finish(row["id"], now, state="withdrawn")
        else:
            kept = json.loads(row["message"])
            kept["text"] = message.text
            yield q("UPDATE inbox SET message = ? WHERE id = ?", json.dumps(kept), row["id"])
    return [row["run"] for row in rows]


def item_from(row: Row) -> Item:
    return Item(
        id=row["id"],
        lane=row["lane"],
        kind=row["kind"],
        state=row["state"],
        run=row["run"],
        session_key=row["session_key"],
        agent=row["agent"],
        requester=row["requester"],
        rule=row["rule"],
        matched=row["matched"],
        tries=row["tries"],
        options=json.loads(row["options"]) if row["options"] else {},
        message=message_from(json.loads(row["message"])),
        at=row["accepted_at"],
    )
