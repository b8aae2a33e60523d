"""Local servers for the web tools, names that lead where a test says, and sockets counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.contract import Address as Place
from bot.contract import Author, Message, Ref, utcnow
from bot.tools.web_client import look_up
from bot.types import Session, ToolContext, Turn

PUBLIC = "93.184.215.14"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Names:
    """A resolver: names of the test lead where it says, addresses in odd forms where the machine
    says, and nothing else exists. A name with several answers gives each once, the last for ever.
    """

    def __init__(self, **answers: list[str] | list[list[str]]) -> None:
        self.answers: dict[str, Any] = dict(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        found = self.answers.get(host)
        if found is None:
            # Numbers in odd forms need no name server; a name would only wait for one.
            if (
                not any(one.isalpha() and one not in "abcdefx" for one in host)
                or host == "localhost"
            ):
                return list(await look_up(host, port))
            raise OSError("no such host")
        if found and isinstance(found[0], list):
            return found.pop(0) if len(found) > 1 else found[0]
        return list(found)


class Listener:
    """A private server that must never be reached: it counts every connection."""

    def __init__(self) -> None:
        self.connects = 0
        self.port = 0

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connects += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Type: text/plain\r\n\r\nsecret"
        )
        await writer.drain()
        writer.close()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Listener]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        other = await asyncio.start_server(self._accept, "::1", self.port)
        try:
            yield self
        finally:
            server.close()
            other.close()


@asynccontextmanager
async def serving(routes: Mapping[str, Handler]) -> AsyncIterator[str]:
    """A web server on loopback with these paths; its base URL."""
    app = web.Application()
    for path, handler in routes.items():
        app.router.add_route("*", path, handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def context(agent: str = "main", key: str = "agent:main:main") -> ToolContext:
    """What a tool is told of a run."""
    to = Place("webchat", "webchat", key)
    message = Message(Ref(to, "1"), Author("operator"), "go", utcnow(), "direct")
    session = Session("s1", key, agent, "Main")
    turn = Turn("r1", key, 1, session, (1,), message, "operator", to, 0.0)
    return ToolContext(turn, "demo/demo", lambda text: None, {})


def says(body: bytes | str, mime: str = "text/plain", **headers: str) -> Handler:
    """A handler that always answers the same."""
    data = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(request: web.Request) -> web.Response:
        kind = {"Content-Type": mime} if mime else {}
        return web.Response(body=data, headers={**kind, **named})

    return answer
