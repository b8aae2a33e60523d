"""The tools of a process, each built with what it may reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.clock import Clock
from bot.config.settings import Config
from bot.engine.port import Engine
from bot.events import Hub
from bot.tools.sessions import SessionStatus
from bot.types import Tool


@dataclass(frozen=True, slots=True)
class Reach:
    """What tools are built from. `config` gives the present configuration, `workspace` an agent's
    folder; `state` is the state directory."""

    engine: Engine
    clock: Clock
    hub: Hub
    config: Callable[[], Config]
    workspace: Callable[[str], Path]
    state: Path


def built_in(reach: Reach) -> list[Tool]:
    """Every tool that comes with the program; which of them an agent holds its policy says."""
    return [SessionStatus()]
