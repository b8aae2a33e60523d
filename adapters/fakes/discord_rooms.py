"""What people see in the servers and direct chats of a fake Discord, and how events describe it.

Objects have the fields named in discord.com/developers/docs/resources/message, /channel, /guild.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Fields = dict[str, Any]

EPOCH_MS = 1_420_070_400_000
TEXT, DM, FORUM, THREAD = 0, 1, 15, 11
SUPPRESS_EMBEDS, EPHEMERAL = 1 << 2, 1 << 6


class Refusal(Exception):
    """The server says no, with a status and one of its codes (opcodes-and-status-codes#json)."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(slots=True)
class Shown:
    """A message as people see it: `edits` the texts it had, `pinged` who was called by it."""

    id: str
    channel: str
    content: str
    author: Fields
    by_bot: bool
    flags: int = 0
    nonce: str | None = None
    reply_to: str | None = None
    components: list[Fields] = field(default_factory=list)
    files: list[Fields] = field(default_factory=list)
    edits: list[str] = field(default_factory=list)
    edited_at: str | None = None
    deleted: bool = False
    reactions: list[str] = field(default_factory=list)
    pinged: list[str] = field(default_factory=list)
    ephemeral: bool = False
    more: Fields = field(default_factory=dict)


class Rooms:
    """All channels with their messages, in one guild or in direct chats."""

    def __init__(self, bot: Fields) -> None:
        self.bot = bot
        self.guild = "1000"
        # The role that a bot gets when it is invited (topics/permissions#role-object).
        self.bot_role = "2000"
        self.channels: dict[str, Fields] = {}
        self.messages: dict[str, list[Shown]] = {}
        self.closed: set[str] = set()
        self._last = 0

    def snowflake(self) -> str:
        """The next id (reference#snowflakes); ids grow even within a millisecond."""
        now = (int(time.time() * 1000) - EPOCH_MS) << 22
        self._last = max(now, self._last + 1)
        return str(self._last)

    def open(
        self, kind: int, name: str = "room", parent: str | None = None, identifier: str = ""
    ) -> str:
        """A new channel, direct chat or thread; its id."""
        identifier = identifier or self.snowflake()
        place: Fields = {"id": identifier, "type": kind, "name": name, "last_message_id": None}
        if kind != DM:
            place |= {"guild_id": self.guild, "parent_id": parent, "position": 0}
        if kind == THREAD:
            place |= {"thread_metadata": {"archived": False, "locked": False}, "owner_id": "7"}
        self.channels[identifier] = place
        return identifier

    def add(self, channel: str, content: str, author: Fields, **more: Any) -> Shown:
        """Show a new message."""
        identifier = str(more.pop("id", None) or self.snowflake())
        by_bot = author["id"] == self.bot["id"]
        shown = Shown(identifier, channel, content, author, by_bot, **more)
        self.messages.setdefault(channel, []).append(shown)
        if not shown.ephemeral:
            self.channel(channel)["last_message_id"] = identifier
        return shown

    def channel(self, identifier: str) -> Fields:
        """A channel that is there and may be seen. Raises Refusal."""
        if identifier in self.closed:
            raise Refusal(403, 50001, "Missing Access")
        if identifier not in self.channels:
            raise Refusal(404, 10003, "Unknown Channel")
        return self.channels[identifier]

    def find(self, channel: str, identifier: str) -> Shown:
        """A message that is still there. Raises Refusal."""
        self.channel(channel)
        for shown in self.messages.get(channel, []):
            if shown.id == identifier and not shown.deleted:
                return shown
        raise Refusal(404, 10008, "Unknown Message")

    def visible(self, channel: str) -> list[Shown]:
        """What the bot said and nobody took away, in order."""
        return [m for m in self.messages.get(channel, []) if m.by_bot and not m.deleted]

    def history(self, channel: str, query: Fields) -> list[Fields]:
        """See resources/message#get-channel-messages: newest first, next to where it was asked."""
        self.channel(channel)
        limit = int(query.get("limit", 50))
        if not 1 <= limit <= 100:
            raise Refusal(400, 50035, "Invalid Form Body")
        there = [m for m in self.messages.get(channel, []) if not m.deleted and not m.ephemeral]
        if after := query.get("after"):
            there = [m for m in there if int(m.id) > int(after)][:limit]
        return [self.message(m) for m in reversed(there[-limit:])]

    def message(self, shown: Shown, *, as_event: bool = False) -> Fields:
        """A message object; events say more than answers (events/gateway-events#message-create)."""
        made = ((int(shown.id) >> 22) + EPOCH_MS) / 1000
        found: Fields = {
            "id": shown.id,
            "channel_id": shown.channel,
            "author": shown.author,
            "content": shown.content,
            "timestamp": datetime.fromtimestamp(made, UTC).isoformat(),
            "edited_timestamp": shown.edited_at,
            "tts": False,
            "mention_everyone": "everyone" in shown.pinged,
            "mentions": [person(one) for one in re.findall(r"<@!?(\d+)>", shown.content)],
            "mention_roles": re.findall(r"<@&(\d+)>", shown.content),
            "attachments": shown.files,
            "embeds": [],
            "pinned": False,
            "type": 19 if shown.reply_to else 0,
            "flags": shown.flags,
            "components": shown.components,
        }
        if shown.nonce:
            found["nonce"] = shown.nonce
        if shown.reply_to:
            found["message_reference"] = {"message_id": shown.reply_to}
            found["referenced_message"] = self._referenced(shown)
        place = self.channels[shown.channel]
        if as_event and place["type"] != DM:
            found |= {"guild_id": self.guild, "member": member()}
        return found | shown.more

    def _referenced(self, shown: Shown) -> Fields | None:
        for other in self.messages[shown.channel]:
            if other.id == shown.reply_to and not other.deleted:
                return self.message(other) | {"referenced_message": None}
        return None

    def guild_create(self) -> Fields:
        """A whole guild as the connection tells it (events/gateway-events#guild-create)."""
        places = [place for place in self.channels.values() if place["type"] != DM]
        own = {"id": self.bot_role, "name": "Trunk", "tags": {"bot_id": self.bot["id"]}}
        return {
            "id": self.guild,
            "name": "Engines",
            "channels": [place for place in places if place["type"] != THREAD],
            "threads": [place for place in places if place["type"] == THREAD],
            "roles": [{"id": self.guild, "name": "@everyone"}, own],
            "members": [],
            "unavailable": False,
        }


def person(identifier: str) -> Fields:
    """A person as events describe one (resources/user)."""
    return {
        "id": identifier,
        "username": f"user{identifier}",
        "global_name": "Ada",
        "discriminator": "0",
        "avatar": None,
    }


def member() -> Fields:
    """What a guild knows of a person (resources/guild#guild-member-object)."""
    return {"nick": None, "roles": ["3000"], "joined_at": "2026-01-01T00:00:00+00:00"}


def pinged(content: str, allowed: Fields | None, replied: str | None) -> list[str]:
    """Who is called by a message (resources/message#allowed-mentions-object).

    Without `allowed_mentions`, everybody whom the text names; with it, only who is allowed.
    """
    found = {
        "everyone": ["everyone"] if re.search(r"@(everyone|here)\b", content) else [],
        "roles": re.findall(r"<@&(\d+)>", content),
        "users": re.findall(r"<@!?(\d+)>", content),
    }
    if allowed is None:
        return [
            *(one for names in found.values() for one in names),
            *([replied] if replied else []),
        ]
    kinds = allowed.get("parse", [])
    called = [one for kind in kinds for one in found[kind]]
    for kind in ("roles", "users"):
        called += [one for one in found[kind] if one in allowed.get(kind, [])]
    return [*called, *([replied] if replied and allowed.get("replied_user") else [])]
