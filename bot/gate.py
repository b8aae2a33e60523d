"""The global lane: places for runs, all sessions together."""

from __future__ import annotations

import asyncio
from collections import deque


class Gate:
    """Places for runs, all sessions together, first come first served.

    `within`: who has a place here takes one there too, and waits here without holding one there.
    """

    def __init__(self, places: int, within: Gate | None = None) -> None:
        self._free = places
        self._within = within
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        await self._enter()
        if self._within is not None:
            try:
                await self._within.__aenter__()
            except asyncio.CancelledError:
                self._leave()
                raise

    async def _enter(self) -> None:
        if self._free > 0:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise

    async def __aexit__(self, *error: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Give a place to the next one, or free it."""
        if self._within is not None:
            self._within.leave()
        self._leave()

    def _leave(self) -> None:
        self._free += 1
        while self._waiting and self._free > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                self._free -= 1
                turn.set_result(None)

    async def back(self, hurry: bool) -> None:
        """Take a place again. One that only has to end (`hurry`) does not wait for others."""
        try:
            if hurry:
                self._free -= 1
            else:
                await self._enter()
        except asyncio.CancelledError:
            self._free -= 1
            if self._within is not None:
                self._within._free -= 1
            raise
        if self._within is not None:
            await self._within.back(hurry)
