"""Tools over what was noted before: each requester's own notes, and nobody else's."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from bot.clock import Clock
from bot.context.memory import Scope, daily_note
from bot.context.recall import MAX_RESULTS, RESULTS, Memory
from bot.errors import RequestError
from bot.types import Risk, ToolContext, ToolResult, Turn

MAX_LINES = 2000
NOTHING_HERE = "There is no memory in this conversation: it is kept for private ones."
FindScope = Callable[[Turn, bool], Scope]


class MemorySearch:
    """Finds notes by words and by meaning. `zone` gives an agent's time zone."""

    name = "memory_search"
    description = (
        "Search what was noted in earlier conversations. Answers the best places with path, lines, "
        "score and text, and the file for today's notes."
    )
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What you look for, in words."},
            "maxResults": {"type": "integer", "minimum": 1, "maximum": MAX_RESULTS},
        },
        "required": ["query"],
        "additionalProperties": False,
    }
    risk: Risk = "read"
    repeatable = True
    tags: Collection[str] = ()

    def __init__(
        self, memory: Memory, scope: FindScope, clock: Clock, zone: Callable[[str], str]
    ) -> None:
        self._memory = memory
        self._scope = scope
        self._clock = clock
        self._zone = zone

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        agent, scope = ctx.turn.session.agent, self._scope(ctx.turn, ctx.owner)
        if scope.folder is None:
            return ToolResult(NOTHING_HERE)
        query = str(args.get("query") or "")
        if not query.strip():
            return ToolResult("Say in query what to look for.", is_error=True)
        hits = await self._memory.search(agent, scope, query, _whole(args, "maxResults", RESULTS))
        answer = {
            "results": [hit.row for hit in hits],
            "notesOfToday": daily_note(scope, self._clock.now(), self._zone(agent)),
        }
        return ToolResult(json.dumps(answer, ensure_ascii=False))


class MemoryGet:
    """Reads a memory file, or lines of it."""

    name = "memory_get"
    description = "Read a memory file that memory_search named, or some lines of it."
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "As memory_search gave it."},
            "from": {"type": "integer", "minimum": 1, "description": "The first line."},
            "lines": {"type": "integer", "minimum": 1, "maximum": MAX_LINES},
        },
        "required": ["path"],
        "additionalProperties": False,
    }
    risk: Risk = "read"
    repeatable = True
    tags: Collection[str] = ()

    def __init__(self, memory: Memory, scope: FindScope) -> None:
        self._memory = memory
        self._scope = scope

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        scope = self._scope(ctx.turn, ctx.owner)
        if scope.folder is None:
            return ToolResult(NOTHING_HERE)
        first, lines = _whole(args, "from", 1), _whole(args, "lines", MAX_LINES)
        try:
            text = await self._memory.read(
                ctx.turn.session.agent, scope, str(args.get("path") or ""), first, lines
            )
        except RequestError as error:
            return ToolResult(f"{error}.", is_error=True)
        return ToolResult(text or "(nothing there)")


def _whole(args: Mapping[str, Any], name: str, default: int) -> int:
    value = args.get(name)
    return max(1, value) if isinstance(value, int) else default
