"""Answers kept for a while, so that asking again costs nobody anything."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

from bot.clock import Clock

T = TypeVar("T")

KEPT = 900.0
COUNT = 64


class Recent(Generic[T]):
    """At most `count` answers, each for `seconds`; the oldest goes first."""

    def __init__(self, clock: Clock, seconds: float = KEPT, count: int = COUNT) -> None:
        self._clock = clock
        self._seconds = seconds
        self._count = count
        self._kept: OrderedDict[str, tuple[float, T]] = OrderedDict()

    def get(self, key: str) -> T | None:
        at, answer = self._kept.get(key, (0.0, None))
        fresh = 0 <= self._clock.now() - at < self._seconds
        return answer if fresh else None

    def keep(self, key: str, answer: T) -> None:
        self._kept.pop(key, None)
        self._kept[key] = (self._clock.now(), answer)
        if len(self._kept) > self._count:
            self._kept.popitem(last=False)
