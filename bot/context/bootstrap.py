"""The files of a workspace that stand in every prompt, cut to what fits.

MEMORY.md is the operator's curated page: private sessions see it, groups never do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.context.reading import Text, read_text, stamp_of
from bot.context.scene import ContextFile, Mode

MAX_FILE = 20_000
MAX_TOTAL = 150_000
MAX_BYTES = 2 << 20
HEAD, TAIL = 0.7, 0.2
MEMORY = "MEMORY.md"
FILES = (
    "AGENTS.md",
    "SOUL.md",
    "TOOLS.md",
    "IDENTITY.md",
    "USER.md",
    "HEARTBEAT.md",
    "BOOTSTRAP.md",
    MEMORY,
)
_MINIMAL = ("AGENTS.md", "TOOLS.md")
# Files that a workspace need not have: nothing is said when they are absent.
_OPTIONAL = frozenset({"USER.md", "HEARTBEAT.md", "BOOTSTRAP.md", MEMORY})
_LEAST = 1000


def wanted(mode: Mode, private: bool) -> tuple[str, ...]:
    """The files that a prompt of this mode holds, in order."""
    if mode == "none":
        return ()
    if mode == "minimal":
        return _MINIMAL
    return FILES if private else tuple(name for name in FILES if name != MEMORY)


class Shelf:
    """Reads the files of workspaces, again only when they have changed."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, str], Text] = {}

    def files(self, folder: Path, names: Iterable[str]) -> tuple[ContextFile, ...]:
        """The files as they are now, fit for a prompt. Blocks; raises nothing."""
        return fitted((name, self._text(folder, name)) for name in names)

    def watched(self, folder: Path, names: Iterable[str]) -> list[str]:
        """The paths that differ when another look would see other files."""
        return [f"{folder}/{name}" for name in (*names, MEMORY.lower())]

    def changed(
        self, folder: Path, files: Sequence[ContextFile], rows: Sequence[Mapping[str, Any]]
    ) -> tuple[ContextFile, ...]:
        """The files as rows want them: kept, with another text, read from the folder, or gone."""
        known = {(file.name, file.text): file for file in files}
        total, made = MAX_TOTAL, []
        for row in rows:
            name, text = row["name"], row.get("content")
            file = known.get((name, str(text))) if text is not None else None
            if file is None:
                found = Text(text) if text is not None else self._text(folder, name)
                file = _fitted(name, found, min(MAX_FILE, total))
            total = max(0, total - len(file.text))
            made.append(file)
        return tuple(made)

    def _text(self, folder: Path, name: str) -> Text:
        found = self._read(folder, name)
        return self._read(folder, MEMORY.lower()) if found.missing and name == MEMORY else found

    def _read(self, folder: Path, name: str) -> Text:
        known = self._known.get((folder, name))
        if known is None or not known.stamp or known.stamp != stamp_of(folder, name):
            known = self._known[folder, name] = read_text(folder, name, MAX_BYTES)
        return known


def rows_of(files: Iterable[ContextFile]) -> list[dict[str, Any]]:
    """Files as hooks see them."""
    return [
        {"name": file.name, "content": file.text, "missing": file.state == "missing"}
        for file in files
    ]


def fitted(
    texts: Iterable[tuple[str, Text]], each: int = MAX_FILE, total: int = MAX_TOTAL
) -> tuple[ContextFile, ...]:
    """Files cut to `each` and together to `total` characters; what is not there leaves a marker."""
    files = []
    for name, found in texts:
        file = _fitted(name, found, min(each, total))
        total -= len(file.text)
        files.append(file)
    return tuple(files)


def _fitted(name: str, found: Text, room: int) -> ContextFile:
    text, raw = found.text.strip(), len(found.text)
    if found.missing:
        said = "" if name in _OPTIONAL else f"[{name} is missing]"
        return ContextFile(name, 0, said[:room], "missing")
    if found.problem is not None:
        return ContextFile(name, 0, f"[{name} was not read: {found.problem}]"[:room], "refused")
    if len(text) <= room:
        return ContextFile(name, raw, text, "whole")
    if room < _LEAST:
        said = f"[{name} was left out: no room]"
        return ContextFile(name, raw, said if len(said) <= room else "", "left out")
    return ContextFile(name, raw, cut(text, room, name), "cut")


def cut(text: str, room: int, name: str) -> str:
    """The head and the tail of a text, with a marker between them that says so."""
    head, tail = int(room * HEAD), int(room * TAIL)
    marker = f"\n[... {len(text) - head - tail:,} characters of {name} were cut here ...]\n"
    return text[:head] + marker + text[len(text) - tail :]
