"""A client in the same process: the terminal without a running gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from bot.events import Hub
from bot.gateway.feed import Feed, Views
from bot.gateway.rpc import Methods

Json = Mapping[str, Any]


class Local:
    """Calls methods and reads events as a socket's client does (`bot.gateway.rpc.Client`)."""

    role = "operator"
    by_token = True
    node = None

    def __init__(
        self, methods: Methods, hub: Hub, views: Views, caps: frozenset[str] = frozenset()
    ) -> None:
        self.caps = caps
        self._methods = methods
        self._feed = Feed(caps, views)
        self._watcher = hub.watch()

    async def request(self, method: str, params: Json) -> Json:
        """A method's payload. Raises RequestError."""
        return await self._methods.call(self, method, params)

    async def events(self) -> AsyncIterator[tuple[str, Json]]:
        """Every event since this client was made, as name and payload; ends with `close`."""
        async for event in self._watcher:
            if (shown := await self._feed.payload(event)) is not None:
                yield shown

    def close(self) -> None:
        self._watcher.close()
