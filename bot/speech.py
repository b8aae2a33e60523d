"""What a run says while it runs: what may be seen becomes events and grows the preview."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Protocol

from bot.events import Body, Delta, Note, Thought
from bot.reply import Redactor, Release, Secrets, visible
from bot.steps import step
from bot.types import Entry, Notice, Reasoning


class Stage(Protocol):
    """Where people see an answer grow."""

    def show(self, text: str) -> None:
        """The whole visible text is this now; shorter than before when a call is made again."""
        ...

    def think(self, text: str) -> None:
        """The reasoning so far, to be seen until the answer begins."""
        ...

    def pause(self) -> None:
        """A call has said all it says; the next may take a while."""
        ...


class Speech:
    """The visible text of a run so far, over all its model calls, and its reasoning.

    `emit` takes each event. `reasoning` says whether people see any of it, and how. `texts` are
    what each call said, `reply_to` is the message that the model asked to answer.
    """

    def __init__(
        self,
        emit: Callable[[Body], None],
        stage: Stage,
        secrets: Secrets,
        reasoning: Reasoning = "off",
    ) -> None:
        self._emit = emit
        self._stage = stage
        self._secrets = secrets
        self._reasoning = reasoning
        self._release, self._redactor = Release(), Redactor(secrets)
        self._before = self._thought = self._shown = 0
        self._gap = ""
        self._ended = True
        self.text = ""
        self.thinking = ""
        self.silent = False
        self.texts: list[str] = []
        self._calls = 0
        self.reply_to: str | None = None

    def resume(self, history: Sequence[Entry], run: str) -> None:
        """Take up what the calls of an interrupted attempt of a run had already said to people."""
        own = list(takewhile(lambda one: one.run == run or one.aside, reversed(history)))
        said = [one for one in reversed(own) if one.role == "assistant" and not one.aside]
        for text in [visible(one.text) for one in said]:
            self._say(text)
            self.texts.append(text)
            self._pause()

    def begin(self) -> None:
        """Another model call begins to answer."""
        self._release, self._redactor = Release(), Redactor(self._secrets)
        self._before, self._thought = len(self.text), len(self.thinking)
        self._ended = False
        self._calls = len(self.texts)

    def rewind(self) -> None:
        """The call that began last is made again: nothing of it counts."""
        self.text, self.thinking = self.text[: self._before], self.thinking[: self._thought]
        self._shown = len(self._secrets.clean(self.thinking))
        del self.texts[self._calls :]
        self._ended = True
        self._pause()
        self._stage.show(self.text)

    def hear(self, piece: str) -> None:
        """A piece of the model's answer: shown as soon as it is sure to be for people."""
        if shown := self._release.feed(piece):
            self._say(self._redactor.feed(shown))

    def note(self, notice: Notice) -> None:
        """What the call lets people know beside its answer."""
        self._emit(Note(notice.code, notice.text))

    def think(self, piece: str) -> None:
        self.thinking += piece
        if self._reasoning == "off":
            return
        thinking = self._secrets.clean(self.thinking)
        if self._reasoning == "stream":
            self._emit(Thought(thinking[self._shown :], thinking))
            self._shown = len(thinking)
        if not self.text:
            self._stage.think(thinking)

    def finish(self, whole: str) -> None:
        """The model's answer is complete; one of which nothing was shown was meant to be silent."""
        self._say(self._redactor.feed(self._release.finish()))
        self._say(self._redactor.finish())
        self.silent = bool(whole.strip()) and len(self.text) == self._before
        self.reply_to = self.reply_to or self._release.reply_to
        self.broke_off()
        self._pause()

    def clean(self, text: str) -> str:
        """A text as it may be kept and shown: without configured secrets."""
        return self._secrets.clean(text)

    def rest(self) -> None:
        """Tools are called now, so nothing more is said for a while."""
        self._stage.pause()

    def broke_off(self) -> None:
        """Nothing more comes of the call that is under way; what it said so far is kept."""
        if not self._ended:
            self.texts.append(self.text[self._before :].strip())
            self._ended = True

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
        self._stage.show(self.text)
