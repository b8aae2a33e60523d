"""The remembering platform over HTTP, so that it outlives the program that is killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from bot.errors import NotSent, SendError, Uncertain
from bot.testing.platform import FAULTS, Fault, Json, Platform

# A poll of which nothing is heard for longer is cut off, and so is any other call.
_POLL, _LIMIT = 4.0, 8.0


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
            timeout = aiohttp.ClientTimeout(total=_LIMIT, sock_connect=_POLL)
            self._session = aiohttp.ClientSession(timeout=timeout)
        try:
            async with self._session.post(f"{self._url}/{verb}", json=dict(body)) as response:
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
