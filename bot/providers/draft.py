"""The parts of an answer while they arrive: reasoning apart, calls written as text found."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bot import jsonio
from bot.providers.raw_calls import RawCalls
from bot.providers.think import ThinkSplitter
from bot.types import Entry, Stop, TextDelta, ThinkDelta, ToolCall, Usage

Deltas = list[TextDelta | ThinkDelta]

MAX_ARGUMENTS = 1 << 20


class Draft:
    """One answer. `tools` are those on offer: with some, calls written as text are looked for."""

    def __init__(self, tools: Collection[str] = ()) -> None:
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._splitter = ThinkSplitter()
        self._raw = RawCalls(tools) if tools else None

    def say(self, text: str) -> Deltas:
        """Take a piece of the answer as the model wrote it; what of it can be shown."""
        return self._shown(self._splitter.feed(text))

    def think(self, text: str) -> Deltas:
        """Take a piece of the reasoning."""
        self._thinking.append(text)
        return [ThinkDelta(text)]

    def end(self) -> Deltas:
        """What was held back; call it once, when nothing follows."""
        deltas = self._shown(self._splitter.end())
        if self._raw is not None and (rest := self._raw.end()):
            self._text.append(rest)
            deltas.append(TextDelta(rest))
        return deltas

    def written(self, made: Sequence[ToolCall] = ()) -> list[ToolCall]:
        """The calls written as text, without those that were also made as they should be."""
        known = [(call.name, call.args) for call in made]
        found = self._raw.calls if self._raw else []
        return [
            ToolCall(new_id(), name, jsonio.dumps(args), args)
            for name, args in found
            if (name, args) not in known
        ]

    def entry(
        self,
        at: float,
        model: str,
        stop: Stop,
        calls: Sequence[ToolCall],
        usage: Usage | None,
        wire: Mapping[str, Any] | None = None,
    ) -> Entry:
        """The assistant's entry."""
        return Entry(
            role="assistant",
            text="".join(self._text),
            at=at,
            calls=tuple(calls),
            stop=stop,
            usage=usage,
            thinking="".join(self._thinking),
            model=model,
            wire=wire,
        )

    def _shown(self, deltas: Deltas) -> Deltas:
        """Keep what comes out, without calls written as text."""
        kept: Deltas = []
        for delta in deltas:
            if isinstance(delta, ThinkDelta):
                self._thinking.append(delta.text)
            else:
                text = delta.text if self._raw is None else self._raw.feed(delta.text)
                if not text:
                    continue
                self._text.append(text)
                delta = TextDelta(text)
            kept.append(delta)
        return kept


def new_id() -> str:
    """An id for a call that came without one."""
    return f"call_{uuid.uuid4().hex[:24]}"


def with_ids(calls: Sequence[ToolCall]) -> list[ToolCall]:
    """The calls, each with an id of its own: some servers send none, or one for all."""
    used: set[str] = set()
    named: list[ToolCall] = []
    for call in calls:
        id = call.id if call.id and call.id not in used else new_id()
        used.add(id)
        named.append(ToolCall(id, call.name, call.arguments, call.args))
    return named


def arguments_of(text: str) -> dict[str, Any] | None:
    """The arguments as an object, None when they are not one; no text at all is no arguments."""
    if not text.strip():
        return {}
    try:
        args = jsonio.loads(text, max_bytes=MAX_ARGUMENTS)
    except ValueError:
        return None
    return args if isinstance(args, dict) else None


def count(value: Any) -> int | None:
    """A token count, None when it is missing or of a wrong type."""
    return value if type(value) is int and value >= 0 else None


def string(value: Any) -> str:
    """Text, or none where a server sent something else."""
    return value if isinstance(value, str) else ""
