"""How a worker takes jobs: several by one question, and told of new ones only if they concern it.

A notification reaches every process. If each of them asked, a wake would cost as many transactions
as there are workers, and all but one in vain. So each job concerns two of the workers that take its
kind; the others find it by polling, should both of these be gone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any

from procrastinate import PsycopgConnector
from procrastinate.jobs import Job

BATCH = 16
# How many workers are told of each job.
TOLD_WORKERS = 2
# How often a worker looks which place it has among the others, in seconds.
LOOK = 10.0

# Each key has at most one job that waits, so the only one that may be before it is at work.
_OF_A_FREE_KEY = """
    job.status = 'todo' AND job.queue_name = ANY(%(queues)s) AND NOT EXISTS (
      SELECT 1 FROM procrastinate_jobs AS other
      WHERE other.lock = job.lock AND other.status = 'doing')
"""
# Those that are due now and those that were for later have indexes of their own: however many
# wait for their time, none of them is looked at.
FETCH = f"""
WITH ready AS (
  SELECT job.id FROM procrastinate_jobs AS job
  WHERE job.scheduled_at IS NULL AND {_OF_A_FREE_KEY}
  ORDER BY job.id LIMIT %(batch)s FOR UPDATE SKIP LOCKED),
due AS (
  SELECT job.id FROM procrastinate_jobs AS job
  WHERE job.scheduled_at <= now() AND {_OF_A_FREE_KEY}
  ORDER BY job.scheduled_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
UPDATE procrastinate_jobs SET status = 'doing', worker_id = %(worker)s
WHERE id = ANY(ARRAY(SELECT id FROM ready UNION ALL SELECT id FROM due))
RETURNING *
"""
_JOIN = "INSERT INTO procrastinate_workers(kinds) VALUES(%(kinds)s) RETURNING id"
_PLACES = """
SELECT kind, count(*) AS workers, count(*) FILTER (WHERE worker.id < %(worker)s) AS place
FROM procrastinate_workers AS worker, unnest(worker.kinds) AS kind GROUP BY kind
"""


class Fetching:
    """The jobs that a worker has taken and not begun, and which new ones concern it."""

    def __init__(self, connector: PsycopgConnector) -> None:
        self._connector = connector
        self._taken: deque[Job] = deque()
        self._places: dict[str, tuple[int, int]] = {}
        self._looked = -LOOK
        self._news = False
        self._none_left = False

    async def join(self, kinds: Iterable[str]) -> int:
        """Make a worker that takes these kinds; its number."""
        row = await self._connector.execute_query_one_async(_JOIN, kinds=list(kinds))
        return int(row["id"])

    async def look(self, worker: int) -> None:
        """Find the worker's place among those that take the same kinds, now and then."""
        now = asyncio.get_running_loop().time()
        if now - self._looked < LOOK:
            return
        self._looked = now
        rows = await self._connector.execute_query_all_async(_PLACES, worker=worker)
        self._places = {row["kind"]: (row["place"], row["workers"]) for row in rows}

    def told(self, kind: str, job: int) -> bool:
        """A job was put, or its key became free. Does it concern this worker?"""
        place, workers = self._places.get(kind, (0, 1))
        concerned = workers <= TOLD_WORKERS or (job - place) % workers < TOLD_WORKERS
        self._news = self._news or concerned
        return concerned

    async def next(self, queues: Iterable[str], worker: int) -> Job | None:
        """Take a job. When there were fewer than asked for, it is known that none is left."""
        while not self._taken:
            if self._none_left and not self._news:
                self._none_left = False
                return None
            self._news = False
            rows: list[dict[str, Any]] = await self._connector.execute_query_all_async(
                FETCH, queues=list(queues), worker=worker, batch=BATCH
            )
            self._none_left = len(rows) < BATCH
            self._taken.extend(map(Job.from_row, sorted(rows, key=_order)))
        return self._taken.popleft()


def _order(row: dict[str, Any]) -> int:
    return int(row["id"])
