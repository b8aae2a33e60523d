"""A YAML 1.2 text as a tree of nodes that know where they stand, without tags or surprises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)
from ruamel.yaml.reader import ReaderError

from bot.config.problems import Path, Problem
from bot.errors import ConfigError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_NODES = 100_000

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {"": None, "~": None}
_WORDS |= dict.fromkeys(("null", "Null", "NULL"))
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True)
_WORDS |= dict.fromkeys(("false", "False", "FALSE"), False)


@dataclass(slots=True)
class Node:
    """A value in the file: offsets `start` to `end` in the text, line and column from 1."""

    kind: str  # scalar, mapping, sequence
    start: int
    end: int
    line: int
    column: int
    flow: bool = True
    text: str = ""
    plain: bool = True
    entries: list[Entry] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    size: int = 1

    @property
    def data(self) -> Any:
        """The value as plain Python data; a number keeps its text where it would lose digits."""
        if self.kind == "mapping":
            return {entry.key.text: entry.value.data for entry in self.entries}
        if self.kind == "sequence":
            return [item.data for item in self.items]
        return scalar(self.text) if self.plain else self.text

    def find(self, path: Path) -> Entry | Node | None:
        """The entry (of a mapping) or item (of a list) at a path; None when there is none."""
        found: Entry | Node | None = self
        for part in path:
            node = found.value if isinstance(found, Entry) else found
            found = node.child(part) if node else None
        return found

    def child(self, part: str | int) -> Entry | Node | None:
        if self.kind == "mapping":
            return next((entry for entry in self.entries if entry.key.text == str(part)), None)
        if self.kind == "sequence" and str(part).isdecimal() and int(part) < len(self.items):
            return self.items[int(part)]
        return None


@dataclass(slots=True)
class Entry:
    """One `key: value` of a mapping."""

    key: Node
    value: Node


def scalar(text: str) -> Any:
    """What a plain scalar means in YAML 1.2: `off`, `no` and `04:00` are text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text) and len(text) <= 20:
        return int(text)
    if _FLOAT.fullmatch(text) and not text.lstrip("+-").isdecimal():
        return float(text)
    return text


