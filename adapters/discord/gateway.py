"""The gateway connection: the library's socket, watched, resumed, and built anew when it fails.

The library speaks the protocol (discord.com/developers/docs/events/gateway): compression, identify,
resume, heartbeats. Its objects of what happens are not used: it dies of the first event that it
cannot read, and its own loop waits up to a quarter of an hour before it connects again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import discord
from discord.gateway import DiscordWebSocket, ReconnectWebSocket

from adapters.discord.failures import CLOSED_FOR_GOOD, channel_error
from adapters.discord.rest import Rest
from adapters.http import reason
from bot.errors import ChannelDown, ChannelError, ChannelRefused, SendError

LONGEST_WAIT = 30.0
# Seconds after which a connection counts as a good one.
STEADY = 60.0
_OPENING = 60.0
_HELLO, _ACK = 10, 11
_LONGEST_INTERVAL = 3_600_000

# At debug level the library logs whole events; its notes on voice concern nobody here.
logging.getLogger("discord").setLevel(logging.ERROR)
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False

INTENTS = discord.Intents.none()
INTENTS.guilds = INTENTS.guild_messages = INTENTS.guild_reactions = True
INTENTS.dm_messages = INTENTS.dm_reactions = INTENTS.message_content = True

Sleep = Callable[[float], Awaitable[None]]


class Behind(Exception):
    """Events come faster than they can be stored; what is dropped is read from the history."""


class Client(discord.Client):
    """The library's client with its HTTP replaced, which hands on every frame as it came."""

    def __init__(self, rest: Rest, take: Callable[[str], None], sleep: Sleep) -> None:
        super().__init__(
            intents=INTENTS,
            allowed_mentions=discord.AllowedMentions.none(),
            enable_debug_events=True,
            max_messages=None,
        )
        self.http = self._connection.http = rest
        self._connection.parsers = {}
        self._take = take
        self._sleep = sleep

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        if event == "socket_raw_receive":
            self._take(args[0])

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """After a lost session the platform wants 1 to 5 seconds (gateway#resuming)."""
        if not initial:
            await self._sleep(random.uniform(1.0, 5.0))


class Pulse:
    """Whether the platform still answers heartbeats (gateway#heartbeat-interval).

    A socket that takes everything and says nothing, or only events, looks alive and is not.
    """

    def __init__(self) -> None:
        self._interval = 0.0
        self._beat = asyncio.Event()

    def note(self, frame: object) -> None:
        """Take in a frame: the interval, or an answer."""
        if not isinstance(frame, dict):
            return
        data = frame.get("d")
        if frame.get("op") == _HELLO and isinstance(data, dict):
            interval = data.get("heartbeat_interval")
            if isinstance(interval, int | float) and 0 < interval < _LONGEST_INTERVAL:
                self._interval = interval / 1000
        elif frame.get("op") == _ACK:
            self._beat.set()

    async def stops(self) -> None:
        """Return when an answer is missing for two intervals."""
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(2 * self._interval or None):
                    await self._beat.wait()
                self._beat.clear()


class Gateway:
    """Keeps one account connected until cancelled. Raises ChannelRefused.

    `take` gets every frame as text. It may raise Behind: then `room` is awaited, and the connection
    is opened anew.
    """

    def __init__(
        self,
        account: str,
        rest: Rest,
        *,
        take: Callable[[str], None],
        pulse: Pulse,
        tell: Callable[[str, str], None],
        room: Callable[[], Awaitable[None]],
        sleep: Sleep,
    ) -> None:
        self._account = account
        self._rest = rest
        self._take = take
        self._pulse = pulse
        self._tell = tell
        self._room = room
        self._sleep = sleep
        self._resume: dict[str, Any] = {}
        self._failures = 0

    async def run(self) -> None:
        """Connect for ever."""
        loop = asyncio.get_running_loop()
        initial = True
        while True:
            began = loop.time()
            try:
                await self._connection(initial)
            except ChannelRefused:
                raise
            except ChannelError as error:
                why = str(error)
            initial = False
            if loop.time() - began > STEADY:
                self._failures = 0
            await self._wait(why)

    async def _wait(self, why: str) -> None:
        """The platform closes connections now and then: the first new one needs no excuse."""
        if self._failures:
            self._tell("down", why)
            wait = min(LONGEST_WAIT, 0.5 * 2 ** min(self._failures, 10))
            await self._sleep(wait * random.uniform(0.7, 1.0))
        self._failures += 1

    async def _connection(self, initial: bool) -> None:
        """One connection until it ends. Raises ChannelError, and nothing else."""
        client = Client(self._rest, self._take, self._sleep)
        await client._async_setup_hook()
        socket: DiscordWebSocket | None = None
        try:
            opening = DiscordWebSocket.from_client(client, initial=initial, **self._resume)
            socket = await asyncio.wait_for(opening, _OPENING)
            await self._listen(socket)
        except ReconnectWebSocket as again:
            self._keep(socket if again.resume else None, again.resume)
            raise ChannelDown("Discord asked to connect again") from None
        except discord.ConnectionClosed as closed:
            self._resume = {}
            if closed.code in CLOSED_FOR_GOOD:
                raise ChannelRefused(
                    CLOSED_FOR_GOOD[closed.code].format(account=self._account)
                ) from None
            raise ChannelDown(f"Discord closed the connection ({closed.code})") from None
        except SendError as error:
            self._keep(socket, True)
            raise channel_error(error, self._account) from None
        except (OSError, aiohttp.ClientError, TimeoutError) as error:
            self._keep(socket, True)
            raise ChannelDown(f"Discord's gateway cannot be reached: {reason(error)}") from None
        except Behind:
            self._resume = {}
            self._tell("down", "received messages cannot be stored fast enough")
            await self._room()
            raise ChannelDown("events were dropped, and are read from the history") from None
        except ChannelError:
            raise
        except Exception as error:  # A frame that the library cannot read ends its connection.
            self._resume = {}
            raise ChannelDown(f"a frame cannot be read: {type(error).__name__}") from None
        finally:
            if socket is not None:
                await _close(socket)

    async def _listen(self, socket: DiscordWebSocket) -> None:
        watch = asyncio.create_task(self._watch(socket), name=f"{self._account} heartbeat")
        try:
            while True:
                await socket.poll_event()
        finally:
            watch.cancel()

    async def _watch(self, socket: DiscordWebSocket) -> None:
        await self._pulse.stops()
        self._tell("down", "Discord does not answer heartbeats")
        # Any code but 1000 and 1001 leaves the session to be resumed.
        await socket.close(4000)

    def _keep(self, socket: DiscordWebSocket | None, resume: bool) -> None:
        """Remember the session for the next connection; without `resume`, forget it."""
        if not resume:
            self._resume = {}
        elif socket is not None and socket.session_id is not None:
            self._resume = {
                "session": socket.session_id,
                "sequence": socket.sequence,
                "gateway": socket.gateway,
                "resume": True,
            }


async def _close(socket: DiscordWebSocket) -> None:
    """Close what is open, whatever happened to it."""
    with contextlib.suppress(Exception):
        await socket.close(1000 if socket._close_code is None else socket._close_code)
