"""The remembering platform over HTTP, so that it outlives the program that is killed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from bot.errors import NotSent, SendError, Uncertain
from bot.testing.platform import FAULTS, Fault, Json, Platform

_POLL_LIMIT = 3600.0


@asynccontextmanager
async def served(**platforms: Platform) -> AsyncIterator[dict[str, str]]:
    """Serve platforms on a free port; the address of each by its name."""

    async def handle(request: web.Request) -> web.Response:
        platform = platforms[request.match_info["name"]]
        try:
            answer = await platform.call(request.match_info["verb"], await request.json())
        except SendError as error:
            told = {"fault": FAULTS[type(error)], "after": getattr(error, "retry_after", 0.0)}
            return web.json_response(told, status=409)
        return web.json_response(answer)

    app = web.Application()
    app.router.add_post("/{name}/{verb}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        yield {name: f"http://127.0.0.1:{port}/{name}" for name in platforms}
    finally:
        await runner.cleanup()


class RemotePlatform:
    """A platform in another process (see `Wire`)."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def call(self, verb: str, body: Json) -> dict[str, Any]:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=_POLL_LIMIT)
            self._session = aiohttp.ClientSession(timeout=timeout)
        try:
            async with self._session.post(f"{self._url}/{verb}", json=dict(body)) as response:
                answer: dict[str, Any] = await response.json()
        except aiohttp.ClientConnectorError as error:
            raise NotSent(f"no connection: {error}") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Uncertain(f"the connection was cut: {error}") from error
        if "fault" in answer:
            raise Fault(answer["fault"], retry_after=answer["after"]).error()
        return answer

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
