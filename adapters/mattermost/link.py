"""One socket to Mattermost: signed in, asked for life every 30 seconds, read frame by frame.

A connection is named by an id, and its events are numbered: whoever comes back with both gets what
was missed, from a small buffer (developers.mattermost.com/api-documentation, WebSocket). The server
only looks for the id when the request itself is signed in; the challenge serves where something in
between takes that header away.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import aiohttp

from adapters.http import CONNECT, reason
from adapters.mattermost.failures import token_refused, untrusted
from bot.errors import ChannelDown

PING_EVERY = 30.0
PONG_WITHIN = 10.0
# Larger than any event that the platform makes, a post's 800,000 characters of props included.
LARGEST_FRAME = 16 * 1024 * 1024
_WAITING = 1000

Sleep = Callable[[float], Awaitable[None]]


class Unreadable:
    """A frame of which not even the JSON can be read."""

    def __init__(self, text: str) -> None:
        self.text = text


class Link:
    """An open connection. Its three parts run side by side until one fails with a ChannelError."""

    def __init__(
        self, account: str, socket: aiohttp.ClientWebSocketResponse, sleep: Sleep, patience: float
    ) -> None:
        self._account = account
        self._socket = socket
        self._sleep = sleep
        self._patience = patience
        self._frames: asyncio.Queue[Any] = asyncio.Queue(_WAITING)
        self._asked = 0
        self._awaited = 0
        self._answered = asyncio.Event()

    async def say(self, action: str, data: dict[str, Any] | None = None) -> int:
        """Send an action; its number. Raises ChannelDown."""
        self._asked += 1
        number = self._asked
        try:
            async with asyncio.timeout(self._patience):
                await self._socket.send_json({"seq": number, "action": action, "data": data or {}})
        except TimeoutError:
            raise ChannelDown("the connection to Mattermost takes nothing more") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ChannelDown(f"Mattermost hung up: {reason(error)}") from None
        return number

    async def sign_in(self, token: str) -> None:
        """Say who we are, and wait for a first sign of life. Raises ChannelError."""
        await self.say("authentication_challenge", {"token": token})
        await self._ping()

    async def keep_alive(self, look: Callable[[], Awaitable[None]]) -> None:
        """Ask for life, now and then, and let `look` judge. Raises ChannelError."""
        while True:
            await self._sleep(PING_EVERY)
            await self._ping()
            await look()

    async def _ping(self) -> None:
        self._answered.clear()
        self._awaited = await self.say("ping")
        try:
            async with asyncio.timeout(self._patience):
                await self._answered.wait()
        except TimeoutError:
            # While nobody takes the events that are read, the answer may stand behind them.
            if not self._frames.full():
                what = f"the connection to Mattermost is dead: no answer in {self._patience:g} s"
                raise ChannelDown(what) from None

    async def read(self) -> None:
        """Take what comes. Raises ChannelError when the connection ends."""
        while True:
            try:
                got = await self._socket.receive()
            except (aiohttp.ClientError, OSError) as error:
                raise ChannelDown(f"Mattermost hung up: {reason(error)}") from None
            if got.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                await self._got(got.data)
            elif got.type is aiohttp.WSMsgType.ERROR:
                raise ChannelDown(f"Mattermost sends what is no frame: {reason(got.data)}")
            else:
                raise ChannelDown("Mattermost hung up")

    async def _got(self, data: str | bytes) -> None:
        text = data if isinstance(data, str) else data.decode("utf-8", "replace")
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            await self._frames.put(Unreadable(text))
            return
        if isinstance(frame, dict) and frame.get("seq_reply"):
            self._reply(frame)
        else:
            await self._frames.put(frame)

    def _reply(self, frame: dict[str, Any]) -> None:
        error = frame.get("error")
        if isinstance(error, dict) and error.get("status_code") == 401:
            raise token_refused(self._account)
        if frame.get("seq_reply") == self._awaited:
            self._answered.set()

    async def close(self) -> None:
        """Hang up, without waiting long for the other side to do so, too."""
        await self._socket.close()

    async def next(self) -> Any:
        """The next event as it came, or Unreadable."""
        return await self._frames.get()


class Dialler:
    """Opens links, and remembers where the last one stopped."""

    def __init__(
        self,
        account: str,
        base: str,
        token: str,
        *,
        trust: ssl.SSLContext | bool,
        sleep: Sleep,
        patience: float,
    ) -> None:
        self._account = account
        self._url = f"ws{base.removeprefix('http')}/websocket"
        self._token = token
        self._trust = trust
        self._sleep = sleep
        self._patience = patience
        self._connection = ""
        self._next = 0

    async def dial(self, session: aiohttp.ClientSession) -> Link:
        """A connection that is open but not signed in. Raises ChannelError."""
        place = urlencode({"connection_id": self._connection, "sequence_number": self._next})
        try:
            async with asyncio.timeout(CONNECT + self._patience):
                socket = await session.ws_connect(
                    f"{self._url}?{place}",
                    headers={"Authorization": f"Bearer {self._token}"},
                    max_msg_size=LARGEST_FRAME,
                    ssl=self._trust,
                    timeout=aiohttp.ClientWSTimeout(ws_close=0.5),
                )
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError):
            raise untrusted(self._account) from None
        except aiohttp.WSServerHandshakeError as error:
            if error.status == 401:
                raise token_refused(self._account) from None
            raise ChannelDown(f"Mattermost's socket answers {error.status}") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ChannelDown(f"Mattermost cannot be reached: {reason(error)}") from None
        return Link(self._account, socket, self._sleep, self._patience)

    def missed(self, frame: dict[str, Any]) -> bool:
        """Is there a gap in the numbers before this event?"""
        number = _number(frame)
        return number is not None and number > self._next and not _greets(frame)

    def passed(self, frame: dict[str, Any]) -> None:
        """This event is durable: a new link begins behind it."""
        number = _number(frame)
        data = frame.get("data")
        if _greets(frame) and isinstance(data, dict) and isinstance(data.get("connection_id"), str):
            self._connection = data["connection_id"]
            self._next = 0
        if number is not None and number >= self._next:
            self._next = number + 1

    def forget(self) -> None:
        """Begin a new connection next time: this one delivers nothing."""
        self._connection, self._next = "", 0


def _greets(frame: dict[str, Any]) -> bool:
    return frame.get("event") == "hello"


def _number(frame: dict[str, Any]) -> int | None:
    number = frame.get("seq")
    return number if isinstance(number, int) and not isinstance(number, bool) else None
