"""The library's app, with one middleware that takes every event in.

It stands before authorization: there the library asks auth.test, and when that says no, the event
is acknowledged with 200 and gone (seen on slack-bolt 1.30.0). It answers at once, so no event comes
again for want of a listener.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.response import BoltResponse

from adapters.fields import Event
from adapters.slack.client import Client
from bot.errors import StoreError

Take = Callable[[Event], Awaitable[None]]


class _First(AsyncMiddleware):
    """A class and no function: for a function the library reads the event's fields first."""

    def __init__(self, take: Take) -> None:
        self._take = take

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Callable[[], Awaitable[BoltResponse]],
    ) -> BoltResponse:
        return await self.store(req.body)

    async def store(self, body: Event) -> BoltResponse:
        if body.get("type") == "url_verification":
            return BoltResponse(status=200, body=str(body.get("challenge", "")))
        try:
            await self._take(body)
        except StoreError as error:
            return BoltResponse(status=503, body=str(error))
        return BoltResponse(status=200)


class Door:
    """Answers 200 when an event is stored, 503 when it could not be."""

    def __init__(self, client: Client, take: Take) -> None:
        self._first = _First(take)
        self._app = AsyncApp(
            name="trunkline",
            client=client,
            before_authorize=self._first,
            # Checked on the raw body before anything is parsed: see signature.py.
            request_verification_enabled=False,
        )

    async def answer(self, body: Event) -> BoltResponse:
        """What Slack is told about an event, however odd it is."""
        try:
            # The library reads form fields wrongly where "payload" is said in them, so it gets the
            # decoded body, and raises on fields that are not of the type it expects.
            request = AsyncBoltRequest(mode="socket_mode", body=dict(body))
        except Exception:
            return await self._first.store(body)
        return await self._app.async_dispatch(request)
