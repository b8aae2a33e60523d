"""Notes of what lasts, kept before a conversation is summed up: today's file of its owner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.clock import Clock
from bot.context.memory import Scope, daily_note
from bot.errors import PathError
from bot.filenames import names_of
from bot.folder import Change, Folder
from bot.types import Turn

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Notes:
    """Adds to the daily notes of whoever a turn is made for.

    `folder` gives an agent's folder, `scope` whose memory a turn may write, `zone` the name of an
    agent's time zone.
    """

    clock: Clock
    folder: Callable[[str], Folder]
    scope: Callable[[Turn], Scope]
    zone: Callable[[str], str]

    async def keep(self, turn: Turn, text: str) -> None:
        """Add a text to today's notes; nothing where there is no memory. Raises PathError."""
        agent = turn.session.agent
        path = daily_note(self.scope(turn), self.clock.now(), self.zone(agent))
        if path is not None:
            await asyncio.to_thread(add, self.folder(agent), path, text)


def add(folder: Folder, path: str, text: str) -> None:
    """Add a text to a file of notes, made when it is not there. Blocks; raises PathError."""
    names = names_of(path)
    for left in reversed(range(_TRIES)):
        found = folder.read(names) if folder.stamp(names) is not None else None
        before = found.data.rstrip() + b"\n\n" if found is not None and found.data.strip() else b""
        data = before + text.strip().encode() + b"\n"
        try:
            folder.change([Change(names, data, found.stamp if found is not None else None)])
            return
        except PathError:
            # Somebody else wrote there in between.
            if not left:
                raise
