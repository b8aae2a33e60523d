"""Socket Mode (docs.slack.dev/apis/events-api/using-socket-mode): connect, store, acknowledge.

The library's own client tries a used-up address again for ever, hides a refused token in its log,
and drops frames that it cannot read; so the socket is ours, and the library gets the events.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import aiohttp

from adapters.http import reason
from bot.errors import ChannelDown, RateLimited, StoreError

# Seconds between pings; an answer must come within half of that, so that a dead line shows.
HEARTBEAT = 20.0
# Seconds until the hello, and how long a connection that was told to go may still bring events.
PATIENCE = 30.0
LONGEST_WAIT = 30.0
# A connection that held this long was a good one: the next begins without waiting.
_GOOD = 10.0
_LARGEST_FRAME = 16 * 1024 * 1024

Sleep = Callable[[float], Awaitable[None]]


class Business(Protocol):
    """What the socket's owner does."""

    async def address(self) -> str:
        """A fresh address to connect to. Raises ChannelError, RateLimited."""
        ...

    async def take(self, payload: dict[str, Any]) -> None:
        """Store an event. Raises StoreError."""

    async def refuse(self, raw: object, why: str) -> None:
        """Put aside what cannot be read. Raises StoreError."""

    def tell(self, state: str, error: str = "") -> None:
        """Tell the operator how it goes."""


class Connection:
    """One socket; `over` is set when another is needed, though this one may still bring events."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, owner: Business, sleep: Sleep):
        self._socket = socket
        self._owner = owner
        self._sleep = sleep
        self._limit = asyncio.timeout(PATIENCE)
        self.over = asyncio.Event()
        self.why = "the connection to Slack was closed"

    async def read(self) -> None:
        """Take frames until the socket closes."""
        try:
            async with self._limit:
                async for frame in self._socket:
                    if frame.type == aiohttp.WSMsgType.TEXT:
                        await self._take(frame.data)
        except TimeoutError:
            self.why = "Slack says nothing on its socket"
        except (aiohttp.ClientError, OSError) as error:
            self.why = f"the connection to Slack broke: {reason(error)}"
        finally:
            self.over.set()
            await self._socket.close()

    async def _take(self, text: str) -> None:
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            await self._stored(lambda: self._owner.refuse(text, "it cannot be read as JSON"))
            return
        kind = frame.get("type") if isinstance(frame, dict) else None
        if kind == "hello":
            self._limit.reschedule(None)
            self._owner.tell("up")
        elif kind == "disconnect":
            self._leave(str(frame.get("reason")))
        else:
            await self._envelope(frame)

    def _leave(self, why: str) -> None:
        """Slack replaces its sockets now and then: the next one opens while this still works."""
        self.why = f"Slack asks to connect again: {why}"
        self._limit.reschedule(asyncio.get_running_loop().time() + PATIENCE)
        self.over.set()

    async def _envelope(self, frame: Any) -> None:
        payload = frame.get("payload") if isinstance(frame, dict) else None
        if isinstance(payload, dict):
            await self._stored(lambda: self._owner.take(payload))
        else:
            await self._stored(lambda: self._owner.refuse(frame, "payload is not an object"))
        number = frame.get("envelope_id") if isinstance(frame, dict) else None
        if isinstance(number, str):
            await self._socket.send_str(json.dumps({"envelope_id": number}))

    async def _stored(self, store: Callable[[], Awaitable[None]]) -> None:
        """Try until it is stored: what comes behind waits, so the order holds."""
        wait = 0.5
        while True:
            try:
                await store()
            except StoreError as error:
                self._owner.tell("down", f"received messages cannot be stored: {error}")
                await self._sleep(wait)
                wait = min(LONGEST_WAIT, wait * 2)
            else:
                self._owner.tell("up")
                return


class Socket:
    """Keeps one connection, and a second one while the first is replaced."""

    def __init__(self, pool: aiohttp.ClientSession, owner: Business, sleep: Sleep, name: str):
        self._pool = pool
        self._owner = owner
        self._sleep = sleep
        self._name = name
        self._readers: set[asyncio.Task[None]] = set()
        self._failures = 0

    async def run(self) -> None:
        """Receive for ever. Raises ChannelRefused."""
        self._owner.tell("connecting")
        try:
            while True:
                try:
                    await self._once()
                except RateLimited as error:
                    self._owner.tell("down", str(error))
                    await self._sleep(error.retry_after)
                except ChannelDown as error:
                    await self._failed("down", str(error))
        finally:
            await self._end()

    async def _once(self) -> None:
        """Connect, and return when another connection is needed. Raises ChannelError."""
        clock = asyncio.get_running_loop().time
        connection = Connection(await self._open(), self._owner, self._sleep)
        task = asyncio.create_task(connection.read(), name=f"{self._name} socket")
        self._readers.add(task)
        task.add_done_callback(self._readers.discard)
        began = clock()
        await connection.over.wait()
        if clock() - began >= _GOOD:
            self._failures = 0
        else:
            await self._failed("connecting", connection.why)

    async def _open(self) -> aiohttp.ClientWebSocketResponse:
        """Each address serves for one connection. Raises ChannelError."""
        address = await self._owner.address()
        try:
            return await self._pool.ws_connect(
                address, heartbeat=HEARTBEAT, max_msg_size=_LARGEST_FRAME
            )
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise ChannelDown(f"Slack's socket cannot be reached: {reason(error)}") from None

    async def _failed(self, state: str, why: str) -> None:
        """Tell it and wait, longer each time; the jitter keeps bots from returning all at once."""
        self._owner.tell(state, why)
        wait = min(LONGEST_WAIT, 0.5 * 2 ** min(self._failures, 10))
        self._failures += 1
        await self._sleep(wait * random.uniform(0.7, 1.0))

    async def _end(self) -> None:
        for task in tuple(self._readers):
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
