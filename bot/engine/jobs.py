"""Wakes as jobs of procrastinate: each key's one after another, on whichever worker is free.

The library keeps the queue, its locks, and the heartbeats of the workers. What it does when things
go wrong is replaced here: a job is ended only by the worker that has it, a key that waits is told
of at once, and a dead worker's job is deleted and its key woken, because a job that is run again
can meet another of its key and block it for good.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition, Job, Status
from procrastinate.manager import JobManager
from procrastinate.worker import Worker
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from bot.engine.fetching import Fetching
from bot.engine.port import Script, Wake, q
from bot.engine.postgres import LATER, LIVELY, LIVELY_THERE, NOW
from bot.engine.roster import LEAVE, TELL

log = structlog.get_logger("engine")
logging.getLogger("procrastinate").setLevel(logging.CRITICAL)

POLL = 0.5  # seconds; the net under what is told
HEARTBEAT = 2.0
STALLED = 6.0
# A worker that cannot show that it lives ends so long after it last could: before others begin what
# it does.
LEASE = 5.0
_PAUSE = 0.5
_MOMENT = 0.02
# Nothing is aborted through the library: its question for that is not asked.
_NEVER = 86_400.0
# A lost end or beginning of a job only makes its handler look once more: these need no fsync.
_OPTIONS = f"{LIVELY_THERE} -c synchronous_commit=off"

END = """
WITH ended AS (
  DELETE FROM procrastinate_jobs WHERE id = %(id)s AND worker_id = %(worker)s AND status = 'doing'
  RETURNING queue_name, args)
INSERT INTO procrastinate_jobs(queue_name, task_name, lock, queueing_lock, args, scheduled_at)
SELECT queue_name, CASE WHEN %(delay)s::float8 > 0 THEN 'later' ELSE 'now' END,
  CASE WHEN %(delay)s::float8 > 0 THEN NULL ELSE %(name)s::text END,
  CASE WHEN %(delay)s::float8 > 0 THEN %(name)s::text || ' again' ELSE %(name)s::text END,
  args, now() + %(delay)s::double precision * interval '1 s'
FROM ended WHERE %(again)s
ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
"""
NEXT = """
SELECT pg_notify('procrastinate_queue_v1#' || queue_name,
  json_build_object('type', 'job_inserted', 'job_id', id)::text)
