"""An engine on a table of its own, and a look into the store from outside.

A store is a file of SQLite or the address of a PostgreSQL database; what holds for both engines is
asked of both, through the fixture `store`.
"""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from bot.clock import Clock
from bot.engine import sqlite
from bot.engine.cluster import Cluster
from bot.engine.embedded import Embedded
from bot.engine.port import Engine, Handler, Script, Sql, Wake, q
from bot.engine.sqlite import connect
from bot.testing.clock import VirtualClock
from tests.contracts.postgres_kit import database

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


_KEYS = ("SELECT key FROM things ORDER BY rowid", "SELECT key FROM things ORDER BY n")


def keys() -> Script[list[str]]:
    return [row["key"] for row in (yield Sql(_KEYS[0], (), _KEYS[1]))]


def on_disk(store: Path | str) -> list[str]:
    """What another process sees."""
    if isinstance(store, str):
        with psycopg.connect(store) as connection:
            return [row[0] for row in connection.execute(_KEYS[1])]
    with closing(sqlite3.connect(store)) as other:
        return [row[0] for row in other.execute(_KEYS[0])]


def make_table(path: Path) -> None:
    with closing(connect(path)) as connection:
        connection.execute("CREATE TABLE things(key TEXT PRIMARY KEY)")


def free_and_due() -> Script[bool]:
    """Does a job wait that nothing keeps from being run now?"""
    rows = yield q(
        "SELECT 1 AS due FROM procrastinate_jobs j WHERE status = 'todo' "
        "AND (scheduled_at IS NULL OR scheduled_at <= now()) AND NOT EXISTS "
        "(SELECT 1 FROM procrastinate_jobs d WHERE d.lock = j.lock AND d.status = 'doing')"
    )
    return bool(rows)


@asynccontextmanager
async def engine_on(
    store: Path | str,
    clock: Clock,
    lane: Handler | None = None,
    *,
    sweep: Sweep = nothing_due,
    start: bool = True,
) -> AsyncIterator[Engine]:
    """A started engine with one handler; stopped without grace."""
    engine: Embedded | Cluster
    if isinstance(store, str):
        engine = Cluster(store, clock)
    else:
        if not store.exists():
            make_table(store)
        engine = Embedded(store, clock)
    if lane is not None:
        engine.handle("lane", lane)

    async def settle() -> None:
        for _ in range(4):
            await engine.tx(nothing_due(0.0))
            await engine.read(nothing_due(0.0))
        if isinstance(store, str):
            async with asyncio.timeout(20):
                while await engine.read(free_and_due()):
                    pass

    if isinstance(clock, VirtualClock):
        clock.settle = settle
    if start:
        await engine.start(sweep)
    try:
        yield engine
    finally:
        await engine.stop(0)


@contextmanager
def a_store(kind: str, folder: Path) -> Iterator[Path | str]:
    """A store with an empty table `things`: `embedded` or `cluster`."""
    if kind == "cluster":
        with database() as url:
            yield url
    else:
        make_table(folder / "store.db")
        yield folder / "store.db"


ENGINES = ("embedded", "cluster")
