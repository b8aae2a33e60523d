"""Hands one event to the core: parsed alone, then stored, or quarantined with its reason."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import replace
from typing import Literal

from adapters.mattermost.lookups import Lookups, post_of
from adapters.mattermost.parse import WANTED, Me, parse
from adapters.mattermost.rest import CallFailed
from bot.contract import Message, Receive
from bot.errors import BadEvent, StoreError

Chatmode = Literal["oncall", "onmessage", "onchar"]

# How many messages are remembered, so that what is told twice is stored once.
_MOST = 20_000
_DAY = 86_400_000


class Intake:
    """Hands events on. Returning from `take` means durable; StoreError means try again later."""

    def __init__(self, me: Me, chatmode: Chatmode, lookups: Lookups, receive: Receive) -> None:
        self.me = me
        self._chatmode = chatmode
        self._lookups = lookups
        self._receive = receive
        self._done: dict[Hashable, None] = {}
        # When the newest post was last touched that was handled, in the platform's milliseconds.
        self.mark = 0

    async def take(self, event: object) -> None:
        """Store what one event says. Raises StoreError, and CallFailed when it needs a look-up."""
        if not isinstance(event, dict) or not isinstance(event.get("event"), str):
            await self.refuse(event, "it is no event")
        elif event["event"] in WANTED:
            await self._store(event)
            self._move(post_of(event))
        else:
            self._lookups.forget(event)

    async def refuse(self, event: object, reason: str) -> None:
        """Put an event aside. Raises StoreError."""
        await self._receive.quarantine(self.me.account, event, reason)

    async def _store(self, event: dict[str, object]) -> None:
        try:
            messages = parse(await self._lookups.complete(event), self.me)
        except (StoreError, CallFailed):
            raise
        except BadEvent as error:
            await self._refuse_once(event, str(error))
        except Exception as error:  # A fault of ours must not stop the events behind this one.
            await self._refuse_once(event, f"the parser failed: {type(error).__name__}")
        else:
            for message in messages:
                key = (message.ref.id, message.change, message.version)
                if key not in self._done:
                    await self._receive(addressed(message, self._chatmode))
                    self._remember(key)

    async def _refuse_once(self, event: dict[str, object], reason: str) -> None:
        """The platform's history repeats what it once told badly; once is enough."""
        post = post_of(event)
        key = ("bad", str(post.get("id")), str(post.get("update_at")))
        if not post or key not in self._done:
            await self.refuse(event, reason)
            self._remember(key)

    def _remember(self, key: Hashable) -> None:
        self._done[key] = None
        while len(self._done) > _MOST:
            del self._done[next(iter(self._done))]

    def _move(self, post: object) -> None:
        """Note how far we are; a time that is not near now is no sign of it."""
        fields = post if isinstance(post, dict) else {}
        latest = time.time() * 1000 + _DAY
        for name in ("create_at", "update_at"):
            stamp = fields.get(name)
            if isinstance(stamp, int) and self.mark < stamp < latest:
                self.mark = stamp


def addressed(message: Message, chatmode: Chatmode) -> Message:
    """What counts as speaking to the bot in a room, beside its name and its buttons."""
    if message.kind == "direct" or message.change not in ("new", "edited"):
        return message
    if chatmode == "onmessage":
        return replace(message, mentioned=True)
    text = message.text.lstrip()
    if chatmode == "oncall" or not text.startswith((">", "!")):
        return message
    # `!word` stays as it is: it may be a command.
    bare = text[1:].lstrip() if text[0] == ">" or text[1:2].isspace() else text
    return replace(message, mentioned=True, text=bare)
