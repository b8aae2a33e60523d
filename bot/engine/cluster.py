"""The engine of many processes: PostgreSQL, and procrastinate for the wakes.

Every process with the same store works through its keys, each key in one of them at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import structlog
from procrastinate.exceptions import ConnectorException

from bot.clock import Clock
from bot.engine.failures import Failures
from bot.engine.jobs import HEARTBEAT, POLL, STALLED, Jobs, rescue, stalled
from bot.engine.live import Live
from bot.engine.owning import own
from bot.engine.port import Early, Handler, Member, Script, Self, Sweep, Wake, q
from bot.engine.postgres import Reader, Writer
from bot.engine.roster import Roster, forget, members
from bot.errors import StoreError

T = TypeVar("T")
log = structlog.get_logger("engine")

SWEEP_EVERY = 60.0
# Handlers of one process at a time. Lanes that wait (for a place among the runs, for a person) are
# among them, and must not keep what was answered from being sent.
CONCURRENCY = 1000
_NEAR = 60.0


class Cluster:
    """`Engine` on PostgreSQL for any number of processes (see `bot.engine.port.Engine`)."""

    def __init__(self, url: str, clock: Clock, concurrency: int = CONCURRENCY) -> None:
        self._url = url
        self._clock = clock
        self._writer = Writer(url, self._soon, self._delay)
        self._reader = Reader(url)
        self._handlers: dict[str, Handler] = {}
        self._failures = Failures()
        self._kinds: list[str] = []
        self._roster = Roster(clock, self._lanes)
        self._jobs = Jobs(url, self._run, self._due, self._roster.about, concurrency)
        self._live = Live(url, self._jobs.connector)
        self._opening = asyncio.Lock()
        self._open = False
        self._sweep: Sweep | None = None
        self._worker: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._telling: asyncio.Task[None] | None = None
        self._news = False
        self._timers: set[asyncio.TimerHandle] = set()
        self._looking: set[asyncio.Task[None]] = set()

    def handle(self, kind: str, handler: Handler) -> None:
        self._handlers[kind] = handler

    async def start(self, sweep: Sweep, kinds: Collection[str] | None = None) -> None:
        self._sweep = sweep
        self._kinds = [kind for kind in self._handlers if kinds is None or kind in kinds]
        await self.tx(_swept(sweep, self._clock.now(), at_once=True))
        await self._opened()
        if self._kinds:
            work = self._jobs.work(self._kinds)
            self._worker = asyncio.create_task(work, name="engine-worker")
        for name, task in (
            ("sweep", self._sweep_forever()),
            ("rescue", self._rescue_forever()),
            ("live", self._live.listen()),
            ("beat", self._beat_forever()),
        ):
            self._tasks.append(asyncio.create_task(task, name=f"engine-{name}"))

    async def stop(self, grace: float) -> None:
        await self.drain(grace)
        await self.close()

    async def drain(self, grace: float) -> None:
        """Give what runs `grace` seconds, then cancel the rest; other processes take it up."""
        self._jobs.hand_over("out")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace
        while loop.time() < deadline and (self._jobs.busy or await self._answers_wait()):
            await self._jobs.ended(min(POLL, max(0.0, deadline - loop.time())))
        self._jobs.hand_over()
        await self._jobs.stop()
        for task in self._tasks:
            task.cancel()
        ending = [*self._tasks, *([self._worker] if self._worker else [])]
        await asyncio.gather(*ending, return_exceptions=True)

    async def close(self) -> None:
        """Close the connections to the store."""
        for timer in self._timers:
            timer.cancel()
        if self._telling is not None:
            await asyncio.wait({self._telling})
        if self._tasks:
            await self._jobs.leave()
        await self._writer.close()
        await self._reader.close()
        await self._jobs.connector.close_async()

    async def tx(
        self, script: Script[T], *, patient: bool = False, early: Early[T] | None = None
    ) -> T:
        # Nothing is handed out early: another process may be the one that goes on with it.
        return await self._writer.submit(script, patient)

    async def read(self, script: Script[T]) -> T:
        return await self._reader.submit(script)

    def own(
        self, resource: str, waiting: Callable[[], None] | None = None
    ) -> AbstractAsyncContextManager[asyncio.Event]:
        return self._roster.holding(resource, own(self._url, resource, waiting), self.tell)

    def present(self, who: Self) -> None:
        self._roster.who = who

    async def members(self) -> list[Member]:
        return await self.read(members(self._clock.now(), STALLED))

    def tell(self) -> None:
        self._news = True
        if self._tasks and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._tell(), name="engine-tell")

    async def publish(self, topic: str, event: dict[str, Any]) -> None:
        await self._opened()
        await self._live.publish(topic, event)

    def subscribe(self, topic: str, callback: Callable[[dict[str, Any]], None]) -> None:
        self._live.subscribe(topic, callback)

    async def idle(self) -> None:
        """Wait until no handler runs here and no key that this process handles is due."""
        while bool(self._jobs.busy) or await self.read(_is_due(self._kinds)):
            await self._jobs.ended(POLL)

    async def _answers_wait(self) -> bool:
        """Is there something to send that this process, ending, should not leave behind?"""
        try:
            return "out" in self._kinds and await self.read(_is_due(["out"]))
        except StoreError:
            return False

    async def _opened(self) -> None:
        async with self._opening:
            if not self._open:
                await self._jobs.connector.open_async()
                self._open = True

    def _delay(self, wake: Wake) -> float:
        """In how many seconds a wake is due; clocks of machines differ, the time left does not."""
        return 0.0 if wake.at is None else wake.at - self._clock.now()

    def _soon(self, wake: Wake) -> None:
        """Look for a delayed wake in time; if this process is gone, others find it by polling."""
        delay = self._delay(wake)
        if not 0 < delay <= _NEAR or self._worker is None:
            return
        loop = asyncio.get_running_loop()

        def due() -> None:
            self._timers.discard(timer)
            looking = asyncio.create_task(self._jobs.look(), name="engine-look")
            self._looking.add(looking)
            looking.add_done_callback(self._looking.discard)

        timer = loop.call_later(delay, due)
        self._timers.add(timer)

    async def _run(self, kind: str, key: str) -> float | None:
        """Run a key's handler; in how many seconds it has to run again, None when it went well."""
        try:
            await self._handlers[kind](key)
        except Exception as error:
            return self._failures.failed(kind, key, error)
        self._failures.over(kind, key)
        return None

    async def _due(self, kind: str, key: str) -> None:
        """A delayed wake is due: now it is one that waits for its key."""
        await self.tx(_waking(Wake(kind, key)))

    def _lanes(self) -> int:
        return sum(kind == "lane" for kind, _ in self._jobs.busy)

    async def _tell(self) -> None:
        while self._news:
            self._news = False
            await self._beat()

    async def _beat(self) -> None:
        try:
            await self._jobs.beat()
        except ConnectorException as error:
            log.warning("others do not hear of this process", error=str(error))

    async def _beat_forever(self) -> None:
        """Show that this process lives; where a worker runs, its heartbeats do."""
        await self._beat()
        while self._worker is None:
            await asyncio.sleep(HEARTBEAT)
            await self._beat()

    async def _sweep_forever(self) -> None:
        assert self._sweep is not None
        while True:
            await self._clock.sleep(SWEEP_EVERY)
            try:
                await self.tx(_swept(self._sweep, self._clock.now(), at_once=False))
            except StoreError as error:
                log.error("sweep failed", error=str(error))

    async def _rescue_forever(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            try:
                if await self.read(stalled()):
                    for wake in await self.tx(rescue()):
                        log.warning("taken over from a dead worker", kind=wake.kind, key=wake.key)
            except StoreError as error:
                log.error("rescue failed", error=str(error))


def _waking(wake: Wake) -> Script[None]:
    yield wake


def _swept(sweep: Sweep, now: float, *, at_once: bool) -> Script[None]:
    """The sweep, unless another process has done it this minute."""
    rows = yield q(
        "UPDATE engine_state SET at = ? WHERE name = 'sweep' AND at <= ? RETURNING at",
        now,
        now if at_once else now - SWEEP_EVERY + 5,
    )
    if rows or at_once:
        yield from forget()
        yield from sweep(now)


def _is_due(kinds: list[str]) -> Script[bool]:
    marks = ", ".join("?" * len(kinds)) or "''"
    rows = yield q(
        "SELECT 1 AS due FROM procrastinate_jobs WHERE "
        f"queue_name IN ({marks}) AND (scheduled_at IS NULL OR scheduled_at <= now()) LIMIT 1",
        *kinds,
    )
    return bool(rows)