FROM procrastinate_jobs WHERE queueing_lock = %(name)s AND status = 'todo'
"""
_BEAT = f"""
WITH told AS ({TELL})
UPDATE procrastinate_workers SET last_heartbeat = now() WHERE id = %(worker)s RETURNING id
"""
_STALLED = (
    "SELECT j.id FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id "
    "WHERE j.status = 'doing' AND (w.id IS NULL "
    "OR w.last_heartbeat < now() - CAST(? AS double precision) * interval '1 s') LIMIT 1"
)
_PRUNE = (
    "DELETE FROM procrastinate_workers "
    "WHERE last_heartbeat < now() - CAST(? AS double precision) * interval '1 s'"
)
_ABANDONED = (
    "DELETE FROM procrastinate_jobs WHERE status = 'doing' AND worker_id IS NULL "
    "RETURNING args ->> 'kind' AS kind, args ->> 'key' AS key"
)


def stalled() -> Script[bool]:
    """Does a worker that is gone still have a job?"""
    return bool((yield q(_STALLED, STALLED)))


def rescue() -> Script[list[Wake]]:
    """Forget the workers that are gone, delete their jobs and wake the keys of these."""
    yield q(_PRUNE, STALLED)
    rows = yield q(_ABANDONED)
    wakes = [Wake(row["kind"], row["key"]) for row in rows]
    for wake in wakes:  # noqa: UP028 - a list cannot be sent rows
        yield wake
    return wakes


def _trusting(**options: Any) -> AsyncConnectionPool[Any]:
    """A pool that asks no question before each question: what fails here is done again."""
    return AsyncConnectionPool(**{**options, "check": None})


async def _at_once(connection: AsyncConnection[Any]) -> None:
    """Every statement on this connection is a transaction."""
    await connection.set_autocommit(True)


class _Manager(JobManager):
    """How a worker ends its jobs and shows that it lives."""

    def __init__(self, connector: PsycopgConnector, jobs: Jobs) -> None:
        super().__init__(connector)
        self._jobs = jobs
        self._until: asyncio.TimerHandle | None = None
        self._fetching = Fetching(connector)

    def lives(self, since: float) -> None:
        """Others let the worker be for a while after this moment; then it has to have ended."""
        self.close()
        why = "the database was away too long"
        loop = asyncio.get_running_loop()
        self._until = loop.call_at(since + LEASE, self._jobs.give_up, why)

    def close(self) -> None:
        """Its worker has ended."""
        if self._until is not None:
            self._until.cancel()

    async def register_worker(self) -> int:
        return await self._fetching.join(self._jobs.kinds)

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        return await self._fetching.next(queues or (), worker_id)

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """End a job, and wake its key again where it has to be; until the database has heard it."""
        delay = self._jobs.again.pop(job.id or 0, None)
        if delay is None and (status is not Status.SUCCEEDED or self._jobs.hands_over(job)):
            delay = _PAUSE if status is Status.FAILED else 0.0
        kind, key = job.task_kwargs["kind"], job.task_kwargs["key"]
        name = f"{kind} {key}"
        while True:
            try:
                await self.connector.execute_query_async(
                    END,
                    id=job.id,
                    worker=job.worker_id,
                    name=name,
                    again=delay is not None,
                    delay=delay or 0.0,
                )
                # Another transaction: it sees who began to wait while this job was being ended.
                await self.connector.execute_query_async(NEXT, name=name)
                return
            except ConnectorException as error:
                if self._jobs.stopping:
                    log.warning("job not ended; its worker's end frees it", key=name)
                    return
                log.warning("job not ended yet", key=name, error=str(error))
                await asyncio.sleep(_PAUSE)

    async def update_heartbeat(self, worker_id: int) -> None:
        """Show that the worker lives; end it when others have taken it for dead."""
        now = asyncio.get_running_loop().time()
        try:
            found = await self._jobs.beat(worker_id)
            await self._fetching.look(worker_id)
        except ConnectorException as error:
            log.warning("the worker is not heard", error=str(error))
            return
        if found:
            self.lives(now)
        else:
            self._jobs.give_up("its lanes were given to others; it begins anew")

    async def listen_for_jobs(
        self, *, on_notification: Any, queues: Iterable[str] | None = None
    ) -> None:
        """Listen until the worker ends; a connection that breaks is made again."""

        async def told(*, channel: str, notification: Any) -> None:
            if self._fetching.told(channel.partition("#")[2], notification["job_id"]):
                await on_notification(channel=channel, notification=notification)

        self._jobs.told = told
        while True:
            try:
                await super().listen_for_jobs(on_notification=told, queues=queues)
            except ConnectorException as error:
                log.warning("not told of work; looking for it instead", error=str(error))
            await asyncio.sleep(_PAUSE)


class Jobs:
    """A worker of this process, made again whenever it ends before it should."""

    def __init__(
        self,
        url: str,
        run: Callable[[str, str], Coroutine[Any, Any, float | None]],
        later: Callable[[str, str], Coroutine[Any, Any, None]],
        about: Callable[[], dict[str, str]],
        concurrency: int,
    ) -> None:
        self.connector = PsycopgConnector(
            conninfo=url,
            min_size=1,
            max_size=4,
            pool_factory=_trusting,
            configure=_at_once,
            kwargs={
                **LIVELY,
                "options": _OPTIONS,
                "application_name": "trunkline jobs",
            },
        )
        self.again: dict[int, float] = {}
        self.stopping = False
        self.told: Any = None
        self.kinds: list[str] = []
        self._run = run
        self._later = later
        self._about = about
        self._concurrency = concurrency
        self._kept: frozenset[str] | None = None
        self._worker: Any = None
        self._running: dict[asyncio.Task[Any], tuple[str, str]] = {}
        self._app = App(connector=self.connector)
        self._app.job_manager = self._app_manager()
        self._app.task(name=NOW, pass_context=True)(self._now)
        self._app.task(name=LATER)(self._later)

    def _app_manager(self) -> _Manager:
        return _Manager(self.connector, self)

    @property
    def busy(self) -> set[tuple[str, str]]:
        """The kinds and keys whose handlers run in this process."""
        return set(self._running.values())

    async def beat(self, worker: int | None = None) -> bool:
        """Show that this process lives, and its worker; is the worker known?

        Raises ConnectorException.
        """
        return bool(
            await self.connector.execute_query_all_async(_BEAT, worker=worker, **self._about())
        )

    async def leave(self) -> None:
        """Take this process off the list of those that live."""
        try:
            await self.connector.execute_query_async(LEAVE, process=self._about()["process"])
        except ConnectorException as error:
            log.warning("left without a word; others find it silent", error=str(error))

    async def work(self, kinds: Iterable[str]) -> None:
        """Run a worker for these kinds until `stop`."""
        self.kinds = list(kinds)
        while not self.stopping:
            manager = self._app.job_manager = self._app_manager()
            worker: Any = Worker(
                self._app,
                queues=self.kinds,
                concurrency=self._concurrency,
                fetch_job_polling_interval=POLL,
                abort_job_polling_interval=_NEVER,
                update_heartbeat_interval=HEARTBEAT,
                stalled_worker_timeout=STALLED,
                shutdown_graceful_timeout=0.0,
                delete_jobs=DeleteJobCondition.ALWAYS,
                install_signal_handlers=False,
            )
            self._worker, run = worker, worker.run
            manager.lives(asyncio.get_running_loop().time())
            error: Exception | None = None
            try:
                await run()
            except Exception as raised:
                error = raised
            finally:
                manager.close()
            await self.cancel()
            if not self.stopping:
                log.warning("worker ended; another begins", error=str(error) if error else None)
                await asyncio.sleep(_PAUSE)

    async def look(self) -> None:
        """Look for work at once, without being told by the database."""
        if self.told is not None:
            await self.told(channel="", notification={"type": "job_inserted", "job_id": 0})

    def give_up(self, reason: str) -> None:
        """End the worker and what it runs; another begins in its place."""
        log.warning("worker ends", reason=reason)
        if self._worker is not None:
            self._worker.stop()
        for task in list(self._running):
            task.cancel()

    def hand_over(self, *kept: str) -> None:
        """Take no more work but of these kinds; what ends is woken again, for another process."""
        self._kept = frozenset(kept)
        if self._worker is not None:
            self._worker.queues = sorted(self._kept) or ["-"]

    def hands_over(self, job: Job) -> bool:
        """Has another process to look at this key when its handler ends here?"""
        return self._kept is not None and job.queue not in self._kept

    async def stop(self) -> None:
        """Take no more work, and cancel what runs."""
        self.stopping = True
        if self._worker is not None:
            self._worker.stop()
        await self.cancel()

    async def ended(self, timeout: float) -> None:
        """Wait until a handler ends, or a moment when none runs here."""
        if self._running:
            await asyncio.wait(
                list(self._running), timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
        else:
            await asyncio.sleep(min(timeout, _MOMENT))

    async def cancel(self) -> None:
        for task in list(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(list(self._running))

    async def _now(self, context: Any, kind: str, key: str) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running[task] = (kind, key)
        try:
            delay = await self._run(kind, key)
            if delay is not None:
                self.again[context.job.id] = delay
        finally:
            del self._running[task]
