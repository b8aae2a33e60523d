"""Which processes work on the store: each says so with its heartbeat, in a row of its own."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from bot.clock import Clock
from bot.engine.port import Member, Script, Self, q

# One statement with the heartbeat of the worker, so that it costs no transaction of its own.
TELL = (
    "INSERT INTO engine_processes(id, about, seen_at) VALUES(%(process)s, %(about)s, now()) "
    "ON CONFLICT (id) DO UPDATE SET about = excluded.about, seen_at = excluded.seen_at"
)
LEAVE = "DELETE FROM engine_processes WHERE id = %(process)s"
# How long one that was killed stays on the list, as one that is gone.
_REMEMBERED = 600.0


class Roster:
    """What this process says of itself; `lanes` counts those it has in hand."""

    def __init__(self, clock: Clock, lanes: Callable[[], int]) -> None:
        self.id = secrets.token_hex(4)
        self.who = Self()
        self._clock = clock
        self._lanes = lanes
        self._since = clock.now()
        self._holds: dict[str, float] = {}

    def about(self) -> dict[str, str]:
        """The parameters of `TELL`."""
        about = {
            "role": self.who.role,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "version": self.who.version,
            "started_at": self._since,
            "lanes": self._lanes(),
            "holds": self._holds,
            "told": dict(self.who.told()),
        }
        return {"process": self.id, "about": json.dumps(about)}

    @asynccontextmanager
    async def holding(
        self, resource: str, owning: AbstractAsyncContextManager[Any], changed: Callable[[], None]
    ) -> AsyncIterator[Any]:
        """Note what is held for as long as it is."""
        async with owning as lost:
            self._holds[resource] = self._clock.now()
            changed()
            try:
                yield lost
            finally:
                del self._holds[resource]
                changed()


def members(now: float, silent: float) -> Script[list[Member]]:
    """Every process that was heard of; one that was silent for so many seconds is not alive."""
    rows = yield q(
        "SELECT id, about, CAST(extract(epoch FROM now() - seen_at) AS double precision) AS age "
        "FROM engine_processes"
    )
    found = [
        # Ages, because the clocks of machines differ.
        Member(id=row["id"], seen_at=now - row["age"], alive=row["age"] < silent, **about)
        for row in rows
        if (about := _known(row["about"])) is not None
    ]
    return sorted(found, key=lambda one: (one.started_at, one.id))


def _known(text: str) -> dict[str, Any] | None:
    """What a process says of itself; None for one of a version that says less."""
    about = json.loads(text)
    names = set(Member._fields) - {"id", "seen_at", "alive"}
    return {name: about[name] for name in names} if names <= about.keys() else None


def forget() -> Script[None]:
    """Take processes that have been gone for long off the list."""
    yield q(
        "DELETE FROM engine_processes "
        "WHERE seen_at < now() - CAST(? AS double precision) * interval '1 s'",
        _REMEMBERED,
    )
