"""Scripts over the runs of tasks: a due time is claimed by one row, which keeps what came of it.

A row begins as `running` and is `settled` when its outcome has been judged: escalation, delivery, a
line in the parent session and the next time, all in one transaction of the schedule.
"""

from __future__ import annotations

from bot.engine.port import Row, Script, Wake, q

OPEN = "settled_at IS NULL"
PREFIX = "task-"  # of the ids of tasks, and so of their runs (`<task id>@...`)


def claim(
    run: str, task: str, cause: str, due: float, now: float, *, strong: bool = False
) -> Script[bool]:
    """Claim a due time for one run; False when it has been claimed before.

    `cause` is due, manual, retry or strong (an escalation).
    """
    rows = yield q(
        "INSERT INTO task_runs(id, task, cause, due_at, status, strong, delivery, created_at, "
        "started_at) VALUES(?, ?, ?, ?, 'running', ?, 'not-requested', ?, ?) "
        "ON CONFLICT DO NOTHING RETURNING id",
        run,
        task,
        cause,
        due,
        int(strong),
        now,
        now,
    )
    return bool(rows)


def skip(run: str, task: str, due: float, reason: str, now: float) -> Script[bool]:
    """Note that a due time was passed over, and why; False when it has been claimed before."""
    rows = yield q(
        "INSERT INTO task_runs(id, task, cause, due_at, status, reason, delivery, created_at, "
        "ended_at, settled_at) VALUES(?, ?, 'due', ?, 'skipped', ?, 'not-requested', ?, ?, ?) "
        "ON CONFLICT DO NOTHING RETURNING id",
        run,
        task,
        due,
        reason,
        now,
        now,
        now,
    )
    return bool(rows)


def get(run: str) -> Script[Row | None]:
    rows = yield q("SELECT * FROM task_runs WHERE id = ?", run)
    return rows[0] if rows else None


def ended(run: str) -> Script[None]:
    """A run is over: if it was a task's, let the schedule judge it."""
    rows = yield q(f"SELECT task FROM task_runs WHERE id = ? AND {OPEN}", run)
    if rows:
        yield Wake("sched", f"task:{rows[0]['task']}")


def open_of(task: str) -> Script[list[Row]]:
    """The runs of a task that are not settled, oldest first."""
    return (
        yield q(f"SELECT * FROM task_runs WHERE task = ? AND {OPEN} ORDER BY created_at, id", task)
    )


def history(task: str, limit: int) -> Script[list[Row]]:
    """The last runs of a task, newest first."""
    return (
        yield q(
            "SELECT * FROM task_runs WHERE task = ? ORDER BY created_at DESC, id DESC LIMIT ?",
            task,
            limit,
        )
    )
