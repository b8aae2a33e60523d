"""A tool that other packages may take as a pattern."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.types import Risk, ToolContext, ToolResult


class Lookup:
    """Says what a word stands for."""

    name = "lookup"
    description = "Say what a word stands for."
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {"word": {"type": "string"}},
        "required": ["word"],
        "additionalProperties": False,
    }
    risk: Risk = "read"
    repeatable = True
    tags = ()

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        if args["word"] == "unknown":
            return ToolResult("no such word", is_error=True)
        return ToolResult(f"{args['word']}: 42")
