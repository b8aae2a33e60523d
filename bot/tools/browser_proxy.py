"""The only way out for the browser: a proxy on loopback that reaches what may be reached.

The browser names a host, the proxy looks it up, judges the addresses and connects to one of them.
The browser itself resolves nothing, so that a name cannot lead it elsewhere a moment later.
"""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from bot.errors import FetchError
from bot.tools.web_addresses import Target, plain_name, target
from bot.tools.web_client import WebClient

log = structlog.get_logger("browser")

_MAX_HEAD = 64 << 10
_HURRY = 20.0
_CHUNK = 64 << 10
_REFUSED = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n{said}\n"
_CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"
# Headers that speak of one connection only.
_HOP = (b"proxy-", b"connection:", b"keep-alive:")


class Proxy:
    """Listens while the browser runs. `url` is where."""

    def __init__(self, web: WebClient) -> None:
        self._web = web
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self.url = ""

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_MAX_HEAD)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Accept nobody new, and cut what is open."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.set_name("browser-request")
        self._open.add(task)
        try:
            await self._handle(reader, writer)
        except (OSError, EOFError, asyncio.LimitOverrunError, TimeoutError) as error:
            log.debug("browser request ended", error=type(error).__name__)
        except asyncio.CancelledError:
            pass  # close() does that; the server has no use for it
        finally:
            self._open.discard(task)
            writer.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_HURRY):
            head = await reader.readuntil(b"\r\n\r\n")
        line, _, headers = head.partition(b"\r\n")
        method, _, rest = line.decode("latin-1").partition(" ")
        where = rest.rpartition(" ")[0]
        try:
            goal = target(f"https://{where}/" if method == "CONNECT" else where)
            async with asyncio.timeout(_HURRY):
                inner, outer = await self._web.dial(plain_name(goal.host), goal.port)
        except (FetchError, OSError) as error:
            said = str(error) if isinstance(error, FetchError) else "the server is not reached"
            writer.write(_REFUSED.format(said=said).encode())
            await writer.drain()
            return
        try:
            if method == "CONNECT":
                writer.write(_CONNECTED)
            else:
                outer.write(_plain(method, goal, headers))
            await _both(reader, writer, inner, outer)
        finally:
            outer.close()


def _plain(method: str, goal: Target, headers: bytes) -> bytes:
    """The head of a request as the server itself gets it; its connection serves this one alone."""
    kept = [one for one in headers.split(b"\r\n") if one and not one.lower().startswith(_HOP)]
    line = f"{method} {goal.url.raw_path_qs} HTTP/1.1".encode("latin-1")
    return b"\r\n".join([line, *kept, b"Connection: close", b"", b""])


async def _both(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    inner: asyncio.StreamReader,
    outer: asyncio.StreamWriter,
) -> None:
    """Carry bytes both ways until the server is through, or the browser goes."""
    up = asyncio.create_task(_carry(reader, outer), name="browser-up")
    down = asyncio.create_task(_carry(inner, writer), name="browser-down")
    try:
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        if not down.done() and not reader.at_eof():
            await down
    finally:
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)


async def _carry(source: asyncio.StreamReader, goal: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(_CHUNK):
            goal.write(data)
            await goal.drain()
        if goal.can_write_eof():
            goal.write_eof()
