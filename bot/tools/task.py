"""The tool that lets an agent schedule work for the session it is in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from bot.errors import RequestError
from bot.tools.sessions import answer
from bot.types import Risk, ToolContext, ToolResult

ACTIONS = (
    *("list", "add", "get", "update", "remove", "run", "pause", "resume", "runs"),
    *("cancelRun", "retryRun"),
)

Act = Callable[[str, Mapping[str, Any], ToolContext], Awaitable[Any]]
"""Do one action on tasks for a run: name, arguments, the run. Raises RequestError."""


class TaskTool:
    """Scheduled work, as the socket's `tasks.*`, for the session and the requester of the run."""

    name = "task"
    description = (
        "Scheduled work of this session: list, add, get, update, remove, run (now), pause, resume, "
        "runs, cancelRun, retryRun. add takes text in natural words, such as 'every weekday at "
        "9:00' or 'in 20 minutes', and a prompt: what to do then. Results come back to this "
        "conversation. Tell the user what was understood: the answer has the schedule in words and "
        "the next runs."
    )
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "action": {"type": "string", "enum": list(ACTIONS)},
            "id": {"type": "string", "description": "a task's id, from list"},
            "runId": {"type": "string", "description": "a run's id, from runs"},
            "text": {"type": "string", "description": "when, in words: every 1h"},
            "schedule": {
                "type": "object",
                "description": "instead of text: {kind: at, at} | {kind: every, everyMs} | "
                "{kind: cron, expr, tz?}",
            },
            "name": {"type": "string"},
            "prompt": {"type": "string", "description": "what the run is told, in full"},
            "delivery": {
                "type": "object",
                "description": "{mode: none} or {mode: announce, channel, to}; else to here",
            },
            "policy": {"type": "object", "description": "for example {mode: cheap}"},
            "enabled": {"type": "boolean"},
            "all": {"type": "boolean", "description": "list: the inactive ones too"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 100},
        },
        "required": ["action"],
        "additionalProperties": False,
    }
    risk: Risk = "write"
    repeatable = True
    tags: Collection[str] = ()

    def __init__(self, act: Act) -> None:
        self._act = act

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        try:
            return answer(await self._act(args["action"], args, ctx))
        except RequestError as error:
            return ToolResult(str(error), is_error=True)
