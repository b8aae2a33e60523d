"""An event loop that waits for nothing: when no byte moves, it jumps to the next timer.

So a time-out of 30 seconds costs the time of one jump, and an adapter needs no switch for tests.
Adapter and local server share the loop; what happens in other threads is waited for in real time.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Mapping
from typing import Any

# Real seconds without a byte after which the loop jumps: long enough for a busy machine's threads.
QUIET = 0.03


class Stuck(Exception):
    """A check was still busy when its real time was over."""


class _Watch(selectors.DefaultSelector):
    """Waits for sockets a moment; the rest of the wanted time is skipped."""

    skipped = 0.0
    deadline = float("inf")

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if time.monotonic() > self.deadline:
            self.deadline = float("inf")
            raise Stuck("it was still busy when its time was over")
        if timeout is None or timeout <= QUIET:
            return self._asked(timeout)
        ready = self._asked(QUIET)
        if not ready:
            self.skipped += timeout - QUIET
        return ready

    def _asked(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(timeout)
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """For `asyncio.Runner(loop_factory=...)`. `unheard` has what nobody else heard of."""

    def __init__(self) -> None:
        self._watch = _Watch()
        super().__init__(self._watch)
        self.unheard: list[Mapping[str, Any]] = []
        self.set_exception_handler(lambda _, context: self.unheard.append(context))

    def time(self) -> float:
        return super().time() + self._watch.skipped

    def limit(self, seconds: float) -> None:
        """Let what runs now take at most so many real seconds."""
        self._watch.deadline = time.monotonic() + seconds
