"""Threads that work through transactions, each on a connection of its own.

A writer takes every transaction that waits and commits them together: the price of durability is
shared by everyone who asks at the same time. Who asked for it early gets the result just before the
commit, and a future for the rest.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from bot.engine.port import Early, Script, Wake
from bot.errors import StoreError

T = TypeVar("T")

GROUP = 256
# How long a patient transaction waits for others to share its commit, in seconds.
PATIENCE = 0.002


class Closing(Protocol):
    """A connection, as far as a thread knows it."""

    def close(self) -> Any: ...


C = TypeVar("C", bound=Closing)


class Job(NamedTuple):
    """A script that waits for a thread. `durable` is there if the result is handed out `early`."""

    script: Script[Any]
    future: asyncio.Future[Any]
    patient: bool = False
    early: Early[Any] | None = None
    durable: asyncio.Future[None] | None = None


class Outcome(NamedTuple):
    """What became of a script: its result and its wakes, or its error."""

    job: Job
    result: Any
    wakes: list[Wake]
    error: BaseException | None


class Thread(Generic[C]):
    """A named thread that works through jobs on its own connection."""

    def __init__(self, name: str, wake: Callable[[Wake], None]) -> None:
        self._wake = wake
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
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
        self._jobs.put(Job(script, future, patient, early, durable))
        return future

    async def close(self) -> None:
        """Finish what waits, then end the thread."""
        self._closed = True
        if self._loop is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)

    def _main(self) -> None:
        assert self._loop is not None
        connection: C | None = None
        ending = False
        while not ending:
            jobs, ending = self._take(GROUP)
            try:
                if self.broken is not None:
                    raise self.broken
                connection = connection or self._open()
                outcomes = self._work(connection, jobs) if jobs else []
            except StoreError as error:
                outcomes = failed(jobs, error)
            self._loop.call_soon_threadsafe(self._resolve, outcomes)
        if connection is not None:
            connection.close()

    def _resolve(self, outcomes: list[Outcome]) -> None:
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

    def _hand_out(self, outcomes: list[Outcome]) -> None:
        """Tell in the loop what is about to be committed."""
        for outcome in outcomes:
            assert outcome.job.early is not None and outcome.job.durable is not None
            outcome.job.early(outcome.result, outcome.job.durable)
            for wake in outcome.wakes:
                self._wake(wake)

    def _open(self) -> C:
        """Connect. Raises StoreError."""
        raise NotImplementedError

    def _work(self, connection: C, jobs: list[Job]) -> list[Outcome]:
        raise NotImplementedError

    def _take(self, limit: int) -> tuple[list[Job], bool]:
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


def failed(jobs: list[Job], error: StoreError) -> list[Outcome]:
    return [Outcome(job, None, [], error) for job in jobs]
