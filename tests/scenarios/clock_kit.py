"""The clock of tasks on a real engine, with runs that begin at once and end when a test says so."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.config.load import load_text
from bot.config.settings import Config
from bot.contract import Address, Author, Message, Ref
from bot.engine.embedded import Embedded
from bot.engine.port import Row, Script, Wake, q
from bot.errors import RequestError
from bot.schedule.clock import TaskClock
from bot.schedule.trigger import next_after, schedule_of
from bot.store import tasks, upkeep
from bot.store.migrations import open_store
from bot.testing.clock import VirtualClock
from bot.types import Task

MADE = datetime(2026, 3, 2, tzinfo=UTC).timestamp()  # a Monday
ASKED = Message(
    Ref(Address("x", "x", "room"), "1"), Author("ada", "Ada"), "", datetime.now(UTC), "direct"
)
HOUR, DAY = 3600.0, 86400.0
HOURLY = {"kind": "every", "everyMs": 3_600_000, "anchorMs": MADE * 1000}


def config(text: str = "") -> Config:
    return load_text(text, "config.yaml", {}, {})


def a_task(
    name: str = "task-a-000001",
    schedule: Mapping[str, Any] = HOURLY,
    now: float = MADE,
    *,
    zone: str = "UTC",
    agent: str = "main",
    **policy: Any,
) -> Task:
    """A task that was made at `now` and is due at the next time of its schedule."""
    return Task(
        id=name,
        agent=agent,
        session=f"agent:{agent}:main",
        name=name,
        prompt="look",
        schedule=schedule,
        zone=zone,
        policy=policy,
        delivery={"mode": "none"},
        requester="x:ada",
        asked=ASKED,
        next_at=next_after(schedule_of(schedule, now, zone), now),
        created_at=now,
    )


def cron(expr: str) -> dict[str, Any]:
    return {"kind": "cron", "expr": expr}


@dataclass(slots=True)
class House:
    """An engine with its clock of tasks. `fired` are the runs that began, and when.

    `instant`: a run is over in the transaction that begins it. `refuse`: why nothing can begin.
    """

    engine: Embedded
    time: VirtualClock
    config: Config
    clock: TaskClock = field(init=False)
    fired: list[tuple[str, float]] = field(default_factory=list)
    instant: bool = True
    refuse: Exception | None = None

    def __post_init__(self) -> None:
        self.clock = TaskClock(self.engine, self.time, lambda: self.config, self.fire)
        self.engine.handle("sched", self.clock.handler(self.settle))

    def fire(self, task: Task, run: str, cause: str, strong: bool, now: float) -> Script[None]:
        yield from ()
        if self.refuse is not None:
            raise self.refuse
        self.fired.append((run, now))
        if self.instant:
            yield from _ended(run, now)

    async def settle(self, task: str) -> None:
        """Runs are settled as they end."""

    async def end(self, run: str) -> None:
        """A run is over, and judged."""
        await self.engine.tx(_ended(run, self.time.now()))

    async def add(self, *made: Task) -> None:
        for task in made:
            await self.engine.tx(tasks.put(task))

    async def task(self, name: str = "task-a-000001") -> Task:
        found = await self.engine.read(tasks.get(name))
        assert found is not None
        return found

    async def runs(self, name: str = "task-a-000001") -> list[Row]:
        """All that history has of a task, by due time."""

        def script() -> Script[list[Row]]:
            return (yield q("SELECT * FROM task_runs WHERE task = ? ORDER BY due_at, cause", name))

        return await self.engine.read(script())

    async def story(self, name: str = "task-a-000001") -> list[tuple[float, str, str | None]]:
        """Hours since MADE, status, and why."""
        rows = await self.runs(name)
        return [((row["due_at"] - MADE) / HOUR, row["status"], row["reason"]) for row in rows]

    def hours(self) -> list[float]:
        """When runs began, in hours since MADE."""
        return [(at - MADE) / HOUR for _, at in self.fired]


def _ended(run: str, now: float) -> Script[None]:
    rows = yield q(
        "UPDATE task_runs SET status = 'ok', ended_at = ?, settled_at = ? WHERE id = ? "
        "RETURNING task",
        now,
        now,
        run,
    )
    yield Wake("sched", f"task:{rows[0]['task']}")


@asynccontextmanager
async def house_on(
    path: Path,
    clock: VirtualClock,
    text: str = "",
    *,
    start: bool = True,
    instant: bool = True,
) -> AsyncIterator[House]:
    """A house on a store; what it did before is forgotten, as after a restart."""
    open_store(path)
    engine = Embedded(path, clock)
    house = House(engine, clock, config(text), instant=instant)

    async def settle() -> None:
        for _ in range(3):
            await engine.tx(upkeep.marked("none"))
            await engine.read(upkeep.marked("none"))
            await engine.idle()

    clock.settle = settle
    if start:
        await engine.start(upkeep.sweep)
        await settle()
    try:
        yield house
    finally:
        await engine.stop(0)


REFUSED = RequestError("NOT_FOUND", "The session is gone")
