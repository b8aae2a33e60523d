"""What scenarios of task runs share: a task in the store, its runs, its next time."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.contract import Address, Author, Message, Ref
from bot.keys import parse_key
from bot.schedule.recipients import announced
from bot.store import sessions, tasks
from bot.testing.clock import START, VirtualClock
from bot.testing.running import CONFIG, Bench
from bot.types import Task

ADA = "agent:main:idempotent:idempotent:direct:ada"
HERE = Address("idempotent", "idempotent", "ada")
EVERY = 120.0
PATIENCE = 30.0
ID = "task-watch-0a1b2c"
YES = "Needs deeper analysis: yes\nProvider X is down."
NO = "Needs deeper analysis: no\nAll is well."
MODELS = CONFIG + (
    "providers: {cheapo: {api: demo}, strongo: {api: demo}, demo: {api: demo}}\n"
    "agents:\n"
    "  - {id: main, tools: {profile: full},"
    " task_models: {cheap: cheapo/mini, strong: strongo/max}}\n"
)


async def scheduled(
    bench: Bench,
    prompt: str = "look",
    *,
    session: str = ADA,
    at: float | None = None,
    delivery: Mapping[str, Any] | None = None,
    policy: Mapping[str, Any] | None = None,
    name: str = "Watch",
    id: str = ID,
    **more: Any,
) -> Task:
    """A task that is due every two minutes, or once at `at` seconds from the beginning."""
    moment = datetime.fromtimestamp(START, UTC)
    author = Author("ada", "Ada")
    schedule: dict[str, Any] = {"kind": "every", "everyMs": EVERY * 1000, "anchorMs": START * 1000}
    if at is not None:
        schedule = {
            "kind": "at",
            "at": datetime.fromtimestamp(START + at, UTC).isoformat(),
        }
    task = Task(
        id=id,
        agent="main",
        session=session,
        name=name,
        prompt=prompt,
        schedule=schedule,
        zone="UTC",
        policy={"mode": "cheap", "escalate": True, **(policy or {})},
        delivery=announced(HERE) if delivery is None else delivery,
        requester="idempotent:ada",
        asked=Message(Ref(HERE, "m1"), author, "", moment, "direct"),
        next_at=START + (EVERY if at is None else at),
        created_at=START,
        updated_at=START,
        **more,
    )

    def script() -> Any:
        address = HERE if session == ADA else None
        yield from sessions.ensure(parse_key(session), "Ada", address, "direct", START)
        return (yield from tasks.put(task))

    assert await bench.app.engine.tx(script())
    return task


async def passes(bench: Bench, clock: VirtualClock, seconds: float) -> None:
    """Let time pass, and what it brings come to rest."""
    await clock.advance(seconds)
    for _ in range(3):
        await bench.settle()
        await bench.app.engine.idle()


async def row_of(bench: Bench, id: str = ID) -> Any:
    """The task as it is stored."""
    [row] = await bench.rows("SELECT * FROM tasks WHERE id = ?", id)
    return row


async def runs_of(bench: Bench, id: str = ID) -> list[Any]:
    """The task's runs, the first one first."""
    return await bench.rows("SELECT * FROM task_runs WHERE task = ? ORDER BY created_at, id", id)


async def until(bench: Bench, test: Callable[[Any], object], id: str = ID) -> Any:
    """The task's last run, as soon as it is so."""
    changed = asyncio.Event()
    bench.app.hub.listen(lambda _: changed.set())
    async with asyncio.timeout(PATIENCE):
        while True:
            changed.clear()
            rows = await runs_of(bench, id)
            if rows and test(rows[-1]):
                return rows[-1]
            await changed.wait()
