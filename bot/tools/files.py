"""Files of the agent's workspace: read, write, edit, patch. Nothing outside it is reached.

`read` reaches into the folders of attached skills too, and for some agents into these alone.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.context.memory import Scope, may_touch
from bot.errors import PathError
from bot.filenames import shown
from bot.folder import Change, Content, Folder, Names
from bot.tools.files_hunks import applied
from bot.tools.files_patch import FilePatch, PatchError, parsed
from bot.types import Risk, Tool, ToolContext, ToolResult, Turn

MAX_LINES = 2_000
MAX_SHOWN = 45_000  # characters of one answer, so that its last line can say what is left
MAX_PATCHED = 100

_PATH = {"type": "string", "description": "a path in your workspace"}


def as_it_is(turn: Turn, path: Path, text: str) -> str:
    """What a run reads in a file that is no skill's."""
    return text


@dataclass(frozen=True, slots=True)
class Files:
    """What the file tools share. `folder` gives an agent's workspace, `skills` the folders of its
    attached skills, `scope` whose memory a run (of an owner, if so) may know. `said` is what a run
    reads in a file with this text.

    Changes are made one at a time, so that none is made on what is not read.
    """

    folder: Callable[[str], Folder]
    skills: Callable[[str], Sequence[Path]]
    scope: Callable[[Turn, bool], Scope]
    said: Callable[[Turn, Path, str], str] = as_it_is
    changing: threading.Lock = field(default_factory=threading.Lock)

    def place(self, path: str, ctx: ToolContext, *, write: bool = True) -> tuple[Folder, Names]:
        """Where a path leads in the workspace. Raises PathError."""
        folder = self.folder(ctx.turn.session.agent)
        names = folder.names(path)
        if names is None:
            raise PathError(f"{shown(path)} lies outside the workspace")
        if not may_touch(self.scope(ctx.turn, ctx.owner), "/".join(names), write=write):
            raise PathError(f"{shown(path)} is not for who asks here")
        return folder, names

    def readable(self, path: str, ctx: ToolContext) -> tuple[Folder, Names]:
        """Where a path leads in the workspace or an attached skill. Raises PathError."""
        agent = ctx.turn.session.agent
        workspace = self.folder(agent)
        inside = workspace.names(path)
        full = path if inside is None else str(workspace.path.absolute().joinpath(*inside))
        for skill in (Folder(one, linked=True) for one in self.skills(agent)):
            if (found := skill.names(full)) is not None:
                # What lies in the workspace too may be written by a model: it is read as such.
                return (skill, found) if inside is None else (workspace, inside)
        if inside is not None and ctx.skills_only:
            raise PathError(f"{shown(path)} is not a file of an attached skill")
        return self.place(path, ctx, write=False)


def file_tools(files: Files) -> list[Tool]:
    return [Read(files), Write(files), Edit(files), ApplyPatch(files)]


class _FileTool:
    """Does its work in a thread and tells what is wrong with a path as the call's error."""

    risk: Risk = "write"
    repeatable = False
    tags: Collection[str] = ()

    def __init__(self, files: Files) -> None:
        self.files = files

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        try:
            return ToolResult(await asyncio.to_thread(self.work, args, ctx))
        except (PathError, PatchError) as error:
            return ToolResult(sentence(str(error)), is_error=True)

    def work(self, args: Mapping[str, Any], ctx: ToolContext) -> str:
        raise NotImplementedError


class Read(_FileTool):
    """Reads a file by lines, or lists a folder."""

    name = "read"
    description = (
        "Read a text file of your workspace or of a skill, or list a folder. Long files come in "
        "parts: go on with from."
    )
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "a path in your workspace or of a skill"},
            "from": {"type": "integer", "minimum": 1, "description": "the first line"},
            "lines": {"type": "integer", "minimum": 1, "description": "how many lines"},
        },
        "required": ["path"],
        "additionalProperties": False,
    }
    risk: Risk = "read"
    repeatable = True

    def work(self, args: Mapping[str, Any], ctx: ToolContext) -> str:
        folder, names = self.files.readable(args["path"], ctx)
        if folder.is_folder(names):
            return "\n".join(folder.list(names)) or "(an empty folder)"
        text = text_of(folder.read(names), args["path"])
        text = self.files.said(ctx.turn, folder.path.joinpath(*names), text)
        return part(text, args.get("from", 1), min(args.get("lines", MAX_LINES), MAX_LINES))


class Write(_FileTool):
    """Writes a whole file."""

    name = "write"
    description = "Write a file of your workspace, whole; folders on the way are made."
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {"path": _PATH, "content": {"type": "string"}},
        "required": ["path", "content"],
        "additionalProperties": False,
    }

    def work(self, args: Mapping[str, Any], ctx: ToolContext) -> str:
        folder, names = self.files.place(args["path"], ctx)
        with self.files.changing:
            before = folder.stamp(names)
            folder.change([Change(names, data_of(args["content"]), before)])
        verb = "Wrote" if before else "Created"
        return f"{verb} {'/'.join(names)} ({len(args['content']):,} characters)."


