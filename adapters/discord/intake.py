"""Takes frames as they come, and hands what they say to the core one after the other.

Nothing overtakes: when a session begins anew, what was missed is read from the history before the
events behind it. An event that cannot be understood is put aside with its reason.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from discord.http import Route

from adapters.discord import ids
from adapters.discord.answers import Answers
from adapters.discord.events import READERS, dispatched, parse
from adapters.discord.gateway import Behind, Pulse, Sleep
from adapters.discord.history import History
from adapters.discord.parse import Me
from adapters.discord.places import Place, Places, read
from adapters.discord.rest import Rest
from adapters.fields import Event, item, storable
from bot.contract import Message, Receive, utcnow
from bot.errors import BadEvent, Refused, SendError, StoreError

# Frames that may wait to be stored; the next one ends the connection.
MOST_WAITING = 10_000
LONGEST_WAIT = 30.0


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A frame of which not even the JSON can be read."""

    text: str


class Intake:
    """Everything between a frame and the core."""

    def __init__(
        self,
        account: str,
        rest: Rest,
        receive: Receive,
        *,
        answers: Answers,
        history: History,
        pulse: Pulse,
        tell: Callable[[str, str], None],
        sleep: Sleep,
    ) -> None:
        self._account = account
        self._rest = rest
        self._receive = receive
        self._answers = answers
        self._history = history
        self._pulse = pulse
        self._tell = tell
        self._sleep = sleep
        self._places = Places()
        self._user = ""
        self._name = ""
        self._waiting: asyncio.Queue[object] = asyncio.Queue(MOST_WAITING)

    @property
    def me(self) -> Me:
        return Me(self._account, (self._user, *self._places.roles), self._name)

    def take(self, text: str) -> None:
        """Queue a frame; an interaction is deferred at once. Raises Behind when it is full."""
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            frame = Unreadable(text)
        self._pulse.note(frame)
        if isinstance(frame, dict) and frame.get("t") == "INTERACTION_CREATE":
            self._answers.begin(frame.get("d"), self.me, self._receive)
        try:
            self._waiting.put_nowait(frame)
        except asyncio.QueueFull:
            raise Behind from None

    async def empty(self) -> None:
        """Return once everything queued is stored."""
        await self._waiting.join()

    async def run(self) -> None:
        """Hand on for ever."""
        await self._stored(self._history.load)
        while True:
            frame = await self._waiting.get()
            try:
                await self._hand_on(frame)
            finally:
                self._waiting.task_done()

    async def _hand_on(self, frame: object) -> None:
        """Understand one frame. A fault of ours must not stop the events behind it."""
        try:
            await self._understand(frame)
        except BadEvent as error:
            await self._refuse(frame, str(error))
        except Exception as error:
            await self._refuse(frame, f"the parser failed: {type(error).__name__}")

    async def _understand(self, frame: object) -> None:
        if isinstance(frame, Unreadable):
            raise BadEvent("it cannot be read as JSON")
        if not isinstance(frame, dict):
            raise BadEvent("an event is an object")
        found = dispatched(frame)
        if found is None:
            return
        name, data = found
        if name == "READY":
            await self._ready(data)
        elif name == "RESUMED":
            self._tell("up", "")
        for place in self._places.learn(name, data, self._user):
            await self._catch_up(place)
        if name in READERS:
            await self._event(frame, name, data)

    async def _event(self, frame: Mapping[str, Any], name: str, data: Event) -> None:
        await self._answers.settled(data.get("id"))
        place = await self._place(data)
        known = {"channel": place.as_event()} if place and "channel" not in data else {}
        for message in parse({**frame, "d": {**data, **known}}, self.me):
            await self._deliver(message)
        if name == "MESSAGE_CREATE":
            await self._read(data)

    async def _ready(self, data: Event) -> None:
        """A new session (discord.com/developers/docs/events/gateway-events#ready)."""
        user = item(data, "user") or {}
        self._user, self._name = ids.snowflake(user), str(user.get("username") or "")
        self._tell("up", "")
        for place in self._history.gap():
            await self._catch_up(place)

    async def _catch_up(self, place: Place) -> None:
        """Hand on what was written in a channel while nobody listened."""
        try:
            async for message in self._history.missed(place):
                await self._hand_on(self._as_frame(message, place))
        except (SendError, BadEvent) as error:
            await self._refuse({"channel_id": place.id}, f"its history cannot be read: {error}")

    def _as_frame(self, message: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """A message of the history names neither its guild nor its channel's kind."""
        more = {"guild_id": place.guild, "channel_id": place.id, "channel": place.as_event()}
        return {"op": 0, "t": "MESSAGE_CREATE", "s": None, "d": {**message, **more}}

    async def _place(self, data: Event) -> Place | None:
        """The channel of an event; in a guild it is asked for when unknown. Raises BadEvent."""
        channel = ids.optional(data, "channel_id")
        if channel is None or ids.optional(data, "guild_id") is None:
            return None
        if (place := self._places.get(channel)) is None:
            try:
                answer = await self._rest.ask(
                    Route("GET", "/channels/{channel_id}", channel_id=channel)
                )
            except Refused:
                return None
            except SendError as error:
                raise BadEvent(f"its channel cannot be looked up: {error}") from None
            place = read(answer if isinstance(answer, dict) else {}, None)
            self._places.put(place)
        return place

    async def _read(self, data: Event) -> None:
        """Remember how far a channel was read."""
        direct = ids.optional(data, "guild_id") is None
        self._history.seen(ids.snowflake(data, "channel_id"), ids.snowflake(data), direct=direct)
        await self._stored(self._history.save)

    async def _deliver(self, message: Message) -> None:
        if message.change in ("deleted", "reaction"):
            # These say no time of their own.
            message = replace(message, at=utcnow())
        await self._stored(lambda: self._receive(message))

    async def _refuse(self, frame: object, reason: str) -> None:
        raw = storable(frame.text) if isinstance(frame, Unreadable) else frame
        await self._stored(lambda: self._receive.quarantine(self._account, raw, reason))

    async def _stored(self, call: Callable[[], Awaitable[None]]) -> None:
        """Store something, however long that takes: the platform does not send it again."""
        failures = 0
        while True:
            try:
                await call()
            except StoreError as error:
                self._tell("down", f"received messages cannot be stored: {error}")
                wait = min(LONGEST_WAIT, 0.5 * 2 ** min(failures, 10))
                failures += 1
                await self._sleep(wait * random.uniform(0.7, 1.0))
            else:
                if failures:
                    self._tell("up", "")
                return
