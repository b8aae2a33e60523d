"""What somebody asks for becomes a task that can be kept: read, planned and checked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any
from uuid import uuid4

from bot.clock import Clock
from bot.config.settings import Config
from bot.contract import Address
from bot.engine.port import Engine
from bot.errors import RequestError
from bot.keys import SessionKey, parse_key
from bot.schedule import planner, titles, when, words, zones
from bot.schedule.asking import Asker
from bot.schedule.edits import read_edit
from bot.schedule.flags import Flags, apply, split_flags
from bot.schedule.recipients import Recipients
from bot.schedule.terms import Policy, document_of_policy, policy_of
from bot.schedule.trigger import (
    At,
    Cron,
    Every,
    Schedule,
    document_of,
    next_after,
    schedule_of,
    upcoming,
)
from bot.store import tasks as store
from bot.types import Task

MAX_PROMPT = 20_000
MAX_NAME = 64
SHOWN = 3  # runs to come that are told
_DENSE = 62  # due times of a cron expression that show its shortest distance


@dataclass(frozen=True, slots=True)
class Wanted:
    """A task as asked for. `text` is the natural form, with flags; with a `prompt` beside it only
    its schedule counts. `schedule`, `delivery` and `policy` are documents of the wire."""

    text: str | None = None
    schedule: Mapping[str, Any] | None = None
    name: str | None = None
    prompt: str | None = None
    delivery: Mapping[str, Any] | None = None
    policy: Mapping[str, Any] | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Drafts:
    """Reads what is asked for. `check_model` raises RequestError for a model that an agent may
    not use. Every method raises RequestError with a sentence that says what to write."""

    engine: Engine
    clock: Clock
    config: Callable[[], Config]
    recipients: Recipients
    check_model: Callable[[str, str], str]

    async def draft(self, asker: Asker, wanted: Wanted) -> Task:
        """A task that is not kept yet."""
        session = wanted.session or asker.session
        if session is None:
            raise RequestError("INVALID_PARAMS", "name the sessionKey or the agentId of the task")
        agent, now = parse_key(session).agent, self.clock.now()
        self._agent(agent)
        rest, options = split_flags(wanted.text or "")
        spoken = replace(wanted, text=rest) if wanted.text is not None else wanted
        read = self._read(spoken, now, await self.zone(asker, agent)).told(options)
        policy = self._policy(read, apply(options, policy_of(wanted.policy or {})), agent)
        self._fitting(read.schedule, now)
        to = {**options.delivery, **(wanted.delivery or {})}
        return Task(
            id=f"task-{slug(read.name)}-{uuid4().hex[:6]}",
            agent=agent,
            session=session,
            name=read.name,
            prompt=read.prompt,
            schedule=document_of(read.schedule, read.zone),
            zone=read.zone,
            policy=document_of_policy(policy),
            delivery=_best_effort(
                await self.recipients.read(to, asker, session), options.best_effort
            ),
            requester=asker.requester,
            asked=replace(asker.message, text="", command=None, attachments=(), reply_to=None),
            next_at=next_after(read.schedule, now),
            author=asker.author,
            foreign=asker.foreign,
            created_at=now,
            updated_at=now,
        )

    def _read(self, wanted: Wanted, now: float, zone: str) -> _Read:
        if wanted.schedule is not None:
            if not wanted.prompt:
                raise RequestError("INVALID_PARAMS", "say in prompt what the task should do")
            return _read_document(wanted, now, zone)
        if wanted.text is None:
            raise RequestError("INVALID_PARAMS", "give a schedule, or text such as: every 1h")
        if wanted.prompt is not None:
            schedule = when.read_schedule(wanted.text, now, zone)
            if schedule is None:
                say = f"{wanted.text[:80]!r} is no time; write for example: every 1h"
                raise RequestError("INVALID_PARAMS", say)
            name, prompt = wanted.name or titles.built(wanted.prompt), wanted.prompt
            found = when.Request(schedule, name, prompt, _own(schedule, zone))
        else:
            found = when.read(wanted.text, now, zone)
            name, prompt = wanted.name or found.name or titles.built(found.prompt), found.prompt
        return _Read(found.schedule, _named(name), _prompt(prompt), found.zone)

    def _policy(self, read: _Read, given: Policy, agent: str) -> Policy:
        made = planner.plan(read.name, "", "", read.prompt, given)
        for ref in (made.model, made.escalation_model):
            if ref is not None:
                self.check_model(agent, ref)
        return made

    def _fitting(self, schedule: Schedule, now: float) -> None:
        """Is it to come, and not too often? Raises RequestError INVALID_PARAMS."""
        if next_after(schedule, now) is None:
            say = "That time has passed" if isinstance(schedule, At) else "That never comes"
            raise RequestError("INVALID_PARAMS", f"{say}; name one to come")
        least = self.config().tasks.min_interval
        if shortest(schedule, now) < least:
            raise RequestError(
                "INVALID_PARAMS",
                f"That is more often than every {least:g} s, which tasks.min_interval forbids",
            )

    async def edited(self, asker: Asker, task: Task, text: str) -> tuple[Task, str]:
        """The task as words change it, and what changed, in words."""
        now, zone = self.clock.now(), task.zone
        edit = read_edit(
            text,
            lambda one: when.read_schedule(one, now, zone),
            lambda one: when.read(one, now, zone),
        )
        changed = task
        if edit.schedule is not None:
            changed = self._timed(task, edit.schedule, _own(edit.schedule, zone))
        elif edit.spec is not None:
            changed = self._timed(task, edit.spec.schedule, edit.spec.zone)
        name = edit.name or (edit.spec and (edit.spec.name or titles.built(edit.spec.prompt)))
        prompt = edit.prompt or (edit.spec and edit.spec.prompt)
        changed = self._worded(asker, changed, name, prompt)
        to = {"mode": "announce"} if edit.here else edit.flags.delivery
        if edit.here and asker.home is None:
            to = {"mode": "none"}
        if to:
            kept = changed.delivery.get("bestEffort")
            read = await self.recipients.read(to, asker, task.session)
            changed = replace(changed, delivery=_best_effort(read, kept))
        if (wanted := edit.flags.best_effort) is not None:
            changed = replace(changed, delivery=_best_effort(changed.delivery, wanted))
        changed = self._replanned(changed, task, apply(edit.flags, policy_of(task.policy)))
        return changed, self.difference(task, changed)

    def difference(self, before: Task, after: Task) -> str:
        """Which parts of a task are others now, in words."""
        parts = {
            "schedule": before.schedule != after.schedule,
            "name": before.name != after.name,
            "prompt": before.prompt != after.prompt,
            "plan": before.policy != after.policy,
            "delivery": before.delivery != after.delivery,
        }
        return ", ".join(name for name, other in parts.items() if other) or "nothing"

    def _timed(self, task: Task, schedule: Schedule, zone: str) -> Task:
        now = self.clock.now()
        self._fitting(schedule, now)
        due = next_after(schedule, now) if task.enabled else None
        return replace(task, schedule=document_of(schedule, zone), zone=zone, next_at=due)

    def _worded(self, asker: Asker, task: Task, name: str | None, prompt: str | None) -> Task:
        """The task under another name, or with another prompt, which has its own author."""
        if name is not None:
            task = replace(task, name=_named(name))
        if prompt is None:
            return task
        foreign = asker.foreign if asker.author == "person" else asker.foreign or task.foreign
        return replace(task, prompt=_prompt(prompt), author=asker.author, foreign=foreign)

    async def updated(self, asker: Asker, task: Task, changes: Mapping[str, Any]) -> Task:
        """The task with other values for what is named; the rest stays as it is."""
        changed = task
        if changes.get("text") is not None or changes.get("schedule") is not None:
            wanted = Wanted(changes.get("text"), changes.get("schedule"), task.name, task.prompt)
            read = self._read(wanted, self.clock.now(), task.zone)
            changed = self._timed(task, read.schedule, read.zone)
        changed = self._worded(asker, changed, changes.get("name"), changes.get("prompt"))
        if changes.get("delivery") is not None:
            to = await self.recipients.read(changes["delivery"], asker, task.session)
            changed = replace(changed, delivery=to)
        return self._replanned(changed, task, _merged(task.policy, changes.get("policy")))

    def _replanned(self, task: Task, before: Task, given: Policy) -> Task:
        """Another prompt or policy is planned again, around what a person fixed."""
        same = (task.name, task.prompt) == (before.name, before.prompt)
        if same and given == policy_of(before.policy):
            return task
        read = _Read(At(0), task.name, task.prompt, task.zone)
        return replace(task, policy=document_of_policy(self._policy(read, given, task.agent)))

    def check(self, task: Task) -> None:
        """Could it run now? Raises RequestError CONFLICT with what stands in the way."""
        if (reason := self.trouble(task)) is not None and self._stops(task):
            raise RequestError("CONFLICT", f"This task cannot run: {reason}")

    def trouble(self, task: Task) -> str | None:
        """What is wrong around a task, None when nothing is."""
        agent = self.config().agent(task.agent)
        if agent is None:
            return f"the agent {task.agent} was removed"
        if not agent.enabled:
            return f"the agent {task.agent} is switched off"
        account = task.delivery.get("channel")
        if task.delivery.get("mode") == "announce" and account not in self.config().channels:
            return f"the channel {account} was removed, so results stay in the session"
        return None

    def _stops(self, task: Task) -> bool:
        agent = self.config().agent(task.agent)
        return agent is None or not agent.enabled

    def plan(self, task: Task) -> str:
        """What will run, in words."""
        agent = self.config().agent(task.agent)
        if agent is None:
            return f"nothing: the agent {task.agent} was removed"
        models = agent.task_models
        roles = planner.Roles(agent.model.primary, models.cheap, models.strong)
        return planner.in_words(policy_of(task.policy), roles)

    def said(self, task: Task, now: float) -> tuple[str, list[str]]:
        """The schedule in words, and the next runs as ISO 8601 with offset."""
        schedule = schedule_of(task.schedule, task.created_at, task.zone)
        dues = upcoming(schedule, now, SHOWN)
        said = words.describe(schedule, task.zone)
        return said, [zones.wall(due, task.zone).isoformat() for due in dues]

    async def zone(self, asker: Asker, agent: str | None) -> str:
        """Where times without a zone are meant: the asker's, the agent's, then everybody's."""
        own = await self.engine.read(store.zone_of(asker.requester))
        found = self.config().agent(agent) if agent else None
        return own or (found.timezone if found else None) or self.config().tasks.timezone

    def zone_named(self, text: str) -> str:
        return zones.zone_name(text)

    def session_of(
        self, asker: Asker, task: Task
    ) -> tuple[SessionKey, str, Address | None, str | None]:
        """How the session of a new task is made, if it is not there."""
        author = asker.message.author
        here = task.session == asker.session and asker.home is not None
        label = (author.name or author.id) if here else "Main"
        return (
            parse_key(task.session),
            label,
            asker.home if here else None,
            asker.kind if here else None,
        )

    def _agent(self, name: str) -> None:
        found = self.config().agent(name)
        if found is None or not found.enabled:
            raise RequestError("NOT_FOUND", f"There is no agent {name}")


