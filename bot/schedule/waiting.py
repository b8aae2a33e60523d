"""Waiting for the end of a task's run, without holding up what else its conversation asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.clock import Clock
from bot.engine.port import Engine, Script
from bot.events import Event, Signal
from bot.store import task_lists

CHANGED = "tasks.changed"
_POLL = 1.0


def patient() -> Script[bool]:
    """Nothing else waits behind who waits."""
    yield from ()
    return True


@dataclass(slots=True)
class Waiting:
    """Who waits for runs of tasks to be settled. Another process may settle them: it tells so, and
    it is looked for each second too."""

    engine: Engine
    clock: Clock
    _events: dict[str, list[asyncio.Event]] = field(default_factory=dict)

    def hear(self, task: str) -> None:
        """A run of this task was settled."""
        for event in self._events.get(task, ()):
            event.set()

    def told(self, event: Event) -> None:
        """What another process told: it may have settled a run."""
        if isinstance(event, Signal) and event.name == CHANGED:
            self.hear(str(event.data.get("taskId")))

    async def until_settled(
        self, task: str, run: str, seconds: float, alone: Callable[[], Script[bool]] = patient
    ) -> bool:
        """Wait for a run's end for so long, and while nobody else waits; is it over?"""
        until, event = self.clock.now() + seconds, asyncio.Event()
        waiting = self._events.setdefault(task, [])
        waiting.append(event)
        try:
            while not (over := await self.engine.read(task_lists.over(run))):
                left = until - self.clock.now()
                if left <= 0 or not await self.engine.read(alone()):
                    break
                await self._pause(event, min(left, _POLL))
                event.clear()
            return over
        finally:
            waiting.remove(event)
            if not waiting:
                self._events.pop(task, None)

    async def _pause(self, event: asyncio.Event, seconds: float) -> None:
        told = asyncio.create_task(event.wait(), name="task-settled")
        pause = asyncio.create_task(self.clock.sleep(seconds), name="task-wait")
        try:
            await asyncio.wait({told, pause}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            pause.cancel()
