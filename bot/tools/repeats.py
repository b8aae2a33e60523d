"""Counts the same calls of a run, so that a model that turns in circles is stopped. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable

from bot.types import Entry, ToolCall

WARN, BLOCK, BREAK = 10, 20, 30


class Repeats:
    """How often each call was made: the same tool with the same arguments."""

    def __init__(self) -> None:
        self._counts: Counter[bytes] = Counter()

    @classmethod
    def of(cls, history: Iterable[Entry], run: str) -> Repeats:
        """What a run has counted already, from its answered calls."""
        found, open_calls = cls(), dict[str, ToolCall]()
        for entry in history:
            if entry.run != run:
                continue
            open_calls |= {call.id: call for call in entry.calls}
            if entry.role == "tool" and (call := open_calls.pop(entry.call_id or "", None)):
                found.count(call)
        return found

    def count(self, call: ToolCall) -> int:
        """How often this call was made, this time included."""
        args = json.dumps(call.args, sort_keys=True) if call.args is not None else call.arguments
        name = hashlib.sha256(f"{call.name}\0{args}".encode("utf-8", "replace")).digest()
        self._counts[name] += 1
        return self._counts[name]
