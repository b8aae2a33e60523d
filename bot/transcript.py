"""A transcript: its lines, the calls in them, and what they cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.contract import Author

Role = Literal["user", "assistant", "tool", "note", "compaction"]
Stop = Literal["end", "tools", "length", "overflow", "error", "aborted"]
Thinking = Literal["off", "minimal", "low", "medium", "high"]
Verbose = Literal["off", "on", "full"]
Reasoning = Literal["off", "on", "stream"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model call or their sum; `cost` is in US dollars, None when unknown.

    `cache_read` and `cache_write` are the parts of `input` that a prompt cache gave and took.
    """

    input: int = 0
    output: int = 0
    cost: float | None = None
    cache_read: int = 0
    cache_write: int = 0

    def __add__(self, other: Usage) -> Usage:
        known = [cost for cost in (self.cost, other.cost) if cost is not None]
        return Usage(
            self.input + other.input,
            self.output + other.output,
            sum(known) if known else None,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
        )


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the model asks for; `args` is None when `arguments` is not a JSON object."""

    id: str
    name: str
    arguments: str
    args: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a transcript.

    user: `text`, `author`; assistant: `text`, `thinking`, `calls`, `stop`, `usage`, `model`; tool:
    `text`, `call_id`, `name`, `is_error`; note: `text`, shown to people and never to the model;
    compaction: `text` stands for all entries before the number `origin["firstKept"]`.
    `at` is in seconds since the epoch. `seq` counts within the session, 0 before it is stored.
    `wire` is what the wire format that wrote an assistant entry must get back unchanged, such as
    signed thinking; it names its `api`, and nobody else reads it. An assistant entry whose `origin`
    has a `task` is the result of a scheduled run, made elsewhere (`aside`). `thought`: for how many
    seconds the thinking came.
    """

    role: Role
    text: str
    at: float
    calls: tuple[ToolCall, ...] = ()
    call_id: str | None = None
    name: str | None = None
    is_error: bool = False
    stop: Stop | None = None
    usage: Usage | None = None
    thinking: str = ""
    model: str | None = None
    author: Author | None = None
    origin: Mapping[str, Any] | None = None
    attachments: tuple[Mapping[str, Any], ...] = ()
    ref: str | None = None
    run: str | None = None
    error: Mapping[str, str] | None = None
    seq: int = 0
    wire: Mapping[str, Any] | None = None
    thought: float | None = None

    @property
    def aside(self) -> bool:
        """Is it the result of a scheduled run, put here while others may have been at work?"""
        return self.role == "assistant" and bool(self.origin) and "task" in (self.origin or {})


def session_document(
    head: Mapping[str, Any], messages: Sequence[Mapping[str, Any]], form: str
) -> str:
    """A session as a text to keep: `json`, `jsonl` (a message on a line) or `md`.

    `head` has the session's `sessionKey` and its `displayName`, a message `role`, `at` and `text`.
    """
    if form == "json":
        return json.dumps({**head, "messages": list(messages)}, ensure_ascii=False, indent=2)
    if form == "jsonl":
        return "\n".join(json.dumps(dict(one), ensure_ascii=False) for one in messages)
    parts = [f"# {head.get('displayName') or head['sessionKey']}"]
    parts += [f"## {one['role']}, {one['at']}\n\n{one['text']}" for one in messages]
    return "\n\n".join(parts)
