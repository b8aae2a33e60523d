"""Looks at the files and skills that a run shall see, once, and keeps them until the run ends.

A file that is edited meanwhile changes the next run and not this one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from bot.config.agents import Agent
from bot.config.channels import Group
from bot.config.settings import Config
from bot.context.bootstrap import Shelf, rows_of, wanted
from bot.context.memory import Scope, inbound_folder, scope_of
from bot.context.scene import ContextFile, Mode, Scene, Skill
from bot.context.skillfile import FILE
from bot.context.skills import Found, Library, Shelves
from bot.context.watch import Watch, listing
from bot.contract import Address
from bot.errand import HEARTBEAT
from bot.errors import PathError, RequestError, RunError
from bot.hooks.points import Hooks
from bot.keys import parse_key
from bot.types import Session, Turn

T = TypeVar("T")

BASE_DIR = "{baseDir}"
_ROOMS = ("group", "channel")
_MINIMAL = ("subagent", "task")
_INTERNAL = ("task", "hook")


class _Seen(NamedTuple):
    """The files and skills of an agent at one moment."""

    files: tuple[ContextFile, ...]
    skills: tuple[Skill, ...]


class _Kept(NamedTuple):
    """What a look has seen, under a configuration; it counts as long as nothing has changed."""

    config: Config
    watch: Watch
    seen: _Seen


class _Look:
    """One look at an agent's folder, asked for by one run or several."""

    def __init__(self) -> None:
        self.begun = False
        self.seen: asyncio.Future[_Seen] | None = None


class Scenes:
    """What runs see. `folder` gives an agent's folder, made and seeded when it is new."""

    def __init__(
        self, config: Callable[[], Config], folder: Callable[[str], Path], shelves: Shelves
    ) -> None:
        self.hooks = Hooks()
        self._config = config
        self._folder = folder
        self._shelf = Shelf()
        self._library = Library(shelves)
        self._runs: dict[str, Scene] = {}
        self._looks: dict[tuple[str, Sequence[str]], _Look] = {}
        self._kept: dict[tuple[str, Sequence[str]], _Kept] = {}
        self._fresh: list[Watch] = []
        self._thread = ThreadPoolExecutor(1, "files")

    async def begin(self, turn: Turn) -> Scene:
        """Look around for a run. Raises RunError when the agent has no folder to be in."""
        message = turn.message if turn.session.address is not None else None
        try:
            scene = await self.look(turn.session, message.kind if message else None)
        except (PathError, RequestError) as error:
            raise RunError("UNAVAILABLE", str(error)) from error
        if turn.errand is not None and (names := turn.errand.skills) is not None:
            kept = tuple(one for one in scene.skills if one.name in names)
            scene = replace(scene, skills=kept)
        self._runs[turn.id] = scene
        return scene

    def of(self, turn: Turn) -> Scene:
        """What a run began with; nothing for one that has not begun or has ended."""
        return self._runs.get(turn.id) or Scene()

    def end(self, run: str) -> None:
        self._runs.pop(run, None)

    async def look(self, session: Session, kind: str | None) -> Scene:
        """What a run in this session would see now. `kind` is of the message's place."""
        config, room, mode = self._config(), room_of(session.key), mode_of(session.key)
        names = wanted(mode, private=room is None)
        if HEARTBEAT in session.key:
            names = (*names, "HEARTBEAT.md")
        seen = await self._seen(session.agent, names)
        files = seen.files
        if self.hooks.wants("agent:bootstrap"):
            files = await self._as_hooks_want(session, files)
        group = group_of(config, session.address) if room and session.address else None
        return Scene(
            mode=mode,
            channel=session.address.channel if session.address else None,
            kind=room or kind,
            internal=_base_kind(session.key) in _INTERNAL,
            quotes=_quotes(config, session.address),
            place_prompt=group.prompt if group else None,
            files=files,
            skills=seen.skills,
            env=self._library.env(config, seen.skills),
        )

    async def _as_hooks_want(
        self, session: Session, files: Sequence[ContextFile]
    ) -> tuple[ContextFile, ...]:
        rows = await self.hooks.events.bootstrap(session.agent, session.key, rows_of(files))
        read = partial(self._shelf.changed, self._folder(session.agent), files, rows)
        return await self._aside(read)

    async def skills(self, agent: str) -> list[Found]:
        """Every skill that this agent could have, with the reason where it does not."""
        return await self._aside(partial(self._found, self._agent(agent)))

    async def idle(self) -> None:
        """Return when all that was asked for before has been looked at."""
        await self._aside(lambda: None)

    def close(self) -> None:
        self._thread.shutdown(wait=False)

    async def _aside(self, look: Callable[[], T]) -> T:
        """Look at files in a thread of their own, one after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, look)

    def attached(self, agent: str) -> Sequence[Path]:
        """The folders of an agent's skills, which its tools may read. Blocks."""
        return [one.folder for one in self._found(self._agent(agent)) if one.reason is None]

    def env_for(self, turn: Turn) -> Mapping[str, str]:
        """The variables of a run's skills, for programs that its tools start."""
        return self.of(turn).env

    def shown(self, turn: Turn, path: Path, text: str) -> str:
        """A skill's file as a run reads it: as it was when the run began, its own folder named."""
        for skill in self.of(turn).skills:
            inside = _inside(skill, path)
            if inside is not None:
                text = skill.text if inside == Path(FILE) else text
                return text.replace(BASE_DIR, str(skill.folder))
        return text

    def scope(self, turn: Turn, owner: bool) -> Scope:
        """Whose memory a run may read and write."""
        address = turn.message.address
        room = room_of(turn.session.key) or (
            turn.message.kind if turn.message.kind in _ROOMS else None
        )
        group = group_of(self._config(), turn.session.address or address) if room else None
        return scope_of(
            owner=owner,
            channel=address.channel,
            peer=turn.message.author.id,
            room=room is not None,
            open_room=bool(group and group.memory),
            inbound=inbound_folder(turn.session),
        )

    async def _seen(self, agent: str, names: Sequence[str]) -> _Seen:
        """An agent's files and skills now. Runs that ask before a look has begun share it."""
        kept = self._kept.get((agent, names))
        if kept is not None and kept.config is self._config() and self._unchanged(kept.watch):
            return kept.seen
        look = self._looks.get((agent, names))
        if look is None or look.begun:
            look = self._looks[agent, names] = _Look()
            look.seen = asyncio.get_running_loop().run_in_executor(
                self._thread, self._see, look, agent, names
            )
        assert look.seen is not None
        return await asyncio.shield(look.seen)

    def _unchanged(self, watch: Watch) -> bool:
        """Is all as it was? Runs that begin in the same turn of the event loop look once."""
        if watch not in self._fresh:
            if not watch.unchanged():
                return False
            if not self._fresh:
                asyncio.get_running_loop().call_soon(self._fresh.clear)
            self._fresh.append(watch)
        return True

    def _see(self, look: _Look, name: str, names: Sequence[str]) -> _Seen:
        look.begun = True
        began = time.time_ns()
        config, agent = self._config(), self._agent(name)
        folder = self._folder(agent.id)
        watch = Watch.over(
            [
                listing(folder),
                *self._shelf.watched(folder, names),
                *self._library.watched(config, folder),
            ]
        )
        found = self._library.find(config, agent, folder)
        skills = tuple(one.skill for one in found if one.reason is None)
        seen = _Seen(self._shelf.files(folder, names), skills)
        lasting = not any(one.file and one.file.needs.programs for one in found)
        if lasting and watch.settled(began) and watch.unchanged():
            self._kept[name, names] = _Kept(config, watch, seen)
        return seen

    def _found(self, agent: Agent) -> list[Found]:
        return self._library.find(self._config(), agent, self._folder(agent.id))

    def _agent(self, name: str) -> Agent:
        found = self._config().agent(name)
        if found is None:
            raise RequestError("NOT_FOUND", f"There is no agent {name}")
        return found


