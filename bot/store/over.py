"""Scripts over the end of a run: whoever waits for it hears of it in the same transaction."""

from __future__ import annotations

from bot.engine.port import Script
from bot.store import children, task_results, task_runs


def ended(run: str, state: str, reply: str, now: float) -> Script[None]:
    """A run is over, in whatever way: tell the session that gave the work, and the schedule."""
    yield from children.ended(run, state, reply, now)
    if run.startswith(task_runs.PREFIX):
        yield from task_runs.ended(run)
    elif run.startswith(children.REPORTS):
        yield from task_results.reported(run)
