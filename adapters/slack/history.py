"""What a conversation holds, read back page by page."""

from __future__ import annotations

from typing import Any

from adapters.fields import Event
from adapters.slack.client import Client
from bot.contract import Address

# docs.slack.dev/reference/methods/conversations.history: the largest page that Slack recommends,
# and a bound on how far back a busy conversation is read.
_PAGE = 200
_MOST_PAGES = 20


async def messages_since(client: Client, place: Address, oldest: float) -> list[Event]:
    """The messages of a room or thread since a time, with their metadata. Raises the library's."""
    found: list[Event] = []
    cursor = ""
    for _ in range(_MOST_PAGES):
        given: dict[str, Any] = {
            "channel": place.conversation,
            "oldest": f"{oldest:.6f}",
            "limit": _PAGE,
            "include_all_metadata": True,
            **({"cursor": cursor} if cursor else {}),
        }
        if place.thread:
            answer = await client.conversations_replies(ts=place.thread, **given)
        else:
            answer = await client.conversations_history(**given)
        messages = answer.get("messages")
        found += [entry for entry in messages or [] if isinstance(entry, dict)]
        more = answer.get("response_metadata")
        cursor = str(more.get("next_cursor") or "") if isinstance(more, dict) else ""
        if not cursor:
            break
    return found
