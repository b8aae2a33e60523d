"""One raw event, a gateway frame or an interaction, to what it says. Pure."""

from __future__ import annotations

from collections.abc import Callable

from adapters.discord import interactions
from adapters.discord.parse import Me, deleted, edited, reacted, said
from adapters.fields import Event, item, line, number
from bot.contract import Message
from bot.errors import BadEvent

DISPATCH = 0

READERS: dict[str, Callable[[Event, Me, Event], list[Message]]] = {
    "MESSAGE_CREATE": said,
    "MESSAGE_UPDATE": edited,
    "MESSAGE_DELETE": deleted,
    "MESSAGE_DELETE_BULK": deleted,
    "MESSAGE_REACTION_ADD": reacted,
    "INTERACTION_CREATE": interactions.read,
}


def parse(event: object, me: Me) -> list[Message]:
    """A frame (`{op, t, s, d}`) or an interaction to the messages in it. Raises BadEvent."""
    if not isinstance(event, dict):
        raise BadEvent("an event is an object")
    if "op" not in event and "t" not in event:
        if "token" not in event and "application_id" not in event:
            raise BadEvent("it is neither a gateway frame nor an interaction")
        return interactions.read(event, me, event)
    found = dispatched(event)
    if found is None:
        return []
    name, data = found
    read = READERS.get(name)
    return read(data, me, event) if read else []


def dispatched(frame: Event) -> tuple[str, Event] | None:
    """The name and data of an event; None for what the connection says to itself. Raises BadEvent.

    See discord.com/developers/docs/events/gateway-events#payload-structure.
    """
    op = number(frame, "op")
    if op is None:
        raise BadEvent("op is missing")
    if op != DISPATCH:
        return None
    name = line(frame, "t")
    if not name:
        raise BadEvent("t is missing")
    number(frame, "s")
    if name not in KNOWN:
        return name, {}
    data = item(frame, "d")
    if data is None:
        raise BadEvent("d is missing")
    return name, data


# What the adapter learns its surroundings from, beside what it hands on.
PLACES = (
    "READY",
    "GUILD_CREATE",
    "GUILD_ROLE_CREATE",
    "CHANNEL_CREATE",
    "CHANNEL_UPDATE",
    "CHANNEL_DELETE",
    "THREAD_CREATE",
    "THREAD_UPDATE",
    "THREAD_DELETE",
    "THREAD_LIST_SYNC",
)
KNOWN = frozenset((*READERS, *PLACES, "RESUMED"))
