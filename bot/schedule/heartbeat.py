"""An agent's heartbeat: a task that looks at HEARTBEAT.md, with a small prompt and no history.

It is a task like others, so that it is claimed once, seen in lists with what it cost, and told
nobody but its session. What it begins in the background wakes nothing; only its own time does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from bot.acceptance import OPERATOR
from bot.clock import Clock
from bot.config.settings import Config
from bot.context.reading import read_text
from bot.contract import Address, Author, Message, Ref
from bot.engine.port import Engine, Script
from bot.errand import HEARTBEAT
from bot.keys import main_key
from bot.schedule.trigger import Every, document_of, next_after
from bot.store import inbox, task_lists, tasks
from bot.types import Task

FILE = "HEARTBEAT.md"
OK = "HEARTBEAT_OK"
ACK = 300  # characters beside the word that are not worth a line
PROMPT = (
    f"This is your regular look around. Do what {FILE} asks for, and nothing else. If nothing "
    f"needs attention, answer {OK}."
)
OFF = "agents.heartbeat.every is 0 for this agent"
NOTHING = f"{FILE} holds nothing to do"
BUSY = "The agent's main session is busy"
LEAST = 60.0
_LIMIT = 256 << 10
_DRESS = r"[\s*_`~>.!]*"
_ENDS = re.compile(rf"\A{_DRESS}{OK}\b{_DRESS}|{_DRESS}\b{OK}{_DRESS}\Z")
# A heading, an empty item of a list, or a comment says nothing.
_EMPTY = re.compile(r"\s*(?:#.*|[-*+](?:\s*\[[ xX]?\])?)?\s*")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def is_one(task: Task) -> bool:
    """Is a task an agent's heartbeat?"""
    return task.id.startswith(HEARTBEAT)


def rest(text: str) -> str:
    """What a heartbeat says beside `HEARTBEAT_OK` at the start or end, "" if that is little.

    In the middle of an answer the word means nothing.
    """
    left, found = _ENDS.subn("", text)
    if not found:
        return text
    left = left.strip()
    return left if len(left) > ACK else ""


def idle(text: str) -> bool:
    """Does a HEARTBEAT.md ask for nothing: only headings, empty items, comments and blanks?"""
    return all(_EMPTY.fullmatch(line) for line in _COMMENT.sub("", text).splitlines())


@dataclass(slots=True)
class Heartbeats:
    """Keeps a heartbeat for each agent that has one, and says when it is not worth its cost.

    `folder` is where an agent's files are or will be, `web` the page's channel.
    """

    engine: Engine
    clock: Clock
    config: Callable[[], Config]
    folder: Callable[[str], Path]
    web: str
    _kept: Mapping[str, float] | None = field(default=None, init=False)

    async def keep(self) -> None:
        """Let the tasks be what the configuration says, where that has changed."""
        wanted = {
            agent.id: max(LEAST, agent.heartbeat.every)
            for agent in self.config().agents
            if agent.enabled and agent.heartbeat.every > 0
        }
        if wanted != self._kept:
            await self.engine.tx(self._put(wanted, self.clock.now()))
            self._kept = wanted

    def _put(self, wanted: Mapping[str, float], now: float) -> Script[None]:
        known = {task.agent: task for task in (yield from task_lists.beginning(HEARTBEAT))}
        for agent, every in wanted.items():
            made = self._task(agent, every, now)
            if (task := known.get(agent)) is None:
                yield from tasks.put(made, made.id)
            elif task.schedule.get("everyMs") != made.schedule["everyMs"] or task.because == OFF:
                on = replace(
                    task,
                    schedule=made.schedule,
                    enabled=True,
                    because=None,
                    next_at=made.next_at,
                    state={},
                )
                yield from tasks.change(on, now)
        for agent, task in known.items():
            if agent not in wanted and task.because != OFF:
                yield from tasks.change(
                    replace(task, enabled=False, because=OFF, next_at=None), now
                )

    def _task(self, agent: str, every: float, now: float) -> Task:
        session, schedule = main_key(agent), Every(every, now)
        address = Address(self.web, self.web, session)
        about = Message(
            Ref(address, f"{HEARTBEAT}{agent}"),
            Author("operator", "Operator"),
            "",
            datetime.fromtimestamp(now, UTC),
            "direct",
        )
        return Task(
            id=f"{HEARTBEAT}{agent}",
            agent=agent,
            session=session,
            name="Heartbeat",
            prompt=PROMPT,
            schedule=document_of(schedule, "UTC"),
            zone="UTC",
            policy={"mode": "agent", "target": "isolated", "missed": "skip", "overlap": "skip"},
            delivery={"mode": "none"},
            requester=OPERATOR,
            asked=about,
            next_at=next_after(schedule, now),
            # The file that says what to do may have been written by the agent itself.
            author="model",
            created_at=now,
            updated_at=now,
        )

    async def gate(self, task: str) -> str | None:
        """Why a heartbeat is passed over this time, None when it is due or not a heartbeat."""
        if not task.startswith(HEARTBEAT):
            return None
        agent = task.removeprefix(HEARTBEAT)
        if await self.engine.read(inbox.more(main_key(agent))):
            return BUSY
        found = read_text(self.folder(agent), FILE, _LIMIT)
        if found.problem is not None and not found.missing:
            return f"{FILE} was not read: {found.problem}"
        return NOTHING if idle(found.text) else None
