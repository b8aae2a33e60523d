"""From a model's text to what people get: the visible text, its parts, and words for failures."""

from __future__ import annotations

from bot.reply.failures import error_line, tool_line
from bot.reply.heal import heal
from bot.reply.parts import size, split
from bot.reply.release import SILENT, Release, releasable, reply_tag, visible
from bot.reply.secrets import Redactor, Secrets
from bot.reply.shape import joined, prefix_of, prefix_words, reasoning_message

__all__ = [
    "SILENT",
    "Redactor",
    "Release",
    "Secrets",
    "draft",
    "error_line",
    "final_text",
    "heal",
    "joined",
    "prefix_of",
    "prefix_words",
    "reasoning_message",
    "releasable",
    "reply_tag",
    "size",
    "split",
    "tool_line",
    "visible",
]

# What closing a fence and a bold word may add.
_HEALING = 24


def final_text(
    text: str,
    *,
    error: tuple[str, str] | None = None,
    tool_error: str | None = None,
    prefix: str = "",
) -> str:
    """The answer as people see it; "" is silence. `error` is a run code and its message.

    An error is told below what came, or alone; a failed tool only when nothing else is said.
    """
    shown = visible(text)
    if error is not None:
        line = error_line(*error)
        shown = f"{shown}\n\n{line}" if shown else line
    elif not shown and tool_error is not None:
        shown = tool_line(tool_error)
    return f"{prefix} {shown}" if prefix and shown else shown


def draft(text: str, limit: int, utf16: bool = False) -> tuple[str, bool]:
    """A growing visible text as a preview shows it, and whether that is only its first part."""
    room = limit - _HEALING if limit > _HEALING else limit
    if limit <= 0 or size(text, utf16) <= room:
        return heal(text), False
    parts = split(text[: 2 * limit], room, utf16)
    return heal(parts[0]) if parts else "", True
