"""Whether files and folders are still what they were: one cheap look at each, which never waits.

A state is taken with `lstat`, which opens nothing: a pipe in the place of a file holds nobody up.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# File systems tell times in ticks of some milliseconds, FAT in two seconds. What was changed just
# now may be changed again without a difference.
SETTLED = 2_500_000_000

State = tuple[int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Watch:
    """Paths, and the state that each was in; None where nothing was."""

    states: tuple[tuple[str, State | None], ...]

    @classmethod
    def over(cls, paths: Iterable[str]) -> Watch:
        return cls(tuple((path, _state(path)) for path in paths))

    def unchanged(self) -> bool:
        """Is everything as it was?"""
        return all(_state(path) == before for path, before in self.states)

    def settled(self, now: int) -> bool:
        """Will every change from `now` on (nanoseconds of the epoch) make a difference?"""
        return all(state is None or max(state[4:]) < now - SETTLED for _, state in self.states)


def listing(folder: Path) -> str:
    """A path whose state differs when a name in the folder comes or goes; links are followed."""
    return f"{folder}/."


def _state(path: str) -> State | None:
    try:
        about = os.lstat(path)
    except (OSError, ValueError):
        return None
    return (
        about.st_dev,
        about.st_ino,
        about.st_mode,
        about.st_size,
        about.st_mtime_ns,
        about.st_ctime_ns,
    )
