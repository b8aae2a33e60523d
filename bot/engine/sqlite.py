"""SQLite beneath the embedded engine: one writer thread with group commit, readers apart.

The writer runs each transaction that waits in its own savepoint under one `BEGIN IMMEDIATE`, and
commits once with a synchronous FULL write-ahead log.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeGuard, TypeVar, cast

from bot.engine.port import Row, Script, Sql, Wake
from bot.engine.threads import Job, Outcome, Thread, failed
from bot.errors import StoreError, StoreForeign, StoreFull

T = TypeVar("T")

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


class Writer(Thread[sqlite3.Connection]):
    """The one thread that writes."""

    def __init__(self, path: Path, wake: Callable[[Wake], None]) -> None:
        super().__init__("store-writer", wake)
        self._path = path

    def _open(self) -> sqlite3.Connection:
        return connect(self._path)

    def _work(self, connection: sqlite3.Connection, jobs: list[Job]) -> list[Outcome]:
        outcomes: list[Outcome] = []
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
            failure = readable(error, self._path)
            if getattr(error, "sqlite_errorname", "") == "SQLITE_IOERR_FSYNC":
                # After a failed sync nobody knows what the disk holds: never retry and assume.
                self.broken = failure
            return failed(jobs, failure)
        return outcomes

    def _one(self, connection: sqlite3.Connection, job: Job) -> Outcome:
        wakes: list[Wake] = []
        connection.execute("SAVEPOINT one")
        try:
            result = run_script(connection, job.script, wakes)
        except BaseException as error:
            if not connection.in_transaction:
                raise  # the database gave the whole group up, for example on a full disk
            connection.execute("ROLLBACK TO one")
            connection.execute("RELEASE one")
            known = readable(error, self._path) if _of_the_store(error) else error
            return Outcome(job, None, [], known)
        connection.execute("RELEASE one")
        return Outcome(job, result, wakes, None)


class Reader(Thread[sqlite3.Connection]):
    """A thread that reads beside the writer, each script in one snapshot."""

    def __init__(self, path: Path) -> None:
        super().__init__("store-reader", lambda wake: None)
        self._path = path

    def _open(self) -> sqlite3.Connection:
        connection = connect(self._path)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _work(self, connection: sqlite3.Connection, jobs: list[Job]) -> list[Outcome]:
        return [self._one(connection, job) for job in jobs]

    def _one(self, connection: sqlite3.Connection, job: Job) -> Outcome:
        connection.execute("BEGIN")
        try:
            return Outcome(job, run_script(connection, job.script, []), [], None)
        except BaseException as error:
            known = readable(error, self._path) if _of_the_store(error) else error
            return Outcome(job, None, [], known)
        finally:
            connection.execute("ROLLBACK")
