"""Hands one update to the core: parsed alone, then stored, or quarantined with its reason.

Only the parts of an album are kept until they are all there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from adapters.telegram.albums import Albums, Sleep, album_of
from adapters.telegram.parse import Me, moved, parse
from bot.contract import Message, Receive, utcnow
from bot.errors import BadEvent


class Intake:
    """Hands updates on. Returning from `take` means durable; StoreError means try again later."""

    def __init__(
        self, me: Me, receive: Receive, pressed: Callable[[str], None], sleep: Sleep
    ) -> None:
        self._me = me
        self._receive = receive
        self._pressed = pressed
        self._albums = Albums(me.account, receive, lambda update: parse(update, me), sleep)

    async def open(self) -> None:
        """Hand on what a former process kept. Raises StoreError."""
        await self._albums.open()

    def close(self) -> None:
        """Nothing comes any more."""
        self._albums.close()

    async def take(self, update: object) -> None:
        """Store what one update says. Raises StoreError."""
        try:
            move = moved(update, self._me)
            messages = parse(update, self._me)
            albums = [album_of(message) for message in messages]
        except BadEvent as error:
            await self.refuse(update, str(error))
        except Exception as error:  # A fault of ours must not stop the updates behind this one.
            await self.refuse(update, f"the parser failed: {type(error).__name__}")
        else:
            if move is not None:
                await self._receive.moved(*move)
            for message, album in zip(messages, albums, strict=True):
                await (self._albums.add(album, message) if album else self._hand_on(message))

    async def refuse(self, update: object, reason: str) -> None:
        """Put an update aside. Raises StoreError."""
        await self._receive.quarantine(self._me.account, update, reason)

    async def _hand_on(self, message: Message) -> None:
        if message.change == "action":
            # A press says no time; without an answer the button seems stuck to who pressed it.
            self._pressed(message.version)
            message = replace(message, at=utcnow())
        await self._albums.before(message)
        await self._receive(message)
