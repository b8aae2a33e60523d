"""Tasks and their runs in the shapes that clients read, pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.engine.port import Row
from bot.schedule import zones
from bot.schedule.terms import document_of_policy, policy_of
from bot.types import Task

Json = dict[str, Any]


def task_row(task: Task, plan: str, missed: str) -> Json:
    """A task; `plan` is what will run in words, `missed` what counts where it says nothing."""
    return {
        "id": task.id,
        "agentId": task.agent,
        "sessionKey": task.session,
        "name": task.name,
        "prompt": task.prompt,
        "enabled": task.enabled,
        "because": task.because,
        "schedule": dict(task.schedule),
        "timezone": task.zone,
        "nextRunAt": local(task.next_at, task.zone),
        "plan": plan,
        "policy": policy_row(task.policy, missed),
        "delivery": delivery_row(task.delivery),
        "lastStatus": task.last_status,
        "lastRunAt": local(task.last_run_at, task.zone),
        "runs": task.runs,
        "author": task.author,
        "requester": task.requester,
        "foreign": task.foreign,
        "createdAt": local(task.created_at, "UTC"),
        "updatedAt": local(task.updated_at, "UTC"),
    }


def policy_row(policy: Mapping[str, Any], missed: str) -> Json:
    """A policy in full; what it leaves to the configuration is filled in."""
    row = document_of_policy(policy_of(policy))
    return row | {"missed": row["missed"] or missed}


def delivery_row(delivery: Mapping[str, Any]) -> Json:
    """`{mode, channel, to, threadId, url}`."""
    names = ("channel", "to", "threadId", "url")
    return {"mode": delivery.get("mode", "none"), **{name: delivery.get(name) for name in names}}


def lost(error: str | None) -> Json:
    """Whether a task's last result did not arrive, and why; None: nothing is known to be wrong."""
    state = None if error is None else "not-delivered"
    return {"lastDelivery": state, "lastDeliveryError": error}


def run_row(row: Row, zone: str) -> Json:
    """A run of a task whose times are shown in a zone."""
    used = row["input_tokens"] is not None
    usage = {"inputTokens": row["input_tokens"], "outputTokens": row["output_tokens"] or 0}
    return {
        "runId": row["id"],
        "taskId": row["task"],
        "cause": row["cause"],
        "dueAt": local(row["due_at"], zone),
        "startedAt": local(row["started_at"], zone),
        "endedAt": local(row["ended_at"], zone),
        "seconds": _seconds(row),
        "status": row["status"],
        "reason": row["reason"],
        "delivery": row["delivery"],
        "target": row["target"],
        "error": row["error"],
        "strong": bool(row["strong"]),
        "sessionKey": row["session_key"],
        "model": row["model"],
        "usage": (usage | _cost(row["cost"])) if used else None,
        "summary": row["summary"],
    }


def _seconds(row: Row) -> float | None:
    """How long a run took, None until it is over."""
    if row["started_at"] is None or row["ended_at"] is None:
        return None
    return round(float(row["ended_at"]) - float(row["started_at"]), 3)


def _cost(cost: float | None) -> Json:
    return {} if cost is None else {"cost": cost}


def local(at: float | None, zone: str) -> str | None:
    """Seconds since the epoch as ISO 8601 with the offset of a zone; UTC where nobody knows it."""
    if at is None:
        return None
    try:
        return zones.wall(at, zone).isoformat()
    except (ValueError, OverflowError):
        return datetime.fromtimestamp(at, UTC).isoformat()
