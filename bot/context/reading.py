"""Text files that go into prompts and indexes, read without trust and without raising."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bot.errors import PathError
from bot.filenames import names_of
from bot.folder import Folder, Stamp


@dataclass(frozen=True, slots=True)
class Text:
    """A file's text, or in `problem` why there is none. `stamp` differs when the file does."""

    text: str = ""
    stamp: Stamp | None = None
    problem: str | None = None
    missing: bool = False


def read_text(root: Path, path: str, limit: int, *, linked: bool = False) -> Text:
    """A UTF-8 file of at most `limit` bytes below a root; `linked` as in `Folder`. Blocks."""
    # Looked at before it is read: what changes in between is seen the next time.
    stamp = stamp_of(root, path)
    if stamp is None:
        return Text(problem="it is not there", missing=True)
    try:
        content = Folder(root, linked=linked).read(names_of(path), limit)
        return Text(_decoded(content.data), stamp)
    except PathError as error:
        return Text(problem=str(error), stamp=stamp)


def stamp_of(root: Path, path: str) -> Stamp | None:
    """What differs when the file does, None when there is none. Blocks.

    Only to know whether to read again: whether it may be read at all is found out when it is.
    """
    try:
        return Stamp.of(os.lstat(f"{root}/{path}"))
    except (OSError, ValueError):
        return None


def _decoded(data: bytes) -> str:
    if b"\0" in data:
        raise PathError("it is not text")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise PathError(f"it is not UTF-8 text, at byte {error.start}") from None
