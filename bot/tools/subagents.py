"""Tools that let other sessions work: start a helper, say something to a session, look after them.

All of them may be repeated: a call that is made again finds what it did before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bot.children import Children
from bot.errors import RequestError
from bot.subsessions import MAX_WAIT, Subsessions
from bot.tools.sessions import KEY, answer, caller
from bot.types import Risk, ToolContext, ToolResult

WAIT = 30.0


class SessionsSpawn:
    """Starts a helper, which reports when it is done."""

    name = "sessions_spawn"
    description = (
        "Let a helper do a task in a session of its own. Answers at once; the result comes back "
        "to this conversation by itself when it is there, so do not wait or ask for it. The helper "
        "knows nothing of this conversation: put all it needs into the task."
    )
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "task": {"type": "string", "minLength": 1, "description": "what to do, in full"},
            "label": {"type": "string", "description": "a short name for people"},
            "agentId": {"type": "string", "description": "another agent, from agents_list"},
            "model": {"type": "string", "description": "provider/model, where it matters"},
        },
        "required": ["task"],
        "additionalProperties": False,
    }
    risk: Risk = "write"
    repeatable = True
    tags: Collection[str] = ()

    def __init__(self, subsessions: Subsessions) -> None:
        self._subsessions = subsessions

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        wanted = (args["task"], args.get("label"), args.get("agentId"), args.get("model"))
        try:
            return answer(await self._subsessions.spawn(caller(ctx), *wanted))
        except RequestError as error:
            return ToolResult(str(error), is_error=True)


class SessionsSend:
    """Says something to another session."""

    name = "sessions_send"
    description = (
        "Say something to another session and get its answer. With timeoutSeconds 0 it is only "
        "left there. A helper's answer that takes longer comes back by itself."
    )
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "sessionKey": KEY,
            "message": {"type": "string", "minLength": 1},
            "timeoutSeconds": {
                "type": "number",
                "minimum": 0,
                "maximum": MAX_WAIT,
                "description": f"how long to wait for the answer; {WAIT:g} if not given",
            },
        },
        "required": ["sessionKey", "message"],
        "additionalProperties": False,
    }
    risk: Risk = "send"
    repeatable = True
    tags: Collection[str] = ()

    def __init__(self, subsessions: Subsessions) -> None:
        self._subsessions = subsessions

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        seconds = float(args.get("timeoutSeconds", WAIT))
        to, text = args["sessionKey"], args["message"]
        try:
            said = await self._subsessions.send(caller(ctx), to, text, seconds, ctx.away)
        except RequestError as error:
            return ToolResult(str(error), is_error=True)
        return answer(said)


class Subagents:
    """Looks after the helpers of this session."""

    name = "subagents"
    description = (
        "The helpers that this session started: list them, info or log of one, kill one or all."
    )
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "action": {"type": "string", "enum": ["list", "info", "log", "kill"]},
            "id": {"type": "string", "description": "number, id, key or label; all, for kill"},
        },
        "required": ["action"],
        "additionalProperties": False,
    }
    risk: Risk = "write"
    repeatable = True
    tags: Collection[str] = ()

    def __init__(self, children: Children) -> None:
        self._children = children

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        try:
            return answer(await self._done(args["action"], args.get("id"), ctx))
        except RequestError as error:
            return ToolResult(str(error), is_error=True)

    async def _done(self, action: str, id: str | None, ctx: ToolContext) -> Any:
        parent = ctx.turn.session.key
        requester = None if ctx.owner else ctx.turn.requester
        if action == "list":
            rows = await self._children.listing(parent, requester)
            return {"helpers": [_brief(row) for row in rows]}
        if not id:
            raise RequestError("INVALID_PARAMS", f"Say in id which helper to {action}.")
        if action == "kill" and id.lower() == "all":
            rows = await self._children.listing(parent, requester)
        else:
            rows = [await self._children.find(parent, requester, id)]
        if action == "kill":
            return {"killed": [row["id"] for row in await self._children.kill(rows)]}
        if action == "info":
            return rows[0]
        return {"id": rows[0]["id"], "messages": await self._children.log(rows[0])}


def _brief(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("number", "id", "label", "status", "report", "seconds")}
