"""What a task remembers of its checks: how they went, and the strong run that one has asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.schedule.evaluator import State
from bot.types import Task

CHECKS = "checks"
PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Pending:
    """A strong run that is to come: which check asked for it, why, and when it begins.

    `foreign` says where the words of others came from that the check had read.
    """

    run: str
    at: float
    reason: str = ""
    foreign: str | None = None


def pending_of(task: Task) -> Pending | None:
    """The strong run that a task waits for."""
    kept = _kept(task).get(PENDING)
    return Pending(**kept) if kept else None


def state_of(task: Task) -> State:
    kept, pending = _kept(task), pending_of(task)
    return State(
        pending=pending.reason if pending else None,
        strong=tuple(kept.get("strong", ())),
        signals=int(kept.get("signals", 0)),
        quiet=int(kept.get("quiet", 0)),
    )


def remembered(task: Task, state: State, pending: Pending | None) -> Task:
    """The task with what it knows of its checks now."""
    waits = None
    if pending is not None:
        waits = {
            "run": pending.run,
            "at": pending.at,
            "reason": pending.reason,
            "foreign": pending.foreign,
        }
    kept = {
        "strong": list(state.strong),
        "signals": state.signals,
        "quiet": state.quiet,
        PENDING: waits,
    }
    return replace(task, state={**task.state, CHECKS: kept})


def _kept(task: Task) -> Mapping[str, Any]:
    kept = task.state.get(CHECKS)
    return kept if isinstance(kept, Mapping) else {}
