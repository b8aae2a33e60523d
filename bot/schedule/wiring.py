"""Composes the parts of scheduled work, and hands the engine what wakes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bot.clock import Clock
from bot.config.settings import Config
from bot.contract import Address
from bot.delivery import Delivery
from bot.engine.port import Engine
from bot.events import Hub
from bot.schedule.alerts import Alerts
from bot.schedule.clock import TaskClock
from bot.schedule.delivery import Deliveries
from bot.schedule.drafts import Drafts
from bot.schedule.heartbeat import Heartbeats
from bot.schedule.port import ChatTasks
from bot.schedule.recipients import Recipients
from bot.schedule.runs import TaskRuns
from bot.schedule.settle import Settling
from bot.schedule.tasks import Tasks
from bot.schedule.waiting import Waiting
from bot.schedule.webhook import Webhooks
from bot.store import task_told
from bot.store.inbox import Item
from bot.store.tasks import CLOCK
from bot.tools.web_client import WebClient
from bot.types import Entry, TasksPort


class World(Protocol):
    """What the schedule asks of the configuration."""

    config: Config

    def check_model(self, agent: str, ref: str) -> str:
        """A model that an agent may use. Raises RequestError."""
        ...


@dataclass(frozen=True, slots=True)
class Beyond:
    """What tasks reach outside: web addresses and with which secret results are signed, the files
    of an agent; `clean` takes out of a text what may not be shown, `page` is the page's channel,
    where nothing is delivered to."""

    web: WebClient
    secret: Callable[[], str]
    folder: Callable[[str], Path]
    clean: Callable[[str], str]
    page: str


def tasks_of(
    engine: Engine,
    clock: Clock,
    hub: Hub,
    world: World,
    delivery: Delivery,
    show: Callable[[str, Entry], None],
    stop: Callable[[str, str], Awaitable[Any]],
    beyond: Beyond,
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

    def there(to: Address) -> bool:
        return to.channel != beyond.page and delivery.caps(to) is not None

    beats = Heartbeats(engine, clock, config, beyond.folder, beyond.page)
    timer = TaskClock(engine, clock, config, TaskRuns(config).fire, moved, beats.gate)
    tasks = Tasks(engine, clock, hub, config, drafts, timer, stop, waiting)
    alerts = Alerts(delivery.fitting, beyond.clean, there)
    webhooks = Webhooks(clock, beyond.web, beyond.secret, beyond.clean)
    told = Deliveries(engine, clock, delivery.fitting, webhooks, alerts, show, moved)
    settling = Settling(engine, clock, config, timer.start, told.deliver, show)

    async def judged(task: str) -> None:
        await settling.settle(task)
        tasks.moved(task)

    sched = timer.handler(judged)

    async def scheduled(key: str) -> None:
        if key == CLOCK.key:
            await beats.keep()
        await sched(key)

    engine.handle("sched", scheduled)
    engine.handle(task_told.KIND, told.follow)
    return tasks


def for_chats(tasks: Tasks, web: str) -> Callable[[Item], TasksPort]:
    """What a command may do with tasks; nothing is delivered to the page's channel, `web`."""
    return lambda item: ChatTasks(tasks, item, web)
