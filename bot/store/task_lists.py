"""Scripts that look at tasks and their runs for people: lists, and what became of an asking."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from bot.contract import Address
from bot.engine.port import Script, q
from bot.store.tasks import task_from
from bot.types import Task


def listing(
    *,
    session: str | None = None,
    agent: str | None = None,
    requester: str | None = None,
    enabled: bool | None = None,
    limit: int = 200,
) -> Script[list[Task]]:
    """Tasks of a session, an agent, somebody, or all: the next one first, then the last changed."""
    where, params = ["1 = 1"], list[Any]()
    for column, value in (("session_key", session), ("agent", agent), ("requester", requester)):
        if value is not None:
            where.append(f"{column} = ?")
            params.append(value)
    if enabled is not None:
        where.append(f"enabled = {int(enabled)}")
    condition = " AND ".join(where)
    rows = yield q(
        f"SELECT * FROM tasks WHERE {condition} AND next_at IS NOT NULL ORDER BY next_at LIMIT ?",
        *params,
        limit,
    )
    if len(rows) < limit:
        # Few columns are sorted, and only what is shown is read in full.
        order = "ORDER BY enabled DESC, updated_at DESC, id"
        rows += yield q(
            f"SELECT * FROM tasks WHERE id IN (SELECT id FROM tasks WHERE {condition} "
            f"AND next_at IS NULL {order} LIMIT ?) {order}",
            *params,
            limit - len(rows),
        )
    return [task_from(row) for row in rows]


def beginning(prefix: str) -> Script[list[Task]]:
    """The tasks whose ids begin with a text; its last character is not the last there is."""
    behind = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    rows = yield q("SELECT * FROM tasks WHERE id >= ? AND id < ? ORDER BY id", prefix, behind)
    return [task_from(row) for row in rows]


def over(run: str) -> Script[bool]:
    """Is a task's run settled, or not there any more?"""
    rows = yield q("SELECT settled_at FROM task_runs WHERE id = ?", run)
    return not rows or rows[0]["settled_at"] is not None


def run_of(task: str, due: float, cause: str) -> Script[str | None]:
    """The run that a due time was claimed for."""
    rows = yield q(
        "SELECT id FROM task_runs WHERE task = ? AND due_at = ? AND cause = ?", task, due, cause
    )
    return rows[0]["id"] if rows else None


def moved(old: Address, new: Address) -> Script[None]:
    """Deliveries to a conversation that goes on at another address, and to its threads, follow."""
    within = f"{old.key}:"
    rows = yield q(
        "SELECT id, delivery FROM tasks WHERE delivery LIKE ?", f"%{json.dumps(old.key)[1:-1]}%"
    )
    for row in rows:
        delivery = json.loads(row["delivery"])
        place = str(delivery.get("address") or "")
        if place != old.key and not place.startswith(within):
            continue
        address = replace(Address.parse(place), conversation=new.conversation)
        changed = {**delivery, "to": address.conversation, "address": address.key}
        yield q("UPDATE tasks SET delivery = ? WHERE id = ?", json.dumps(changed), row["id"])
