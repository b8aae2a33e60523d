"""Transactions: all or nothing, durable before they are answered, together where they can be."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bot.engine import sqlite
from bot.engine.port import Script, Wake, q
from bot.errors import StoreError, StoreFull
from bot.testing.clock import VirtualClock
from tests.contracts.engine_kit import (
    ENGINES,
    a_store,
    engine_on,
    keys,
    make_table,
    on_disk,
    put,
)


class Opened:
    """Every connection that is opened, with what ran on it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *pragmas: str) -> None:
        self.connections: list[sqlite3.Connection] = []
        self.statements: list[str] = []
        self._connect = sqlite.connect
        self._pragmas = pragmas
        monkeypatch.setattr(sqlite, "connect", self._open)

    def _open(self, path: Path, *, read_only: bool = False) -> sqlite3.Connection:
        connection = self._connect(path, read_only=read_only)
        for pragma in self._pragmas:
            connection.execute(pragma)
        connection.set_trace_callback(self.statements.append)
        self.connections.append(connection)
        return connection


def held(started: threading.Event, release: threading.Event) -> Script[None]:
    """A transaction that keeps the writer busy."""
    yield q("SELECT 1")
    started.set()
    release.wait(10)


def broken(key: str) -> Script[None]:
    yield q("INSERT INTO things(key) VALUES(?)", key)
    yield Wake("lane", key)
    raise ZeroDivisionError(key)


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    with a_store(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


async def test_a_transaction_answers_with_its_result(store: Path | str):
    async with engine_on(store, VirtualClock()) as engine:
        assert await engine.tx(put("a")) == 1
        assert await engine.tx(put("b")) == 2
        assert await engine.read(keys()) == ["a", "b"]


async def test_a_script_that_raises_leaves_nothing_and_harms_nobody(store: Path | str):
    """Good and bad ones share a commit; each gets its own outcome."""
    async with engine_on(store, VirtualClock()) as engine:
        scripts = [broken(f"x{n}") if n % 3 == 0 else put(f"k{n}") for n in range(30)]
        outcomes = await asyncio.gather(*map(engine.tx, scripts), return_exceptions=True)
        for number, outcome in enumerate(outcomes):
            assert isinstance(outcome, ZeroDivisionError if number % 3 == 0 else int)
        assert await engine.read(keys()) == [f"k{n}" for n in range(30) if n % 3]


async def test_a_wrong_statement_is_its_own_callers_error_and_not_the_stores(store: Path | str):
    async with engine_on(store, VirtualClock()) as engine:
        outcomes = await asyncio.gather(
            engine.tx(put("a")), engine.tx(put("a")), engine.tx(put("b")), return_exceptions=True
        )
        assert isinstance(outcomes[1], sqlite3.IntegrityError | psycopg.IntegrityError)
        assert (outcomes[0], outcomes[2]) == (1, 2)
        assert on_disk(store) == ["a", "b"]


async def test_transactions_that_wait_share_one_commit(path: Path, monkeypatch: pytest.MonkeyPatch):
    opened = Opened(monkeypatch)
    started, release = threading.Event(), threading.Event()
    async with engine_on(path, VirtualClock()) as engine:
        opened.statements.clear()
        first = asyncio.create_task(engine.tx(held(started, release)), name="first")
        await asyncio.to_thread(started.wait, 30)
        rest = [asyncio.create_task(engine.tx(put(f"k{n}")), name=f"put {n}") for n in range(100)]
        await asyncio.sleep(0)
        release.set()
        assert sorted(await asyncio.gather(*rest)) == list(range(1, 101))
        await first
        assert opened.statements.count("COMMIT") == 2


async def test_nobody_is_answered_before_the_commit(store: Path | str):
    """The first of a group has run, the second holds the group up: nothing shows yet."""
    started, release = threading.Event(), threading.Event()
    blocking, go = threading.Event(), threading.Event()
    async with engine_on(store, VirtualClock()) as engine:
        gate = asyncio.create_task(engine.tx(held(blocking, go)), name="gate")
        await asyncio.to_thread(blocking.wait, 30)
        first = asyncio.create_task(engine.tx(put("a")), name="first")
        second = asyncio.create_task(engine.tx(held(started, release)), name="second")
        await asyncio.sleep(0)
        go.set()
        await asyncio.to_thread(started.wait, 30)
        assert (first.done(), on_disk(store), await engine.read(keys())) == (False, [], [])
        release.set()
        assert await first == 1
        assert on_disk(store) == ["a"]
        await asyncio.gather(gate, second)


async def test_a_caller_that_goes_away_changes_nothing_for_others(store: Path | str):
    async with engine_on(store, VirtualClock()) as engine:
        gone = asyncio.create_task(engine.tx(put("a")), name="gone")
        stays = asyncio.create_task(engine.tx(put("b")), name="stays")
        await asyncio.sleep(0)
        gone.cancel()
        assert await stays == 2
        assert await engine.read(keys()) == ["a", "b"]


async def test_reads_go_on_beside_a_long_write(store: Path | str):
    started, release = threading.Event(), threading.Event()
    async with engine_on(store, VirtualClock()) as engine:
        await engine.tx(put("a"))
        long = asyncio.create_task(engine.tx(held(started, release)), name="long")
        await asyncio.to_thread(started.wait, 30)
        assert await engine.read(keys()) == ["a"]
        release.set()
        await long


async def test_a_reader_cannot_write_and_goes_on_after_a_failure(store: Path | str):
    async with engine_on(store, VirtualClock()) as engine:
        with pytest.raises(StoreError):
            await engine.read(put("a"))
        with pytest.raises(ZeroDivisionError):
            await engine.read(_dividing())
        assert await engine.read(keys()) == []


def _dividing() -> Script[None]:
    yield q("SELECT 1")
    raise ZeroDivisionError


async def test_a_full_disk_is_one_sentence_and_heals_by_itself(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    make_table(path)
    opened = Opened(monkeypatch, "PRAGMA max_page_count = 12")
    async with engine_on(path, VirtualClock()) as engine:
        stored: list[str] = []
        with pytest.raises(
            StoreFull, match=r"disk that holds .*store\.db is full; free some space"
        ):
            for number in range(200):
                await engine.tx(put(f"{number:02000}"))
                stored.append(f"{number:02000}")
        assert stored
        assert await engine.read(keys()) == stored
        for connection in opened.connections:
            connection.execute("PRAGMA max_page_count = 4000")
        await engine.tx(put("after"))
        assert on_disk(path) == [*stored, "after"]


async def test_a_full_disk_fails_those_who_share_the_commit_and_keeps_none_of_them(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Whoever is told that it worked has it on the disk; whoever is told that it failed has not."""
    make_table(path)
    Opened(monkeypatch, "PRAGMA max_page_count = 12")
    async with engine_on(path, VirtualClock()) as engine:
        names = [f"{number:02000}" for number in range(60)]
        outcomes = await asyncio.gather(
            *(engine.tx(put(name)) for name in names), return_exceptions=True
        )
        kept = {n for n, one in zip(names, outcomes, strict=True) if isinstance(one, int)}
        assert all(isinstance(one, int | StoreFull) for one in outcomes)
        assert any(isinstance(one, StoreFull) for one in outcomes)
        assert set(on_disk(path)) == kept


async def test_a_store_that_cannot_be_written_says_so_and_still_answers(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    make_table(path)
    Opened(monkeypatch, "PRAGMA query_only = ON")
    async with engine_on(path, VirtualClock(), start=False) as engine:
        with pytest.raises(StoreError, match=r"cannot be written .*check its owner"):
            await engine.tx(put("a"))
        assert await engine.read(keys()) == []


class FailingSync:
    """A connection whose disk cannot keep what it promised."""

    in_transaction = False

    def execute(self, text: str, parameters: object = ()) -> sqlite3.Cursor:
        if text == "COMMIT":
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
            raise error
        return sqlite3.connect(":memory:").execute("SELECT 1 AS n")

    def close(self) -> None:
        """Nothing is open."""


async def test_after_a_failed_sync_nothing_is_tried_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    make_table(path)
    real, connections = sqlite.connect, []

    def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection | FailingSync:
        connections.append(FailingSync() if not connections else real(path))
        return connections[-1]

    monkeypatch.setattr(sqlite, "connect", connect)
    async with engine_on(path, VirtualClock(), start=False) as engine:
        for _ in range(2):
            with pytest.raises(StoreError, match="disk I/O error"):
                await engine.tx(_selecting())
        assert len(connections) == 1


def _selecting() -> Script[None]:
    yield q("SELECT 1")


async def test_a_closed_store_says_so(store: Path | str):
    async with engine_on(store, VirtualClock()) as engine:
        await engine.tx(put("a"))
    with pytest.raises(StoreError, match="closed"):
        await engine.tx(put("b"))
    assert on_disk(store) == ["a"]
