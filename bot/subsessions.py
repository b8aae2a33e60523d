"""Sessions that work for others: started, told something, waited for.

Whoever asks sees the sessions of their own conversation and what was started there for them; an
owner in a direct chat sees all sessions of the agent. A child acts for who started it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from bot.clock import Clock
from bot.config.agents import Agent
from bot.config.settings import Config
from bot.contract import Address, Author
from bot.engine.port import Engine, Row, Script
from bot.errors import RequestError
from bot.events import Event, Finished, Hub, RunEvent, Signal
from bot.hooks.points import Hooks
from bot.keys import parse_key
from bot.sending import refusal
from bot.store import children, runs, sessions
from bot.store.children import Work
from bot.types import Turn

MAX_HOPS = 5  # messages from session to session that may follow from one another
MAX_WAIT = 600.0
_LOOK_AGAIN = 1.0
_MARK = ":subagent:"
_LABEL = 48


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the run, its call (for repeats to find what they did before), an owner or not."""

    turn: Turn
    call: str
    owner: bool

    @property
    def sees_all(self) -> bool:
        """May it look beyond its own conversation? Not where others could be listening."""
        return self.owner and self.turn.message.kind == "direct"

    def named(self, what: str) -> str:
        """An id that is the same when the same call is made again."""
        return str(uuid5(NAMESPACE_URL, f"{what}/{self.turn.id}/{self.call}"))


def depth_of(key: str) -> int:
    """How many sessions stand between this one and a conversation."""
    return key.count(_MARK)


def child_of(parent: str, agent: str, id: str) -> str:
    """The key of a session's child; a child's child says so."""
    rest = parent.split(":", 2)[2] if depth_of(parent) else ""
    return ":".join(part for part in ("agent", agent, rest, "subagent", id) if part)


