"""Tools about the session itself."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from bot.types import Risk, ToolContext, ToolResult


class SessionStatus:
    """What session this is, which model answers, and how full its context is."""

    name = "session_status"
    description = "The present session: its key and label, the model in use, time and token counts."
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }
    risk: Risk = "read"
    repeatable = True
    tags: Collection[str] = ()

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        return ToolResult(json.dumps(dict(ctx.status), ensure_ascii=False))
