"""Where a key stands: in the file, in the environment or on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.config.document import Entry, Node
from bot.config.problems import Path, Problem, dotted


@dataclass(slots=True)
class Places:
    """Makes problems with their place. `outside` names the source of values not from the file."""

    file: str
    root: Node
    outside: Mapping[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def problem(self, path: Path, what: str, fix: str, at_key: bool = False) -> None:
        self.problems.append(self._make(path, what, fix, at_key))

    def warning(self, path: Path, what: str, fix: str, at_key: bool = False) -> None:
        self.warnings.append(self._make(path, what, fix, at_key))

    def _make(self, path: Path, what: str, fix: str, at_key: bool) -> Problem:
        if path in self.outside:
            return Problem(self.outside[path], 0, 0, dotted(path), what, fix)
        line, column = self.locate(path, at_key)
        return Problem(self.file, line, column, dotted(path), what, fix)

    def locate(self, path: Path, at_key: bool = False) -> tuple[int, int]:
        """Line and column of a value (or its key); of the nearest parent's key if it is absent."""
        found = self.root.find(path)
        if found is None:
            above = self.root.find(path[:-1])
            short = isinstance(above, Entry) and above.value.kind == "scalar"
            return self.locate(path[:-1], at_key=not short)
        if isinstance(found, Entry):
            found = found.key if at_key or found.value.end == found.value.start else found.value
        return found.line, found.column
