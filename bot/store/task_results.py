"""Scripts over what became of the runs of tasks, and what their own sessions leave behind."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bot.engine.port import Row, Script, Wake, q
from bot.store import children, runs, tasks
from bot.types import Task

SESSIONS_KEPT = 86400.0
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to. `status` is ok, error or blocked, `reason` one sentence, `summary` what
    people are shown of it in lists, `delivery` what became of telling them."""

    status: str
    reason: str | None
    summary: str
    text: str
    delivery: str
    model: str | None
    input: int | None
    output: int | None
    cost: float | None
    ended_at: float


def placed(run: str, session_key: str) -> Script[None]:
    """The session that a run takes place in."""
    yield q("UPDATE task_runs SET session_key = ? WHERE id = ?", session_key, run)


def given(run: str, text: str) -> Script[None]:
    """The result of a run that needs nobody to make it."""
    yield q("UPDATE task_runs SET result = ? WHERE id = ?", text, run)


def told(session_key: str) -> Script[list[Row]]:
    """The runs in which a session heard of its helpers."""
    return (
        yield q(
            "SELECT r.* FROM children c JOIN runs r ON r.id = ? || c.run WHERE c.parent = ?",
            children.REPORTS,
            session_key,
        )
    )


def reported(run: str) -> Script[None]:
    """A session has heard of its helper: if it is a task run's, the schedule looks at it again."""
    row = yield from runs.get(run)
    parts = row["session_key"].split(":") if row is not None else []
    if parts[2:3] == ["task"]:
        yield Wake("sched", f"task:{parts[3]}")


def settle(run: str, result: Result, now: float) -> Script[None]:
    """Close a run's row; whatever is told of its delivery later does not touch the rest."""
    yield q(
        "UPDATE task_runs SET status = ?, reason = ?, summary = ?, result = ?, delivery = ?, "
        "model = ?, input_tokens = ?, output_tokens = ?, cost = ?, ended_at = ?, settled_at = ? "
        "WHERE id = ? AND settled_at IS NULL",
        result.status,
        result.reason,
        result.summary,
        result.text,
        result.delivery,
        result.model,
        result.input,
        result.output,
        result.cost,
        result.ended_at,
        now,
        run,
    )


def judged(task: Task, last_status: str | None) -> Script[None]:
    """Keep what the end of a run changed of its task; what others change is left alone."""
    yield q(
        "UPDATE tasks SET enabled = ?, because = ?, next_at = ?, state = ?, "
        "last_status = coalesce(?, last_status) WHERE id = ?",
        int(task.enabled),
        task.because,
        task.next_at,
        json.dumps(task.state),
        last_status,
        task.id,
    )
    if task.next_at is not None:
        yield Wake("sched", tasks.CLOCK.key, task.next_at)


def forget_sessions(now: float) -> Script[None]:
    """Forget the sessions of runs that ended a day ago, with their transcripts and their lanes."""
    rows = yield q(
        "SELECT s.id, s.key FROM sessions s WHERE s.kind = 'task' AND s.created_at < ? "
        "AND s.updated_at < ? AND NOT EXISTS (SELECT 1 FROM inbox i WHERE i.lane = s.key "
        "AND i.state IN ('open', 'running')) ORDER BY s.created_at LIMIT ?",
        now - SESSIONS_KEPT,
        now - SESSIONS_KEPT,
        _BATCH,
    )
    for row in rows:
        yield q("DELETE FROM entries WHERE session = ?", row["id"])
        yield q("DELETE FROM lanes WHERE key = ?", row["key"])
        yield q("DELETE FROM session_marks WHERE key = ?", row["key"])
        yield q("DELETE FROM sessions WHERE id = ?", row["id"])
