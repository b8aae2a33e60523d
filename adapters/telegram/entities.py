"""Decodes message entities to plain Markdown (core.telegram.org/bots/api#messageentity).

What people typed stays as they typed it: nothing is escaped, only formatting becomes visible.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from adapters.fields import Event, item, line, number
from adapters.telegram.fields import identifier

# Twice what a message may carry; bounds the work on an event made to cost time.
MOST = 200

_MARKS = {"bold": "**", "italic": "_", "strikethrough": "~~", "spoiler": "||"}
_QUOTES = {"blockquote", "expandable_blockquote"}
_VISIBLE = {*_MARKS, *_QUOTES, "code", "pre", "text_link"}


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity over the code points `start` to `end` of a text; `value` is what it points to."""

    kind: str
    start: int
    end: int
    value: str = ""


def read(text: str, events: Sequence[Event]) -> list[Entity]:
    """The entities of a text, in order, outer before inner. Raises BadEvent for wrong types."""
    if not events:
        return []
    index = _code_points(text)
    found = [_entity(event, index) for event in events[:MOST]]
    kept = [entity for entity in found if entity.start < entity.end]
    return sorted(kept, key=lambda entity: (entity.start, -entity.end))


def _entity(event: Event, index: list[int]) -> Entity:
    last = len(index) - 1
    offset = min(max(number(event, "offset") or 0, 0), last)
    end = min(max(offset + (number(event, "length") or 0), offset), last)
    kind = line(event, "type")
    value = line(event, "url") or line(event, "language")
    if kind == "text_mention" and (user := item(event, "user")):
        value = identifier(user)
    return Entity(kind, index[offset], index[end], value)


def _code_points(text: str) -> list[int]:
    """UTF-16 offset -> code point index; an offset inside a pair stands for the pair's start."""
    index: list[int] = []
    for at, character in enumerate(text):
        index.extend([at] if character <= "\uffff" else [at, at])
    return [*index, len(text)]


def markdown(text: str, entities: Sequence[Entity], start: int = 0) -> str:
    """The text from `start` on, with its formatting as Markdown and without NUL."""
    shown = [_inside(text, entity, start) for entity in entities if entity.kind in _VISIBLE]
    shown = [entity for entity in shown if entity.start < entity.end]
    decoded = _decode(text, shown, start) if shown else text[start:]
    return decoded.replace("\0", "")


def _inside(text: str, entity: Entity, start: int) -> Entity:
    """The entity without white space at its edges, where Markdown would not see the mark."""
    first, last = max(entity.start, start), max(entity.end, start)
    if entity.kind != "pre":
        piece = text[first:last]
        last -= len(piece) - len(piece.rstrip())
        first += len(piece) - len(piece.lstrip())
    return Entity(entity.kind, first, last, entity.value)


def _decode(text: str, entities: list[Entity], start: int) -> str:
    """Walk over all edges; entities that cross each other are closed and opened again."""
    edges = sorted({start, len(text), *(edge for e in entities for edge in (e.start, e.end))})
    waiting = list(reversed(entities))
    current: list[Entity] = []
    out = _Writer(text)
    for here, there in pairwise(edges):
        active = [entity for entity in current if entity.end > here]
        while waiting and waiting[-1].start <= here:
            active.append(waiting.pop())
        keep = _common(current, active)
        out.close(current[keep:])
        out.open(active[keep:])
        out.write(text[here:there])
        current = active
    out.close(current)
    return "".join(out.parts)


def _common(before: list[Entity], after: list[Entity]) -> int:
    same = 0
    while same < min(len(before), len(after)) and before[same] is after[same]:
        same += 1
    return same


class _Writer:
    """Collects Markdown; knows whether it stands in a quote or in code."""

    def __init__(self, text: str) -> None:
        self.parts: list[str] = []
        self._text = text
        self._quoted = False
        self._code = 0

    def write(self, piece: str) -> None:
        self.parts.append(piece.replace("\n", "\n> ") if self._quoted else piece)

    def open(self, entities: list[Entity]) -> None:
        for entity in entities:
            if entity.kind in _QUOTES:
                self._new_line()
                self.parts.append("> ")
                self._quoted = True
            elif not self._code:
                self.parts.append(self._opening(entity))
            self._code += entity.kind in ("code", "pre")

    def close(self, entities: list[Entity]) -> None:
        for entity in reversed(entities):
            self._code -= entity.kind in ("code", "pre")
            if entity.kind in _QUOTES:
                self._quoted = False
                self._end_line(entity)
            elif not self._code:
                self.parts.append(self._closing(entity))
                if entity.kind == "pre":
                    self._end_line(entity)

    def _opening(self, entity: Entity) -> str:
        if entity.kind == "pre":
            self._new_line()
            return f"{self._fence(entity)}{entity.value}\n"
        if entity.kind == "code":
            return self._ticks(entity, 1)
        return "[" if entity.kind == "text_link" else _MARKS[entity.kind]

    def _closing(self, entity: Entity) -> str:
        if entity.kind == "pre":
            newline = "" if self._text[entity.end - 1] == "\n" else "\n"
            return newline + self._fence(entity)
        if entity.kind == "code":
            return self._ticks(entity, 1)
        return f"]({entity.value})" if entity.kind == "text_link" else _MARKS[entity.kind]

    def _fence(self, entity: Entity) -> str:
        return self._ticks(entity, 3)

    def _ticks(self, entity: Entity, least: int) -> str:
        """Backticks in a number that does not occur inside."""
        runs = {len(run) for run in re.findall("`+", self._text[entity.start : entity.end])}
        while least in runs or (least >= 3 and any(run >= least for run in runs)):
            least += 1
        return "`" * least

    def _new_line(self) -> None:
        if self.parts and not "".join(self.parts[-2:]).endswith(("\n", "> ")):
            self.write("\n")

    def _end_line(self, entity: Entity) -> None:
        """A block needs a line of its own, unless the text ends or goes on with one anyway."""
        if entity.end < len(self._text) and self._text[entity.end] != "\n":
            self.write("\n")
