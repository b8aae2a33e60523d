"""How workers take jobs: several by one question, told to two of them, none before its time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from procrastinate import PsycopgConnector

from bot.clock import SystemClock
from bot.engine.cluster import Cluster
from bot.engine.fetching import BATCH, TOLD_WORKERS, Fetching
from tests.contracts.cluster_kit import ask, url, wakes

__all__ = ["url"]
QUEUES = ["lane"]


class Counting(PsycopgConnector):
    """A connector that counts the questions it is asked."""

    asked = 0

    async def execute_query_all_async(self, query: Any, **arguments: Any) -> list[dict[str, Any]]:
        self.asked += 1
        return await super().execute_query_all_async(query, **arguments)


@asynccontextmanager
async def fetchings(url: str, number: int) -> AsyncIterator[list[tuple[Fetching, int, Counting]]]:
    """So many workers that take lanes, each knowing its place."""
    made = []
    for _ in range(number):
        connector = Counting(conninfo=url, min_size=1, max_size=1)
        await connector.open_async()
        fetching = Fetching(connector)
        made.append((fetching, await fetching.join(QUEUES), connector))
    for fetching, worker, connector in made:
        await fetching.look(worker)
        connector.asked = 0
    try:
        yield made
    finally:
        for _, _, connector in made:
            await connector.close_async()


async def put(url: str, *keys: str, at: float | None = None) -> None:
    engine = Cluster(url, SystemClock())
    await engine.tx(wakes(*keys, at=at))
    await engine.stop(0)


async def taken(fetching: Fetching, worker: int) -> list[str]:
    """What a worker takes until it finds none."""
    found = []
    while job := await fetching.next(QUEUES, worker):
        found.append(job.task_kwargs["key"])
    return found


async def test_several_jobs_are_taken_by_one_question_in_their_order(url: str):
    keys = [f"key {number}" for number in range(BATCH + 2)]
    await put(url, *keys)
    async with fetchings(url, 2) as [(first, one, questions), (second, two, _)]:
        assert await taken(first, one) == keys
        assert questions.asked == 2
        assert await taken(second, two) == []
        assert {row["worker_id"] for row in ask(url, "SELECT * FROM procrastinate_jobs")} == {one}


async def test_what_is_told_while_a_worker_takes_is_looked_for_at_once(url: str):
    await put(url, "early")
    async with fetchings(url, 1) as [(fetching, worker, questions)]:
        job = await fetching.next(QUEUES, worker)
        assert job is not None and job.task_kwargs["key"] == "early"
        await put(url, "late")
        assert fetching.told("lane", 2)
        assert await taken(fetching, worker) == ["late"]
        assert questions.asked == 2


async def test_a_key_at_work_and_what_is_for_later_are_left(url: str):
    await put(url, "busy", "free")
    await put(url, "tomorrow", at=SystemClock().now() + 86_400)
    async with fetchings(url, 2) as [(first, one, _), (second, two, _)]:
        assert await taken(first, one) == ["busy", "free"]
        await put(url, "busy", "other")
        assert await taken(second, two) == ["other"]
        ask(url, "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE task_name = 'later'")
        assert await taken(second, two) == ["tomorrow"]


async def test_each_job_concerns_two_workers_and_each_worker_as_many_jobs(url: str):
    async with fetchings(url, 5) as made:
        told = [[fetching.told("lane", job) for job in range(50)] for fetching, _, _ in made]
        assert {sum(of_job) for of_job in zip(*told, strict=True)} == {TOLD_WORKERS}
        assert {sum(of_worker) for of_worker in told} == {50 * TOLD_WORKERS // 5}
        assert all(fetching.told("out", 1) for fetching, _, _ in made), "nobody takes this kind"
