"""Composes the parts of scheduled work, and hands the engine what wakes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bot.clock import Clock
from bot.config.settings import Config
from bot.contract import Address, Caps
from bot.engine.port import Engine, Script
from bot.errors import RequestError
from bot.events import Hub
from bot.schedule.drafts import Drafts
from bot.schedule.port import ChatTasks
from bot.schedule.recipients import Recipients
from bot.schedule.tasks import Tasks
from bot.schedule.waiting import Waiting
from bot.store.inbox import Item
from bot.types import Task, TasksPort

_TASK = "task:"


class _Never:
    def start(
        self, task: Task, cause: str, now: float, *, due: float | None = None, strong: bool = False
    ) -> Script[str | None]:
        if task.id:
            raise RequestError("UNAVAILABLE", "nothing scheduled runs in this process")
        yield from ()
        return None


def tasks_of(
    engine: Engine,
    clock: Clock,
    hub: Hub,
    config: Callable[[], Config],
    caps: Callable[[Address], Caps | None],
    check_model: Callable[[str, str], str],
    stop: Callable[[str, str], Awaitable[Any]],
) -> Tasks:
    """The service of tasks. `caps` is what the account of an address can do, `check_model` refuses
    what an agent may not use, `stop` ends one run of a session."""
    recipients = Recipients(engine, config, caps)
    drafts = Drafts(engine, clock, config, recipients, check_model)
    return Tasks(engine, clock, hub, config, drafts, _Never(), stop, Waiting(engine, clock))


def for_chats(tasks: Tasks, web: str) -> Callable[[Item], TasksPort]:
    """What a command may do with tasks; nothing is delivered to the page's channel, `web`."""
    return lambda item: ChatTasks(tasks, item, web)
