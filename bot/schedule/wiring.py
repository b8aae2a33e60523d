"""Composes the parts of scheduled work, and hands the engine what wakes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from bot.clock import Clock
from bot.config.settings import Config
from bot.delivery import Delivery
from bot.engine.port import Engine
from bot.events import Hub
from bot.schedule.clock import TaskClock
from bot.schedule.delivery import Deliveries
from bot.schedule.drafts import Drafts
from bot.schedule.port import ChatTasks
from bot.schedule.recipients import Recipients
from bot.schedule.runs import TaskRuns
from bot.schedule.settle import Settling
from bot.schedule.tasks import Tasks
from bot.schedule.waiting import Waiting
from bot.store.inbox import Item
from bot.types import Entry, TasksPort


class World(Protocol):
    """What the schedule asks of the configuration."""

    config: Config

    def check_model(self, agent: str, ref: str) -> str:
        """A model that an agent may use. Raises RequestError."""
        ...


def tasks_of(
    engine: Engine,
    clock: Clock,
    hub: Hub,
    world: World,
    delivery: Delivery,
    show: Callable[[str, Entry], None],
    stop: Callable[[str, str], Awaitable[Any]],
) -> Tasks:
    """The service of tasks. `show` lets pages see a line that came into a session, `stop` ends one
    run of a session."""

    def config() -> Config:
        return world.config

    recipients = Recipients(engine, config, delivery.caps)
    drafts = Drafts(engine, clock, config, recipients, world.check_model)
    waiting = Waiting(engine, clock)

    def moved(task: str) -> None:
        tasks.moved(task)

    timer = TaskClock(engine, clock, config, TaskRuns(config).fire, moved)
    tasks = Tasks(engine, clock, hub, config, drafts, timer, stop, waiting)
    deliver = Deliveries(delivery.fitting).deliver
    settling = Settling(engine, clock, config, timer.start, deliver, show)

    async def judged(task: str) -> None:
        await settling.settle(task)
        tasks.moved(task)

    engine.handle("sched", timer.handler(judged))
    return tasks


def for_chats(tasks: Tasks, web: str) -> Callable[[Item], TasksPort]:
    """What a command may do with tasks; nothing is delivered to the page's channel, `web`."""
    return lambda item: ChatTasks(tasks, item, web)
