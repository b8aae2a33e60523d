"""Guessing made slow: a source that fails too often waits, and every failure costs time."""

from __future__ import annotations

import math
from collections import OrderedDict, deque

import structlog

from bot.clock import Clock
from bot.errors import RequestError

log = structlog.get_logger("gateway")

WINDOW = 60.0
TRIES = 10
LOCKED = 300.0
_SOURCES = 10_000
_SLOWEST = 2.0


class Lockout:
    """Counts failed sign-ins: ten of one source in a minute lock it for five."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._locked: OrderedDict[str, float] = OrderedDict()
        self._recent: deque[float] = deque(maxlen=1000)

    def check(self, source: str) -> None:
        """Raises RequestError while a source is locked, right credentials or not."""
        wait = math.ceil(self._locked.get(source, 0.0) - self._clock.now())
        if wait > 0:
            raise RequestError(
                "RATE_LIMITED",
                f"too many failed sign-ins; try again in {wait} seconds",
                {"retryAfterMs": wait * 1000},
                retryable=True,
            )
        self._locked.pop(source, None)

    async def failed(self, source: str) -> None:
        """Count a failure and wait for it: longer the more there were lately, from anybody."""
        now = self._clock.now()
        failures = self._failures.setdefault(source, deque(maxlen=TRIES))
        failures.append(now)
        self._failures.move_to_end(source)
        if len(failures) == TRIES and now - failures[0] < WINDOW:
            self._locked[source] = now + LOCKED
            log.warning("too many failed sign-ins", source=source, locked_for=LOCKED)
            del self._failures[source]
        for table in (self._failures, self._locked):
            while len(table) > _SOURCES:
                table.popitem(last=False)
        self._recent.append(now)
        while now - self._recent[0] >= WINDOW:
            self._recent.popleft()
        await self._clock.sleep(min(_SLOWEST, 0.05 * len(self._recent)))

    def passed(self, source: str) -> None:
        """A right credential forgives the failures before it."""
        self._failures.pop(source, None)
