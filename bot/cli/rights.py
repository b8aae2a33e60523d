"""Who may read the files of the state directory; made right on request."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from bot.cli.finding import Finding, Severity

# What stands in the workspaces is the agents' own; the folder above them is closed.
_DEEP = ("logs", "uploads", "hooks")
# What the program itself writes, for its owner alone: another mode is somebody's doing.
_TELLING = ("token", "trunkline.db", "gateway.json")
_MOST = 5000


def wrong(state: Path) -> Iterator[tuple[Path, Finding]]:
    """The state directory and what is in it, where others may read or write it, or own it."""
    closed = state.is_dir() and not stat.S_IMODE(state.stat().st_mode) & 0o077
    for path in _paths(state):
        about = path.stat()
        mode = stat.S_IMODE(about.st_mode)
        if about.st_uid != os.geteuid():
            what, fix = f"it belongs to user {about.st_uid}", f"chown it to user {os.geteuid()}"
            yield path, Finding("state.owner", "critical", what, fix, str(path))
        elif mode & 0o077:
            what = f"other users may use it (mode {mode:04o})"
            fix = f"trunkline doctor --fix, or chmod {_wanted(path):04o}"
            yield (
                path,
                Finding("state.rights", _severity(path, state, closed), what, fix, str(path)),
            )


def _severity(path: Path, state: Path, closed: bool) -> Severity:
    if path.name in _TELLING:
        return "warn" if closed else "critical"
    return "critical" if path == state else "info" if closed else "warn"


def _paths(state: Path) -> list[Path]:
    if not state.is_dir():
        return []
    found = [state, *sorted(state.iterdir())]
    for name in _DEEP:
        found += sorted((state / name).rglob("*"))[:_MOST] if (state / name).is_dir() else []
    return [one for one in found if not one.is_symlink()]


def _wanted(path: Path) -> int:
    return 0o700 if path.is_dir() else 0o600


def mend(path: Path) -> str:
    """Close a path to others; what was done. Raises OSError."""
    path.chmod(_wanted(path))
    return f"{path}: mode is {_wanted(path):04o} now"
