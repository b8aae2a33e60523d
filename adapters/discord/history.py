"""What was written while nobody listened: read from the platform's history after a gap.

A connection that could not be resumed tells for each channel its newest message; where that is
newer than what was stored, the rest is read (discord.com/developers/docs/resources/message
#get-channel-messages).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from discord.http import Route

from adapters.discord import ids
from adapters.discord.places import Place
from adapters.discord.rest import Rest
from bot.contract import Receive, utcnow
from bot.errors import BadEvent, Refused

PAGE = 100
# What is not read here is lost, so that an outage of some minutes is waited out.
TRIES = 20
# Older messages are not answered after all.
OLDEST = timedelta(hours=24)
# Ids are in order of time only within a channel; what is read twice is known by its id.
SLACK = 30_000 << 22
_MOST_DIRECT = 200
_MOST_SEEN = 50_000
# Categories and forums hold no messages of their own.
_WITHOUT_MESSAGES = (4, 14, 15, 16)


class History:
    """How far each channel was read. A restart goes on from the marks that the core keeps."""

    def __init__(self, account: str, rest: Rest, receive: Receive) -> None:
        self._account = account
        self._rest = rest
        self._receive = receive
        self._newest = 0
        self._floor: int | None = None
        self._seen: dict[str, int] = {}
        self._direct: dict[str, None] = {}
        self._closed: set[str] = set()
        self._saved: tuple[int, frozenset[str]] = (0, frozenset())

    async def load(self) -> None:
        """Read the marks of an earlier process."""
        newest = await self._receive.mark(self._account, "newest") or ""
        direct = await self._receive.mark(self._account, "direct") or ""
        self._newest = int(newest) if ids.is_id(newest) else 0
        self._direct = {one: None for one in direct.split() if ids.is_id(one)}
        self._saved = (self._newest, frozenset(self._direct))

    async def save(self, *, now: bool = False) -> None:
        """Keep the marks, once in a while or `now`."""
        newest, direct = self._newest, frozenset(self._direct)
        if self._saved == (newest, direct):
            return
        if not now and newest - self._saved[0] < SLACK // 3 and direct == self._saved[1]:
            return
        await self._receive.mark(self._account, "newest", str(newest))
        await self._receive.mark(self._account, "direct", " ".join(self._direct))
        self._saved = (newest, direct)

    def seen(self, channel: str, identifier: str, *, direct: bool) -> None:
        """A message was stored."""
        number = int(identifier)
        self._newest = max(self._newest, number)
        self._seen.pop(channel, None)
        self._seen[channel] = number
        if len(self._seen) > _MOST_SEEN:
            del self._seen[next(iter(self._seen))]
        if direct:
            self._direct.pop(channel, None)
            self._direct[channel] = None
            if len(self._direct) > _MOST_DIRECT:
                del self._direct[next(iter(self._direct))]

    def gap(self) -> list[Place]:
        """A new session begins: from here on, what is newer than now was missed. Direct chats.

        Nothing tells which of those have news, so all are asked.
        """
        oldest = ids.at(utcnow() - OLDEST)
        self._floor = max(self._newest - SLACK, oldest) if self._newest else None
        return [Place(channel, 1) for channel in self._direct] if self._newest else []

    async def missed(self, place: Place) -> AsyncIterator[dict[str, Any]]:
        """The messages of a channel that are newer than what was stored, oldest first.

        Raises SendError when they cannot be read.
        """
        if self._floor is None or place.type in _WITHOUT_MESSAGES or place.id in self._closed:
            return
        after = max(self._floor, self._seen.get(place.id, 0))
        if place.guild is not None and (place.last is None or int(place.last) <= after):
            return
        while page := await self._page(place.id, after):
            for message in page:
                yield message
            after = int(page[-1]["id"])
            if len(page) < PAGE:
                return

    async def _page(self, channel: str, after: int) -> list[dict[str, Any]]:
        route = Route("GET", "/channels/{channel_id}/messages", channel_id=channel)
        try:
            found = await self._rest.ask(
                route, tries=TRIES, params={"after": str(after), "limit": str(PAGE)}
            )
        except Refused:
            # The bot may not read here, and asking again and again counts against it.
            self._closed.add(channel)
            return []
        if not isinstance(found, list):
            raise BadEvent("the history is not a list")
        page = [one for one in found if isinstance(one, dict) and ids.is_id(one.get("id"))]
        return sorted(page, key=lambda one: int(one["id"]))
