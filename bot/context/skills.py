"""Skills on this machine: where they are, which one counts, and what keeps one from being offered.

A name that is found twice counts where it stands first: skills/ of the workspace, .agents/skills of
the workspace, the user's ~/.agents/skills, <state>/skills, then the folders of `skills.dirs`. Links
are followed in the operator's folders and never inside a workspace, which a model may write to.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.config.agents import Agent
from bot.config.settings import Config, SkillEntry
from bot.context.reading import Text, read_text, stamp_of
from bot.context.scene import Skill
from bot.context.sections import offered
from bot.context.skillfile import FILE, MAX_BYTES, BadSkill, Needs, SkillFile, read_skill
from bot.context.watch import listing
from bot.folder import Stamp

MAX_FOLDERS = 500
_SYSTEMS = {"darwin": {"darwin", "macos"}, "win32": {"win32", "windows"}, "linux": {"linux"}}
_PLAIN = re.compile(r"[\w][\w.+@ -]{0,127}")
# Variables that decide what other programs run or load are never a skill's business.
_UNSAFE_ENV = re.compile(r"(PATH|LD_.*|DYLD_.*|.*PRELOAD.*|BASH_ENV|ENV|IFS|PYTHON.*|NODE_OPTIONS)")


@dataclass(frozen=True, slots=True)
class Root:
    """A folder with one folder for each skill, at `inside` a workspace or alone.

    Without `inside` it is the operator's own, and so are its links.
    """

    source: str
    base: Path
    inside: str = ""

    @property
    def folder(self) -> Path:
        return self.base / self.inside


@dataclass(frozen=True, slots=True)
class Found:
    """One SKILL.md, offered or with the reason why not."""

    source: str
    location: str
    folder: Path
    file: SkillFile | None
    reason: str | None

    @property
    def name(self) -> str:
        return self.file.name if self.file else self.folder.name

    @property
    def skill(self) -> Skill:
        file = self.file
        assert file is not None, "a skill that was not understood is not offered"
        return Skill(
            file.name, file.description, self.location, self.folder, file.text, self.source,
            file.key, file.for_people, file.for_model, file.tool, file.homepage, file.emoji,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shelves:
    """Where skills are looked for, beside the workspace. `environ` is the process's own."""

    state: Path
    home: Path
    environ: Mapping[str, str]


