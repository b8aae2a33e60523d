"""Scripts over what was said in a group and not to the bot: kept for the next who asks there."""

from __future__ import annotations

import json
from operator import itemgetter

from bot.codec import message_from
from bot.contract import Address, Message
from bot.engine.port import Script, q
from bot.store.inbox import ref_key

STATE = "overheard"


def trim(address: Address, keep: int) -> Script[None]:
    """Keep the last messages of a conversation only."""
    yield q(
        "UPDATE inbox SET state = 'refused' WHERE address = ? AND state = 'overheard' AND id <= "
        "(SELECT id FROM inbox WHERE address = ? AND state = 'overheard' "
        "ORDER BY id DESC LIMIT 1 OFFSET ?)",
        address.key,
        address.key,
        keep,
    )


def take(address: Address, before: int) -> Script[list[Message]]:
    """What was overheard in a conversation before an inbox item, oldest first, this one time."""
    rows = yield q(
        "UPDATE inbox SET state = 'refused' WHERE address = ? AND state = 'overheard' AND id < ? "
        "RETURNING id, message",
        address.key,
        before,
    )
    return [message_from(json.loads(row["message"])) for row in sorted(rows, key=itemgetter("id"))]


def revise(message: Message) -> Script[None]:
    """What was overheard has been edited or deleted since."""
    rows = yield q(
        "SELECT id, message FROM inbox WHERE ref = ? AND state = 'overheard'", ref_key(message)
    )
    for row in rows:
        if message.change == "deleted":
            yield q("UPDATE inbox SET state = 'refused' WHERE id = ?", row["id"])
        else:
            kept = {**json.loads(row["message"]), "text": message.text}
            yield q("UPDATE inbox SET message = ? WHERE id = ?", json.dumps(kept), row["id"])
