"""Tells the reasoning that some models write before their answer, `<think>…</think>`, from it.

Pure. Only at the very start of an answer: later on the tags are text like any other.
"""

from __future__ import annotations

from typing import Literal

from bot.types import TextDelta, ThinkDelta

_OPEN, _CLOSE = "<think>", "</think>"


class ThinkSplitter:
    """Feed it the pieces of an answer, cut anywhere; it holds back what it cannot tell yet."""

    def __init__(self) -> None:
        self._held = ""
        self._state: Literal["start", "thinking", "between", "text"] = "start"

    def feed(self, piece: str) -> list[TextDelta | ThinkDelta]:
        """What is now certain, in order."""
        if self._state == "text":
            return [TextDelta(piece)] if piece else []
        if self._state == "start":
            return self._at_start(piece)
        return self._thinking(piece) if self._state == "thinking" else self._between(piece)

    def end(self) -> list[TextDelta | ThinkDelta]:
        """What was held back: nothing follows any more."""
        held, self._held = self._held, ""
        if not held:
            return []
        return [ThinkDelta(held) if self._state == "thinking" else TextDelta(held)]

    def _at_start(self, piece: str) -> list[TextDelta | ThinkDelta]:
        text = self._held + piece
        begun = text.lstrip()
        if begun.startswith(_OPEN):
            self._held, self._state = "", "thinking"
            return self._thinking(begun[len(_OPEN) :])
        if _OPEN.startswith(begun):
            self._held = text
            return []
        self._held, self._state = "", "text"
        return [TextDelta(text)]

    def _thinking(self, piece: str) -> list[TextDelta | ThinkDelta]:
        thought, closed, rest = (self._held + piece).partition(_CLOSE)
        if closed:
            self._held, self._state = "", "between"
            return [*_thought(thought), *self._between(rest)]
        kept = _possible_start(thought)
        self._held = thought[len(thought) - kept :]
        return _thought(thought[: len(thought) - kept])

    def _between(self, piece: str) -> list[TextDelta | ThinkDelta]:
        """The blank lines behind the reasoning belong to neither."""
        text = piece.lstrip()
        if not text:
            return []
        self._state = "text"
        return [TextDelta(text)]


def _thought(text: str) -> list[TextDelta | ThinkDelta]:
    return [ThinkDelta(text)] if text else []


def _possible_start(text: str) -> int:
    """How many characters at the end could become the closing tag."""
    for size in range(min(len(text), len(_CLOSE) - 1), 0, -1):
        if _CLOSE.startswith(text[-size:]):
            return size
    return 0
