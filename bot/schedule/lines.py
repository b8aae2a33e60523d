"""Lines that a task puts into its session, for its later turns and for its page."""

from __future__ import annotations

from dataclasses import dataclass

from bot.engine.port import Script
from bot.keys import parse_key
from bot.store import entries, sessions
from bot.types import Entry, Task


@dataclass(frozen=True, slots=True)
class Said:
    """A line that was put into a session."""

    session: str
    entry: Entry


def line(task: Task, run: str, text: str, foreign: str | None, now: float) -> Script[Said]:
    """Put a text into the session of a task; `foreign` says whose words are in it."""
    about = {"id": task.id, "name": task.name, "run": run, "foreign": foreign}
    made = Entry(
        "assistant", text, now, name=task.name, stop="end", run=run, origin={"task": about}
    )
    key = parse_key(task.session)
    session = yield from sessions.ensure(key, key.label, None, None, now)
    [kept] = yield from entries.append(session["id"], [made])
    return Said(task.session, kept)