def parse(text: str, file: str, problems: list[Problem]) -> Node:
    """Read one document; what does not end the reading is added to `problems`.

    Raises ConfigError, with those too, when the text cannot be read to its end.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise ConfigError([Problem(file, 1, 1, "", "is larger than 1 MiB", "split or shorten it")])
    try:
        builder = _Builder(text, file, problems)
        return builder.document()
    except MarkedYAMLError as error:
        raise ConfigError([*problems, _syntax(error, text, file)]) from None
    except ReaderError as error:
        raise ConfigError([*problems, _unreadable(error, text, file)]) from None


class _Builder:
    """Builds the tree from parser events."""

    def __init__(self, text: str, file: str, problems: list[Problem]) -> None:
        self.text = text
        self.events: Iterator[Event] = YAML(typ="safe", pure=True).parse(text)
        self.file = file
        self.problems = problems
        self.anchors: dict[str, Node] = {}
        self.nodes = 0

    def document(self) -> Node:
        root = Node("mapping", 0, 0, 1, 1, flow=False)
        seen = False
        for event in self.events:
            if isinstance(event, (StreamStartEvent, StreamEndEvent, DocumentEndEvent)):
                continue
            if isinstance(event, DocumentStartEvent):
                if seen:
                    raise ConfigError([self._problem(event, "a second document", "keep only one")])
                continue
            seen = True
            root = self._node(event, 0)
        if root.kind == "scalar" and root.data is None:
            return Node("mapping", root.start, root.start, root.line, root.column, flow=False)
        return root

    def _node(self, event: Event, depth: int) -> Node:
        if isinstance(event, AliasEvent):
            return self._alias(event)
        if getattr(event, "tag", None):
            self.problems.append(self._problem(event, "tags are not allowed", "remove the tag"))
        node = self._build(event, depth)
        self._count(event, 1)
        if anchor := getattr(event, "anchor", None):
            self.anchors[anchor] = node
        return node

    def _build(self, event: Event, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise ConfigError([self._problem(event, "is nested too deeply", "use fewer levels")])
        start, end = event.start_mark, event.end_mark
        node = Node("scalar", start.index, end.index, start.line + 1, start.column + 1)
        if isinstance(event, ScalarEvent):
            node.text = event.value
            node.plain = event.style is None or event.style == ""
        elif isinstance(event, MappingStartEvent):
            self._mapping(node, event, depth)
        elif isinstance(event, SequenceStartEvent):
            self._sequence(node, event, depth)
        return node

    def _mapping(self, node: Node, event: MappingStartEvent, depth: int) -> None:
        node.kind, node.flow = "mapping", bool(event.flow_style)
        keys: dict[str, Node] = {}
        for part in self.events:
            if isinstance(part, MappingEndEvent):
                self._close(node, part)
                return
            key = self._node(part, depth + 1)
            if key.kind != "scalar":
                self.problems.append(self._problem(part, "a key must be text", "write a name"))
            elif key.text in keys:
                first = keys[key.text].line
                what = f"the key stands twice (first on line {first})"
                self.problems.append(self._problem(part, what, "keep one of the two", key.text))
            keys[key.text] = key
            value = self._node(next(self.events), depth + 1)
            self._settle(value, key)
            node.entries.append(Entry(key, value))
            node.size += 1 + value.size

    def _settle(self, value: Node, key: Node) -> None:
        """An empty value stands right behind its colon; the parser's mark is at the next token."""
        if value.kind == "scalar" and value.plain and not value.text and value.start == value.end:
            colon = re.compile(r"\s*:").match(self.text, key.end)
            value.start = value.end = colon.end() if colon else key.end

    def _sequence(self, node: Node, event: SequenceStartEvent, depth: int) -> None:
        node.kind, node.flow = "sequence", bool(event.flow_style)
        for part in self.events:
            if isinstance(part, SequenceEndEvent):
                self._close(node, part)
                return
            item = self._node(part, depth + 1)
            node.items.append(item)
            node.size += item.size

    def _close(self, node: Node, event: Event) -> None:
        """A block collection ends with its last value: the parser's mark is beyond comments."""
        last = node.entries[-1].value if node.entries else node.items[-1] if node.items else None
        node.end = event.end_mark.index if node.flow or last is None else last.end

    def _alias(self, event: AliasEvent) -> Node:
        known = self.anchors.get(str(event.anchor))
        start = event.start_mark
        place = (start.index, event.end_mark.index, start.line + 1, start.column + 1)
        if known is None:
            what, fix = f"*{event.anchor} names no anchor above", f"define &{event.anchor} first"
            self.problems.append(self._problem(event, what, fix))
            return Node("scalar", *place)
        self._count(event, known.size)
        return Node(
            known.kind,
            *place,
            True,
            known.text,
            known.plain,
            known.entries,
            known.items,
            known.size,
        )

    def _count(self, event: Event, size: int) -> None:
        self.nodes += size
        if self.nodes > MAX_NODES:
            raise ConfigError([self._problem(event, "aliases make it too large", "use fewer")])

    def _problem(self, event: Event, what: str, fix: str, key: str = "") -> Problem:
        mark = event.start_mark
        return Problem(self.file, mark.line + 1, mark.column + 1, key, what, fix)


def _syntax(error: MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    what = str(error.problem or error.context or "this is not YAML")
    begun = error.context_mark
    if begun and "end of stream" in what:
        line, column, what = begun.line, begun.column, "a quote or bracket is never closed"
    elif begun and begun.line < line:
        what = f"{what} ({error.context} begun on line {begun.line + 1})"
    lines = text.splitlines()
    source = lines[line] if line < len(lines) else ""
    return Problem(file, line + 1, column + 1, "", what, _remedy(source, column, what))


def _remedy(source: str, column: int, what: str) -> str:
    """The usual cause of a syntax error on this line of the file."""
    at = source[column : column + 1]
    if at == "\t" or source.startswith("\t"):
        return "indent with spaces, not tabs"
    if re.search(r"[{\[,]\s*[^\"']*\$\{", source):
        return 'put "${NAME}" in quotes inside { } and [ ]'
    if "never closed" in what:
        return "close it"
    if at in {"@", "`", "%", "*", "&", "!"}:
        return f"put text that begins with {at} in quotes"
    if "mapping values" in what:
        return "check the indentation, and put text that contains a colon and a space in quotes"
    return "check the indentation, brackets and quotes here"


def _unreadable(error: ReaderError, text: str, file: str) -> Problem:
    position = int(error.position)
    before = text[:position]
    line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
    what = f"the character #x{ord(text[position]):04x} is not allowed here"
    return Problem(file, line, column, "", what, "remove it")
