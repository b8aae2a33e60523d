"""The remembering platform over HTTP, so that it outlives the program that is killed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from bot.errors import NotSent, SendError, Uncertain
from bot.testing.platform import FAULTS, Fault, Json, Platform

# A poll ends when nothing happens; one of which nothing is heard, and any other call, is given up.
# Who gives up may send again, so the system has to give up delivering before that.
_POLL, _NO_POLL, _UNHEARD, _LIMIT = 4.0, 8.0, 10, 15.0


@asynccontextmanager
async def served(host: str = "127.0.0.1", **platforms: Platform) -> AsyncIterator[dict[str, str]]:
    """Serve platforms on a free port of this machine's address; the address of each by its name.

    Each call's body says in `from` which machine it came from.
    """

    async def handle(request: web.Request) -> web.Response:
        platform, verb = platforms[request.match_info["name"]], request.match_info["verb"]
        body = {**await request.json(), "from": request.remote}
        try:
            async with asyncio.timeout(_POLL if verb == "poll" else None):
                answer = await platform.call(verb, body)
        except TimeoutError:
            return web.json_response({"updates": []})
        except SendError as error:
            told = {"fault": FAULTS[type(error)], "after": getattr(error, "retry_after", 0.0)}
            return web.json_response(told, status=409)
        return web.json_response(answer)

    app = web.Application()
    app.router.add_post("/{name}/{verb}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, 0)
        await site.start()
        port = runner.addresses[0][1]
        yield {name: f"http://{host}:{port}/{name}" for name in platforms}
    finally:
        await runner.cleanup()


class RemotePlatform:
    """A platform in another process (see `Wire`)."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def call(self, verb: str, body: Json) -> dict[str, Any]:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(socket_factory=_socket)
            )
        limit = aiohttp.ClientTimeout(
            total=_NO_POLL if verb == "poll" else _LIMIT, sock_connect=_POLL
        )
        try:
            async with self._session.post(
                f"{self._url}/{verb}", json=dict(body), timeout=limit
            ) as response:
                answer: dict[str, Any] = await response.json()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(f"no connection: {error}") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Uncertain(f"the connection was cut: {error}") from error
        if "fault" in answer:
            raise Fault(answer["fault"], retry_after=answer["after"]).error()
        return answer

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _socket(to: aiohttp.AddrInfoType) -> socket.socket:
    made = socket.socket(*to[:3])
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNHEARD * 1000)
    return made
