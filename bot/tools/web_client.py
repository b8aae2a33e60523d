"""The one way to addresses that others chose: fetched pages, images, webhooks, the browser.

A name is looked up once, every address it has is judged, and the socket may connect to these
addresses only, so that a name which answers differently the second time gains nothing. Redirects
are followed here, each judged like the first address. No cookies, no proxies of the environment.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from bot import __version__
from bot.errors import FetchError
from bot.tools.web_addresses import Address, Allowed, Target, refusal, target
from bot.tools.web_packed import Unpacker

MAX_REDIRECTS = 3
TIMEOUT = 20.0
_CHUNK = 16 << 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {
    "User-Agent": f"Trunkline/{__version__}",
    # Only what is unpacked here with a limit: other packings would unpack without one.
    "Accept-Encoding": "gzip, deflate",
}

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. `url` is where the redirects ended, `mime` in lower case without its
    parameters, `charset` as the server names it. `cut`: the body was longer than asked for."""

    url: str
    status: int
    mime: str
    charset: str | None
    body: bytes
    cut: bool


async def look_up(host: str, port: int) -> Sequence[str]:
    """A host's addresses as the machine resolves them. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


class WebClient:
    """Requests that reach only what may be reached. `private` gives `tools.web.allow_private`."""

    def __init__(self, private: Callable[[], Sequence[str]], lookup: Lookup = look_up) -> None:
        self._private = private
        self._lookup = lookup

    async def fetch(self, url: str, max_bytes: int) -> tuple[bytes, str]:
        """A file and its type. Raises FetchError, also for a larger one."""
        answer = await self.request("GET", url, max_bytes=max_bytes)
        if answer.status >= 400:
            raise FetchError(f"the server answers {answer.status}")
        if answer.cut:
            raise FetchError(f"the file is larger than {max_bytes} bytes")
        return answer.body, answer.mime

    async def request(
        self,
        method: str,
        url: str,
        *,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        redirects: int = MAX_REDIRECTS,
        timeout: float = TIMEOUT,
    ) -> Answer:
        """Ask a server, in `timeout` seconds altogether; what is beyond `max_bytes` is cut.

        The bytes are counted unpacked. `headers` go to the first origin only. Raises FetchError.
        """
        try:
            async with asyncio.timeout(timeout):
                return await self._follow(method, url, max_bytes, headers, body, redirects)
        except TimeoutError:
            raise FetchError(f"the server took longer than {timeout:g} seconds") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # The library's text may repeat a part of the answer, so only its kind is told.
            raise FetchError(f"the server could not be read: {_kind(error)}") from error

    async def _follow(
        self,
        method: str,
        url: str,
        max_bytes: int,
        headers: Mapping[str, str] | None,
        body: bytes | None,
        redirects: int,
    ) -> Answer:
        goal = target(url)
        origin = goal.url.origin()
        for _ in range(redirects + 1):
            given = dict(headers or {}) if goal.url.origin() == origin else {}
            answer = await self._ask(method, goal, given, body, max_bytes)
            if isinstance(answer, Answer):
                return answer
            status, where = answer
            if redirects == 0:
                raise FetchError("the server redirects, which is not followed here")
            goal = target(where, goal.url)
            if status not in (307, 308):
                method, body = ("HEAD" if method == "HEAD" else "GET"), None
        raise FetchError(f"the server redirects more than {redirects} times")

    async def _ask(
        self,
        method: str,
        goal: Target,
        headers: Mapping[str, str],
        body: bytes | None,
        max_bytes: int,
    ) -> Answer | tuple[int, str]:
        """One request: its answer, or the status and the place of a redirect."""
        connector = pinned(await self.permitted(goal.host, goal.port))
        async with (
            aiohttp.ClientSession(
                connector=connector,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
            ) as session,
            session.request(
                method, goal.url, headers={**_HEADERS, **headers}, data=body, allow_redirects=False
            ) as response,
        ):
            where = response.headers.get("Location")
            if response.status in _REDIRECTS and where:
                return response.status, where
            return await _read(response, max_bytes)

    async def permitted(self, host: str, port: int) -> list[Address]:
        """The addresses of a host, all of which may be reached. Raises FetchError, OSError."""
        allowed = Allowed.of(self._private())
        try:
            found = [ip_address(host)]
        except ValueError:
            try:
                texts = await self._lookup(host, port)
            except (OSError, UnicodeError):
                raise FetchError(f"there is no host {host[:100]}") from None
            found = [ip_address(text) for text in dict.fromkeys(texts)]
        if said := refusal(host, port, found, allowed):
            raise FetchError(said)
        return found

    async def dial(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to a host that may be reached. Raises FetchError, OSError."""
        failed: OSError | None = None
        for address in await self.permitted(host, port):
            try:
                return await asyncio.open_connection(str(address), port)
            except OSError as error:
                failed = error
        raise failed or OSError("no address")


class _Pinned(AbstractResolver):
    """Answers with addresses that were judged before; it asks nobody."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(one),
                port=port,
                family=socket.AF_INET6 if one.version == 6 else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for one in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


def pinned(addresses: Sequence[Address]) -> aiohttp.TCPConnector:
    """A connector whose sockets reach these addresses and no other.

    The library does not ask its resolver about a host that looks like an address to it, so the
    last word is where the socket is made.
    """
    known = frozenset(addresses)

    def open_socket(info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        family, kind, protocol, _, place = info
        if ip_address(place[0]) not in known:
            raise PermissionError("this address was not judged")
        return socket.socket(family, kind, protocol)

    return aiohttp.TCPConnector(
        resolver=_Pinned(addresses),
        socket_factory=open_socket,
        use_dns_cache=False,
        force_close=True,
    )


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> Answer:
    """The body as far as it may be read. Raises FetchError for a packing that is not known."""
    unpack = Unpacker(response.headers.get("Content-Encoding", ""), max_bytes)
    async for chunk in response.content.iter_chunked(_CHUNK):
        unpack.feed(chunk)
        if unpack.cut:
            break
    typed = response.headers.get("Content-Type", "")
    return Answer(
        url=str(response.url),
        status=response.status,
        mime=typed.partition(";")[0].strip().lower(),
        charset=response.charset if typed else None,
        body=unpack.taken(),
        cut=unpack.cut,
    )


def _kind(error: Exception) -> str:
    """A failure in a few words that hold nothing of the server's own."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return "its certificate is not accepted"
    if isinstance(error, aiohttp.InvalidURL):
        return "its address is written in a form that is not used"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "it does not accept connections"
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ServerDisconnectedError):
        return "it broke off"
    return "it does not speak HTTP as it should"
