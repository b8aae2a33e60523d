"""PostgreSQL beneath the cluster engine: one writer and one reader for each process.

A script assumes that it sees and writes alone, as SQLite lets it. So one transaction at a time
writes to a store, whichever process it is of: the writer takes an advisory lock, runs everything
that waits, each in its own savepoint, and commits once. Nothing has to be run a second time because
of what somebody else did, and a store does as many transactions as its commits can carry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeGuard, TypeVar, cast

import psycopg
from psycopg import abc
from psycopg.adapt import Loader
from psycopg.rows import dict_row

from bot.engine.port import Row, Script, Sql, Wake, q
from bot.engine.threads import Job, Outcome, Thread, failed
from bot.errors import StoreError, StoreFull

T = TypeVar("T")
Connection = psycopg.Connection[dict[str, Any]]

CONNECT_TIMEOUT = 5
# A cut network says nothing. TCP alone would wait for a quarter of an hour, or for ever where it
# only listens. With these both ends know after 5 s: libpq's words for ours, options for the server.
LIVELY: Mapping[str, Any] = {
    "connect_timeout": CONNECT_TIMEOUT,
    "keepalives": 1,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}
LIVELY_THERE = (
    "-c tcp_keepalives_idle=2 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=3 "
    "-c tcp_user_timeout=5000"
)
# The advisory locks of a store: "writes", "migrates".
WRITING, MIGRATING = 7_440_001, 7_440_002
# A process that stops in the middle of a transaction must not stop the others for longer.
_HELD_AT_MOST = "5s"
_PARTS = re.compile(r"('(?:[^']|'')*')|\?")

# A value or a constraint that a script got wrong: not the database's failure.
_OF_THE_SCRIPT = (psycopg.DataError, psycopg.IntegrityError)

# One job for each key that waits: the row is locked until we commit, so that nobody takes it, looks
# before our rows can be seen, and ends it.
#
# A trigger tells of a new job; of one that waited, the statement does itself.
_PUT = (
    "WITH put AS ("
    "INSERT INTO procrastinate_jobs"
    "(queue_name, task_name, lock, queueing_lock, args, scheduled_at) "
    "SELECT kind, task, lock, name, CAST(args AS jsonb), now() + delay * interval '1 s' "
    "FROM unnest(CAST(? AS text[]), CAST(? AS text[]), CAST(? AS text[]), CAST(? AS text[]), "
    "CAST(? AS text[]), CAST(? AS double precision[])) "
    "AS wake(kind, task, lock, name, args, delay) "
    "ON CONFLICT (queueing_lock) WHERE status = 'todo' "
    "DO UPDATE SET priority = procrastinate_jobs.priority "
    "RETURNING id, queue_name, task_name, xmax <> 0 AS waited) "
    "SELECT pg_notify('procrastinate_queue_v1#' || queue_name, "
    "json_build_object('type', 'job_inserted', 'job_id', id)::text) "
    "FROM put WHERE waited AND task_name = 'now'"
)
NOW, LATER = "now", "later"


def name_of(kind: str, key: str) -> str:
    """The name that the jobs of a key are locked by."""
    return f"{kind} {key}"


def put(wakes: Mapping[Wake, float]) -> Script[None]:
    """Make the jobs of keys by one statement, each to be run now or in so many seconds.

    One for later has no lock: it would keep its key from being handled until then. When it is due
    it wakes the key.
    """
    jobs: dict[str, tuple[str, str, str | None, str, str, float | None]] = {}
    for wake, delay in wakes.items():
        name, args = name_of(wake.kind, wake.key), json.dumps({"kind": wake.kind, "key": wake.key})
        if delay > 0:
            at = f"{name} @{wake.at}"
            jobs[at] = (wake.kind, LATER, None, at, args, delay)
        else:
            jobs[name] = (wake.kind, NOW, name, name, args, None)
    if jobs:
        yield q(_PUT, *(list(column) for column in zip(*jobs.values(), strict=True)))


class _Number(Loader):
    """Sums of whole numbers come as numeric."""

    def load(self, data: abc.Buffer) -> int | float:
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else float(text)


@lru_cache(maxsize=2048)
def translated(text: str) -> str:
    """A statement with `$1`, `$2` for its `?`, as PostgreSQL wants it."""
    number = 0

    def mark(found: re.Match[str]) -> str:
        nonlocal number
        if found[1]:
            return found[1]
        number += 1
        return f"${number}"

    return _PARTS.sub(mark, text)


def connect(url: str, **options: str) -> Connection:
    """Connect as every part of Trunkline does, committing at once. Raises StoreError."""
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            application_name="trunkline",
            row_factory=dict_row,
            cursor_factory=psycopg.RawCursor[dict[str, Any]],
            prepare_threshold=2,
            options=" ".join(
                [LIVELY_THERE, *(f"-c {name}={value}" for name, value in options.items())]
            ),
            **LIVELY,
        )
    except psycopg.ProgrammingError:
        # What the library says of it quotes the whole address, with its password.
        raise StoreError(
            "store.url is no address of PostgreSQL; write postgresql://user@host/database"
        ) from None
    except psycopg.Error as error:
        raise readable(error) from error
    connection.adapters.register_loader("numeric", _Number)
    return connection


def readable(error: psycopg.Error) -> StoreError:
    """A database error as a sentence that says what to do, without address or password."""
    said = (error.diag.message_primary or str(error)).strip().split("\n")[0]
    if (error.sqlstate or "").startswith("53100"):
        return StoreFull("PostgreSQL's disk is full; free some space, nothing was lost")
    if isinstance(error, psycopg.OperationalError):
        return StoreError(f"PostgreSQL cannot be reached or gave up ({said}); check store.url")
    return StoreError(f"PostgreSQL failed: {said}")


def _failure(error: BaseException) -> TypeGuard[psycopg.Error]:
    """Is it a failure of the database, and not of one script?"""
    if isinstance(error, psycopg.ProgrammingError):
        return error.sqlstate is not None
    return isinstance(error, psycopg.Error) and not isinstance(error, _OF_THE_SCRIPT)


def run_script(connection: Connection, script: Script[T], wakes: list[Wake]) -> T:
    """Drive a script on a connection, inside whatever transaction is open."""
    rows: list[Row] = []
    try:
        asked = next(script)
        while True:
            if isinstance(asked, Sql):
                text = translated(asked.postgres or asked.text)
                cursor = connection.execute(cast(Any, text), asked.params)
                rows = cast(list[Row], cursor.fetchall()) if cursor.description else []
            else:
                wakes.append(asked)
                rows = []
            asked = script.send(rows)
    except StopIteration as stop:
        return cast(T, stop.value)


class Link:
    """A connection that is made when it is needed, and made again when it broke."""

    def __init__(self, url: str, **options: str) -> None:
        self._url = url
        self._options = options
        self._connection: Connection | None = None

    def get(self) -> Connection:
        """Raises StoreError."""
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url, **self._options)
        return self._connection

    def begin(self, text: str) -> Connection:
        """Begin a transaction, on a new connection if the old one is gone. Raises StoreError."""
        connection = self.get()
        try:
            connection.execute(cast(Any, text))
        except psycopg.Error:
            connection.close()
            try:
                connection = self.get()
                connection.execute(cast(Any, text))
            except psycopg.Error as error:
                raise readable(error) from error
        return connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


class Writer(Thread[Link]):
    """The one thread of this process that writes."""

    def __init__(
        self, url: str, wake: Callable[[Wake], None], delay: Callable[[Wake], float]
    ) -> None:
        super().__init__("store-writer", wake)
        self._url = url
        self._delay = delay

    def _open(self) -> Link:
        return Link(self._url, idle_in_transaction_session_timeout=_HELD_AT_MOST)

    def _work(self, connection: Link, jobs: list[Job]) -> list[Outcome]:
        link = connection.begin(f"BEGIN; SELECT pg_advisory_xact_lock({WRITING})")
        try:
            outcomes = self._alone(link, *jobs) if len(jobs) == 1 else self._group(link, jobs)
            self._put(link, [wake for one in outcomes for wake in one.wakes])
            link.execute("COMMIT")
        except psycopg.Error as error:
            link.close()
            return failed(jobs, readable(error))
        return outcomes

    def _alone(self, link: Connection, job: Job) -> list[Outcome]:
        """The transaction is this script's own: what it got wrong is taken back with it."""
        outcome = _outcome(link, job)
        if outcome.error is not None:
            link.execute("ROLLBACK; BEGIN")
        return [outcome]

    def _group(self, link: Connection, jobs: list[Job]) -> list[Outcome]:
        """Each in its own savepoint. On a broken connection this raises, and all are told."""
        outcomes: list[Outcome] = []
        between = ""
        for job in jobs:
            link.execute(cast(Any, f"{between} SAVEPOINT one"))
            outcomes.append(_outcome(link, job))
            back = "" if outcomes[-1].error is None else "ROLLBACK TO one; "
            between = f"{back}RELEASE one;"
        link.execute(cast(Any, between))
        return outcomes

    def _put(self, link: Connection, wakes: list[Wake]) -> None:
        run_script(link, put({wake: self._delay(wake) for wake in wakes}), [])


def _outcome(link: Connection, job: Job) -> Outcome:
    wakes: list[Wake] = []
    try:
        return Outcome(job, run_script(link, job.script, wakes), wakes, None)
    except BaseException as error:
        return Outcome(job, None, [], readable(error) if _failure(error) else error)


class Reader(Thread[Link]):
    """A thread that reads beside the writer, each script in one snapshot."""

    def __init__(self, url: str) -> None:
        super().__init__("store-reader", lambda wake: None)
        self._url = url

    def _open(self) -> Link:
        return Link(self._url, idle_in_transaction_session_timeout=_HELD_AT_MOST)

    def _work(self, connection: Link, jobs: list[Job]) -> list[Outcome]:
        return [self._one(connection, job) for job in jobs]

    def _one(self, connection: Link, job: Job) -> Outcome:
        link = connection.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            return Outcome(job, run_script(link, job.script, []), [], None)
        except BaseException as error:
            return Outcome(job, None, [], readable(error) if _failure(error) else error)
        finally:
            try:
                link.execute("ROLLBACK")
            except psycopg.Error:
                link.close()
