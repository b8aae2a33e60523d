"""Scripts over edits and deletions that came too late: kept for the session's next turn."""

from __future__ import annotations

import json
from operator import itemgetter

from bot.codec import message_from
from bot.contract import Message
from bot.engine.port import Script, q
from bot.store.inbox import ref_key

STATE = "noted"


def begun(message: Message) -> Script[tuple[str, Message] | None]:
    """The session that was asked with this message before it changed, and the message then."""
    rows = yield q(
        "SELECT session_key, message FROM inbox WHERE ref = ? AND kind = 'prompt' "
        "AND state IN ('running', 'done') ORDER BY id DESC LIMIT 1",
        ref_key(message),
    )
    if not rows:
        return None
    was = message_from(json.loads(rows[0]["message"]))
    if message.change == "edited" and was.text == message.text:
        return None
    yield q("UPDATE inbox SET state = 'done' WHERE ref = ? AND state = 'noted'", ref_key(message))
    return str(rows[0]["session_key"]), was


def take(session_key: str, before: int) -> Script[list[tuple[Message, str]]]:
    """Changes before an inbox item that a session was not told of yet, this one time.

    Each with what the message had said.
    """
    noted = yield q(
        "SELECT 1 AS noted FROM inbox WHERE session_key = ? AND state = 'noted' LIMIT 1",
        session_key,
    )
    if not noted:
        return []
    rows = yield q(
        "UPDATE inbox SET state = 'done' WHERE session_key = ? AND state = 'noted' AND id < ? "
        "RETURNING id, message, options",
        session_key,
        before,
    )
    return [
        (message_from(json.loads(row["message"])), json.loads(row["options"])["was"])
        for row in sorted(rows, key=itemgetter("id"))
    ]
