"""A local issuer of tokens that plays sign-in by device code (RFC 8628) as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Self

from aiohttp import web

CODE = "device-code-canary-1"
USER_CODE = "WDJB-MJHT"


class FakeIssuer:
    """Use as `async with FakeIssuer() as issuer`.

    `polls` are the errors that asking for a token gets, in order, before it gets one; `tokens`
    numbers what was given. `hold` lets a renewal wait until the test sets it.
    """

    def __init__(self) -> None:
        self.polls: list[str] = []
        self.life = 3600
        self.interval = 0.01
        self.revoked = False
        self.given = 0
        self.asked: list[Mapping[str, Any]] = []
        self.hold: asyncio.Event | None = None
        self.url = ""
        app = web.Application()
        app.router.add_post("/device", self._device)
        app.router.add_post("/token", self._token)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def settings(self) -> str:
        """The `oauth` of a provider, as YAML."""
        return (
            f'{{device_url: "{self.url}/device", token_url: "{self.url}/token", '
            "client_id: trunkline-test, scope: models}"
        )

    def token(self, number: int) -> str:
        return f"access-canary-{number:04}"

    async def _device(self, request: web.Request) -> web.Response:
        self.asked.append(dict(await request.post()))
        return web.json_response(
            {
                "device_code": CODE,
                "user_code": USER_CODE,
                "verification_uri": f"{self.url}/activate",
                "expires_in": 600,
                "interval": self.interval,
            }
        )

    async def _token(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        self.asked.append(form)
        if form["grant_type"] == "refresh_token":
            if self.hold is not None:
                await self.hold.wait()
            if self.revoked or form["refresh_token"] != f"refresh-canary-{self.given:04}":
                return web.json_response({"error": "invalid_grant"}, status=400)
        elif self.polls:
            return web.json_response({"error": self.polls.pop(0)}, status=400)
        self.given += 1
        return web.json_response(
            {
                "access_token": self.token(self.given),
                "refresh_token": f"refresh-canary-{self.given:04}",
                "token_type": "Bearer",
                "expires_in": self.life,
            }
        )
