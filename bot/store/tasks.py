"""Scripts over tasks: scheduled work, who owns it, and when it is due next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.codec import message_from, stored_message
from bot.engine.port import Row, Script, Wake, q
from bot.types import Task

CLOCK = Wake("sched", "clock")
"""Look for what is due."""

_COLUMNS = (
    "id, agent, session_key, name, prompt, schedule, zone, policy, delivery, requester, asked, "
    "enabled, because, next_at, author, foreign_words, state, created_at, updated_at"
)


def put(task: Task, made_by: str | None = None) -> Script[bool]:
    """Keep a new task and wake the clock for it; False when `made_by` made one before."""
    marks = ", ".join("?" * 20)
    rows = yield q(
        f"INSERT INTO tasks({_COLUMNS}, made_by) VALUES({marks}) "
        "ON CONFLICT(made_by) DO NOTHING RETURNING id",
        *_values(task),
        made_by,
    )
    if rows and task.next_at is not None:
        yield Wake("sched", CLOCK.key, task.next_at)
    return bool(rows)


def change(task: Task, now: float) -> Script[None]:
    """Write everything that may change of a task (not its id, owner and counters)."""
    yield q(
        "UPDATE tasks SET name = ?, prompt = ?, schedule = ?, zone = ?, policy = ?, delivery = ?, "
        "enabled = ?, because = ?, next_at = ?, state = ?, updated_at = ? WHERE id = ?",
        task.name,
        task.prompt,
        json.dumps(task.schedule),
        task.zone,
        json.dumps(task.policy),
        json.dumps(task.delivery),
        int(task.enabled),
        task.because,
        task.next_at,
        json.dumps(task.state),
        now,
        task.id,
    )
    if task.next_at is not None:
        yield Wake("sched", CLOCK.key, task.next_at)


def get(id: str) -> Script[Task | None]:
    rows = yield q("SELECT * FROM tasks WHERE id = ?", id)
    return task_from(rows[0]) if rows else None


def made(made_by: str) -> Script[Task | None]:
    """The task that an asking of this name made."""
    rows = yield q("SELECT * FROM tasks WHERE made_by = ?", made_by)
    return task_from(rows[0]) if rows else None


def remove(id: str) -> Script[bool]:
    """Forget a task with its history; False when there is none."""
    rows = yield q("DELETE FROM tasks WHERE id = ? RETURNING id", id)
    yield q("DELETE FROM task_runs WHERE task = ?", id)
    return bool(rows)


def of_person(requester: str) -> Script[int]:
    """How many tasks somebody made."""
    rows = yield q("SELECT count(*) AS n FROM tasks WHERE requester = ?", requester)
    return int(rows[0]["n"])


def due(now: float, limit: int) -> Script[list[tuple[str, float]]]:
    """The ids of tasks whose time has come, and that time, the most overdue first."""
    rows = yield q(
        "SELECT id, next_at FROM tasks WHERE next_at IS NOT NULL AND next_at <= ? "
        "ORDER BY next_at LIMIT ?",
        now,
        limit,
    )
    return [(row["id"], row["next_at"]) for row in rows]


def alarmed(after: str, limit: int) -> Script[list[str]]:
    """The ids of tasks that have a next time, in order, behind one of them."""
    rows = yield q(
        "SELECT id FROM tasks WHERE id > ? AND next_at IS NOT NULL ORDER BY id LIMIT ?",
        after,
        limit,
    )
    return [row["id"] for row in rows]


def advance(task: Task, before: float | None) -> Script[bool]:
    """Move a task on; False when somebody else has moved it from `before`."""
    rows = yield q(
        "UPDATE tasks SET next_at = ?, enabled = ?, because = ?, state = ?, last_status = ?, "
        "last_run_at = ?, runs = ? WHERE id = ? AND next_at = ? RETURNING id",
        task.next_at,
        int(task.enabled),
        task.because,
        json.dumps(task.state),
        task.last_status,
        task.last_run_at,
        task.runs,
        task.id,
        before,
    )
    return bool(rows)


def began(id: str, now: float) -> Script[None]:
    """Count a run that starts now."""
    yield q("UPDATE tasks SET runs = runs + 1, last_run_at = ? WHERE id = ?", now, id)


def next_due() -> Script[float | None]:
    """When the clock has to look again."""
    rows = yield q("SELECT min(next_at) AS at FROM tasks WHERE next_at IS NOT NULL")
    return rows[0]["at"] if rows else None


def zone_of(person: str) -> Script[str | None]:
    """The time zone that somebody asked for."""
    rows = yield q("SELECT zone FROM zones WHERE person = ?", person)
    return rows[0]["zone"] if rows else None


def keep_zone(person: str, zone: str) -> Script[None]:
    yield q(
        "INSERT INTO zones(person, zone) VALUES(?, ?) "
        "ON CONFLICT(person) DO UPDATE SET zone = excluded.zone",
        person,
        zone,
    )


def _values(task: Task) -> tuple[Any, ...]:
    return (
        task.id,
        task.agent,
        task.session,
        task.name,
        task.prompt,
        json.dumps(task.schedule),
        task.zone,
        json.dumps(task.policy),
        json.dumps(task.delivery),
        task.requester,
        json.dumps(stored_message(task.asked)),
        int(task.enabled),
        task.because,
        task.next_at,
        task.author,
        task.foreign,
        json.dumps(task.state),
        task.created_at,
        task.updated_at,
    )


def task_from(row: Row) -> Task:
    return Task(
        id=row["id"],
        agent=row["agent"],
        session=row["session_key"],
        name=row["name"],
        prompt=row["prompt"],
        schedule=_document(row["schedule"]),
        zone=row["zone"],
        policy=_document(row["policy"]),
        delivery=_document(row["delivery"]),
        requester=row["requester"],
        asked=message_from(json.loads(row["asked"])),
        enabled=bool(row["enabled"]),
        because=row["because"],
        next_at=row["next_at"],
        author=row["author"],
        foreign=row["foreign_words"],
        state=_document(row["state"]),
        last_status=row["last_status"],
        last_run_at=row["last_run_at"],
        runs=row["runs"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _document(text: str) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(text)
    return document
