"""Scripts over the runs of tasks: a due time is claimed by one row, which keeps what came of it.

A row begins as `running` and is `settled` when its outcome has been judged: escalation, delivery, a
line in the parent session and the next time, all in one transaction of the schedule. A row without
a start waits for the run before it.
"""

from __future__ import annotations

from bot.engine.port import Row, Script, Wake, q

OPEN = "settled_at IS NULL"
PREFIX = "task-"  # of the ids of tasks, and so of their runs (`<task id>@...`)


def claim(
    run: str,
    task: str,
    cause: str,
    due: float,
    now: float,
    *,
    strong: bool = False,
    waits: str | None = None,
) -> Script[bool]:
    """Claim a due time for one run; False when it has been claimed before.

    `cause` is due, manual, retry or strong (an escalation). `waits` says what it waits for: it does
    not start yet.
    """
    rows = yield q(
        "INSERT INTO task_runs(id, task, cause, due_at, status, reason, strong, delivery, "
        "created_at, started_at) VALUES(?, ?, ?, ?, 'running', ?, ?, 'not-requested', ?, ?) "
        "ON CONFLICT DO NOTHING RETURNING id",
        run,
        task,
        cause,
        due,
        waits,
        int(strong),
        now,
        None if waits else now,
    )
    return bool(rows)


def begin(run: str, now: float) -> Script[None]:
    """A run that waited starts."""
    yield q("UPDATE task_runs SET started_at = ?, reason = NULL WHERE id = ?", now, run)


def drop(run: str, reason: str, now: float) -> Script[None]:
    """A run that waited will not start."""
    yield q(
        "UPDATE task_runs SET status = 'skipped', reason = ?, ended_at = ?, settled_at = ? "
        f"WHERE id = ? AND {OPEN} AND started_at IS NULL",
        reason,
        now,
        now,
        run,
    )


def skip(
    run: str, task: str, due: float, reason: str, now: float, *, cause: str = "due"
) -> Script[bool]:
    """Note that a due time was passed over, and why; False when it has been claimed before."""
    rows = yield q(
        "INSERT INTO task_runs(id, task, cause, due_at, status, reason, delivery, created_at, "
        "ended_at, settled_at) VALUES(?, ?, ?, ?, 'skipped', ?, 'not-requested', ?, ?, ?) "
        "ON CONFLICT DO NOTHING RETURNING id",
        run,
        task,
        cause,
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
    """The runs of a task that have started and are not settled, oldest first."""
    return (
        yield q(
            f"SELECT * FROM task_runs WHERE task = ? AND {OPEN} AND started_at IS NOT NULL "
            "ORDER BY created_at, id",
            task,
        )
    )


def waiting_of(task: str) -> Script[list[Row]]:
    """The claimed runs of a task that have not started, oldest due time first."""
    return (
        yield q(
            f"SELECT * FROM task_runs WHERE task = ? AND {OPEN} AND started_at IS NULL "
            "ORDER BY due_at, id",
            task,
        )
    )


def busy(task: str) -> Script[tuple[int, int]]:
    """How many runs of a task are on, and how many wait."""
    rows = yield q(f"SELECT started_at FROM task_runs WHERE task = ? AND {OPEN}", task)
    waiting = sum(1 for row in rows if row["started_at"] is None)
    return len(rows) - waiting, waiting


def unsettled() -> Script[list[str]]:
    """The tasks that have runs on, or waiting."""
    rows = yield q(f"SELECT DISTINCT task FROM task_runs WHERE {OPEN}")
    return [row["task"] for row in rows]


def starts(task: str, since: float, until: float) -> Script[list[float]]:
    """When the runs of a task started within a time, whatever made them."""
    rows = yield q(
        "SELECT started_at FROM task_runs WHERE task = ? AND created_at >= ? AND started_at >= ? "
        "AND started_at <= ? ORDER BY started_at",
        task,
        # One that waited was claimed long before it started, but never a day.
        since - 86400.0,
        since,
        until,
    )
    return [row["started_at"] for row in rows]


def claimed(task: str, after: float, until: float) -> Script[list[float]]:
    """The due times of a task in a span that have their row."""
    rows = yield q(
        "SELECT due_at FROM task_runs WHERE task = ? AND due_at > ? AND due_at < ? "
        "AND cause = 'due' ORDER BY due_at",
        task,
        after,
        until,
    )
    return [row["due_at"] for row in rows]


def oldest(task: str, kept: int) -> Script[float | None]:
    """The earliest due time that history still knows, once it has begun to forget."""
    rows = yield q(
        "SELECT min(due_at) AS due, count(*) AS n FROM task_runs WHERE task = ? AND cause = 'due'",
        task,
    )
    return rows[0]["due"] if rows[0]["n"] >= kept else None


def forget(task: str, kept: int) -> Script[None]:
    """Keep the last runs of a task; whatever is not settled stays."""
    yield q(
        "DELETE FROM task_runs WHERE task = ? AND settled_at IS NOT NULL AND created_at < "
        "(SELECT created_at FROM task_runs WHERE task = ? "
        "ORDER BY created_at DESC LIMIT 1 OFFSET ?)",
        task,
        task,
        kept - 1,
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
