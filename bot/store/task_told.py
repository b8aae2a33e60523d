"""Scripts over what became of telling people the results of task runs.

A result that is on its way is `unknown`; `delivered` stands for a platform's own message id, or a
server's yes, and `not-delivered` has a reason in `error`. None of this touches how a run went.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.engine.port import Row, Script, Wake, q

KIND = "told"
"""The kind of wake that looks at deliveries, with a task's id as its key."""

_RUN = "task-"
_MESSAGE = "message"


def heard(run: str) -> Script[None]:
    """Something came of a part of a run's answer: if it was a task's, look at its delivery."""
    if run.startswith(_RUN):
        yield wake(run.partition("@")[0])


def wake(task: str, at: float | None = None) -> Wake:
    """Look at the deliveries of a task, at a time if one is named."""
    return Wake(KIND, task, at)


def aimed(run: str, target: str) -> Script[None]:
    """Where a run's result goes: an address as text, or a URL."""
    yield q("UPDATE task_runs SET target = ? WHERE id = ?", target, run)


def open_of(task: str) -> Script[list[Row]]:
    """The runs of a task whose results are on their way, oldest first."""
    return (
        yield q(
            "SELECT * FROM task_runs WHERE task = ? AND delivery = 'unknown' "
            "AND settled_at IS NOT NULL ORDER BY created_at, id",
            task,
        )
    )


def waiting() -> Script[None]:
    """Look at the deliveries of each task that has results on their way."""
    rows = yield q(
        "SELECT task, min(coalesce(retry_at, 0)) AS due FROM task_runs "
        "WHERE delivery = 'unknown' AND settled_at IS NOT NULL GROUP BY task"
    )
    for row in rows:
        yield wake(row["task"], row["due"] or None)


def parts(run: str, target: str) -> Script[list[Row]]:
    """What was put out of a run's answer; where it has said it by a tool, what that put out."""
    rows = yield q(
        "SELECT address, state, ref, error FROM outbox WHERE run = ? AND part >= 0 "
        "AND op <> 'delete' ORDER BY part",
        run,
    )
    if rows:
        return rows
    return (
        yield q(
            "SELECT o.address, o.state, o.ref, o.error FROM calls c "
            "JOIN outbox o ON o.run = c.name || ':' || c.run || ':' || c.call "
            "WHERE c.run = ? AND c.name = ? AND o.address = ? AND o.op = 'send' ORDER BY o.id",
            run,
            _MESSAGE,
            target,
        )
    )


def told(run: str, delivery: str, error: str | None) -> Script[None]:
    """What became of a delivery; `error` is the last trouble with one that is on its way still."""
    yield q(
        "UPDATE task_runs SET delivery = ?, error = ?, retry_at = NULL WHERE id = ? "
        "AND delivery = 'unknown'",
        delivery,
        error,
        run,
    )


def later(run: str, attempts: int, at: float | None, error: str) -> Script[None]:
    """A web address did not take a result; try again at a time, None: not again."""
    yield q(
        "UPDATE task_runs SET attempts = ?, retry_at = ?, error = ? WHERE id = ? "
        "AND delivery = 'unknown'",
        attempts,
        at,
        error,
        run,
    )


def alerted(run: str, now: float) -> Script[None]:
    """People were told that this result did not arrive."""
    yield q("UPDATE task_runs SET alerted_at = ? WHERE id = ?", now, run)


def before(task: str, run: str, limit: int = 50) -> Script[list[Row]]:
    """What became of the deliveries of a task's other runs, the newest first."""
    return (
        yield q(
            "SELECT delivery, alerted_at FROM task_runs WHERE task = ? AND id <> ? "
            "AND delivery IN ('delivered', 'not-delivered') "
            "ORDER BY created_at DESC, id DESC LIMIT ?",
            task,
            run,
            limit,
        )
    )


def lost(tasks: Sequence[str]) -> Script[dict[str, str]]:
    """Of these tasks those whose last result did not arrive, and why."""
    if not tasks:
        return {}
    rows = yield q(
        "SELECT task, error FROM task_runs r WHERE delivery = 'not-delivered' "
        f"AND task IN ({', '.join('?' * len(tasks))}) AND NOT EXISTS (SELECT 1 FROM task_runs n "
        "WHERE n.task = r.task AND n.created_at > r.created_at "
        "AND n.delivery IN ('delivered', 'not-delivered'))",
        *tasks,
    )
    return {row["task"]: row["error"] or "" for row in rows}
