"""Reads patches: the format between `*** Begin Patch` and `*** End Patch`, and unified diffs. Pure.

Models write both with small faults; what is meant beyond doubt is taken, the rest is refused with
the number of the line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import dropwhile
from typing import Literal

from bot.errors import TrunklineError
from bot.filenames import shown

_FENCE = re.compile(r"```\w*\s*|<<-?\s*['\"]?\w+['\"]?|EOF")
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@ ?(.*)")
_NO_END = "\\ No newline at end of file"
_HEADERS = ("diff --git ", "index ", "similarity ", "dissimilarity ", "old mode ", "new mode ")


class PatchError(TrunklineError):
    """A patch or an edit that cannot be understood or does not fit; `str()` says why."""


@dataclass(slots=True)
class Hunk:
    """One place of a file: its lines as they are and as they shall be.

    `anchors` are lines that stand somewhere before it, `line` is where it is said to begin (from
    1), `at_end`: it is the file's end, `ends`: whether the new file ends with a line end, None: as
    before.
    """

    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    anchors: list[str] = field(default_factory=list)
    line: int | None = None
    at_end: bool = False
    ends: bool | None = None


@dataclass(slots=True)
class FilePatch:
    """What becomes of one file. `content` is the whole of an added one."""

    kind: Literal["add", "update", "delete"]
    path: str
    move_to: str | None = None
    content: str = ""
    hunks: list[Hunk] = field(default_factory=list)


def parsed(text: str) -> list[FilePatch]:
    """The files of a patch. Raises PatchError."""
    lines = text.replace("\r\n", "\n").strip("\n").split("\n")
    while lines and _FENCE.fullmatch(lines[0].strip()):
        lines.pop(0)
    while lines and _FENCE.fullmatch(lines[-1].strip()):
        lines.pop()
    begun = any(line.strip() == "*** Begin Patch" for line in lines[:1])
    patches = _Sections(lines).read() if begun else _Diff(lines).read()
    if not patches:
        raise PatchError("the patch changes no file")
    return patches


class _Lines:
    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._at = 0

    @property
    def line(self) -> str | None:
        return self._lines[self._at] if self._at < len(self._lines) else None

    def next(self) -> str:
        self._at += 1
        return self._lines[self._at - 1]

    def wrong(self, what: str) -> PatchError:
        return PatchError(f"line {self._at + 1} of the patch {what}")


class _Sections(_Lines):
    """The format with a section for each file."""

    def read(self) -> list[FilePatch]:
        self.next()
        patches: list[FilePatch] = []
        while self.line is not None and self.line.strip() != "*** End Patch":
            if not self.line.strip():
                self.next()
            elif path := self._path("*** Add File:"):
                patches.append(FilePatch("add", path, content=self._added()))
            elif path := self._path("*** Delete File:"):
                patches.append(FilePatch("delete", path))
            elif path := self._path("*** Update File:"):
                patches.append(self._updated(path))
            else:
                raise self.wrong(
                    "is not *** Add File:, *** Update File: or *** Delete File: with a path"
                )
        if self.line is None:
            raise PatchError("the patch does not end with *** End Patch; is it cut off?")
        return patches

    def _path(self, mark: str) -> str | None:
        line = self.line or ""
        path = line.removeprefix(mark).strip() if line.startswith(mark) else ""
        if path:
            self.next()
        return path or None

    def _added(self) -> str:
        lines = []
        while self.line is not None and self.line.startswith("+"):
            lines.append(self.next()[1:])
        return "".join(f"{line}\n" for line in lines)

    def _updated(self, path: str) -> FilePatch:
        patch = FilePatch("update", path, self._path("*** Move to:"))
        while self.line is not None and not self._is_section():
            if patch.hunks and not self.line.strip() and self._next_is_section():
                self.next()
                continue
            patch.hunks.append(self._hunk(first=not patch.hunks))
        if not patch.hunks and patch.move_to is None:
            raise self.wrong(f"ends the section of {shown(path)}, which changes nothing")
        return patch

    def _is_section(self) -> bool:
        line = self.line or ""
        return line.startswith("*** ") and line.strip() != "*** End of File"

    def _next_is_section(self) -> bool:
        later = self._lines[self._at + 1 :]
        return not later or later[0].startswith("*** ")

    def _hunk(self, first: bool) -> Hunk:
        hunk = Hunk()
        if not (self.line or "").startswith("@@") and not first:
            raise self.wrong("begins with none of: a blank, +, -, @@")
        while self.line is not None and self.line.startswith("@@"):
            line = self.next()
            if numbered := _HUNK.fullmatch(line):
                hunk.line = int(numbered[1])
            elif anchor := line.removeprefix("@@").removesuffix("@@").strip():
                hunk.anchors.append(anchor)
        while self.line is not None and not self.line.startswith("@@") and not self._is_section():
            if self.line.strip() == "*** End of File":
                self.next()
                hunk.at_end = True
                break
            if not self.line and self._next_is_section():
                break
            if not _take(hunk, self.line):
                raise self.wrong("begins with none of: a blank, +, -, @@")
            self.next()
        if not hunk.old and not hunk.new:
            raise self.wrong("has a place without a line to change")
        return hunk


class _Diff(_Lines):
    """A unified diff, as `diff -u` and `git diff` write it."""

    def read(self) -> list[FilePatch]:
        patches: list[FilePatch] = []
        moved: str | None = None
        while self.line is not None:
            line = self.line
            if line.startswith("rename from "):
                moved = self.next().removeprefix("rename from ")
            elif line.startswith("rename to ") and moved is not None:
                patches.append(FilePatch("update", moved, self.next().removeprefix("rename to ")))
                moved = None
            elif line.startswith("--- "):
                self._file(patches)
            elif not line.strip() or line.startswith((*_HEADERS, "new file ", "deleted file ")):
                self.next()
            else:
                raise self.wrong("is no patch: begin with *** Begin Patch, or with --- and +++")
        return patches

    def _file(self, patches: list[FilePatch]) -> None:
        old = _diff_path(self.next(), "--- ")
        if not (self.line or "").startswith("+++ "):
            raise self.wrong("should name the new file with +++")
        new = _diff_path(self.next(), "+++ ")
        hunks = []
        while (self.line or "").startswith("@@"):
            hunks.append(self._hunk())
        if not hunks:
            raise self.wrong("should begin a place with @@")
        if old is None and new is not None:
            ended = hunks[-1].ends is not False
            content = "\n".join(line for hunk in hunks for line in hunk.new)
            patches.append(FilePatch("add", new, content=content + "\n" * ended))
        elif new is None and old is not None:
            patches.append(FilePatch("delete", old))
        elif old is not None and new is not None:
            last = patches[-1] if patches else None
            if last is not None and (last.path, last.move_to) == (old, new) and not last.hunks:
                last.hunks = hunks
            else:
                patches.append(FilePatch("update", old, new if new != old else None, hunks=hunks))

    def _hunk(self) -> Hunk:
        numbers = _HUNK.match(self.next())
        hunk = Hunk(line=int(numbers[1]) if numbers else None)
        while self.line is not None and not self.line.startswith("@@") and not self._is_over():
            if self.line == _NO_END:
                # Said of an old line alone, it means that the new file has an end.
                hunk.ends = self._lines[self._at - 1].startswith("-")
            elif not _take(hunk, self.line):
                raise self.wrong("begins with none of: a blank, +, -")
            self.next()
        return hunk

    def _is_over(self) -> bool:
        """Does another file begin here, or behind the empty lines here?"""
        rest = list(dropwhile(lambda line: not line, self._lines[self._at : self._at + 20]))
        if not rest or rest[0].startswith("diff --git "):
            return True
        return [one[:4] for one in rest[:3]] == ["--- ", "+++ ", "@@ -"]


def _take(hunk: Hunk, line: str) -> bool:
    """Add a line to a place; False for one that belongs to none."""
    sign, rest = line[:1], line[1:]
    if sign not in ("", " ", "+", "-"):
        return False
    # Models and editors often lose the blank of an empty line.
    if sign != "+":
        hunk.old.append(rest)
    if sign != "-":
        hunk.new.append(rest)
    return True


def _diff_path(line: str, mark: str) -> str | None:
    """The path of a `---` or `+++` line, None for no file at all."""
    path = line.removeprefix(mark).partition("\t")[0].strip().strip('"')
    if path == "/dev/null":
        return None
    return path[2:] if path.startswith(("a/", "b/")) else path
