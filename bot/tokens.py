"""How large a request is, in tokens, without asking anybody: an estimate that errs to the large.

Four letters of English or code make about one token, three bytes of other scripts about one as
well (see https://help.openai.com/en/articles/4936856). What the server counted last corrects the
estimate where it was too small.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bot.types import Entry, ModelRequest, ToolSpec

LETTERS = 4
_MESSAGE = 4
_IMAGE = 1600


@dataclass(frozen=True, slots=True)
class Room:
    """How much a model may be given, in tokens: at most `limit` of its window.

    `keep` of the newest entries stay word for word when the rest is summed up.
    """

    window: int
    reserve: int
    keep: int

    @property
    def limit(self) -> int:
        return self.window - self.reserve


def room(window: int, reserve: int, keep: int) -> Room:
    """The room in a window; a small one keeps no more than a quarter free for the answer."""
    reserve = min(reserve, window // 4)
    return Room(window, reserve, min(keep, (window - reserve) // 2))


def of_text(text: str) -> int:
    """Tokens of a text."""
    return -(-(len(text) if text.isascii() else len(text.encode())) // LETTERS)


def of_entry(entry: Entry) -> int:
    """Tokens of a line as a model gets it."""
    # `of_text` written out: all lines of a long transcript are counted at every request.
    text = entry.text
    size = _MESSAGE - (-(len(text) if text.isascii() else len(text.encode())) // LETTERS)
    if not entry.calls and not entry.attachments:
        return size
    for call in entry.calls:
        size += _MESSAGE + of_text(call.name) + of_text(call.arguments)
    if entry.attachments:
        size += _IMAGE * sum(one.get("kind") == "image" for one in entry.attachments)
    return size


def of_entries(entries: Sequence[Entry]) -> int:
    return sum(map(of_entry, entries))


def of_tools(tools: Sequence[ToolSpec]) -> int:
    return sum(
        _MESSAGE + of_text(tool.name + tool.description) + of_text(json.dumps(tool.schema))
        for tool in tools
    )


def of_request(request: ModelRequest, overhead: int) -> int:
    """Tokens of a request. `overhead` is what its system prompt and tools have.

    What the server counted for the last answer in it and for all before counts, if it is more.
    """
    total = after = 0
    counted = None
    for entry in reversed(request.entries):
        size = of_entry(entry)
        total += size
        usage = entry.usage
        if counted is None and usage is not None and usage.input:
            counted = usage.input + usage.output + after
        after += size
    return max(total + overhead, counted or 0)