class Subsessions:
    """Lets sessions work for each other. `check_model` raises RequestError; it is filled in by
    the composition root."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        hub: Hub,
        config: Callable[[], Config],
        hooks: Hooks | None = None,
    ) -> None:
        self._hooks = hooks or Hooks()
        self._engine = engine
        self._clock = clock
        self._hub = hub
        self._config = config
        self._waiting: dict[str, list[asyncio.Event]] = {}
        self.check_model: Callable[[str, str], str] | None = None
        hub.listen(self._hear)

    async def spawn(
        self, by: Caller, task: str, label: str | None, agent: str | None, model: str | None
    ) -> dict[str, Any]:
        """Start a child and return at once; its result comes as a report. Raises RequestError."""
        target = self._target(by.turn, agent)
        chosen, warning = self._model(target.id, model)
        key = child_of(by.turn.session.key, target.id, by.named("child"))
        name = " ".join((label or task).split())[:_LABEL] or "Helper"
        if refused := await self._hooks.subagent_spawning(by.turn, key, target.id, name):
            raise RequestError("FORBIDDEN", refused)
        work = self._work(by, by.named("run"), key, target.id, name, task)
        to = await self._hooks.subagent_delivery_target(by.turn, key, work.deliver_to)
        await self._engine.tx(self._spawn(by.turn, replace(work, deliver_to=to), chosen))
        self._hooks.subagent_spawned(by.turn, key, work.run, name)
        self._hub.publish(Signal("sessions.changed", {"sessionKey": key}))
        answer = {"status": "accepted", "runId": work.run, "childSessionKey": key}
        return answer | ({"warning": warning} if warning else {})

    def _target(self, turn: Turn, wanted: str | None) -> Agent:
        """The agent of a new child. Raises RequestError."""
        config, own = self._config(), turn.session.agent
        found, parent = config.agent((wanted or own).lower()), config.agent(own)
        if found is None or not found.enabled:
            raise RequestError("NOT_FOUND", f"There is no agent {wanted or own}.")
        limits = (parent or found).subagents
        if found.id != own and not {"*", found.id} & set(limits.allow_agents):
            say = f"{own} may not start {found.id}: its subagents.allow_agents does not name it."
            raise RequestError("FORBIDDEN", say)
        if depth_of(turn.session.key) >= limits.max_depth:
            say = f"Helpers may not be started from here: subagents.max_depth is {limits.max_depth}"
            raise RequestError("FORBIDDEN", f"{say}.")
        return found

    def _model(self, agent: str, wanted: str | None) -> tuple[str | None, str | None]:
        """A model for a child, and why it is not the one that was asked for."""
        if wanted is None or self.check_model is None:
            return None, None
        try:
            return self.check_model(agent, wanted), None
        except RequestError as error:
            return None, f"{error}. The agent's own model is used."

    def _work(self, by: Caller, run: str, key: str, agent: str, label: str, task: str) -> Work:
        turn = by.turn
        return Work(
            run=run,
            key=key,
            agent=agent,
            label=label,
            task=task,
            parent=turn.session.key,
            parent_agent=turn.session.agent,
            requester=turn.requester,
            message=turn.message,
            deliver_to=turn.deliver_to.key if turn.deliver_to else None,
            hops=turn.hops,
        )

    def _spawn(self, turn: Turn, work: Work, model: str | None) -> Script[None]:
        now = self._clock.now()
        yield from runs.fence(turn.lane, turn.epoch)
        if (yield from children.of_run(work.run)) is not None:
            return
        limit = (self._config().agent(work.parent_agent) or Agent(id="-")).subagents.max_children
        if (yield from children.at_work(work.parent)) >= limit:
            say = f"{limit} helpers are at work here already; wait until one has reported."
            raise RequestError("RATE_LIMITED", say)
        yield from sessions.ensure(parse_key(work.key), work.label, None, None, now)
        if model is not None:
            yield from sessions.patch(work.key, {"model": model}, now)
        yield from children.owe(work, now)
        yield from children.say(
            children.bare(work.message, work.task),
            key=work.key,
            agent=work.agent,
            requester=work.requester,
            run=work.run,
            deliver_to=None,
            source={"session": work.parent, "gives": "task"},
            hops=work.hops,
            now=now,
        )

    async def send(
        self,
        by: Caller,
        name: str,
        text: str,
        seconds: float,
        away: Callable[[], AbstractAsyncContextManager[None]],
    ) -> dict[str, Any]:
        """Say something to a session, and wait for its answer if told so. Raises RequestError.

        What a child answers after that, or when nobody waits, comes as a report.
        """
        if by.turn.hops >= MAX_HOPS:
            say = f"Sessions have said {MAX_HOPS} things to each other in a row; that is enough."
            raise RequestError("RATE_LIMITED", say)
        row = await self.look_up(by, name)
        if row["key"] == by.turn.session.key:
            raise RequestError("INVALID_PARAMS", "This is the present session; just answer.")
        work = self._work(by, by.named("said"), row["key"], row["agent"], row["label"], text)
        await self._engine.tx(self._say(by, row, work, owed=seconds <= 0))
        answer = {"runId": work.run, "sessionKey": work.key}
        if seconds <= 0:
            return {"status": "accepted", **answer}
        async with away():
            ended = await self.wait(work.run, min(seconds, MAX_WAIT))
        if ended is None:
            await self._engine.tx(self._owe(work))
            return {"status": "timeout", **answer}
        return {"status": ended["state"], **answer, "reply": ended["reply"] or ""}

    def _say(self, by: Caller, row: Row, work: Work, *, owed: bool) -> Script[None]:
        turn, now = by.turn, self._clock.now()
        yield from runs.fence(turn.lane, turn.epoch)
        message, requester = children.bare(turn.message, work.task), turn.requester
        deliver_to: str | None = None
        if row["base"] == parse_key(turn.session.key).base:
            deliver_to = work.deliver_to
        elif depth_of(row["key"]):
            if owed:
                yield from children.owe(work, now)
        elif place := row["last_route"] or row["address"]:
            # Somebody else's conversation: what is asked there has no rights of who asked here.
            address = Address.parse(place)
            author = Author(turn.session.key, turn.session.label, is_bot=True)
            ref = replace(message.ref, address=address, id=work.run)
            message = replace(message, ref=ref, author=author, kind=row["chat_kind"] or "direct")
            requester = f"session:{turn.session.key}"
            rules = self._config().session.send_policy
            denied = refusal(rules, turn.session.key, address, row["chat_kind"], own=False)
            deliver_to = None if denied else place
        yield from children.say(
            message,
            key=row["key"],
            agent=row["agent"],
            requester=requester,
            run=work.run,
            deliver_to=deliver_to,
            source={"session": turn.session.key, "label": turn.session.label, "gives": "message"},
            hops=turn.hops + 1,
            now=now,
        )

    def _owe(self, work: Work) -> Script[None]:
        """Nobody waits any more: a child's answer becomes a report."""
        row = yield from runs.get(work.run)
        if depth_of(work.key) and row is not None:
            yield from children.owe(work, self._clock.now())
            if row["ended_at"] is not None:
                yield from children.ended(
                    work.run, row["state"], row["reply"] or "", self._clock.now()
                )

    async def wait(self, run: str, seconds: float) -> Row | None:
        """A run's row when it has ended, None when that takes longer."""
        until, ended = self._clock.now() + seconds, asyncio.Event()
        self._waiting.setdefault(run, []).append(ended)
        try:
            while True:
                row = await self._engine.read(runs.get(run))
                if row is not None and row["ended_at"] is not None:
                    return row
                if (left := until - self._clock.now()) <= 0:
                    return None
                # The store is asked again now and then: a run may end without having begun.
                await self._either(ended, min(left, _LOOK_AGAIN))
                ended.clear()
        finally:
            self._waiting[run].remove(ended)
            if not self._waiting[run]:
                del self._waiting[run]

    async def _either(self, ended: asyncio.Event, seconds: float) -> None:
        tasks = {
            asyncio.create_task(self._clock.sleep(seconds), name="subsession-pause"),
            asyncio.create_task(ended.wait(), name="subsession-wait"),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    def _hear(self, event: Event) -> None:
        if isinstance(event, RunEvent) and isinstance(event.body, Finished):
            for ended in self._waiting.get(event.run, ()):
                ended.set()

    async def look_up(self, by: Caller, name: str) -> Row:
        """A session that the caller may see, by key or `main`. Raises RequestError."""
        try:
            key = parse_key(name, by.turn.session.agent).text
        except ValueError as error:
            raise RequestError("INVALID_PARAMS", str(error)) from None
        row = await self._engine.read(sessions.current(key))
        if row is None or not await self._sees(by, row):
            raise RequestError("NOT_FOUND", f"There is no session {name[:200]} for you.")
        return row

    async def _sees(self, by: Caller, row: Row) -> bool:
        if by.sees_all and row["agent"] == by.turn.session.agent:
            return True
        return row["key"] in await self._engine.read(self._tree(by))

    def _tree(self, by: Caller) -> Script[list[str]]:
        key = by.turn.session.key
        requester = None if by.owner else by.turn.requester
        return children.seen_by(key, parse_key(key).base, requester)

    async def visible(self, by: Caller, limit: int) -> list[Row]:
        """The sessions that the caller may see, newest first."""
        return await self._engine.read(self._visible(by, limit))

    def _visible(self, by: Caller, limit: int) -> Script[list[Row]]:
        found = {row["key"]: row for row in (yield from self._of_agent(by, limit))}
        for key in (yield from self._tree(by))[:limit]:
            for row in (yield from sessions.listing(1, key=key)):
                found[key] = row
        return sorted(found.values(), key=lambda row: -row["updated_at"])[:limit]

    def _of_agent(self, by: Caller, limit: int) -> Script[list[Row]]:
        if not by.sees_all:
            return []
        return (yield from sessions.listing(limit, by.turn.session.agent))

    def agents(self, turn: Turn) -> list[dict[str, Any]]:
        """The agents that a session's agent may start."""
        config, own = self._config(), turn.session.agent
        parent = config.agent(own)
        allowed = set(parent.subagents.allow_agents) if parent else set()
        return [
            {"id": one.id, "name": one.name or one.id, "self": one.id == own}
            for one in config.agents
            if one.enabled and (one.id == own or {"*", one.id} & allowed)
        ]
