"""The names of people, whom events tell by id alone."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

_MOST = 5000


class Names:
    """Knows names from the second message on: no message waits for a look-up."""

    def __init__(self, account: str, look_up: Callable[[str], Awaitable[str]]) -> None:
        self._account = account
        self._look_up = look_up
        self._known: OrderedDict[str, str] = OrderedDict()
        self._running: set[asyncio.Task[None]] = set()

    def of(self, user: str) -> str:
        """A user's name, "" while it is not known."""
        if user not in self._known:
            self._known[user] = ""
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
            task = asyncio.create_task(self._learn(user), name=f"{self._account} name of {user}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return self._known[user]

    async def _learn(self, user: str) -> None:
        self._known[user] = await self._look_up(user)

    async def stop(self) -> None:
        """End what still looks up."""
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
