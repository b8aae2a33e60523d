"""Several engines on one PostgreSQL, in this process and in others."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import psycopg
import pytest
from psycopg.rows import dict_row

from bot.clock import SystemClock
from bot.engine.cluster import Cluster
from bot.engine.port import Handler, Wake
from tests.contracts.engine_kit import Sweep, nothing_due
from tests.contracts.postgres_kit import database
from tests.rules.source import ROOT

PATIENCE = 30.0


@pytest.fixture
def url() -> Iterator[str]:
    with database() as made:
        yield made


@asynccontextmanager
async def cluster(
    url: str, lane: Handler | None = None, *, sweep: Sweep = nothing_due, start: bool = True
) -> AsyncIterator[Cluster]:
    engine = Cluster(url, SystemClock())
    if lane is not None:
        engine.handle("lane", lane)
    if start:
        await engine.start(sweep)
    try:
        yield engine
    finally:
        await engine.stop(0)


def ask(url: str, text: str, *params: Any) -> list[dict[str, Any]]:
    """Rows of a statement, on a connection of its own, committed."""
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        asked = connection.execute(cast(Any, text), params or None)
        return asked.fetchall() if asked.description else []


async def listening(url: str) -> None:
    """Wait until a worker is told of work; before, it would find it by polling only."""
    heard = (
        "SELECT 1 FROM pg_stat_activity "
        "WHERE datname = current_database() AND query ILIKE 'LISTEN%procrastinate%'"
    )
    async with asyncio.timeout(PATIENCE):
        for _ in iter(lambda: bool(ask(url, heard)), True):
            await asyncio.sleep(0)


def jobs(url: str) -> list[dict[str, Any]]:
    return ask(url, "SELECT * FROM procrastinate_jobs ORDER BY id")


def wakes(*keys: str, at: float | None = None) -> Any:
    for key in keys:
        yield Wake("lane", key, at)


class Handled:
    """Notes each run of a handler; holds those of `held` keys until `go`."""

    def __init__(self, *held: str) -> None:
        self.runs: asyncio.Queue[str] = asyncio.Queue()
        self.go = asyncio.Event()
        self.ended: list[str] = []
        self.cancelled: list[str] = []
        self._held = held

    async def __call__(self, key: str) -> None:
        self.runs.put_nowait(key)
        try:
            if key in self._held:
                await self.go.wait()
            self.ended.append(key)
        except asyncio.CancelledError:
            self.cancelled.append(key)
            raise

    async def next(self) -> str:
        async with asyncio.timeout(PATIENCE):
            return await self.runs.get()


@asynccontextmanager
async def process(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process with an engine, whose handler says its key and never ends."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.contracts.cluster_program", url,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def line(running: asyncio.subprocess.Process, what: str) -> None:
    """Wait until a process says something."""
    assert running.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while what not in (said := (await running.stdout.readline()).decode()):
            assert said, f"it ended before it said {what}"
