"""The HTTP client that adapters share: one aiohttp session each, with sane limits."""

from __future__ import annotations

import socket
import urllib.request
from urllib.parse import urlsplit

import aiohttp

from bot.errors import ChannelDown

# Seconds until a connection stands. How long an answer may take is each call's own business.
CONNECT = 10.0
# More than any answer that is not a file; a compressed bomb ends here.
LARGEST_ANSWER = 64 * 1024 * 1024
# Seconds until a request that the network swallows is given up for good. The system would go on
# delivering it for a quarter of an hour, even when its caller has sent it again or is gone; so this
# has to be less than any caller waits.
UNHEARD = 10
# As options of a socket; where the system has none, its own patience counts.
IMPATIENT: tuple[tuple[int, int, int], ...] = (
    ((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNHEARD * 1000),)
    if hasattr(socket, "TCP_USER_TIMEOUT")
    else ()
)


def open_session(base_url: str) -> aiohttp.ClientSession:
    """A session for one platform. A proxy from the environment is looked up once, not per call."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(socket_factory=_socket),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=30),
        cookie_jar=aiohttp.DummyCookieJar(),
        proxy=proxy_for(base_url),
    )


def _socket(to: aiohttp.AddrInfoType) -> socket.socket:
    made = socket.socket(*to[:3])
    for option in IMPATIENT:
        made.setsockopt(*option)
    return made


def proxy_for(base_url: str) -> str | None:
    """The proxy that the environment names for an address, None for a direct way."""
    parts = urlsplit(base_url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return urllib.request.getproxies().get(parts.scheme)


async def read(response: aiohttp.ClientResponse, limit: int = LARGEST_ANSWER) -> bytes:
    """The decoded body. Raises ChannelDown beyond `limit` bytes."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > limit:
            raise ChannelDown(f"an answer is larger than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def reason(error: Exception) -> str:
    """Why a call failed, in words that cannot hold the address, which may hold a secret."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError | aiohttp.ServerDisconnectedError):
        return str(error)
    return type(error).__name__
