"""Receives for one account: connects, catches up, hands on, and connects again when that ends.

After every connection the posts since the last one seen are read over REST, whatever the socket
itself replays: its buffer is small, and gone when the server restarts.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import aiohttp

from adapters.mattermost.failures import channel_error
from adapters.mattermost.history import OVERLAP, History
from adapters.mattermost.intake import Intake
from adapters.mattermost.link import Dialler, Link, Sleep, Unreadable
from adapters.mattermost.lookups import Lookups, post_of
from adapters.mattermost.rest import Answered, CallFailed
from bot.contract import Receive
from bot.errors import ChannelDown, ChannelError, ChannelRefused, StoreError

LONGEST_WAIT = 30.0
# Seconds after which a post of ours must have come back through the socket.
ECHO_WITHIN = 20.0
# The name under which the core keeps how far we are.
MARK = "posts"
_MOST = 1000


class Feed:
    """Receives until cancelled. Raises ChannelRefused when waiting does not help."""

    def __init__(
        self,
        account: str,
        *,
        token: str,
        dialler: Dialler,
        session: aiohttp.ClientSession,
        history: History,
        intake: Intake,
        lookups: Lookups,
        receive: Receive,
        identify: Callable[[], Awaitable[object]],
        sleep: Sleep,
    ) -> None:
        self._account = account
        self._token = token
        self._dialler = dialler
        self._session = session
        self._history = history
        self._intake = intake
        self._lookups = lookups
        self._receive = receive
        self._identify = identify
        self._sleep = sleep
        self._link: Link | None = None
        self._state = ("", "")
        self._failures = 0
        self._kept = 0
        # What was said up to the very first start is not for us.
        self._began = 0
        # Where events came from, and our own posts that have not come back yet.
        self._heard: dict[str, None] = {}
        self._echoes: dict[str, float] = {}
        self._told: dict[str, None] = {}

    async def run(self) -> None:
        """Receive for ever."""
        self._tell("connecting")
        while True:
            try:
                await self._connected()
            except ChannelRefused:
                raise
            except ChannelError as error:
                await self._failed(str(error))
            except CallFailed as error:
                if isinstance(found := channel_error(error, self._account), ChannelRefused):
                    raise found from None
                asked = error.wait if isinstance(error, Answered) and error.status == 429 else 0.0
                await self._failed(str(found), asked)
            except StoreError as error:
                await self._failed(f"received messages cannot be stored: {error}")

    async def _connected(self) -> None:
        if self._failures:
            # A socket says less about why than a call does: a token that is gone, a certificate.
            await self._identify()
        link = await self._dialler.dial(self._session)
        try:
            await _side_by_side(
                f"{self._account} socket",
                read=link.read(),
                work=self._work(link),
            )
        finally:
            self._link = None
            self._echoes.clear()
            await link.close()

    async def _work(self, link: Link) -> None:
        await link.sign_in(self._token)
        self._lookups.clear()
        await self._catch_up()
        self._link = link
        self._failures = 0
        self._tell("up")
        await _side_by_side(
            f"{self._account} events", alive=link.keep_alive(self._look), take=self._take(link)
        )

    async def _catch_up(self) -> None:
        """Take what was missed. The very first time that is nothing: we were not there yet."""
        intake = self._intake
        if not intake.mark:
            kept = await self._receive.mark(self._account, MARK)
            intake.mark = int(kept) if kept and kept.isdecimal() else 0
        if not intake.mark:
            intake.mark = self._began = await self._history.latest()
        else:
            since = max(intake.mark - OVERLAP, self._began + 1)
            for event in await self._history.missed(since):
                await intake.take(event)
        await self._keep_mark()

    async def _take(self, link: Link) -> None:
        while True:
            event = await link.next()
            if isinstance(event, Unreadable):
                await self._intake.refuse(event.text, "it cannot be read as JSON")
                continue
            if isinstance(event, dict):
                if self._dialler.missed(event):
                    await self._catch_up()
                self._hear(event)
            await self._intake.take(event)
            if isinstance(event, dict):
                self._dialler.passed(event)

    def _hear(self, event: dict[str, Any]) -> None:
        broadcast = event.get("broadcast")
        place = broadcast.get("channel_id") if isinstance(broadcast, dict) else None
        if isinstance(place, str) and len(self._heard) < _MOST:
            self._heard[place] = None
        # What the socket tells of our own posts may overtake the answer to the call that made them.
        if event.get("event") == "posted" and post_of(event).get("user_id") in self._intake.me.ids:
            own = str(post_of(event).get("id"))
            if self._echoes.pop(own, None) is None:
                self._told[own] = None
        while len(self._told) > _MOST:
            del self._told[next(iter(self._told))]

    def posted(self, post: str, channel: str) -> None:
        """A post of ours was accepted; the socket must tell it, too, where it tells anything."""
        known = self._told.pop(post, False) is None
        if self._link is not None and channel in self._heard and not known:
            self._echoes[post] = asyncio.get_running_loop().time()

    async def _look(self) -> None:
        """A socket may answer and yet deliver nothing; our own posts show it. Raises ChannelDown.

        Called every 30 seconds, so it is also when our place is kept.
        """
        overdue = asyncio.get_running_loop().time() - ECHO_WITHIN
        if any(at < overdue for at in self._echoes.values()):
            self._dialler.forget()
            raise ChannelDown("the connection to Mattermost delivers no events")
        await self._keep_mark()

    async def typing(self, channel: str, thread: str | None) -> None:
        """Show that we write (the socket's action `user_typing`). Raises ChannelDown."""
        if self._link is None:
            raise ChannelDown("Mattermost is not connected")
        await self._link.say("user_typing", {"channel_id": channel, "parent_id": thread or ""})

    async def _keep_mark(self) -> None:
        if self._intake.mark > self._kept:
            await self._receive.mark(self._account, MARK, str(self._intake.mark))
            self._kept = self._intake.mark

    async def _failed(self, why: str, asked: float = 0.0) -> None:
        """Tell it and wait, longer each time; the jitter keeps bots from returning all at once."""
        self._tell("down", why)
        wait = min(LONGEST_WAIT, 0.5 * 2 ** min(self._failures, 10))
        self._failures += 1
        await self._sleep(asked + wait * random.uniform(0.7, 1.0))

    def _tell(self, state: str, error: str = "") -> None:
        """Tell the operator what is new, once."""
        if self._state != (state, error):
            self._state = (state, error)
            self._receive.state(self._account, state, error or None)


async def _side_by_side(name: str, **parts: Coroutine[Any, Any, None]) -> None:
    """Run parts that have no end until the first of them fails, and raise what it raised."""
    tasks = [asyncio.create_task(part, name=f"{name} {what}") for what, part in parts.items()]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end