def mode_of(key: str) -> Mode:
    """How much a session's prompts say: less in sub-sessions and isolated tasks."""
    return "minimal" if _base_kind(key) in _MINIMAL else "full"


def room_of(key: str) -> str | None:
    """`group` or `channel` for a session of several people and what is below it."""
    parts = key.split(":")
    return parts[4] if len(parts) > 5 and parts[4] in _ROOMS else None


def group_of(config: Config, address: Address) -> Group | None:
    """What the configuration says of a room: its own part, or that of all others."""
    account = config.channels.get(address.account)
    groups = account.settings.groups if account else {}
    return groups.get(address.conversation) or groups.get("*")


def _quotes(config: Config, address: Address | None) -> bool:
    """May answers on this account quote what they answer?"""
    account = config.channels.get(address.account) if address else None
    return account is not None and account.settings.reply_to != "off"


def _base_kind(key: str) -> str:
    return parse_key(parse_key(key).base).kind


def _inside(skill: Skill, path: Path) -> Path | None:
    for folder in (skill.folder, skill.folder.resolve()):
        if path.is_relative_to(folder):
            return path.relative_to(folder)
    return None


def row(found: Found) -> dict[str, Any]:
    """A skill as `skills.list` shows it."""
    file = found.file
    return {
        "name": found.name,
        "description": file.description if file else None,
        "location": found.location,
        "source": found.source,
        "ready": found.reason is None,
        "reason": found.reason,
        "userInvocable": bool(file and file.for_people),
        "modelInvocable": bool(file and file.for_model),
        "tool": file.tool if file else None,
        "homepage": file.homepage if file else None,
        "emoji": file.emoji if file else None,
    }