class Library:
    """Finds skills, reading a file again only when it has changed."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves
        self._known: dict[Path, tuple[Stamp | None, SkillFile | str]] = {}

    def find(self, config: Config, agent: Agent, workspace: Path) -> list[Found]:
        """Every SKILL.md that this agent could have, in order of precedence. Blocks."""
        taken: dict[str, str] = {}
        found = []
        for root in self._roots(config, workspace):
            for folder, location in _folders(root):
                one = self._judged(config, agent, root, folder, location)
                name = one.name.lower()
                if one.file is not None and name in taken:
                    hidden = f"another skill of this name comes first: {taken[name]}"
                    one = Found(one.source, one.location, one.folder, one.file, hidden)
                elif one.file is not None:
                    taken[name] = one.location
                found.append(one)
        return _with_room(found)

    def watched(self, config: Config, workspace: Path) -> Iterator[str]:
        """The paths that differ when another look would find others; programs apart. Blocks."""
        for root in self._roots(config, workspace):
            yield listing(root.folder)
            for name in _names(root.folder):
                yield f"{root.folder}/{name}/{FILE}"

    def env(self, config: Config, skills: Sequence[Skill]) -> dict[str, str]:
        """The variables that the settings give to these skills.

        A variable of the process itself counts first. What a SKILL.md asks for gives it nothing.
        """
        given: dict[str, str] = {}
        for skill in skills:
            entry = _entry(config, skill.key, skill.name)
            for name, value in (entry.env if entry else {}).items():
                if not _UNSAFE_ENV.fullmatch(name.upper()):
                    given.setdefault(name, self._shelves.environ.get(name) or value.reveal())
        return given

    def _roots(self, config: Config, workspace: Path) -> Iterator[Root]:
        shelves = self._shelves
        yield Root("workspace", workspace, "skills")
        yield Root("workspace", workspace, ".agents/skills")
        yield Root("user", shelves.home / ".agents/skills")
        yield Root("managed", shelves.state / "skills")
        for folder in config.skills.dirs:
            yield Root("extra", Path(folder).expanduser())

    def _judged(
        self, config: Config, agent: Agent, root: Root, folder: Path, location: str
    ) -> Found:
        file = self._file(root, folder)
        if isinstance(file, str):
            return Found(root.source, location, folder, None, file)
        entry = _entry(config, file.key, file.name)
        reason = _refusal(file, agent, entry) or self._lacks(config, file.needs, entry)
        return Found(root.source, location, folder, file, reason)

    def _file(self, root: Root, folder: Path) -> SkillFile | str:
        """A SKILL.md taken apart, or why it is not used."""
        if not _PLAIN.fullmatch(folder.name):
            return "the name of its folder is not plain; use letters, digits and dashes"
        inside = f"{root.inside}/{folder.name}/{FILE}"
        base, path = (root.base, inside) if root.inside else (folder, FILE)
        own = not root.inside
        known = self._known.get(folder)
        if known is not None and known[0] and known[0] == stamp_of(base, path):
            return known[1]
        text = read_text(base, path, MAX_BYTES, linked=own)
        read = _understood(text)
        self._known[folder] = text.stamp, read
        return read

    def _lacks(self, config: Config, needs: Needs, entry: SkillEntry | None) -> str | None:
        environ = self._shelves.environ
        path = environ.get("PATH")
        given = entry.env if entry else {}
        if needs.os and not _SYSTEMS.get(sys.platform, {sys.platform}) & set(needs.os):
            return f"it is for {', '.join(needs.os)}"
        if needs.always:
            return None
        if missing := [one for one in needs.bins if not shutil.which(one, path=path)]:
            return f"install {', '.join(missing)}"
        if needs.any_bins and not any(shutil.which(one, path=path) for one in needs.any_bins):
            return f"install one of {', '.join(needs.any_bins)}"
        if missing := [one for one in needs.env if not (environ.get(one) or given.get(one))]:
            return f"set {', '.join(missing)} in the environment or under skills.entries"
        if missing := [one for one in needs.config if not _set(config, entry, one)]:
            return f"set {', '.join(missing)} in the configuration"
        return None


def _understood(text: Text) -> SkillFile | str:
    if text.problem is not None:
        return f"{FILE} was not read: {text.problem}"
    try:
        return read_skill(text.text)
    except BadSkill as error:
        return str(error)


def _refusal(file: SkillFile, agent: Agent, entry: SkillEntry | None) -> str | None:
    if entry is not None and not entry.enabled:
        return f"switched off by skills.entries.{file.key}.enabled"
    names = {one.lower() for one in agent.skills}
    if names and not names & {file.name.lower(), file.key.lower()}:
        return f"not among the skills of the agent {agent.id}"
    return None


def _entry(config: Config, key: str, name: str) -> SkillEntry | None:
    entries = {one.lower(): entry for one, entry in config.skills.entries.items()}
    return entries.get(key.lower()) or entries.get(name.lower())


def _set(config: Config, entry: SkillEntry | None, path: str) -> bool:
    """Is a key set: of the whole configuration, or of the skill's own `config`?"""
    return bool(_at(config, path)) or bool(entry and _at(entry.config, path))


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif part in getattr(type(value), "model_fields", {}):
            value = getattr(value, part)
        else:
            return None
    return value


def _folders(root: Root) -> Iterator[tuple[Path, str]]:
    """The folders of a root with a SKILL.md, and how the model names that file."""
    at = root.folder
    # Names are put together as text: this goes on at each run, over every skill there is.
    base, inside = str(at), root.inside or str(at)
    for name in _names(at):
        if os.path.lexists(f"{base}/{name}/{FILE}"):
            here = f"{inside}/{name}/{FILE}"
            yield at / name, here if _PLAIN.fullmatch(name) else ascii(here)


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(one.name for one in entries if not one.name.startswith("."))
    except OSError:
        return []
    return names[:MAX_FOLDERS]


def _with_room(found: list[Found]) -> list[Found]:
    """The same, with those marked that the prompt has no room for."""
    skills = tuple(one.skill for one in found if one.reason is None)
    shown = {skill.location for skill, _ in offered(skills)}
    full = "the list of skills is full; attach fewer to this agent"
    return [
        Found(one.source, one.location, one.folder, one.file, full)
        if one.reason is None and one.skill.for_model and one.location not in shown
        else one
        for one in found
    ]
