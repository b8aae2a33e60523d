"""What is registered at each point, and how one handler is run: its time, its faults.

A handler is code of somebody else. Whatever it raises, gives back or never gives back ends here.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

log = structlog.get_logger("hooks")

PATIENCE = 15.0  # seconds that a handler has

Event = dict[str, Any]
Allowed = Callable[[str | None, str], bool]


class HookFailed(Exception):
    """A handler did not do its part; the sentence names it and says why."""


@dataclass(frozen=True, slots=True)
class Handler:
    """One function at one point. `name` is what the configuration calls it, high `priority` first.

    `run` takes the event and, at points other than events of folders, its context.
    """

    name: str
    point: str
    run: Callable[..., Any]
    priority: int = 0


def all_allowed(agent: str | None, name: str) -> bool:
    """Stands for a configuration that lets every hook run for every agent."""
    return True


class Handlers:
    """Runs what is registered. `allowed` says whether a hook runs for an agent (None: for nobody's
    event in particular). `patience` is how many seconds a handler has."""

    def __init__(self, handlers: Iterable[Handler] = (), allowed: Allowed = all_allowed) -> None:
        self.patience = PATIENCE
        self.allowed = allowed
        self._at: dict[str, tuple[Handler, ...]] = {}
        self._tasks: set[asyncio.Future[Any]] = set()
        for one in handlers:
            self.add(one)

    def add(self, handler: Handler) -> None:
        known = (*self._at.get(handler.point, ()), handler)
        self._at[handler.point] = tuple(sorted(known, key=lambda one: -one.priority))

    def wants(self, *points: str) -> bool:
        """Is anything registered at one of these points?"""
        return bool(self._at) and any(point in self._at for point in points)

    def at(self, agent: str | None, *points: str) -> Sequence[Handler]:
        """What runs at these points for an agent, in order."""
        found = [one for point in points for one in self._at.get(point, ())]
        return [one for one in found if self.allowed(agent, one.name)]

    async def answer(self, handler: Handler, *given: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a handler answers to copies of its arguments. Raises HookFailed."""
        answer = await self._finished(handler, [copy.deepcopy(dict(one)) for one in given])
        if answer is not None and not isinstance(answer, dict):
            raise HookFailed(f"it gave {type(answer).__name__} back and not a dict")
        return answer or {}

    async def run(self, handler: Handler, event: Event) -> None:
        """Hand an event itself to a handler, which may change it. Raises HookFailed."""
        await self._finished(handler, [event])

    async def _finished(self, handler: Handler, given: Sequence[Event]) -> Any:
        """What a handler gives back; one that does not end is left behind. Raises HookFailed."""
        task = asyncio.create_task(_tame(handler, given), name=f"hook:{handler.name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        try:
            done, _ = await asyncio.wait({task}, timeout=self.patience)
            if not done:
                raise HookFailed(f"it did not answer within {self.patience:g} s")
            if task.cancelled():
                raise HookFailed("it cancelled itself")
            return task.result()
        finally:
            task.cancel()

    def tell(
        self, agent: str | None, point: str, event: Event, ctx: Event
    ) -> asyncio.Future[Any] | None:
        """Tell everybody at a point, beside each other; to be awaited by whom it matters to."""
        found = self.at(agent, point)
        if not found:
            return None
        # The copies are made now: what is told does not change when the core goes on.
        copies = [(one, copy.deepcopy(event), copy.deepcopy(ctx)) for one in found]
        telling = asyncio.gather(*(self._told(one, *given) for one, *given in copies))
        self._tasks.add(telling)
        telling.add_done_callback(self._tasks.discard)
        return telling

    async def _told(self, handler: Handler, *given: Event) -> None:
        try:
            await self._finished(handler, given)
        except HookFailed as error:
            failed(handler, error)

    def at_once(self, handler: Handler, event: Event, ctx: Event) -> Mapping[str, Any]:
        """What a plain function answers; a coroutine is not waited for. Raises HookFailed."""
        try:
            answer = handler.run(copy.deepcopy(event), copy.deepcopy(ctx))
        except BaseException as error:
            raise HookFailed(_said(error)) from error
        if inspect.isawaitable(answer):
            if inspect.iscoroutine(answer):
                answer.close()
            raise HookFailed("it is a coroutine, which is ignored here: write def, not async def")
        if answer is not None and not isinstance(answer, dict):
            raise HookFailed(f"it gave {type(answer).__name__} back and not a dict")
        return answer or {}

    async def idle(self) -> None:
        """Return when everybody who was told something has ended."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()


def failed(handler: Handler, error: HookFailed) -> None:
    """A hook that failed is told to the operator, and the work goes on."""
    log.warning("hook failed", hook=handler.name, at=handler.point, reason=str(error))


async def _tame(handler: Handler, given: Sequence[Event]) -> Any:
    """Run a handler that may raise what only a whole program may raise. Raises HookFailed."""
    try:
        answer = handler.run(*given)
        if isinstance(answer, Awaitable):
            answer = await answer
        return answer
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        log.debug("hook raised", hook=handler.name, at=handler.point, exc_info=error)
        raise HookFailed(_said(error)) from error


def _said(error: BaseException) -> str:
    return f"it raised {type(error).__name__}: {error}"[:300]
