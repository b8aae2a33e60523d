"""Tools about sessions: the present one, those that its people may see, and the agents."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.children import Children
from bot.engine.port import Row
from bot.errors import RequestError
from bot.subsessions import Caller, Subsessions
from bot.types import Risk, ToolContext, ToolResult

MAX_LIST = 100
MAX_HISTORY = 100
NOTHING: Mapping[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
KEY = {"type": "string", "description": "a session's key, from sessions_list"}


def caller(ctx: ToolContext) -> Caller:
    """Who asks, as a tool knows it."""
    return Caller(ctx.turn, ctx.call, ctx.owner)


def answer(value: Any) -> ToolResult:
    return ToolResult(json.dumps(value, ensure_ascii=False))


class SessionStatus:
    """What session this is, which model answers, and how full its context is."""

    name = "session_status"
    description = "The present session: its key and label, the model in use, time and token counts."
    schema: Mapping[str, Any] = NOTHING
    risk: Risk = "read"
    repeatable = True
    tags: Collection[str] = ()

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        return answer(dict(ctx.status))


class SessionsList:
    """Which sessions there are for who asks."""

    name = "sessions_list"
    description = (
        "The sessions of this conversation and the helpers it started, newest first: key, kind, "
        "label, whether one is at work."
    )
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {"limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIST}},
        "additionalProperties": False,
    }
    risk: Risk = "read"
    repeatable = True
    tags: Collection[str] = ()

    def __init__(self, subsessions: Subsessions) -> None:
        self._subsessions = subsessions

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        rows = await self._subsessions.visible(caller(ctx), args.get("limit", MAX_LIST))
        own = ctx.turn.session.key
        return answer({"sessions": [_row(row) | {"this": row["key"] == own} for row in rows]})


class SessionsHistory:
    """What was said in another session."""

    name = "sessions_history"
    description = "The last messages of a session that sessions_list names, oldest first."
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "sessionKey": KEY,
            "limit": {"type": "integer", "minimum": 1, "maximum": MAX_HISTORY},
        },
        "required": ["sessionKey"],
        "additionalProperties": False,
    }
    risk: Risk = "read"
    repeatable = True
    tags: Collection[str] = ()

    def __init__(self, subsessions: Subsessions, children: Children) -> None:
        self._subsessions = subsessions
        self._children = children

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        try:
            row = await self._subsessions.look_up(caller(ctx), args["sessionKey"])
        except RequestError as error:
            return ToolResult(str(error), is_error=True)
        said = await self._children.history(row["id"], args.get("limit", 20))
        return answer({"sessionKey": row["key"], "messages": said})


class AgentsList:
    """Which agents may be started as helpers."""

    name = "agents_list"
    description = "The agents that sessions_spawn may start: id and name."
    schema: Mapping[str, Any] = NOTHING
    risk: Risk = "read"
    repeatable = True
    tags: Collection[str] = ()

    def __init__(self, subsessions: Subsessions) -> None:
        self._subsessions = subsessions

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        return answer({"agents": self._subsessions.agents(ctx.turn)})


def _row(row: Row) -> dict[str, Any]:
    return {
        "sessionKey": row["key"],
        "kind": row["kind"],
        "label": row["label"],
        "running": bool(row["running"]),
        "queued": row["queued"],
        "updatedAt": datetime.fromtimestamp(row["updated_at"], UTC).isoformat(timespec="seconds"),
    }
