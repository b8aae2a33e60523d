"""Hands one event to the core: parsed alone, then stored, or quarantined with its reason."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from adapters.slack.identity import Me
from adapters.slack.parse import parse
from bot.contract import Address, Kind, Message, Receive, utcnow
from bot.errors import BadEvent

Value = TypeVar("Value")

# Conversations of which something is remembered.
_MOST = 10_000


class Places:
    """What the messages of a conversation tell about it."""

    def __init__(self) -> None:
        self._groups: OrderedDict[str, Kind] = OrderedDict()
        self._readers: OrderedDict[str, dict[str, str]] = OrderedDict()

    def note(self, message: Message) -> Message:
        """Remember who speaks where; a mention does not tell a group's kind, so it gets it here."""
        conversation = message.address.conversation
        if message.kind == "group":
            _keep(self._groups, conversation, message.kind)
        if message.team and message.author.id:
            reader = {"recipient_user_id": message.author.id, "recipient_team_id": message.team}
            _keep(self._readers, message.address.key, reader)
            if message.mentioned and message.address.thread is None:
                # The answer may begin a thread below the message.
                _keep(self._readers, replace(message.address, thread=message.ref.id).key, reader)
        return replace(message, kind=self._groups.get(conversation, message.kind))

    def reader(self, to: Address) -> dict[str, str]:
        """Who spoke last in a place, as chat.startStream wants it."""
        return self._readers.get(to.key, {})


def _keep(found: OrderedDict[str, Value], key: str, value: Value) -> None:
    found[key] = value
    found.move_to_end(key)
    while len(found) > _MOST:
        found.popitem(last=False)


class Intake:
    """Hands events on, one after the other as they came: two sockets may bring them at once."""

    def __init__(self, receive: Receive, places: Places, name_of: Callable[[str], str]) -> None:
        self._receive = receive
        self._places = places
        self._name_of = name_of
        self._turn = asyncio.Lock()

    async def take(self, body: object, me: Me) -> None:
        """Store what an event says. Raises StoreError."""
        async with self._turn:
            try:
                messages = [self._placed(message) for message in parse(body, me)]
            except BadEvent as error:
                await self.refuse(body, str(error), me)
            except Exception as error:  # A fault of ours must not stop the events behind this one.
                await self.refuse(body, f"the parser failed: {type(error).__name__}", me)
            else:
                for message in messages:
                    await self._receive(message)

    async def refuse(self, body: object, reason: str, me: Me) -> None:
        """Put an event aside. Raises StoreError."""
        await self._receive.quarantine(me.account, body, reason)

    def _placed(self, message: Message) -> Message:
        """With what the event itself does not tell: the time and the name."""
        author = message.author
        if author.id and not author.name:
            author = replace(author, name=self._name_of(author.id))
        at = utcnow() if message.at.year == 1970 else message.at
        return self._places.note(replace(message, author=author, at=at))
