"""The engine of one process: SQLite, one writer thread with group commit, a task per busy key."""

from __future__ import annotations

import asyncio
import fcntl
import heapq
import os
import socket
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import structlog

from bot.clock import Clock
from bot.engine.failures import Failures
from bot.engine.port import Early, Handler, Member, Script, Self, Sweep, Wake
from bot.engine.sqlite import Reader, Writer
from bot.errors import StoreError, StoreHeld

T = TypeVar("T")
log = structlog.get_logger("engine")

SWEEP_EVERY = 60.0


class StoreLock:
    """The kernel lock that makes one process the holder of a store; free the moment it dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def take(self, who: str) -> None:
        """Raises StoreHeld, naming the holder, when another process has it."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(fd, 200).decode(errors="replace").strip() or "another process"
            os.close(fd)
            raise StoreHeld(
                f"the store in {self._path.parent} is in use by {holder}; stop it first, "
                "or set TRUNKLINE_HOME to another directory"
            ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, who.encode(), 0)
        self._fd = fd

    def free(self) -> None:
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None


class Embedded:
    """`Engine` on SQLite for one process (see `bot.engine.port.Engine`)."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._writer = Writer(path, self._wake)
        self._reader = Reader(path)
        self._handlers: dict[str, Handler] = {}
        self._busy: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._again: set[tuple[str, str]] = set()
        self._failures = Failures()
        self._later: list[tuple[float, str, str]] = []
        self._later_changed = asyncio.Event()
        self._sweep: Sweep | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._subscribers: dict[str, list[Callable[[dict[str, Any]], None]]] = {}
        self._stopping = False
        self._started = False
        self._self = Self()
        self._since = clock.now()
        self._holds: dict[str, float] = {}

    def handle(self, kind: str, handler: Handler) -> None:
        self._handlers[kind] = handler

    async def start(self, sweep: Sweep, kinds: Collection[str] | None = None) -> None:
        # There is nobody else, so every kind is handled here.
        self._sweep = sweep
        self._started = True
        await self._run_sweep()
        self._tasks = [
            asyncio.create_task(self._sweep_forever(), name="engine-sweep"),
            asyncio.create_task(self._wake_later(), name="engine-later"),
        ]

    async def stop(self, grace: float) -> None:
        await self.drain(grace)
        await self.close()

    async def drain(self, grace: float) -> None:
        """Give what runs, and what it wakes, `grace` seconds; then cancel the rest."""
        deadline = asyncio.get_running_loop().time() + grace
        while self._busy and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(list(self._busy.values()), timeout=left)
        self._stopping = True
        rest = [*self._tasks, *self._busy.values()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def close(self) -> None:
        """Close the store."""
        await self._writer.close()
        await self._reader.close()

    async def tx(
        self, script: Script[T], *, patient: bool = False, early: Early[T] | None = None
    ) -> T:
        return await self._writer.submit(script, patient, early)

    async def read(self, script: Script[T]) -> T:
        return await self._reader.submit(script)

    @asynccontextmanager
    async def own(
        self, resource: str, waiting: Callable[[], None] | None = None
    ) -> AsyncIterator[asyncio.Event]:
        """One process holds everything, so a resource is never lost."""
        self._holds[resource] = self._clock.now()
        try:
            yield asyncio.Event()
        finally:
            del self._holds[resource]

    def present(self, who: Self) -> None:
        self._self = who

    async def members(self) -> list[Member]:
        """This process alone, once it was started."""
        if not self._started:
            return []
        lanes = sum(kind == "lane" for kind, _ in self._busy)
        who, now = self._self, self._clock.now()
        return [
            Member(
                id="here",
                role=who.role,
                host=socket.gethostname(),
                pid=os.getpid(),
                version=who.version,
                started_at=self._since,
                seen_at=now,
                alive=True,
                lanes=lanes,
                holds=dict(self._holds),
                told=who.told(),
            )
        ]

    def tell(self) -> None:
        """Nobody else listens."""

    async def publish(self, topic: str, event: dict[str, Any]) -> None:
        for callback in self._subscribers.get(topic, ()):
            callback(event)

    def subscribe(self, topic: str, callback: Callable[[dict[str, Any]], None]) -> None:
        self._subscribers.setdefault(topic, []).append(callback)

    async def idle(self) -> None:
        """Wait until no handler runs and none is due now."""
        while self._busy:
            await asyncio.wait(list(self._busy.values()))

    def _wake(self, wake: Wake) -> None:
        if wake.at is not None and wake.at > self._clock.now():
            heapq.heappush(self._later, (wake.at, wake.kind, wake.key))
            if self._later[0][0] == wake.at:
                self._later_changed.set()
            return
        self._wake_now(wake.kind, wake.key)

    def _wake_now(self, kind: str, key: str) -> None:
        if not self._started or self._stopping or kind not in self._handlers:
            return
        busy = (kind, key)
        if busy in self._busy:
            self._again.add(busy)
            return
        task = asyncio.create_task(self._handlers[kind](key), name=f"{kind}:{key}")
        self._busy[busy] = task
        # Not a `finally` in the task: one cancelled before its first step never enters its body.
        task.add_done_callback(lambda done: self._released(busy, done))

    def _released(self, busy: tuple[str, str], task: asyncio.Task[None]) -> None:
        del self._busy[busy]
        error = None if task.cancelled() else task.exception()
        if error is None:
            self._failures.over(*busy)
            if busy in self._again:
                self._again.discard(busy)
                self._wake_now(*busy)
            return
        self._again.discard(busy)
        delay = self._failures.failed(*busy, error)
        self._wake(Wake(*busy, self._clock.now() + delay))

    async def _wake_later(self) -> None:
        while True:
            self._later_changed.clear()
            now = self._clock.now()
            while self._later and self._later[0][0] <= now:
                _, kind, key = heapq.heappop(self._later)
                self._wake_now(kind, key)
            # Never longer than a minute: the clock may be set while this sleeps.
            wait = min(self._later[0][0] - now, SWEEP_EVERY) if self._later else SWEEP_EVERY
            sleeping = asyncio.create_task(self._clock.sleep(wait), name="engine-sleep")
            changed = asyncio.create_task(self._later_changed.wait(), name="engine-changed")
            try:
                await asyncio.wait({sleeping, changed}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleeping.cancel()
                changed.cancel()

    async def _sweep_forever(self) -> None:
        while True:
            await self._clock.sleep(SWEEP_EVERY)
            try:
                await self._run_sweep()
            except StoreError as error:
                log.error("sweep failed", error=str(error))

    async def _run_sweep(self) -> None:
        assert self._sweep is not None
        await self.tx(self._sweep(self._clock.now()))
