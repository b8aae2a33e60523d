"""What the bot knows of its surroundings: which channels are threads of which, which roles are its.

An event names its channel only by id, and only the connection's own events say what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from adapters.discord.ids import optional, snowflake
from adapters.fields import Event, item, items, line, number

# More are forgotten, oldest first, and looked up again when somebody writes there.
_MOST = 50_000


@dataclass(frozen=True, slots=True)
class Place:
    """A channel, direct chat or thread; `last` is the id of its newest message."""

    id: str
    type: int
    parent: str | None = None
    name: str = ""
    guild: str | None = None
    last: str | None = None

    def as_event(self) -> dict[str, Any]:
        """In the form in which interactions name their channel."""
        return {"id": self.id, "type": self.type, "parent_id": self.parent, "name": self.name}


class Places:
    """Learns from events; `roles` are those that only the bot has."""

    def __init__(self) -> None:
        self._known: dict[str, Place] = {}
        self.roles: set[str] = set()

    def get(self, identifier: str) -> Place | None:
        return self._known.get(identifier)

    def put(self, place: Place) -> None:
        """Remember a place as the newest."""
        self._known.pop(place.id, None)
        self._known[place.id] = place
        if len(self._known) > _MOST:
            del self._known[next(iter(self._known))]

    def learn(self, name: str, data: Event, bot: str) -> list[Place]:
        """Take in an event; the places that a whole guild has. Raises BadEvent."""
        if name == "GUILD_CREATE":
            return self._guild(data, bot)
        if name == "GUILD_ROLE_CREATE":
            self._role(item(data, "role") or {}, bot)
        elif name == "THREAD_LIST_SYNC":
            for thread in items(data, "threads"):
                self.put(read(thread, optional(data, "guild_id")))
        elif name in ("CHANNEL_DELETE", "THREAD_DELETE"):
            self._known.pop(snowflake(data), None)
        elif name.startswith(("CHANNEL_", "THREAD_")):
            self.put(read(data, optional(data, "guild_id")))
        return []

    def _guild(self, data: Event, bot: str) -> list[Place]:
        guild = snowflake(data)
        found = [read(e, guild) for e in (*items(data, "channels"), *items(data, "threads"))]
        for place in found:
            self.put(place)
        for role in items(data, "roles"):
            self._role(role, bot)
        return found

    def _role(self, role: Event, bot: str) -> None:
        """See discord.com/developers/docs/topics/permissions#role-object-role-tags-structure."""
        tags = item(role, "tags")
        if tags and bot and optional(tags, "bot_id") == bot:
            self.roles.add(snowflake(role))


def read(channel: Event, guild: str | None) -> Place:
    """A channel object (discord.com/developers/docs/resources/channel). Raises BadEvent."""
    return Place(
        id=snowflake(channel),
        type=number(channel, "type") or 0,
        parent=optional(channel, "parent_id"),
        name=line(channel, "name"),
        guild=optional(channel, "guild_id") or guild,
        last=optional(channel, "last_message_id"),
    )
