"""The tools of a process, each built with what it may reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.clock import Clock
from bot.config.settings import Config
from bot.engine.port import Engine
from bot.events import Hub
from bot.folder import Folder
from bot.tools.sessions import SessionStatus
from bot.types import Tool


def no_skills(agent: str) -> Sequence[Path]:
    """Stands for the skills of an agent that has none."""
    return ()


@dataclass(frozen=True, slots=True)
class Reach:
    """What tools are built from. `config` gives the present configuration, `workspace` an agent's
    folder and `folder` the same as tools reach into it; `state` is the state directory. `skills`
    gives the folders of an agent's attached skills."""

    engine: Engine
    clock: Clock
    hub: Hub
    config: Callable[[], Config]
    workspace: Callable[[str], Path]
    folder: Callable[[str], Folder]
    state: Path
    skills: Callable[[str], Sequence[Path]] = no_skills


def built_in(reach: Reach) -> list[Tool]:
    """Every tool that comes with the program; which of them an agent holds its policy says."""
    return [SessionStatus()]
