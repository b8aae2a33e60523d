"""Rows of the wire, pure: what the core knows in the shapes that clients read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.types import Entry, Usage

Json = dict[str, Any]

_STATES = {"aborted": "aborted", "error": "error"}


def when(at: float | None) -> str | None:
    """Seconds since the epoch as ISO 8601 with offset."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()


def usage_row(usage: Usage | None) -> Json | None:
    """`{inputTokens, outputTokens, cost?}`."""
    if usage is None:
        return None
    row: Json = {"inputTokens": usage.input, "outputTokens": usage.output}
    return row if usage.cost is None else row | {"cost": usage.cost}


def message_row(entry: Entry, reasoning: bool = True) -> Json:
    """A transcript line as a message; once it is stored its id is its number in the session."""
    return {
        "id": str(entry.seq) if entry.seq else f"{entry.run}:{entry.role}",
        # What stands for earlier messages is a note to people: they still see those.
        "role": "note" if entry.role == "compaction" else entry.role,
        "text": entry.text,
        "at": when(entry.at),
        "runId": entry.run,
        "author": None
        if entry.author is None
        else {
            "id": entry.author.id,
            "name": entry.author.name,
            "username": entry.author.username,
        },
        "origin": dict(entry.origin) if entry.role == "user" and entry.origin else None,
        "attachments": [dict(attachment) for attachment in entry.attachments],
        "toolCalls": [
            {"id": call.id, "name": call.name, "args": call.args} for call in entry.calls
        ],
        "toolCallId": entry.call_id,
        "name": entry.role if entry.role == "compaction" else entry.name,
        "isError": entry.is_error,
        "thinking": (entry.thinking or None) if reasoning else None,
        "thoughtMs": round(entry.thought * 1000) if reasoning and entry.thought else None,
        "usage": usage_row(entry.usage),
        "model": entry.model,
        "state": _STATES.get(entry.stop or "", "done"),
    }


def text_row(run: str, text: str, at: float, state: str) -> Json:
    """An answer of which only the text is known yet, or which is no transcript line."""
    row = message_row(Entry(role="assistant", text=text, at=at, run=run))
    return row | {"state": state}


def error_row(error: Mapping[str, str] | None) -> Json:
    """`{code, message}` of a run that failed."""
    error = error or {}
    return {
        "code": error.get("code", "INTERNAL"),
        "message": error.get("message", "The run failed."),
    }
