"""An engine on a table of its own, and a look into the file from outside."""

import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from bot.engine import sqlite
from bot.engine.embedded import Embedded
from bot.engine.port import Handler, Script, Wake, q
from bot.engine.sqlite import connect
from bot.testing.clock import VirtualClock

Sweep = Callable[[float], Script[None]]


class SlowDisk:
    """Every connection waits before each commit until it may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *pragmas: str) -> None:
        self.go = threading.Event()
        self._connect = sqlite.connect
        self._pragmas = pragmas
        monkeypatch.setattr(sqlite, "connect", self._open)

    def _open(self, path: Path, *, read_only: bool = False) -> sqlite3.Connection:
        connection = self._connect(path, read_only=read_only)
        for pragma in self._pragmas:
            connection.execute(pragma)
        connection.set_trace_callback(self._wait)
        return connection

    def _wait(self, statement: str) -> None:
        if statement == "COMMIT":
            self.go.wait(20)


def nothing_due(now: float) -> Script[None]:
    yield q("SELECT 1")


def put(key: str, *wakes: Wake) -> Script[int]:
    """Insert a key; how many rows there are then."""
    yield q("INSERT INTO things(key) VALUES(?)", key)
    for wake in wakes:  # noqa: UP028 - a tuple cannot be sent rows
        yield wake
    return (yield q("SELECT count(*) AS n FROM things"))[0]["n"]


def keys() -> Script[list[str]]:
    return [row["key"] for row in (yield q("SELECT key FROM things ORDER BY rowid"))]


def on_disk(path: Path) -> list[str]:
    """What another process sees."""
    with closing(sqlite3.connect(path)) as other:
        return [row[0] for row in other.execute("SELECT key FROM things ORDER BY rowid")]


def make_table(path: Path) -> None:
    with closing(connect(path)) as connection:
        connection.execute("CREATE TABLE things(key TEXT PRIMARY KEY)")


@asynccontextmanager
async def engine_on(
    path: Path,
    clock: VirtualClock,
    lane: Handler | None = None,
    *,
    sweep: Sweep = nothing_due,
    start: bool = True,
) -> AsyncIterator[Embedded]:
    """A started engine with one handler; stopped without grace."""
    if not path.exists():
        make_table(path)
    engine = Embedded(path, clock)
    if lane is not None:
        engine.handle("lane", lane)

    async def settle() -> None:
        for _ in range(4):
            await engine.tx(nothing_due(0.0))
            await engine.read(nothing_due(0.0))

    clock.settle = settle
    if start:
        await engine.start(sweep)
    try:
        yield engine
    finally:
        await engine.stop(0)
