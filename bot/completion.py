"""What could be typed next behind a command: its sub-commands, and what exists here to be named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from bot.engine.port import Engine, Row
from bot.routing import Command
from bot.store import sessions, task_lists
from bot.types import CommandInfo, CommandTable

MOST = 25
_USAGE = re.compile(r"/\S+\s*\[(.*)\]", re.S)
_OF_TASKS = ("show", "run", "pause", "resume", "edit", "cancel", "runs", "last")
_SUB = re.compile(r"[a-z][a-z-]*")

Choice = tuple[str, str]


class Desk(Protocol):
    """What can be named, apart from sessions."""

    def agents(self) -> Sequence[Mapping[str, Any]]: ...

    def models(self, agent: str) -> Sequence[Mapping[str, Any]]: ...


class Completion:
    """Choices for someone who may give the command where it is being typed."""

    def __init__(self, engine: Engine, desk: Desk) -> None:
        self._engine = engine
        self._desk = desk

    async def choices(self, command: Command, table: CommandTable, typed: str) -> list[Choice]:
        """At most 25 pairs of what is shown and the whole of the arguments it stands for."""
        info = table.resolve(command.name)
        if info is None:
            return []
        sub, space, rest = typed.lstrip().partition(" ")
        if space and sub.lower() in _subs(info):
            named = await self._named((info.name, sub.lower()), command, table)
            return _fitting([(shown, f"{sub.lower()} {value}") for shown, value in named], rest)
        subs = [(one, one) for one in _subs(info)]
        return _fitting([*subs, *await self._named((info.name, ""), command, table)], typed)

    async def _named(
        self, place: tuple[str, str], command: Command, table: CommandTable
    ) -> list[Choice]:
        """What a name at this place of a command may be."""
        if place == ("session", "switch"):
            return await self._sessions(command.base_key)
        if place == ("agent", "switch"):
            return [_agent(row) for row in self._desk.agents() if row["enabled"]]
        if place in (("model", ""), ("new", "")):
            return [_model(row) for row in self._desk.models(command.route.agent)]
        if place[0] == "task" and place[1] in _OF_TASKS:
            return await self._tasks(command.base_key)
        if place == ("help", ""):
            return [(one.name, one.name) for one in table.infos]
        return []

    async def _sessions(self, base: str) -> list[Choice]:
        rows: list[Row] = await self._engine.read(sessions.children(base))
        return [("Main", "main"), *((row["label"], row["slug"]) for row in rows)]

    async def _tasks(self, base: str) -> list[Choice]:
        """The tasks of the conversation's session, the next one first."""
        key = await self._engine.read(sessions.active_key(base))
        found = await self._engine.read(task_lists.listing(session=key, limit=MOST * 4))
        return [(f"{task.name[:40]} ({task.id})", task.id) for task in found]


def _subs(info: CommandInfo) -> list[str]:
    """The sub-commands that a command's usage names."""
    found = _USAGE.fullmatch(info.usage)
    words = (part.split(maxsplit=1)[:1] for part in found[1].split("|")) if found else ()
    return [word for one in words for word in one if _SUB.fullmatch(word)]


def _agent(row: Mapping[str, Any]) -> Choice:
    return (f"{row['name']} ({row['id']})" if row["name"] != row["id"] else row["id"], row["id"])


def _model(row: Mapping[str, Any]) -> Choice:
    shown = f"{row['ref']} ({row['alias']})" if row["alias"] else row["ref"]
    return (shown if row["ready"] else f"{shown}, not ready", row["ref"])


def _fitting(choices: Iterable[Choice], typed: str) -> list[Choice]:
    """Those that have what was typed in them, first those that begin with it."""
    wanted = typed.strip().lower()
    found = [one for one in choices if wanted in one[0].lower() or wanted in one[1].lower()]
    return sorted(found, key=lambda one: not one[0].lower().startswith(wanted))[:MOST]
