"""Albums: several files sent at once come as several updates, and become one message.

Nothing says how many there are (core.telegram.org/bots/api#message, media_group_id), so they are
kept for a moment. What is kept is durable before its update is confirmed, and a replay of it, in
whatever pieces, is known.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from adapters.fields import Event, line
from bot.contract import Message, Receive
from bot.errors import BadEvent, StoreError

# Seconds from an album's first file until it is handed on; and how many files it has at most.
WAIT = 0.8
FULL = 10

_LONGEST = 30.0
# Messages of albums that were handed on, so that one which comes again is known.
_REMEMBERED = 200
_MARK = "albums"

Parse = Callable[[object], list[Message]]
Sleep = Callable[[float], Awaitable[None]]


def album_of(message: Message) -> str:
    """The album that a message is part of, "" for none. Raises BadEvent for a wrong type."""
    if message.change != "new":
        return ""
    for kind in ("message", "channel_post"):
        if isinstance(event := message.raw.get(kind), dict):
            return line(event, "media_group_id")
    return ""


def joined(messages: Sequence[Message]) -> Message:
    """One message for all of an album: the first one's place, everybody's words and files."""
    ordered = sorted(messages, key=lambda message: int(message.ref.id))
    return replace(
        ordered[0],
        text="\n".join(message.text for message in ordered if message.text),
        mentioned=any(message.mentioned for message in ordered),
        attachments=tuple(file for message in ordered for file in message.attachments),
        command=next((message.command for message in ordered if message.command), None),
        reply_to=next((message.reply_to for message in ordered if message.reply_to), None),
    )


@dataclass(slots=True)
class _Album:
    """The updates of one album, by the id of their message."""

    chat: str
    updates: dict[str, Event] = field(default_factory=dict)


class Albums:
    """The albums of one account that are not handed on yet. `open` before use, `close` after."""

    def __init__(self, account: str, receive: Receive, parse: Parse, sleep: Sleep) -> None:
        self._account = account
        self._receive = receive
        self._parse = parse
        self._sleep = sleep
        self._albums: dict[str, _Album] = {}
        self._done: dict[str, None] = {}
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Hand on what a former process kept. Raises StoreError."""
        kept = json.loads(await self._receive.mark(self._account, _MARK) or "{}")
        self._done = dict.fromkeys(kept.get("done", ()))
        for name, (chat, updates) in kept.get("open", {}).items():
            self._albums[name] = _Album(chat, updates)
        for name in list(self._albums):
            await self._hand_on(name)

    def close(self) -> None:
        """Leave the rest, which is kept, to the next one."""
        for task in self._tasks:
            task.cancel()

    async def add(self, name: str, message: Message) -> None:
        """Keep a part of an album; durable on return. Raises StoreError."""
        conversation = message.address.conversation
        place = f"{conversation}/{message.ref.id}"
        if place in self._done:
            return
        async with self._lock:
            begins = name not in self._albums
            album = self._albums.setdefault(name, _Album(conversation))
            if message.ref.id in album.updates:
                return
            album.updates[message.ref.id] = message.raw
            try:
                await self._keep()
            except BaseException:
                album.updates.pop(message.ref.id)
                if begins:
                    self._albums.pop(name)
                raise
        if begins:
            task = asyncio.create_task(self._later(name), name=f"{self._account} album")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif len(album.updates) >= FULL:
            await self._hand_on(name)

    async def before(self, message: Message) -> None:
        """What comes behind an album in its chat also goes behind it. Raises StoreError."""
        conversation = message.address.conversation
        names = [name for name, album in self._albums.items() if album.chat == conversation]
        for name in names:
            await self._hand_on(name)

    async def _later(self, name: str) -> None:
        wait = WAIT
        while name in self._albums:
            await self._sleep(wait)
            wait = min(_LONGEST, wait * 2)
            try:
                await self._hand_on(name)
            except StoreError:
                continue

    async def _hand_on(self, name: str) -> None:
        async with self._lock:
            album = self._albums.get(name)
            if album is None:
                return
            if messages := self._messages(album):
                await self._receive(joined(messages))
            del self._albums[name]
            for number in album.updates:
                self._done[f"{album.chat}/{number}"] = None
            while len(self._done) > _REMEMBERED:
                del self._done[next(iter(self._done))]
            await self._keep()

    def _messages(self, album: _Album) -> list[Message]:
        found: list[Message] = []
        for update in album.updates.values():
            try:
                found += self._parse(update)
            except BadEvent:
                # It was understood when it came; only a newer version reads it differently.
                continue
        return found

    async def _keep(self) -> None:
        kept: dict[str, Any] = {
            "open": {name: (album.chat, album.updates) for name, album in self._albums.items()},
            "done": list(self._done),
        }
        await self._receive.mark(self._account, _MARK, json.dumps(kept))
