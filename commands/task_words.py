"""How a task and its runs are said in a chat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from commands.words import code

Row = Mapping[str, Any]

SUMMARY = 600


def made(row: Row) -> str:
    """A new task: what was understood, and what will happen."""
    return "\n".join([f"Created {title(row)}", *facts(row)])


def facts(row: Row) -> list[str]:
    """Schedule, next runs, plan and delivery of a task, a line each."""
    lines = [f"Schedule: {row['said']}"]
    if row["enabled"] and row["upcoming"]:
        runs = ", ".join(clock(at) for at in row["upcoming"])
        lines.append(f"Next runs: {runs} ({row['timezone']})")
    return [*lines, f"Plan: {row['plan']}", f"Delivery: {delivery(row['delivery'])}"]


def title(row: Row) -> str:
    return f"{code(row['name'])} ({code(row['id'])})"


def shown(row: Row) -> str:
    """Everything about a task."""
    lines = [title(row), *state(row), *facts(row), f"Prompt: {code(row['prompt'])}"]
    if row["author"] == "model" or row["foreign"]:
        where = f", from {row['foreign']}" if row["foreign"] else ""
        who = "the agent" if row["author"] == "model" else "a person"
        lines.append(f"Written by {who}{where}")
    return "\n".join(lines)


def state(row: Row) -> list[str]:
    """Whether it is enabled, why not, and how its last run went."""
    now = "enabled" if row["enabled"] else "off"
    why = f": {row['because']}" if row["because"] else ""
    last = "never ran"
    if row["lastRunAt"]:
        last = (
            f"{row['runs']} runs, last {clock(row['lastRunAt'])} {row['lastStatus'] or 'running'}"
        )
    failed = row.get("lastDelivery")
    problem = [f"Last result was not delivered: {row['lastDeliveryError']}"] if failed else []
    return [f"State: {now}{why}; {last}", *problem]


def listed(row: Row) -> str:
    """One line of a list."""
    when = f"next {clock(row['nextRunAt'])}" if row["nextRunAt"] else "nothing due"
    last = f", last {row['lastStatus']}" if row["lastStatus"] else ""
    why = f" ({row['because']})" if row["because"] else ""
    lost = ", last result not delivered" if row.get("lastDelivery") else ""
    return f"- {title(row)}: {when}{last}{lost}{why}"


def ran(row: Row) -> str:
    """How a run went, or that it still goes on."""
    if row["status"] == "running":
        return f"Still running: {code(row['runId'])}. See it with `/task run-show {row['runId']}`."
    return "\n".join([f"Ran {code(row['runId'])}: {outcome(row)}", *_said(row)])


def run_line(row: Row) -> str:
    """One line of a history."""
    return f"- {clock(row['dueAt'])} {outcome(row)}\n  {code(row['runId'])}"


def run_shown(row: Row) -> str:
    """Everything about a run."""
    lines = [code(row["runId"]), f"Task: {code(row['taskId'])}", f"State: {outcome(row)}"]
    if row["model"]:
        lines.append(f"Model: {row['model']}")
    return "\n".join([*lines, *_said(row)])


def outcome(row: Row) -> str:
    """Run state and delivery state of a run, which are two things."""
    why = f" ({row['reason']})" if row["reason"] else ""
    took = ""
    if row["startedAt"] and row["endedAt"]:
        seconds = moment(row["endedAt"]) - moment(row["startedAt"])
        took = f" in {seconds.total_seconds():.1f} s"
    return f"{row['status']}{took}{why}, {sent(row)}"


def sent(row: Row) -> str:
    if row["delivery"] == "not-requested":
        return "no delivery"
    why = f": {row['error']}" if row["error"] else ""
    return f"{str(row['delivery']).replace('-', ' ')}{why}"


def _said(row: Row) -> Sequence[str]:
    text = str(row["summary"] or "").strip()
    return [f"\n{text[:SUMMARY]}{'…' if len(text) > SUMMARY else ''}"] if text else []


def delivery(row: Row) -> str:
    """Where results go."""
    if row["mode"] == "webhook":
        return f"posted to {code(row['url'])}"
    if row["mode"] == "none":
        return "none, the result is a line in this session"
    thread = f", thread {code(row['threadId'])}" if row["threadId"] else ""
    return f"to {row['channel']}, chat {code(row['to'])}{thread}"


def clock(at: str) -> str:
    """A time of a row as people write it, in the zone it is given in."""
    return f"{moment(at):%a %Y-%m-%d %H:%M}"


def moment(at: str) -> datetime:
    return datetime.fromisoformat(at)
