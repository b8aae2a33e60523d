"""SQLite beneath the embedded engine: one writer thread with group commit, readers apart.

The writer takes every transaction that waits, runs each in its own savepoint under one
`BEGIN IMMEDIATE`, commits once with a synchronous FULL write-ahead log, and then answers all: the
price of durability is shared by everyone who asks at the same time. Who asked for it early gets the
result just before the commit, and a future for the rest.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard, TypeVar, cast

from bot.engine.port import Early, Row, Script, Sql, Wake
from bot.errors import StoreError, StoreForeign, StoreFull

T = TypeVar("T")

GROUP = 256
# How long a patient transaction waits for others to share its commit, in seconds.
PATIENCE = 0.002
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA cache_size = -2000",
    "PRAGMA wal_autocheckpoint = 2000",
)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a database file as every part of Trunkline does. Raises StoreError."""
    try:
        connection = sqlite3.connect(
            f"file:{path}?mode=ro" if read_only else str(path),
            uri=read_only,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        connection.row_factory = sqlite3.Row
        for pragma in _PRAGMAS[3:5] if read_only else _PRAGMAS:
            connection.execute(pragma)
    except sqlite3.Error as error:
        raise readable(error, path) from error
    return connection


def readable(error: sqlite3.Error, path: Path) -> StoreError:
    """A database error as a sentence that says what to do."""
    code = getattr(error, "sqlite_errorname", "")
    if code.startswith("SQLITE_FULL"):
        return StoreFull(f"the disk that holds {path} is full; free some space, nothing was lost")
    if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return StoreForeign(
            f"{path} is damaged or not a Trunkline database ({error}); move it away, "
            "or restore a backup with: trunkline backup restore FILE DIR"
        )
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return StoreError(f"{path} cannot be written ({error}); check its owner and permissions")
    return StoreError(f"the database {path} failed: {error}")


# A value or a constraint that a script got wrong: not the database's failure.
_OF_THE_SCRIPT = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


def _of_the_store(error: BaseException) -> TypeGuard[sqlite3.Error]:
    return isinstance(error, sqlite3.Error) and not isinstance(error, _OF_THE_SCRIPT)


class _Job(NamedTuple):
    """`durable` is there if the result is handed out `early`."""

    script: Script[Any]
    future: asyncio.Future[Any]
    patient: bool = False
    early: Early[Any] | None = None
    durable: asyncio.Future[None] | None = None


class _Outcome(NamedTuple):
    job: _Job
    result: Any
    wakes: list[Wake]
    error: BaseException | None


def run_script(connection: sqlite3.Connection, script: Script[T], wakes: list[Wake]) -> T:
    """Drive a script on a connection, inside whatever transaction is open."""
    execute = connection.execute
    rows: list[Row] = []
    send = script.send
    try:
        asked = next(script)
        while True:
            if asked.__class__ is Sql:
                rows = cast(list[Row], execute(asked[0], asked[1]).fetchall())
            else:
                wakes.append(cast(Wake, asked))
                rows = []
            asked = send(rows)
    except StopIteration as stop:
        return cast(T, stop.value)


class _Thread:
    """A named thread that works through jobs on its own connection."""

    def __init__(self, name: str, path: Path, wake: Callable[[Wake], None]) -> None:
        self.path = path
        self._wake = wake
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._closed = False
        self.broken: StoreError | None = None

    def submit(
        self, script: Script[T], patient: bool = False, early: Early[T] | None = None
    ) -> asyncio.Future[T]:
        """Run a script there; the future answers when it is done, for a writer when durable."""
        if self._closed:
            raise StoreError("the store is closed")
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._thread.start()
        future = self._loop.create_future()
        durable = self._loop.create_future() if early is not None else None
        self._jobs.put(_Job(script, future, patient, early, durable))
        return future

    async def close(self) -> None:
        """Finish what waits, then end the thread."""
        self._closed = True
        if self._loop is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)

    def _main(self) -> None:
        assert self._loop is not None
        connection: sqlite3.Connection | None = None
        ending = False
        while not ending:
            jobs, ending = self._take(GROUP)
            try:
                if self.broken is not None:
                    raise self.broken
                connection = connection or self._open()
                outcomes = self._work(connection, jobs) if jobs else []
            except StoreError as error:
                outcomes = _failed(jobs, error)
            self._loop.call_soon_threadsafe(self._resolve, outcomes)
        if connection is not None:
            connection.close()

    def _resolve(self, outcomes: list[_Outcome]) -> None:
        """Answer in the loop. What is committed wakes, even if its caller has gone away."""
        for outcome in outcomes:
            _answer(outcome.job.future, outcome.result, outcome.error)
            if durable := outcome.job.durable:
                _answer(durable, None, outcome.error)
                # A failure is the caller's; whoever began early may have gone away since.
                durable.add_done_callback(asyncio.Future.exception)
        for outcome in outcomes:
            if outcome.job.early is None:
                for wake in outcome.wakes:
                    self._wake(wake)

    def _hand_out(self, outcomes: list[_Outcome]) -> None:
        """Tell in the loop what is about to be committed."""
        for outcome in outcomes:
            assert outcome.job.early is not None and outcome.job.durable is not None
            outcome.job.early(outcome.result, outcome.job.durable)
            for wake in outcome.wakes:
                self._wake(wake)

    def _open(self) -> sqlite3.Connection:
        return connect(self.path)

    def _work(self, connection: sqlite3.Connection, jobs: list[_Job]) -> list[_Outcome]:
        raise NotImplementedError

    def _take(self, limit: int) -> tuple[list[_Job], bool]:
        """At least one job, and every other that waits; and whether to end after them.

        A patient one goes behind those it waited for.
        """
        first = self._jobs.get()
        if first is None:
            return [], True
        jobs = [first]
        while len(jobs) < limit:
            alone = len(jobs) == 1 and first.patient
            try:
                job = self._jobs.get(timeout=PATIENCE) if alone else self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return jobs, True
            jobs.insert(0 if alone else len(jobs), job)
        return jobs, False


