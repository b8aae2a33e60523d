"""`why`: one message's whole story, from the rule that let it in to the receipts of the answer."""

from __future__ import annotations

import json
from typing import Any

from bot.engine.port import Engine, Row
from bot.errors import RequestError
from bot.gateway import runs
from bot.gateway.rows import when
from bot.store import entries, outbox, story
from bot.store import runs as run_scripts
from bot.types import Entry

Json = dict[str, Any]

_PARTS = {"held": "uncertain", "posting": "sending", "posted": "sending"}
_MESSAGE_KEYS = ("handles", "roles")


async def why(engine: Engine, id: str) -> Json:
    """The story of a message, or the candidates when an id means several. Raises NOT_FOUND."""
    found = await engine.read(story.find(id))
    exact = [row for row in found if id in (row["run"], str(row["id"]))] or found
    if not exact:
        raise RequestError("NOT_FOUND", f"no message, inbox row or run has the id {id}")
    if len(exact) > 1:
        return {"candidates": [_candidate(row) for row in exact]}
    row = exact[0]
    run = await engine.read(run_scripts.get(row["run"])) if row["run"] else None
    return {
        "message": _message(row),
        "admission": {"allowed": row["kind"] != "refused", "rule": row["rule"]},
        "route": {
            "agentId": row["agent"],
            "matchedBy": row["matched"],
            "sessionKey": row["session_key"],
        },
        "run": None if run is None else _run(run),
        "steps": await _steps(engine, row, run),
        "parts": await _parts(engine, row),
    }


def _candidate(row: Row) -> Json:
    message = json.loads(row["message"])
    return {
        "id": str(row["id"]),
        "runId": row["run"],
        "sessionKey": row["session_key"],
        "at": when(row["accepted_at"]),
        "text": message["text"][:80],
    }


def _message(row: Row) -> Json:
    message = json.loads(row["message"])
    return {name: value for name, value in message.items() if name not in _MESSAGE_KEYS}


def _run(run: Row) -> Json:
    return {
        "runId": run["id"],
        "status": run["state"],
        "error": runs.failure(run),
        "startedAt": when(run["started_at"]),
        "endedAt": when(run["ended_at"]),
        "usage": runs.usage_of(run),
    }


async def _steps(engine: Engine, row: Row, run: Row | None) -> list[Json]:
    """What happened, in order: stored, begun, each model answer and tool, the end."""
    steps = [_step(row["accepted_at"], "inbox", "stored", None, row["reason"])]
    if run is None:
        return steps
    if run["started_at"] is not None:
        steps.append(_step(run["started_at"], "run", "started", None, run["model"]))
    calls = {call["call"]: call for call in await engine.read(story.calls(run["id"]))}
    asked = 0
    if run["session"]:
        for line in await engine.read(entries.of_run(run["session"], run["id"])):
            if line.role == "assistant":
                asked = line.seq
                steps.append(_step(line.at, "model", line.model or "", None, line.stop))
            elif line.role == "tool":
                steps.append(_tool_step(line, calls.get(f"{asked}/{line.call_id}")))
    if run["ended_at"] is not None:
        took = _ms(run["started_at"], run["ended_at"])
        steps.append(_step(run["ended_at"], "run", run["state"], took, None))
    return steps


def _tool_step(line: Entry, call: Row | None) -> Json:
    took = _ms(call["started_at"], call["ended_at"]) if call else None
    return _step(line.at, "tool", line.name or "", took, "error" if line.is_error else "ok")


def _step(at: float, kind: str, name: str, ms: float | None, detail: str | None) -> Json:
    return {"at": when(at), "kind": kind, "name": name, "ms": ms, "detail": detail}


def _ms(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round((end - start) * 1000, 1)


async def _parts(engine: Engine, row: Row) -> list[Json]:
    if not row["run"]:
        return []
    return [
        {
            "part": part["part"],
            "state": _PARTS.get(part["state"], part["state"]),
            "id": part["ref"],
            "attempts": part["attempts"],
            "at": when(part["sent_at"]),
            "error": part["error"],
        }
        for part in await engine.read(outbox.of_run(row["run"]))
    ]
