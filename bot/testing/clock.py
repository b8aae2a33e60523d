"""A clock that stands still until a test lets time pass."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Coroutine
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")

START = 1_700_000_000.0
_LOOPS = 20


async def loops() -> None:
    """Let every task that can run do so; enough where nothing waits for a thread or a socket."""
    for _ in range(_LOOPS):
        await asyncio.sleep(0)


class VirtualClock:
    """`bot.clock.Clock` for tests: `advance` lets seconds pass, `until` as many as are needed.

    `settle` is awaited after each step and returns when nothing can happen without more time.
    """

    def __init__(self, now: float = START, settle: Callable[[], Awaitable[None]] = loops) -> None:
        self.settle = settle
        self._passed = 0.0  # who sleeps goes by this, whatever the time of day becomes
        self._set = now
        self._numbers = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._set + self._passed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._passed + seconds, next(self._numbers), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Let time pass; what falls due on the way happens in its order, at its time."""
        end = self._passed + seconds
        await self.settle()
        while (due := self._next()) is not None and due <= end:
            self._move(due)
            await self.settle()
        self._passed = end

    async def until(self, what: Coroutine[Any, Any, T], limit: float = 3600.0) -> T:
        """Let as much time pass as `what` needs. Raises AssertionError beyond `limit` seconds."""
        waiting = asyncio.create_task(what, name="until")
        end = self._passed + limit
        try:
            await self.settle()
            while not waiting.done():
                due = self._next()
                assert due is not None and due <= end, f"not within {limit:g} s, and nothing is due"
                self._move(due)
                await self.settle()
            return await waiting
        finally:
            waiting.cancel()

    def jump(self, seconds: float) -> None:
        """Change the time of day alone, as when a machine's clock is set or the machine slept.

        Who sleeps does so for as long as without it.
        """
        self._set += seconds

    def _next(self) -> float | None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def _move(self, to: float) -> None:
        self._passed = max(self._passed, to)
        while self._sleepers and self._sleepers[0][0] <= self._passed:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
