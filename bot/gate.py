"""The global lane: places for runs, all sessions together."""

from __future__ import annotations

import asyncio
from collections import deque


class Gate:
    """Places for runs, all sessions together, first come first served."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        if self._free > 0:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    async def __aexit__(self, *error: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Give a place to the next one, or free it."""
        self._free += 1
        while self._waiting and self._free > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                self._free -= 1
                turn.set_result(None)

    async def back(self, hurry: bool) -> None:
        """Take a place again. One that only has to end (`hurry`) does not wait for others."""
        if hurry:
            self._free -= 1
            return
        try:
            await self.__aenter__()
        except asyncio.CancelledError:
            self._free -= 1
            raise
