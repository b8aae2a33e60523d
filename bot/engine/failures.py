"""When a handler that failed is run again: soon, then later and later."""

from __future__ import annotations

import structlog

from bot.errors import Fenced, StoreError

log = structlog.get_logger("engine")

_BACKOFF = (0.2, 1.0, 5.0, 30.0, 60.0)


class Failures:
    """How often the handler of each key has failed in a row."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}

    def over(self, kind: str, key: str) -> None:
        """A handler ended well, and what failed before counts no more."""
        self._counts.pop((kind, key), None)

    def failed(self, kind: str, key: str, error: BaseException) -> float:
        """Log a failure; in how many seconds the handler should run again."""
        count = self._counts[kind, key] = self._counts.get((kind, key), 0) + 1
        delay = 0.0 if isinstance(error, Fenced) else _BACKOFF[min(count, len(_BACKOFF)) - 1]
        known = isinstance(error, StoreError | Fenced)
        log.error(
            "handler failed",
            kind=kind,
            key=key,
            again_in=delay,
            error=str(error),
            exc_info=None if known else error,
        )
        return delay
