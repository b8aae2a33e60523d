"""What the policy of commands asks of the file system: programs, scripts, the folder."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from bot.tools.exec_policy import Files

LARGEST = 64 << 20
_NAMED = 50
_BETWEEN = re.compile(r"[\s;|&<>()'\"`=]+")


def files_in(cwd: Path, search: str) -> Files:
    """How words are looked up by a command that runs in `cwd` under this PATH."""
    return Files(
        program=lambda word: _program(word, cwd, search), script=lambda word: hashed(word, cwd)
    )


def _program(word: str, cwd: Path, search: str) -> str | None:
    if not word or "\0" in word:
        return None
    places = [cwd] if "/" in word else [Path(one) for one in search.split(os.pathsep)]
    for place in places:
        found = os.path.realpath(place / word)
        if Path(found).is_file() and os.access(found, os.X_OK):
            return found
    return None


def hashed(word: str, cwd: Path) -> tuple[str, str] | None:
    """The regular file that a word names, symlinks followed, and its SHA-256; None for others."""
    if not word or "\0" in word or len(word) > 4096:
        return None
    path = os.path.realpath(cwd / word)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST:
        os.close(handle)
        return None
    with os.fdopen(handle, "rb") as file:
        return path, hashlib.file_digest(file, "sha256").hexdigest()


def named_in(command: str, cwd: Path) -> tuple[tuple[str, str], ...]:
    """The files that a command for the shell seems to name, with their hashes."""
    words = dict.fromkeys(word for word in _BETWEEN.split(command) if word)
    found = (hashed(word, cwd) for word in list(words)[:_NAMED])
    return tuple(one for one in found if one is not None)


def folder(workspace: Path, wanted: str | None) -> Path:
    """The folder of a command, inside the workspace. Raises ValueError with a sentence."""
    root = Path(os.path.realpath(workspace))
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if wanted is None or not wanted.strip():
        return root
    if "\0" in wanted:
        raise ValueError("workdir holds a NUL")
    found = Path(os.path.realpath(root / wanted))
    if not found.is_relative_to(root):
        raise ValueError(f"workdir {wanted} is outside the workspace")
    if not found.is_dir():
        raise ValueError(f"workdir {wanted} is no folder of the workspace")
    return found


def patterns(configured: Sequence[str]) -> tuple[str, ...]:
    """Patterns as they are compared: `~` and the symlinks of what stands before a wildcard."""
    return tuple(
        _real(str(Path(one).expanduser())) if one.startswith("~/") else _real(one)
        for one in configured
    )


def _real(pattern: str) -> str:
    if not pattern.startswith("/"):
        return pattern
    parts = pattern.split("/")
    fixed = next((at for at, part in enumerate(parts) if re.search(r"[*?]", part)), len(parts))
    return "/".join([os.path.realpath("/".join(parts[:fixed]) or "/").rstrip("/"), *parts[fixed:]])
