"""A hundred thousand tasks: the clock's work depends on what is due, not on how many there are."""

import time
from pathlib import Path

import pytest

from bot.engine.port import Script
from bot.store import task_lists, tasks
from bot.testing.clock import VirtualClock
from tests.scenarios.clock_kit import DAY, HOUR, MADE, a_task, house_on

FEW, MANY = 1000, 100_000


def crowd(count: int) -> Script[None]:
    """Tasks of many sessions, spread over the coming days; ten are due in an hour."""
    at = {"kind": "at", "at": MADE + HOUR}
    later = {"kind": "at", "at": MADE + DAY}
    for number in range(count):
        task = a_task(f"task-{number:06}", at if number < 10 else later, agent=f"a{number % 50}")
        yield from tasks.put(task)


async def figures(path: Path, count: int) -> dict[str, float]:
    """Seconds of a start, a look with nothing due, one with ten due, and a list."""
    clock, found = VirtualClock(MADE), {}
    agents = "agents: [" + ", ".join(f"{{id: a{number}}}" for number in range(50)) + "]"
    async with house_on(path, clock, agents, start=False) as house:
        await house.engine.tx(crowd(count))
    begun = time.perf_counter()
    async with house_on(path, clock, agents) as house:
        found["start"] = time.perf_counter() - begun
        spans: list[float] = []
        for _ in range(20):
            begun = time.perf_counter()
            await house.clock.tick()
            spans.append(time.perf_counter() - begun)
        found["idle"] = min(spans)
        clock.jump(HOUR)
        begun = time.perf_counter()
        await house.clock.tick()
        found["due"] = time.perf_counter() - begun
        assert len(house.fired) == 10
        spans = []
        for _ in range(10):
            begun = time.perf_counter()
            rows = await house.engine.read(task_lists.listing(session="agent:a7:main", limit=20))
            spans.append(time.perf_counter() - begun)
            assert len(rows) == 20
        found["list"] = min(spans)
    return found


@pytest.mark.timeout(600)
async def test_a_crowd_of_tasks_costs_the_clock_nothing(tmp_path: Path):
    few = await figures(tmp_path / "few.db", FEW)
    many = await figures(tmp_path / "many.db", MANY)
    for name in many:
        print(f"\n{name}: {few[name] * 1000:.1f} ms of {FEW}, {many[name] * 1000:.1f} ms of {MANY}")
    # A look through a table a hundred times as long would take a hundred times as long.
    assert many["idle"] < 10 * few["idle"] + 0.01
    assert many["due"] < 10 * few["due"] + 0.05
    assert many["start"] < 2
    assert many["list"] < 0.2, "50 ms on a machine of its own"
