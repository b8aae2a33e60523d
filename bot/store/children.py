"""Scripts over children: work that one session gave another, and the result that is owed for it.

A row is made with the child's run and completed in that run's last transaction, which also puts
the report into the parent's lane. So there is one report for each child, whenever a process dies.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.codec import message_from, stored_message
from bot.contract import Message
from bot.engine.port import Row, Script, Wake, q
from bot.store import inbox, runs

MAX_RESULT = 30_000  # characters of a result that its parent is told
STOPPED = "stopped"
# It had nothing to report and said so.
SILENT = "silent"
REPORTS = "report-"  # of the ids of runs that hear of others
REPORT = (
    "A helper that you started has ended; what it says is quoted above. Tell the people here what "
    "matters of it in your own words, or answer only NO_REPLY if there is nothing to say."
)
_BELOW = (
    "WITH RECURSIVE below(key) AS (SELECT key FROM children WHERE parent = ? "
    "UNION SELECT c.key FROM children c JOIN below b ON c.parent = b.key) "
)


@dataclass(frozen=True, slots=True)
class Work:
    """What a session gives another: `key` does it, `parent` hears of it.

    `message` is what the parent was asked when it gave the work, for its place and its author.
    `deliver_to` is the address where the parent answers, None when it answers nobody.
    """

    run: str
    key: str
    agent: str
    label: str
    task: str
    parent: str
    parent_agent: str
    requester: str
    message: Message
    deliver_to: str | None
    hops: int = 0


def owe(work: Work, now: float) -> Script[None]:
    """The result of a run is owed to its parent."""
    yield q(
        "INSERT INTO children(run, key, agent, label, task, parent, parent_agent, requester, "
        "message, deliver_to, hops, state, created_at) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'running', ?) ON CONFLICT(run) DO NOTHING",
        work.run,
        work.key,
        work.agent,
        work.label,
        work.task,
        work.parent,
        work.parent_agent,
        work.requester,
        json.dumps(stored_message(bare(work.message, ""))),
        work.deliver_to,
        work.hops,
        now,
    )


def bare(message: Message, text: str) -> Message:
    """Where a message came from and who wrote it, with other words."""
    return replace(
        message, text=text, attachments=(), reply_to=None, command=None, action=None, change="new"
    )


def say(
    message: Message,
    *,
    key: str,
    agent: str,
    requester: str,
    run: str,
    deliver_to: str | None,
    source: Mapping[str, object],
    hops: int,
    now: float,
) -> Script[None]:
    """Let a session say something to another: a message in its lane, of known origin, once."""
    if (yield from inbox.seen(f"internal:{run}")):
        return
    yield from inbox.put(
        message,
        kind=inbox.INTERNAL,
        state="open",
        lane=key,
        requester=requester,
        rule="session",
        agent=agent,
        session_key=key,
        run=run,
        options={"deliverTo": deliver_to, inbox.SOURCE: dict(source), inbox.HOPS: hops},
        now=now,
        dedupe=f"internal:{run}",
    )
    yield from runs.queue(run, key, key, agent, now)
    yield Wake("lane", key)


def ended(run: str, state: str, result: str, now: float) -> Script[None]:
    """A run is over: if its result is owed, complete the row and report to the parent.

    What was stopped together with its parent, or by somebody who knows, is not reported, nor what
    ended `silent`.
    """
    rows = yield q(
        "UPDATE children SET state = CASE WHEN state = 'running' THEN ? ELSE state END, "
        "result = ?, ended_at = ? WHERE run = ? AND ended_at IS NULL RETURNING *",
        state,
        result,
        now,
        run,
    )
    if rows and rows[0]["state"] not in (STOPPED, SILENT):
        yield from _report(rows[0], now)


def _report(row: Row, now: float) -> Script[None]:
    result = row["result"] or ""
    if len(result) > MAX_RESULT:
        result = f"{result[:MAX_RESULT]} [{len(result) - MAX_RESULT} more characters]"
    source = {
        "session": row["key"],
        "label": row["label"],
        "task": row["task"][:500],
        "status": row["state"],
        "result": result,
        "seconds": round(now - row["created_at"], 1),
    }
    yield from say(
        replace(message_from(json.loads(row["message"])), text=REPORT),
        key=row["parent"],
        agent=row["parent_agent"],
        requester=row["requester"],
        run=report_of(row["run"]),
        deliver_to=row["deliver_to"],
        source=source,
        hops=row["hops"],
        now=now,
    )


def report_of(run: str) -> str:
    """The id of the parent's run that hears of this one."""
    return f"{REPORTS}{run}"


def below(key: str) -> Script[list[str]]:
    """The sessions that a session started, those that they started, and so on."""
    rows = yield q(_BELOW + "SELECT key FROM below", key)
    return [row["key"] for row in rows]


def stopped(keys: Sequence[str]) -> Script[None]:
    """What runs in these sessions is about to be stopped, and nobody waits for it any more."""
    marks = ", ".join("?" * len(keys))
    yield q(
        f"UPDATE children SET state = ? WHERE key IN ({marks}) AND state = 'running'",
        STOPPED,
        *keys,
    )


def at_work(parent: str) -> Script[int]:
    """How many children of a session are at work."""
    rows = yield q(
        "SELECT count(DISTINCT key) AS n FROM children WHERE parent = ? AND ended_at IS NULL",
        parent,
    )
    return int(rows[0]["n"])


def of_run(run: str) -> Script[Row | None]:
    rows = yield q("SELECT * FROM children WHERE run = ?", run)
    return rows[0] if rows else None


def work_of(row: Row, run: str, task: str, deliver_to: str | None) -> Work:
    """More work for a child, whose answer is owed to the same parent."""
    return Work(
        run=run,
        key=row["key"],
        agent=row["agent"],
        label=row["label"],
        task=task,
        parent=row["parent"],
        parent_agent=row["parent_agent"],
        requester=row["requester"],
        message=message_from(json.loads(row["message"])),
        deliver_to=deliver_to,
        hops=row["hops"],
    )


def listing(parent: str, limit: int = 50) -> Script[list[Row]]:
    """The work that a session gave, newest first, with what became of its reports.

    `report` is the state of the parent's run that heard of it, `sent` that of what it answered.
    """
    return (
        yield q(
            "SELECT c.*, r.state AS report, (SELECT o.state FROM outbox o "
            "WHERE o.run = r.id ORDER BY o.part DESC LIMIT 1) AS sent, s.label AS name "
            "FROM children c LEFT JOIN runs r ON r.id = 'report-' || c.run "
            "LEFT JOIN sessions s ON s.key = c.key AND s.archived_at IS NULL "
            "WHERE c.parent = ? ORDER BY c.created_at DESC, c.run LIMIT ?",
            parent,
            limit,
        )
    )


def seen_by(key: str, base: str, requester: str | None) -> Script[list[str]]:
    """The keys of a conversation's sessions and of what they started.

    Only what was started for `requester`; None sees all.
    """
    mine, params = ("AND c.requester = ?", [requester]) if requester else ("", [])
    rows = yield q(
        "WITH RECURSIVE tree(key) AS ("
        "SELECT key FROM sessions WHERE (key = ? OR base = ?) AND archived_at IS NULL "
        f"UNION SELECT c.key FROM children c JOIN tree t ON c.parent = t.key {mine}) "
        "SELECT key FROM tree",
        key,
        base,
        *params,
    )
    return [row["key"] for row in rows]
