"""A conversation as plain text, for programs that know no roles. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.types import Entry

_SPEAKERS = {"user": "User", "assistant": "Assistant"}


def plain_text(system: str, entries: Sequence[Entry]) -> str:
    """The system text and the conversation. A lone message stands by itself, without a name."""
    lines = [entry for entry in entries if entry.role != "note" and _words(entry)]
    if len(lines) == 1 and lines[0].role == "user":
        parts = [lines[0].text]
    else:
        parts = [f"{_speaker(entry)}: {_words(entry)}" for entry in lines]
    return "\n\n".join(filter(None, [system, *parts]))


def _speaker(entry: Entry) -> str:
    return _SPEAKERS.get(entry.role) or f"Result of {entry.name or 'a tool'}"


def _words(entry: Entry) -> str:
    calls = [f"[calls {call.name} {call.arguments}]" for call in entry.calls]
    return "\n".join(filter(None, [entry.text, *calls]))
