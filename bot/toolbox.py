"""The tools of a process, each built with what it may reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.children import Children
from bot.clock import Clock
from bot.config.settings import Config
from bot.context.memory import Scope
from bot.context.recall import Memory
from bot.engine.port import Engine
from bot.events import Hub
from bot.folder import Folder
from bot.subsessions import Subsessions
from bot.tools.approval import Approvals
from bot.tools.files import Files, as_it_is, file_tools
from bot.tools.image import Image
from bot.tools.memory import MemoryGet, MemorySearch
from bot.tools.message import MessageTool, Outlet
from bot.tools.outside import Outside
from bot.tools.sessions import AgentsList, SessionsHistory, SessionsList, SessionStatus
from bot.tools.shell import Exec
from bot.tools.shell_jobs import Jobs
from bot.tools.shell_process import Process
from bot.tools.subagents import SessionsSend, SessionsSpawn, Subagents
from bot.tools.task import Act, TaskTool
from bot.types import Tool, Turn


def no_skills(agent: str) -> Sequence[Path]:
    """Stands for the skills of an agent that has none."""
    return ()


@dataclass(frozen=True, slots=True)
class Reach:
    """What tools are built from. `config` gives the present configuration, `workspace` an agent's
    folder and `folder` the same as tools reach into it; `state` is the state directory. `skills`
    gives the folders of an agent's attached skills, `scope` whose memory a run (of an owner, if so)
    may know. `approvals` ask people, `jobs` are the programs that were started, `outside` is what
    they reach beyond this process. `subsessions` and `children` are other sessions at work,
    `outlet` is what sends to conversations, `task` acts on scheduled tasks."""

    engine: Engine
    clock: Clock
    hub: Hub
    config: Callable[[], Config]
    workspace: Callable[[str], Path]
    folder: Callable[[str], Folder]
    state: Path
    memory: Memory
    scope: Callable[[Turn, bool], Scope]
    approvals: Approvals
    jobs: Jobs
    outside: Outside
    subsessions: Subsessions
    children: Children
    outlet: Outlet
    task: Act
    skills: Callable[[str], Sequence[Path]] = no_skills
    said: Callable[[Turn, Path, str], str] = as_it_is


def built_in(reach: Reach) -> list[Tool]:
    """Every tool that comes with the program; which of them an agent holds its policy says."""
    files = Files(reach.folder, reach.skills, reach.scope, reach.said)
    return [
        *file_tools(files),
        Image(files, reach.outside.web.fetch),
        MemorySearch(reach.memory, reach.scope, reach.clock, lambda name: _zone(reach, name)),
        MemoryGet(reach.memory, reach.scope),
        Exec(
            reach.engine,
            reach.clock,
            reach.config,
            reach.workspace,
            reach.state,
            reach.jobs,
            reach.approvals,
        ),
        Process(reach.clock, reach.jobs),
        MessageTool(reach.engine, reach.clock, reach.config, files, reach.outlet),
        *_session_tools(reach),
        *reach.outside.tools(),
    ]


def _session_tools(reach: Reach) -> list[Tool]:
    return [
        SessionStatus(),
        SessionsList(reach.subsessions),
        SessionsHistory(reach.subsessions, reach.children),
        SessionsSend(reach.subsessions),
        SessionsSpawn(reach.subsessions),
        Subagents(reach.children),
        AgentsList(reach.subsessions),
        TaskTool(reach.task),
    ]


def _zone(reach: Reach, agent: str) -> str:
    config = reach.config()
    found = config.agent(agent)
    return (found.timezone if found else None) or config.tasks.timezone
