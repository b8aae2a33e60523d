"""The library's HTTP client, over one session of ours, at the account's own addresses.

The library's own repeats failed calls by itself and sleeps through rate limits of any length; here
each call is made once, and what became of it is told, so that the outbox can decide.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Route

from adapters.discord.failures import Unauthorized, refusal, wait
from adapters.http import CONNECT, open_session, read, reason
from bot.errors import ChannelDown, NotSent, RateLimited, Refused, SendError, Uncertain

# Seconds that a call may take to answer.
PATIENCE = 20.0
# How often a question is asked again.
TRIES = 4
LONGEST_WAIT = 30.0
_NEVER_BEGAN = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)
_GLOBAL = "global"
RESET = "X-RateLimit-Reset-After"


class Limits:
    """The buckets that are empty, and until when (discord.com/developers/docs/topics/rate-limits).

    A call into an empty one is not made: too many of those lead to a ban.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, str] = {}
        self._until: dict[str, float] = {}

    def left(self, route: Route, *, everywhere: bool = True) -> RateLimited | None:
        """Why this call may not be made yet. `everywhere`: the global limit counts for it."""
        now = self._clock()
        own = self._until.get(self._name(route), 0.0) - now
        whole = self._until.get(_GLOBAL, 0.0) - now if everywhere else 0.0
        return _limited(max(own, whole), whole > own) if max(own, whole) > 0 else None

    def note(self, route: Route, headers: Mapping[str, str]) -> None:
        """Take in what an answer says of its bucket."""
        if bucket := headers.get("X-RateLimit-Bucket"):
            self._buckets[route.key] = bucket
        if headers.get("X-RateLimit-Remaining") == "0":
            self._close(self._name(route), wait({"Retry-After": headers.get(RESET, "")}, None))

    def refused(self, route: Route, headers: Mapping[str, str], answer: object) -> RateLimited:
        """Take in a 429."""
        seconds = wait(headers, answer)
        everywhere = headers.get("X-RateLimit-Scope") == _GLOBAL or (
            isinstance(answer, dict) and answer.get("global") is True
        )
        self._close(_GLOBAL if everywhere else self._name(route), seconds)
        return _limited(seconds, everywhere)

    def _close(self, name: str, seconds: float) -> None:
        now = self._clock()
        self._until = {known: until for known, until in self._until.items() if until > now}
        self._until[name] = now + seconds

    def _name(self, route: Route) -> str:
        return f"{self._buckets.get(route.key, route.key)}:{route.major_parameters}"