class Edit(_FileTool):
    """Replaces a piece of a file."""

    name = "edit"
    description = (
        "Replace text in a file of your workspace. old must be there exactly once, word for word "
        "with its blanks and line ends, unless all is true."
    )
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "path": _PATH,
            "old": {"type": "string", "description": "the text as it is now"},
            "new": {"type": "string", "description": "what stands there instead"},
            "all": {"type": "boolean", "description": "replace it wherever it is"},
        },
        "required": ["path", "old", "new"],
        "additionalProperties": False,
    }

    def work(self, args: Mapping[str, Any], ctx: ToolContext) -> str:
        folder, names = self.files.place(args["path"], ctx)
        old, new = args["old"], args["new"]
        with self.files.changing:
            content = folder.read(names)
            text = text_of(content, args["path"])
            if "\r\n" in text and "\r\n" not in old:
                old, new = with_ends(old, "\r\n"), with_ends(new, "\r\n")
            count = _found(text, old, new, bool(args.get("all")))
            data = data_of(text.replace(old, new))
            folder.change([Change(names, data, content.stamp)])
        return f"Replaced it {count} times." if count > 1 else "Replaced it once."


class ApplyPatch(_FileTool):
    """Changes several files, or none."""

    name = "apply_patch"
    description = (
        "Change several files of your workspace at once, or none when a part does not fit. The "
        "patch stands between *** Begin Patch and *** End Patch, in sections *** Add File: path, "
        "*** Update File: path (with *** Move to: path) and *** Delete File: path; lines begin "
        "with a blank, - or +, and @@ divides the places. A unified diff works too."
    )
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {"patch": {"type": "string"}},
        "required": ["patch"],
        "additionalProperties": False,
    }

    def work(self, args: Mapping[str, Any], ctx: ToolContext) -> str:
        patches = parsed(args["patch"])
        if len(patches) > MAX_PATCHED:
            raise PatchError(f"the patch has more than {MAX_PATCHED} files; divide it")
        with self.files.changing:
            changes: dict[Names, Change] = {}
            folder = self.files.folder(ctx.turn.session.agent)
            for patch in patches:
                for change in self._changes(folder, patch, ctx):
                    if change.names in changes:
                        where = shown("/".join(change.names))
                        raise PatchError(f"{where} is in the patch twice; put its parts together")
                    changes[change.names] = change
            folder.change(list(changes.values()))
        return "\n".join(_told(patch) for patch in patches)

    def _changes(self, folder: Folder, patch: FilePatch, ctx: ToolContext) -> list[Change]:
        _, names = self.files.place(patch.path, ctx)
        if patch.kind == "add":
            if folder.stamp(names) is not None:
                raise PatchError(f"{shown(patch.path)} is there already; update it instead")
            return [Change(names, data_of(patch.content), None)]
        content = folder.read(names)
        if patch.kind == "delete":
            return [Change(names, None, content.stamp)]
        data = data_of(applied(text_of(content, patch.path), patch))
        if patch.move_to is None:
            return [Change(names, data, content.stamp)]
        _, target = self.files.place(patch.move_to, ctx)
        if target == names:
            return [Change(names, data, content.stamp)]
        if folder.stamp(target) is not None:
            raise PatchError(f"{shown(patch.move_to)} is there already; nothing is moved over it")
        return [Change(target, data, None), Change(names, None, content.stamp)]


def _told(patch: FilePatch) -> str:
    verb = {"add": "Added", "delete": "Deleted", "update": "Updated"}[patch.kind]
    return f"{verb} {patch.path}" + (f", now {patch.move_to}" if patch.move_to else "")


def _found(text: str, old: str, new: str, everywhere: bool) -> int:
    """How often `old` is in a text, when that may be replaced. Raises PatchError."""
    if not old:
        raise PatchError("`old` is empty; say which text to replace, or use write")
    if old == new:
        raise PatchError("`old` and `new` are the same; nothing to change")
    count = text.count(old)
    if not count:
        raise PatchError("`old` is not in the file (0 times); read the file and copy it exactly")
    if count > 1 and not everywhere:
        raise PatchError(
            f"`old` is in the file {count} times; give more of the text around it, or set `all`"
        )
    return count


def part(text: str, first: int, lines: int) -> str:
    """Some lines of a text, and a last line that says what is left of it."""
    if not text:
        return "(an empty file)"
    every = text.split("\n")
    count = len(every) - (every[-1] == "")
    if first > count:
        raise PathError(f"it has {count} lines, none from {first} on")
    chosen: list[str] = []
    room = MAX_SHOWN
    for line in every[first - 1 : first - 1 + lines]:
        if len(line) + 1 > room and chosen:
            break
        chosen.append(line if len(line) < room else f"{line[:room]}[... the line goes on]")
        room -= len(line) + 1
    last = first - 1 + len(chosen)
    if last >= count:
        return "\n".join([*chosen, *every[last:]])
    more = f"[lines {first} to {last} of {count}; go on with from: {last + 1}]"
    return "\n".join([*chosen, more])


def text_of(content: Content, path: str) -> str:
    """A file's text. Raises PathError for what is none."""
    if b"\0" not in content.data:
        try:
            return content.data.decode("utf-8")
        except UnicodeDecodeError:
            pass
    size = len(content.data)
    raise PathError(f"{shown(path)} is no text in UTF-8 ({size:,} bytes); image shows images")


def data_of(text: str) -> bytes:
    """A text as it is stored. Raises PathError for what cannot be."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise PathError("the text has half a character in it, which no file can hold") from None


def with_ends(text: str, end: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", end)


def sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
