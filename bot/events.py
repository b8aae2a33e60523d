"""What happens in a run, as numbered events on six streams, and the hub that hands them out.

Slow watchers are cut, never the run: a watcher whose queue is full is closed with its `lost` mark
set, and catches up from the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

Stream = Literal["lifecycle", "assistant", "tool", "thinking", "compaction", "diagnostic"]


@dataclass(frozen=True, slots=True)
class Started:
    """The run began, or began again after an error (`started_at` in seconds since the epoch)."""

    stream: ClassVar[Stream] = "lifecycle"
    started_at: float


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the visible answer, and the whole of it so far."""

    stream: ClassVar[Stream] = "assistant"
    delta: str
    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """A piece of the reasoning, and the whole of it so far."""

    stream: ClassVar[Stream] = "thinking"
    delta: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    stream: ClassVar[Stream] = "tool"
    call_id: str
    name: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolUpdated:
    stream: ClassVar[Stream] = "tool"
    call_id: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolEnded:
    stream: ClassVar[Stream] = "tool"
    call_id: str
    name: str
    text: str
    is_error: bool


@dataclass(frozen=True, slots=True)
class Compacted:
    stream: ClassVar[Stream] = "compaction"
    phase: Literal["start", "end"]
    will_retry: bool


@dataclass(frozen=True, slots=True)
class Note:
    """A warning of the runtime, for operators."""

    stream: ClassVar[Stream] = "diagnostic"
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The run ended; exactly one for each run. `reply` is the final visible text, "" when silent.

    `entry` is the transcript line of the answer, None when there is none.
    """

    stream: ClassVar[Stream] = "lifecycle"
    status: Literal["ok", "error", "aborted"]
    started_at: float
    ended_at: float
    reply: str
    usage: Mapping[str, Any] | None = None
    error: Mapping[str, str] | None = None
    entry: Any = None


Body = (
    Started | Delta | Thought | ToolStarted | ToolUpdated | ToolEnded | Compacted | Note | Finished
)


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One thing that happened in a run; `seq` strictly increases within the run."""

    run: str
    session: str
    seq: int
    at: float
    body: Body


@dataclass(frozen=True, slots=True)
class Signal:
    """Something changed that pages list: `sessions.changed`, `channel.status`, ..."""

    name: str
    data: Mapping[str, Any]


Event = RunEvent | Signal


class Watcher:
    """One reader of the hub, iterated until it is closed or cut."""

    def __init__(self, hub: Hub, limit: int) -> None:
        self._hub = hub
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(limit)
        self.lost = False

    def offer(self, event: Event) -> None:
        """Hand an event over; a full queue cuts this watcher."""
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self.lost = True
            self.close()

    def close(self) -> None:
        self._hub.drop(self)
        while self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self._queue.get()) is not None:
            yield event


class Hub:
    """Hands every event to every watcher, in order, without waiting for any of them."""

    def __init__(self) -> None:
        self._watchers: list[Watcher] = []
        self._listeners: list[Callable[[Event], None]] = []
        self._own: list[Callable[[Event], None]] = []
        self.watching: Callable[[], None] = _nobody

    @property
    def watched(self) -> bool:
        """Is anybody watching?"""
        return bool(self._watchers)

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call a part of this process with every event, at once; it must not block or raise."""
        self._listeners.append(listener)

    def listen_own(self, listener: Callable[[Event], None]) -> None:
        """Call it with what happens in this process alone, not with what others tell of."""
        self._own.append(listener)

    def watch(self, limit: int = 2000) -> Watcher:
        """A new watcher; close it when done. `watching` is called with each."""
        watcher = Watcher(self, limit)
        self._watchers.append(watcher)
        self.watching()
        return watcher

    def drop(self, watcher: Watcher) -> None:
        if watcher in self._watchers:
            self._watchers.remove(watcher)

    def publish(self, event: Event) -> None:
        """Hand out what happens in this process."""
        self.relay(event)
        for listener in self._own:
            listener(event)

    def relay(self, event: Event) -> None:
        """Hand out what another process tells: to all but those who listen to this one alone."""
        for watcher in tuple(self._watchers):
            watcher.offer(event)
        # Last, so that what a listener publishes about an event follows it.
        for listener in self._listeners:
            listener(event)


def _nobody() -> None:
    """Nobody has to know that somebody watches."""