@dataclass(frozen=True, slots=True)
class _Read:
    schedule: Schedule
    name: str
    prompt: str
    zone: str

    def told(self, options: Flags) -> _Read:
        """With what options say of the work itself."""
        parts = {"Objective": options.objective, "Done when": options.success}
        lines = [f"{name}: {text}" for name, text in parts.items() if text]
        return replace(self, prompt="\n".join([self.prompt, *lines])) if lines else self


def _own(schedule: Schedule, zone: str) -> str:
    """The zone that a schedule is meant in."""
    return schedule.zone if isinstance(schedule, Cron) else zone


def _merged(kept: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> Policy:
    """A policy with other values for what is named, which counts as a person's choice."""
    if wanted is None:
        return policy_of(kept)
    fixed = policy_of(wanted)
    chosen = sorted({*kept.get("chosen", ()), *fixed.chosen})
    return policy_of({**kept, **wanted, "chosen": chosen})


def _read_document(wanted: Wanted, now: float, zone: str) -> _Read:
    assert wanted.schedule is not None and wanted.prompt is not None
    schedule = schedule_of(wanted.schedule, now, zone)
    name = wanted.name or titles.built(wanted.prompt)
    return _Read(schedule, _named(name), _prompt(wanted.prompt), _own(schedule, zone))


def shortest(schedule: Schedule, now: float) -> float:
    """The shortest distance of two due times in seconds, infinite for a single one."""
    if isinstance(schedule, Every):
        return schedule.seconds
    dues = upcoming(schedule, now, _DENSE if isinstance(schedule, Cron) else 1)
    return min((b - a for a, b in pairwise(dues)), default=float("inf"))


def slug(name: str) -> str:
    """The part of an id that people recognize: a name in plain small letters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:32].strip("-") or "work"


def _named(name: str) -> str:
    shown = " ".join(name.split())[:MAX_NAME]
    if not shown:
        raise RequestError("INVALID_PARAMS", "a task's name must not be empty")
    return shown


def _prompt(prompt: str) -> str:
    if not prompt.strip():
        raise RequestError("INVALID_PARAMS", "say what the task should do")
    if len(prompt) > MAX_PROMPT:
        raise RequestError("INVALID_PARAMS", f"the prompt has more than {MAX_PROMPT} characters")
    return prompt.strip()


def _best_effort(delivery: Mapping[str, Any], best_effort: bool | None) -> dict[str, Any]:
    """A delivery whose failure nobody is told of, or is."""
    rest = {name: value for name, value in delivery.items() if name != "bestEffort"}
    return {**rest, "bestEffort": True} if best_effort else rest