class Rest(HTTPClient):
    """Calls of one account. Raises SendError: RateLimited, NotSent, Uncertain, Refused."""

    sleep: Callable[[float], Awaitable[None]] = staticmethod(asyncio.sleep)

    def __init__(self, token: str, base_url: str, gateway_url: str | None) -> None:
        super().__init__(asyncio.get_running_loop())
        self.token = token
        self.limits = Limits()
        self._base = base_url.rstrip("/")
        self._gateway = gateway_url
        self._session = open_session(self._base)

    async def close(self) -> None:
        await self._session.close()

    async def request(
        self,
        route: Route,
        *,
        files: Any = None,
        form: Any = None,
        token: bool = True,
        **kwargs: Any,
    ) -> Any:
        """One call; without `token` for interactions, which carry their own.

        `files` of the library are not used: the parts of `form` hold the bytes.
        """
        # Interactions have no part in the global limit (rate-limits#global-rate-limit).
        if limited := self.limits.left(route, everywhere=token):
            raise limited
        status, headers, answer = await self._exchange(route, form, token, **kwargs)
        if status == 429:
            raise self.limits.refused(route, headers, answer)
        self.limits.note(route, headers)
        if status == 401 and token:
            raise Unauthorized("Discord refuses the token")
        if 400 <= status < 500:
            raise refusal(status, answer)
        # A gateway in between may give up on a call that was done.
        if not 200 <= status < 300:
            raise Uncertain(f"Discord answers {status}")
        return answer

    async def ask(self, route: Route, tries: int = TRIES, **kwargs: Any) -> Any:
        """Read something: wait as long as the platform asks, try again a few times.

        Raises SendError, but not RateLimited.
        """
        failures = 0
        while True:
            try:
                return await self.request(route, **kwargs)
            except RateLimited as error:
                await self.sleep(error.retry_after)
            except Refused:
                raise
            except SendError:
                failures += 1
                if failures == tries:
                    raise
                await self.sleep(min(LONGEST_WAIT, 0.25 * 2**failures))

    async def _exchange(
        self, route: Route, form: Any, token: bool, **kwargs: Any
    ) -> tuple[int, Mapping[str, str], Any]:
        """A call as it is: status, headers, and the answer where it is JSON."""
        headers = {"User-Agent": self.user_agent}
        if token:
            headers["Authorization"] = f"Bot {self.token}"
        data: bytes | aiohttp.FormData | None = _multipart(form) if form else None
        if (body := kwargs.get("json")) is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        url = self._base + route.url.removeprefix(Route.BASE)
        timeout = aiohttp.ClientTimeout(sock_connect=CONNECT, sock_read=PATIENCE)
        try:
            async with self._session.request(
                route.method,
                yarl.URL(url, encoded=True),
                params=kwargs.get("params"),
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
                data=data,
            ) as response:
                return response.status, response.headers, _decoded(await read(response))
        except (*_NEVER_BEGAN, RuntimeError) as error:
            raise NotSent(f"Discord cannot be reached: {reason(error)}") from None
        except (aiohttp.ClientError, OSError, TimeoutError, ChannelDown) as error:
            raise Uncertain(f"Discord did not confirm: {reason(error)}") from None

    async def ws_connect(self, url: str, *, compress: int = 0) -> aiohttp.ClientWebSocketResponse:
        """Open a gateway socket at the account's own gateway. Raises ChannelDown, SendError."""
        wanted = yarl.URL(url)
        if self._gateway is not None:
            wanted = yarl.URL(self._gateway).with_query(wanted.query)
        elif wanted.with_query(None) == DiscordWebSocket.DEFAULT_GATEWAY:
            wanted = yarl.URL(await self._asked()).with_query(wanted.query)
        return await self._session.ws_connect(
            wanted,
            max_msg_size=0,
            autoclose=False,
            timeout=aiohttp.ClientWSTimeout(ws_close=5.0),
            headers={"User-Agent": self.user_agent},
            compress=compress,
        )

    async def _asked(self) -> str:
        """The gateway's address (discord.com/developers/docs/events/gateway#get-gateway-bot)."""
        answer = await self.request(Route("GET", "/gateway/bot"))
        fields = answer if isinstance(answer, dict) else {}
        starts = fields.get("session_start_limit")
        if isinstance(starts, dict) and starts.get("remaining") == 0:
            raise ChannelDown("Discord allows no more connections today: there were too many")
        url = fields.get("url")
        if not isinstance(url, str) or urlsplit(url).scheme not in ("ws", "wss"):
            raise ChannelDown("Discord does not say where its gateway is")
        return url

    async def download(self, url: str, limit: int) -> AsyncIterator[bytes]:
        """A file in pieces. Raises ChannelDown, also beyond `limit` bytes."""
        size = 0
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                if response.status != 200:
                    raise Expired(f"the file cannot be fetched: {response.status}")
                async for piece in response.content.iter_chunked(64 * 1024):
                    size += len(piece)
                    if size > limit:
                        raise ChannelDown(f"the file is larger than {limit} bytes")
                    yield piece
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            raise ChannelDown(f"the file cannot be fetched: {reason(error)}") from None

    def may_fetch(self, url: str) -> bool:
        """Only the platform's own stores of files are asked, whatever an event says."""
        host = urlsplit(url).hostname
        own = urlsplit(self._base).hostname
        return host in ("cdn.discordapp.com", "media.discordapp.net", own)


class Expired(ChannelDown):
    """A file is not where it was."""


def _limited(seconds: float, everywhere: bool) -> RateLimited:
    return RateLimited(f"Discord asks to wait {seconds:.3g} s", seconds, everywhere=everywhere)


def _multipart(form: Any) -> aiohttp.FormData:
    # With quoted names the platform does not find `files[0]`.
    data = aiohttp.FormData(quote_fields=False)
    for part in form:
        data.add_field(**part)
    return data


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
