"""What a prompt does to a lane that is busy: it waits, is heard by the run, or ends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.config.channels import Queue
from bot.engine.port import Script
from bot.queue import ALONE, SETTLE, STEER
from bot.store import inbox, over, runs
from bot.store.inbox import Item

DROPPED = {"code": "ABORTED", "message": "Too many messages waited; this one was dropped"}


@dataclass(frozen=True, slots=True)
class Room:
    """A place in a busy lane. `options` go into the inbox row; `full`: there is none.

    `withdrawn` are runs that will not happen, `aborted` those that end for this one.
    """

    options: dict[str, Any] = field(default_factory=dict)
    withdrawn: tuple[str, ...] = ()
    aborted: tuple[str, ...] = ()
    full: bool = False


def make_room(lane: str, queue: Queue, alone: bool, now: float) -> Script[Room]:
    """Find a place for one more. `alone`: it is neither joined nor dropped, and ends nothing."""
    waiting = yield from inbox.open_prompts(lane)
    if queue.mode == "interrupt" and not alone:
        return (yield from _interrupt(lane, now))
    over = len(waiting) + 1 - queue.cap
    dropped: list[str] = []
    if over > 0:
        loose = [item for item in waiting if not item.options.get(ALONE)][:over]
        if queue.drop == "new" or len(loose) < over:
            return Room(full=True)
        dropped = yield from _drop(loose, now, told=queue.drop == "summarize")
    return Room(_waits(queue, alone), tuple(dropped))


def _waits(queue: Queue, alone: bool) -> dict[str, Any]:
    if alone:
        return {ALONE: True}
    if queue.mode in ("steer", "steer-backlog"):
        return {STEER: queue.mode}
    return {SETTLE: queue.debounce} if queue.mode == "collect" and queue.debounce else {}


def _drop(items: Sequence[Item], now: float, *, told: bool) -> Script[list[str]]:
    names = []
    for item in items:
        yield from inbox.drop(item.id, now, DROPPED["message"], told=told)
        if item.run is not None:
            yield from runs.end(item.run, "aborted", now, error=DROPPED)
            names.append(item.run)
    return names


def _interrupt(lane: str, now: float) -> Script[Room]:
    withdrawn, on = yield from clear(lane, now)
    return Room({}, tuple(withdrawn), tuple(on))


def clear(lane: str, now: float, run: str | None = None) -> Script[tuple[list[str], list[str]]]:
    """Take back what waits in a lane, or one run of it; these runs, and those that are on."""
    withdrawn = yield from inbox.withdraw(lane, now, run)
    for one in withdrawn:
        yield from runs.end(one, "aborted", now, error=runs.WITHDRAWN)
        yield from over.ended(one, "aborted", "", now)
    active = yield from runs.active(lane)
    on = [row["id"] for row in active if row["state"] == "running" and run in (None, row["id"])]
    return withdrawn, on
