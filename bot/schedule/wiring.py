"""Composes the parts of scheduled work, and hands the engine what wakes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bot.clock import Clock
from bot.config.settings import Config
from bot.contract import Address, Caps
from bot.engine.port import Engine
from bot.events import Hub
from bot.schedule.clock import TaskClock
from bot.schedule.drafts import Drafts
from bot.schedule.port import ChatTasks
from bot.schedule.recipients import Recipients
from bot.schedule.runs import TaskRuns
from bot.schedule.settle import Deliver, Settling
from bot.schedule.tasks import Tasks
from bot.schedule.waiting import Waiting
from bot.store.inbox import Item
from bot.types import Entry, TasksPort


def tasks_of(
    engine: Engine,
    clock: Clock,
    hub: Hub,
    config: Callable[[], Config],
    caps: Callable[[Address], Caps | None],
    check_model: Callable[[str, str], str],
    stop: Callable[[str, str], Awaitable[Any]],
    deliver: Deliver,
    show: Callable[[str, Entry], None],
) -> Tasks:
    """The service of tasks. `caps` is what the account of an address can do, `check_model` refuses
    what an agent may not use, `stop` ends one run of a session; `deliver` tells people of a result,
    `show` lets pages see one that came into a session."""
    recipients = Recipients(engine, config, caps)
    drafts = Drafts(engine, clock, config, recipients, check_model)
    waiting = Waiting(engine, clock)

    def moved(task: str) -> None:
        tasks.moved(task)

    timer = TaskClock(engine, clock, config, TaskRuns(config).fire, moved)
    tasks = Tasks(engine, clock, hub, config, drafts, timer, stop, waiting)
    settling = Settling(engine, clock, config, timer.start, deliver, show)

    async def judged(task: str) -> None:
        await settling.settle(task)
        tasks.moved(task)

    engine.handle("sched", timer.handler(judged))
    return tasks


def for_chats(tasks: Tasks, web: str) -> Callable[[Item], TasksPort]:
    """What a command may do with tasks; nothing is delivered to the page's channel, `web`."""
    return lambda item: ChatTasks(tasks, item, web)
