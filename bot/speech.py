"""What a run says while it runs: what may be seen becomes events and grows the preview."""

from __future__ import annotations

from collections.abc import Callable

from bot.events import Body, Delta, Thought
from bot.reply import Release
from bot.steps import step


class Speech:
    """The visible text of a run so far, over all its model calls, and its reasoning.

    `emit` takes each event, `show` the whole visible text whenever it has grown.
    """

    def __init__(self, emit: Callable[[Body], None], show: Callable[[str], None]) -> None:
        self._emit = emit
        self._show = show
        self._release = Release()
        self._before = 0
        self._gap = ""
        self.text = ""
        self.thinking = ""
        self.silent = False

    def resume(self, said: str) -> None:
        """Take up what an interrupted attempt had said."""
        self._say(said)
        self._pause()

    def begin(self) -> None:
        """Another model call begins to answer."""
        self._release, self._before = Release(), len(self.text)

    def hear(self, piece: str) -> None:
        """A piece of the model's answer: shown as soon as it is sure to be for people."""
        self._say(self._release.feed(piece))

    def think(self, piece: str) -> None:
        self.thinking += piece
        self._emit(Thought(piece, self.thinking))

    def finish(self, whole: str) -> None:
        """The model's answer is complete; one of which nothing was shown was meant to be silent."""
        self._say(self._release.finish())
        self.silent = bool(whole.strip()) and len(self.text) == self._before
        self._pause()

    def _pause(self) -> None:
        self._gap = "\n\n" if self.text else ""

    def _say(self, piece: str) -> None:
        if not piece:
            return
        if not self.text:
            step("turn.streaming")
        piece, self._gap = self._gap + piece, ""
        self.text += piece
        self._emit(Delta(piece, self.text))
        self._show(self.text)
