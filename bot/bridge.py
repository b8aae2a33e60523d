"""What happens in one process is told to the others that share the store, and shown there.

Truth is in the store; what is told here may be lost, and is only sooner. Each process says that it
is there and whether anybody watches in it: where no other process is, nothing is told, and where
nobody watches, only what somebody may wait for. What was told by others is handed to the hub as
theirs, and is never told again.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from bot.clock import Clock
from bot.crossing import Json, Text, event_from, event_json, growth_json
from bot.engine.port import HEARING, Engine, Row, Script
from bot.errors import StoreError
from bot.events import Delta, Event, Finished, Hub, RunEvent, Signal, Started, Thought, ToolUpdated
from bot.store import runs

log = structlog.get_logger("bridge")

TOPIC = "events"
EVERY = 0.1  # seconds between two pieces of one growing text
GATHER = 0.02  # seconds in which what happens is told together
TOLD = 7_400  # characters that are told together; PostgreSQL takes 8,000
BEAT = 15.0
GONE = 50.0  # seconds after which a process that says nothing is thought to be gone
GOODBYE = 2.0
QUIET = 2.0  # seconds of silence after which the store is asked whether a run has ended
_LONGEST = 32.0
_WAITING = 5_000
_ENDED = 4_096
_ASKED = 50

# Each process has its own view of these, or makes them itself from what it hears.
_OWN = frozenset({"tick", "shutdown", "chat"})
# What somebody may wait for, without watching.
_AWAITED = frozenset({"run.joined", "run.withdrawn", "run.answered", "tasks.changed"})


@dataclass(slots=True)
class _Mine:
    """A run of this process: what others know of it, what they are still to be told."""

    seq: int = 0
    texts: dict[str, Text] = field(default_factory=dict)
    pending: dict[str, RunEvent] = field(default_factory=dict)
    pacer: asyncio.Task[None] | None = None


@dataclass(slots=True)
class _Theirs:
    """A run of another process, as far as it was heard."""

    origin: str
    session: str
    seq: int = 0
    texts: dict[str, str] = field(default_factory=dict)
    ask_at: float = 0.0
    patience: float = QUIET


@dataclass(slots=True)
class _Peer:
    heard_at: float
    watched: bool = False


class Bridge:
    """Joins the hubs of all processes. `growing` gives what each run here has said so far."""

    def __init__(
        self, engine: Engine, clock: Clock, hub: Hub, growing: Callable[[], Iterable[RunEvent]]
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._hub = hub
        self._growing = growing
        self.name = secrets.token_hex(8)
        self._peers: dict[str, _Peer] = {}
        self._mine: dict[str, _Mine] = {}
        self._theirs: dict[str, _Theirs] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._queue: deque[Json] = deque(maxlen=_WAITING)
        self._teller: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._said_watched = False
        self._listeners: list[Callable[[Event], None]] = []

    @property
    def peers(self) -> int:
        """How many other processes were heard of lately."""
        return len(self._peers)

    def start(self) -> None:
        """Begin to tell and to hear, before the engine starts."""
        self._engine.subscribe(TOPIC, self._heard)
        self._engine.subscribe(HEARING, lambda event: self.announce())
        self._hub.listen_own(self._happened)
        self._hub.watching = self._watching
        for work in (self._beat, self._ask):
            self._tasks.append(asyncio.create_task(work(), name=f"bridge{work.__name__}"))

    async def stop(self) -> None:
        """Tell what is left, then that this process is gone; before the engine closes."""
        if not self._tasks:
            return
        for task in self._tasks:
            task.cancel()
        pacers = [run.pacer for run in self._mine.values() if run.pacer]
        for task in pacers:
            task.cancel()
        await asyncio.gather(*self._tasks, *pacers, return_exceptions=True)
        self._put({"gone": True})
        assert self._teller is not None
        await asyncio.wait({self._teller}, timeout=GOODBYE)
        self._teller.cancel()

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call a part with what other processes tell, beside those who listen to the hub."""
        self._listeners.append(listener)

    def elsewhere(self, run: str) -> tuple[int, str] | None:
        """The last event number and the visible text of a run of another process, if one has it."""
        found = self._theirs.get(run)
        return (found.seq, found.texts.get("Delta", "")) if found else None

    # What happens here.

    def _happened(self, event: Event) -> None:
        if isinstance(event, Signal):
            if event.name in _OWN or not self._peers:
                return
            if event.name in _AWAITED or self._watched_elsewhere:
                self._put(event_json(event))
            return
        if isinstance(event.body, Started):
            self._theirs.pop(event.run, None)
            self._ended.pop(event.run, None)
        if self._peers:
            self._told(event)
        if isinstance(event.body, Finished):
            self._over(event.run)

    def _told(self, event: RunEvent) -> None:
        body = event.body
        run = self._mine.setdefault(event.run, _Mine())
        run.seq = event.seq
        if isinstance(body, Started | Finished):
            self._flush(run)
            self._put(event_json(event))
        elif not self._watched_elsewhere:
            return
        elif isinstance(body, Delta | Thought | ToolUpdated):
            self._grew(run, event)
        else:
            self._flush(run)
            self._put(event_json(event))

    def _grew(self, run: _Mine, event: RunEvent) -> None:
        kind = type(event.body).__name__
        if isinstance(event.body, ToolUpdated):
            kind += event.body.call_id
        run.pending.pop(kind, None)  # so that they are told in the order of the newest
        run.pending[kind] = event
        if run.pacer is None:
            run.pacer = asyncio.create_task(self._pace(run), name=f"bridge:{event.run}")

    async def _pace(self, run: _Mine) -> None:
        """Tell at once, then at most every so often, until nothing is new."""
        while run.pending:
            self._flush(run)
            await self._clock.sleep(EVERY)
        run.pacer = None

    def _flush(self, run: _Mine) -> None:
        for event in run.pending.values():
            if isinstance(event.body, Delta | Thought):
                known = run.texts.setdefault(type(event.body).__name__, Text())
                self._put(growth_json(event, known, self._clock.now()))
            else:
                self._put(event_json(event))
        run.pending.clear()

    # Telling.

    def _put(self, message: Json) -> None:
        self._queue.append(message)
        if self._teller is None or self._teller.done():
            self._teller = asyncio.create_task(self._tell(), name="bridge-tell")

    async def _tell(self) -> None:
        while self._queue:
            try:
                await self._engine.publish(TOPIC, {"from": self.name, "events": self._batch()})
            except Exception as error:
                log.error("other processes are not told", exc_info=error)
            await self._clock.sleep(GATHER)

    def _batch(self) -> list[Json]:
        """The oldest of what waits, as much as fits into one message; at least one."""
        batch, room = [self._queue.popleft()], TOLD
        room -= len(json.dumps(batch))
        while self._queue and (room := room - len(json.dumps(self._queue[0])) - 2) >= 0:
            batch.append(self._queue.popleft())
        return batch

    # Who is there.

    @property
    def _watched_elsewhere(self) -> bool:
        return any(peer.watched for peer in self._peers.values())

    def announce(self) -> None:
        """Say that this process is there, and whether anybody watches in it."""
        self._said_watched = self._hub.watched
        self._put({"here": self._said_watched})

    def _watching(self) -> None:
        if not self._said_watched:
            self.announce()

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(BEAT)
            self.announce()
            now = self._clock.now()
            for name, peer in tuple(self._peers.items()):
                if now - peer.heard_at > GONE:
                    del self._peers[name]

    def _met(self, origin: str, watched: bool) -> None:
        peer = self._peers[origin]
        if watched and not peer.watched:
            # Whoever begins to watch is shown at once how far the runs here have come.
            for event in self._growing():
                if isinstance(event.body, Delta) and not event.body.text:
                    continue
                run = self._mine.setdefault(event.run, _Mine())
                run.seq = event.seq
                run.texts.clear()
                self._grew(run, event)
        peer.watched = watched

    # What the others tell.

    def _heard(self, told: Json) -> None:
        origin = told["from"]
        if origin == self.name:
            return
        now = self._clock.now()
        if origin not in self._peers:
            self._peers[origin] = _Peer(now)
            self.announce()
        self._peers[origin].heard_at = now
        for message in told["events"]:
            try:
                self._take(origin, message)
            except (KeyError, TypeError, ValueError) as error:
                # Another version of the program may tell what this one does not know.
                log.warning("another process is not understood", error=repr(error))

    def _take(self, origin: str, message: Json) -> None:
        if "here" in message:
            self._met(origin, message["here"])
        elif "gone" in message:
            self._peers.pop(origin, None)
        elif "name" in message:
            self._show(event_from(message, {}))
        else:
            self._run_told(origin, message)

    def _run_told(self, origin: str, message: Json) -> None:
        run, kind = message["run"], message["kind"]
        mine, known = self._mine.get(run), self._theirs.get(run)
        if kind == Started.__name__:
            self._ended.pop(run, None)
        elif run in self._ended:
            return
        elif kind != Finished.__name__ and (mine or (known and known.origin != origin)):
            return  # of a process that was overtaken while it stood still
        if known is None or known.origin != origin:
            former = known or self._mine.pop(run, None)
            known = _Theirs(origin, message["session"], former.seq if former else 0)
            self._theirs[run] = known
        known.patience = QUIET
        known.ask_at = self._clock.now() + QUIET
        event = event_from(message, known.texts)
        if isinstance(event, RunEvent):
            self._relay(known, event)

    def _relay(self, known: _Theirs, event: RunEvent) -> None:
        body = event.body
        if isinstance(body, Delta | Thought):
            kind = type(body).__name__
            if known.texts.get(kind) == body.text:
                return  # told again for those who had not heard it
            known.texts[kind] = body.text
        known.seq = max(event.seq, known.seq + 1)
        if isinstance(body, Delta | Thought) and not self._hub.watched:
            return
        if isinstance(body, Finished):
            self._over(event.run)
        self._show(replace(event, seq=known.seq))

    def _over(self, run: str) -> None:
        self._mine.pop(run, None)
        self._theirs.pop(run, None)
        self._ended[run] = None
        if len(self._ended) > _ENDED:
            self._ended.popitem(last=False)

    def _show(self, event: Event | None) -> None:
        assert event is not None
        self._hub.relay(event)
        for listener in self._listeners:
            listener(event)

    # What was not heard.

    async def _ask(self) -> None:
        """Ask the store for the ends of runs that were heard to begin, and of no end."""
        while True:
            await self._clock.sleep(QUIET)
            now = self._clock.now()
            quiet = [run for run, known in self._theirs.items() if known.ask_at <= now][:_ASKED]
            if not quiet:
                continue
            try:
                rows = await self._engine.read(_rows(quiet))
            except StoreError:
                continue
            for run in quiet:
                self._asked(run, rows.get(run), now)

    def _asked(self, run: str, row: Row | None, now: float) -> None:
        known = self._theirs.get(run)
        if known is None or known.ask_at > now:
            return  # it was heard of meanwhile
        if row is None:
            self._over(run)
        elif row["ended_at"] is None:
            known.patience = min(known.patience * 2, _LONGEST)
            known.ask_at = now + known.patience
        else:
            self._over(run)
            self._show(RunEvent(run, known.session, known.seq + 1, now, _finished(row)))


def _rows(names: list[str]) -> Script[dict[str, Row]]:
    found = {}
    for name in names:
        row = yield from runs.get(name)
        if row is not None:
            found[name] = row
    return found


def _finished(row: Row) -> Finished:
    """The end of a run, from its row."""
    error: Any = json.loads(row["error"]) if row["error"] else None
    return Finished(
        status=row["state"] if row["state"] in ("error", "aborted") else "ok",
        started_at=row["started_at"] or row["ended_at"],
        ended_at=row["ended_at"],
        reply=row["reply"] or "",
        error=error,
    )