def _answer(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _failed(jobs: list[_Job], error: StoreError) -> list[_Outcome]:
    return [_Outcome(job, None, [], error) for job in jobs]


class Writer(_Thread):
    """The one thread that writes."""

    def __init__(self, path: Path, wake: Callable[[Wake], None]) -> None:
        super().__init__("store-writer", path, wake)

    def _work(self, connection: sqlite3.Connection, jobs: list[_Job]) -> list[_Outcome]:
        outcomes: list[_Outcome] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                outcomes.append(self._one(connection, job))
            if early := [one for one in outcomes if one.job.early and one.error is None]:
                assert self._loop is not None
                self._loop.call_soon_threadsafe(self._hand_out, early)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            failure = readable(error, self.path)
            if getattr(error, "sqlite_errorname", "") == "SQLITE_IOERR_FSYNC":
                # After a failed sync nobody knows what the disk holds: never retry and assume.
                self.broken = failure
            return _failed(jobs, failure)
        return outcomes

    def _one(self, connection: sqlite3.Connection, job: _Job) -> _Outcome:
        wakes: list[Wake] = []
        connection.execute("SAVEPOINT one")
        try:
            result = run_script(connection, job.script, wakes)
        except BaseException as error:
            if not connection.in_transaction:
                raise  # the database gave the whole group up, for example on a full disk
            connection.execute("ROLLBACK TO one")
            connection.execute("RELEASE one")
            known = readable(error, self.path) if _of_the_store(error) else error
            return _Outcome(job, None, [], known)
        connection.execute("RELEASE one")
        return _Outcome(job, result, wakes, None)


class Reader(_Thread):
    """A thread that reads beside the writer, each script in one snapshot."""

    def __init__(self, path: Path) -> None:
        super().__init__("store-reader", path, lambda wake: None)

    def _open(self) -> sqlite3.Connection:
        connection = super()._open()
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _work(self, connection: sqlite3.Connection, jobs: list[_Job]) -> list[_Outcome]:
        return [self._one(connection, job) for job in jobs]

    def _one(self, connection: sqlite3.Connection, job: _Job) -> _Outcome:
        connection.execute("BEGIN")
        try:
            return _Outcome(job, run_script(connection, job.script, []), [], None)
        except BaseException as error:
            known = readable(error, self.path) if _of_the_store(error) else error
            return _Outcome(job, None, [], known)
        finally:
            connection.execute("ROLLBACK")
