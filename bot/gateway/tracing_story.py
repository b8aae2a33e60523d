"""A run's rows as the spans of a trace, pure. No text of people and no id of theirs is in one.

What is not recorded is not made up: a model call is taken to begin where the step before it ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.contract import Address
from bot.engine.port import Row, Script, q
from bot.store import entries, story
from bot.store import runs as run_scripts
from bot.types import Entry, Usage

OPEN = ("pending", "sending", "posting", "posted")

Times = Sequence[tuple[float, float]]


@dataclass(slots=True)
class Span:
    """One piece of work; `start` and `end` in seconds since the epoch, `error` a code."""

    name: str
    start: float
    end: float
    kind: Literal["internal", "client", "producer", "consumer"] = "internal"
    about: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    children: list[Span] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Story:
    """The rows of one run."""

    run: Row
    inbox: list[Row]
    lines: list[Entry]
    calls: list[Row]
    parts: list[Row]

    @property
    def settled(self) -> bool:
        """Has every part its receipt, or failed for good?"""
        return not any(part["state"] in OPEN for part in self.parts)


def read(run: str) -> Script[Story | None]:
    """All rows of a run in one look; None when there is no such run."""
    row = yield from run_scripts.get(run)
    if row is None:
        return None
    inbox = yield q("SELECT id, address, accepted_at FROM inbox WHERE run = ? ORDER BY id", run)
    lines = (yield from entries.of_run(row["session"], run)) if row["session"] else []
    calls = yield from story.calls(run)
    parts = yield q(
        "SELECT run, part, address, op, state, attempts, created_at, sent_at FROM outbox "
        "WHERE run = ? OR run IN "
        "(SELECT name || ':' || run || ':' || call FROM calls WHERE run = ?) ORDER BY id",
        run,
        run,
    )
    return Story(row, inbox, lines, calls, parts)


def trace(told: Story, compactions: Times, now: float) -> Span:
    """The whole of it: the message, its wait, the run with its steps, the parts."""
    run, by = told.run, dict[str, list[Row]]()
    for part in told.parts:
        by.setdefault(part["run"], []).append(part)
    root = Span("message", run["accepted_at"], run["accepted_at"], "consumer")
    root.about = {"trunkline.run.id": run["id"], "gen_ai.agent.id": run["agent"]}
    if run["joined"]:
        root.about["trunkline.run.joined"] = run["joined"]
    if told.inbox:
        root.about |= _place(told.inbox[0]["address"])
        root.about["trunkline.inbox.ids"] = [str(row["id"]) for row in told.inbox]
    began = run["started_at"]
    root.children.append(Span("queue", run["accepted_at"], began or run["ended_at"] or now))
    if began is not None:
        root.children.append(_run(told, began, compactions, by, now))
    root.children += [_part(part, now) for part in by.get(run["id"], ())]
    root.error = _code(run)
    root.end = max(run["ended_at"] or now, *(_last(one) for one in root.children))
    return root


def _run(
    told: Story, began: float, compactions: Times, by: dict[str, list[Row]], now: float
) -> Span:
    run = told.run
    span = Span(f"invoke_agent {run['agent']}", began, run["ended_at"] or now)
    span.about = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.id": run["agent"],
        "gen_ai.conversation.id": run["session"],
        "trunkline.run.state": run["state"],
        **_model(run["model"]),
        **_tokens(run["input_tokens"], run["output_tokens"], run["cost"]),
    }
    span.error = _code(run)
    tools = list(_tools(told, by, now))
    folded = [Span("compaction", start, end) for start, end in compactions]
    span.children = sorted(
        [*_models(told.lines, began, [*tools, *folded]), *tools, *folded],
        key=lambda one: (one.start, one.end),
    )
    return span


def _models(lines: Sequence[Entry], began: float, others: Sequence[Span]) -> Iterator[Span]:
    """The model's answers; each begins where what came before it ended."""
    before = [began, *(one.end for one in others)]
    for line in lines:
        if line.role != "assistant":
            continue
        start = max(at for at in (*before, began) if at <= line.at or at == began)
        span = Span(f"chat {line.model or ''}".rstrip(), start, max(start, line.at), "client")
        usage = line.usage or Usage()
        span.about = {"gen_ai.operation.name": "chat", **_model(line.model)}
        if line.usage is not None:
            span.about |= _tokens(usage.input, usage.output, usage.cost)
        if line.stop:
            span.about["gen_ai.response.finish_reasons"] = [line.stop]
        span.error = (line.error or {}).get("code") if line.stop == "error" else None
        before.append(line.at)
        yield span


def _tools(told: Story, by: dict[str, list[Row]], now: float) -> Iterator[Span]:
    """The tool calls, those that were refused with no duration."""
    journal, asked = {row["call"]: row for row in told.calls}, 0
    for line in told.lines:
        if line.role == "assistant":
            asked = line.seq
        if line.role != "tool":
            continue
        call = journal.get(f"{asked}/{line.call_id}")
        start = call["started_at"] if call else line.at
        span = Span(f"execute_tool {line.name}", start, max(start, line.at))
        if call is not None and call["ended_at"] is not None:
            span.end = call["ended_at"]
        span.about = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": line.name or "",
            "gen_ai.tool.call.id": line.call_id or "",
        }
        span.error = "tool_error" if line.is_error else None
        if call is not None:
            sent = by.get(f"{call['name']}:{call['run']}:{call['call']}", ())
            span.children = [_part(part, now) for part in sent]
        yield span


def _part(part: Row, now: float) -> Span:
    """A part from the moment it was put out to its receipt."""
    receipt = part["state"] == "sent"
    span = Span("send", part["created_at"], part["sent_at"] or now, "producer")
    span.about = {
        **_place(part["address"]),
        "messaging.operation.type": "send",
        "messaging.operation.name": part["op"],
        "trunkline.part": part["part"],
        "trunkline.part.state": part["state"],
        "trunkline.part.attempts": part["attempts"],
        "trunkline.part.receipt": receipt,
    }
    span.error = part["state"] if part["state"] in ("failed", "held") else None
    return span


def _place(address: str) -> dict[str, Any]:
    """The channel and account; the conversation is a person's and left out."""
    place = Address.parse(address)
    return {"messaging.system": place.channel, "trunkline.account": place.account}


def _model(ref: str | None) -> dict[str, Any]:
    provider, slash, model = (ref or "").partition("/")
    if not ref:
        return {}
    if not slash:
        return {"gen_ai.request.model": ref}
    return {"gen_ai.provider.name": provider, "gen_ai.request.model": model}


def _tokens(sent: int | None, got: int | None, cost: float | None) -> dict[str, Any]:
    told = {
        "gen_ai.usage.input_tokens": sent,
        "gen_ai.usage.output_tokens": got,
        "trunkline.cost.usd": cost,
    }
    return {name: value for name, value in told.items() if value is not None}


def _code(run: Row) -> str | None:
    """The code of a failure, never its words."""
    if run["state"] != "error":
        return None
    try:
        error = json.loads(run["error"] or "{}")
    except ValueError:
        return "INTERNAL"
    return str(error.get("code", "INTERNAL")) if isinstance(error, dict) else "INTERNAL"


def _last(span: Span) -> float:
    return max(span.end, *(_last(one) for one in span.children)) if span.children else span.end
