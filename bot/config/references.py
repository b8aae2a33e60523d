"""`${NAME}`, `${NAME:-default}` and `$${` in the values of a document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.config.document import Node
from bot.config.problems import Path, Problem, dotted

_REFERENCE = re.compile(r"\$(\$?)\{([^}]*)(\}?)")
_INSIDE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


class FromEnv(str):
    """Text that came from the environment: it may stand for a number, a flag or a list."""

    __slots__ = ("names", "whole")
    names: tuple[str, ...]
    whole: bool


@dataclass(slots=True)
class Resolver:
    """Fills references from `env`; `used` are the names asked for, `unset` the paths without."""

    env: Mapping[str, str]
    file: str
    problems: list[Problem] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    unset: set[Path] = field(default_factory=set)

    def resolve(self, node: Node) -> Any:
        """The document's data with every reference filled."""
        return self._value(node, (), lenient=False)

    def _value(self, node: Node, path: Path, lenient: bool) -> Any:
        if node.kind == "mapping":
            return self._mapping(node, path, lenient)
        if node.kind == "sequence":
            items = [self._value(n, (*path, i), lenient) for i, n in enumerate(node.items)]
            return [item for item in items if item is not Unset]
        data = node.data
        return self._text(data, node, path, lenient) if isinstance(data, str) else data

    def _mapping(self, node: Node, path: Path, lenient: bool) -> dict[str, Any]:
        lenient = lenient or self._disabled(node)
        values = {
            e.key.text: self._value(e.value, (*path, e.key.text), lenient) for e in node.entries
        }
        return {key: value for key, value in values.items() if value is not Unset}

    def _disabled(self, node: Node) -> bool:
        """What is switched off may name variables that are not set."""
        entry = next((entry for entry in node.entries if entry.key.text == "enabled"), None)
        if entry is None or entry.value.kind != "scalar":
            return False
        quiet = Resolver(self.env, self.file)
        return str(quiet.resolve(entry.value)).lower() == "false"

    def _text(self, text: str, node: Node, path: Path, lenient: bool) -> Any:
        if "${" not in text:
            return text
        names: list[str] = []
        missing: list[str] = []

        def fill(match: re.Match[str]) -> str:
            escaped, inside, closed = match.groups()
            if escaped:
                return match.group(0)[1:]
            parts = _INSIDE.fullmatch(inside) if closed else None
            if parts is None:
                missing.append("")
                return ""
            name, default = parts.groups()
            names.append(name)
            value = self.env.get(name) or default
            if value is None:
                missing.append(name)
            return value or ""

        filled = _REFERENCE.sub(fill, text)
        self.used.update(names)
        if missing:
            return self._missing(missing, node, path, lenient)
        return self._marked(filled, names, text) if names else filled

    def _missing(self, missing: list[str], node: Node, path: Path, lenient: bool) -> Any:
        self.unset.add(path)
        if "" in missing:
            what = "the reference is not complete"
            self._report(
                node, path, what, "write ${NAME} or ${NAME:-default}, or $${ for the text ${"
            )
        elif not lenient:
            for name in missing:
                state = "is empty" if name in self.env else "is not set"
                what, fix = (
                    f"the variable {name} {state}",
                    f"set {name}, or write ${{{name}:-default}}",
                )
                self._report(node, path, what, fix)
        return Unset

    def _marked(self, filled: str, names: list[str], text: str) -> FromEnv:
        value = FromEnv(filled)
        value.names = tuple(names)
        value.whole = bool(re.fullmatch(r"\$\{[^}]*\}", text))
        return value

    def _report(self, node: Node, path: Path, what: str, fix: str) -> None:
        self.problems.append(Problem(self.file, node.line, node.column, dotted(path), what, fix))


class _UnsetType:
    """Marks a value whose variable is not set: the key counts as absent."""


Unset = _UnsetType()
