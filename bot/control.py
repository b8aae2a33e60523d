"""Runs a command in its conversation's control lane, and records its answer with its done mark."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import NAMESPACE_OID, uuid5

import structlog

from bot.children import Children
from bot.claims import run_joined
from bot.clock import Clock
from bot.contract import Address, File, Reply
from bot.engine.port import Engine, Script, Wake
from bot.errors import RequestError, StoreError
from bot.events import Hub
from bot.hooks.points import Hooks
from bot.keys import parse_key
from bot.lanes import Stopped
from bot.sessions import ConversationSessions, Place
from bot.store import inbox, outbox, people, runs, sessions, story
from bot.store.inbox import Item
from bot.types import Answer, CommandContext, CommandTable, TasksPort

log = structlog.get_logger("commands")


# The story of a message by any id of it, or the messages that the id may mean.
Story = Callable[[str], Awaitable[Mapping[str, Any]]]


class Desk(Protocol):
    """What commands may ask of agents, models and runs; the composition root fills it."""

    children: Children

    def agents(self) -> Sequence[Mapping[str, Any]]: ...

    def models(self, agent: str) -> Sequence[Mapping[str, Any]]: ...

    def check_model(self, agent: str, ref: str) -> str:
        """A ref fit for a session. Raises RequestError."""
        ...

    async def status(self, key: str) -> Mapping[str, Any]: ...

    async def usage(self, key: str) -> Mapping[str, Any]: ...

    async def stop(self, session_key: str) -> Stopped: ...

    async def context(self, key: str) -> Mapping[str, Any]: ...

    async def skills(self, agent: str) -> Sequence[Mapping[str, Any]]: ...

    async def approvals_of(self, item: Item) -> Sequence[Mapping[str, Any]]: ...

    async def decide(self, item: Item, name: str, decision: str) -> Mapping[str, Any]: ...

    def boxed_in(self, item: Item) -> str | None: ...


class Control:
    """Runs commands. `clean` takes secrets out of files that are sent, `tasks` is what a command
    may do with scheduled tasks, `why` tells a message's story; the composition root fills them in.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        hub: Hub,
        table: CommandTable,
        desk: Desk,
        release: Callable[[Item], Script[bool]],
        fitting: Callable[[Address, str], list[str]],
        web: str,
        hooks: Hooks | None = None,
    ) -> None:
        self._hooks = hooks or Hooks()
        self.clean: Callable[[str], str] = str
        self.tasks: Callable[[Item], TasksPort] | None = None
        self.why: Story | None = None
        self._fitting = fitting
        self._release = release
        self._engine = engine
        self._clock = clock
        self._hub = hub
        self._table = table
        self._desk = desk
        self._web = web

    async def run(self, item: Item) -> Script[bool]:
        """Do what a command says; the transaction that records its answer.

        A prompt that came behind commands is sent on to its session.
        """
        if item.kind == "prompt":
            return self._release(item)
        answer = await self._answer(item)
        if answer.work is not None:
            return self._leave(item, answer.work)
        if answer.then and not answer.text:
            # Nothing is said but what the next run says, so whoever waits for this one waits on.
            self._hub.publish(run_joined(item.run or "", item.session_key or "", _after(item)))
        return self._record(item, answer)

    async def _answer(self, item: Item) -> Answer:
        command = item.message.command
        assert command is not None
        if not item.options.get("known", True):
            near = item.options.get("nearest")
            hint = f" Did you mean `/{near}`?" if near else ""
            return Answer(f"There is no command `/{command.name}`.{hint} `/help` shows them.")
        info = self._table.resolve(command.name)
        if info is None:
            return Answer(f"The command `/{command.name}` is not there any more.")
        try:
            answer = await self._table.handlers[info.name](self._context(item, info.name))
        except RequestError as error:
            return Answer(str(error))
        except StoreError:
            raise
        except Exception as error:
            log.error("command failed", command=info.name, exc_info=error)
            return Answer(f"`/{info.name}` failed. The log has the reason.")
        self._hooks.command(info.name, item.session_key or "", item.message)
        return answer if isinstance(answer, Answer) else Answer(answer)

    def _context(self, item: Item, name: str) -> CommandContext:
        message = item.message
        assert message.command is not None and item.session_key and item.agent
        assert self.tasks is not None
        place = self._place(item)
        port = ConversationSessions(
            self._engine,
            self._clock,
            self._hub,
            place,
            f"command:{item.id}",
            lambda ref: self._desk.check_model(item.agent or "", ref),
            self._hooks,
        )
        return CommandContext(
            message=message,
            name=name,
            args=message.command.args,
            owner=bool(item.options.get("owner")),
            direct=message.kind == "direct",
            web=self._is_web(item),
            requester=item.requester,
            sessions=port,
            agents=_Agents(self, item),
            runs=_Runs(self._desk, self._engine, self.why, item),
            context=_Context(self._desk, item.session_key, item.agent),
            approvals=_Approvals(self._desk, item),
            subagents=_Subagents(self._desk.children, item),
            tasks=self.tasks(item),
            commands=self._table.infos,
        )

    def _place(self, item: Item) -> Place:
        message, web = item.message, self._is_web(item)
        assert item.session_key is not None
        return Place(
            base=item.options["base"],
            key=item.session_key,
            address=None if web else message.address,
            chat_kind=None if web else message.kind,
            label="Main" if web else message.author.name or message.author.id,
        )

    def _is_web(self, item: Item) -> bool:
        return item.message.address.channel == self._web

    def _record(self, item: Item, answer: Answer) -> Script[bool]:
        now = self._clock.now()
        assert item.run is not None
        yield from inbox.finish(item.id, now)
        if answer.then and not answer.text:
            yield from runs.join(item.run, _after(item), now)
        else:
            yield from runs.end(item.run, "ok", now, reply=answer.text)
        to = item.options.get("deliverTo", item.message.address.key)
        if to is not None:
            # A native command is answered where it was given, by its own id.
            native = item.message.ref.id if item.message.change == "command" else None
            address = Address.parse(to)
            replies = [Reply(part, reply_to=native) for part in self._fitting(address, answer.text)]
            if answer.files and not replies:
                replies = [Reply("", reply_to=native)]
            if replies:
                files = tuple(self._file(name, text) for name, text in answer.files)
                replies[-1] = replace(replies[-1], buttons=answer.buttons, attachments=files)
            yield from outbox.enqueue(item.run, address, replies, now)
        if answer.then:
            yield from self._follow(item, answer.then, now)
        return (yield from inbox.more(item.lane))

    def _file(self, name: str, text: str) -> File:
        return File(name, "text/plain; charset=utf-8", self.clean(text).encode("utf-8", "replace"))

    def _leave(self, item: Item, work: str) -> Script[bool]:
        """Leave a command to its session's lane, which answers it when it comes to it."""
        assert item.session_key and item.agent and item.run and item.message.command
        place = self._place(item)
        yield from sessions.ensure(
            parse_key(item.session_key),
            place.label,
            place.address,
            place.chat_kind,
            self._clock.now(),
        )
        wanted = item.message.command.args
        yield from inbox.hand_on(item.id, work, item.session_key, wanted)
        yield from runs.move(item.run, item.session_key, item.agent)
        yield Wake("lane", item.session_key)
        return (yield from inbox.more(item.lane))

    def _follow(self, item: Item, text: str, now: float) -> Script[None]:
        """A message that a command sends on into the session, as if it had been typed."""
        key, run = item.session_key or "", _after(item)
        options = {name: item.options[name] for name in ("deliverTo",) if name in item.options}
        yield from inbox.put(
            replace(item.message, text=text, command=None),
            kind="prompt",
            state="open",
            lane=key,
            requester=item.requester,
            rule=item.rule,
            matched=item.matched,
            agent=item.agent,
            session_key=key,
            run=run,
            options=options,
            now=now,
            dedupe=f"follow:{item.id}",
        )
        yield from runs.queue(run, key, key, item.agent or "", now)
        yield Wake("lane", key)


def _after(item: Item) -> str:
    """The run of what a command sends on: the same however often the command is done again."""
    return str(uuid5(NAMESPACE_OID, f"follow:{item.run}"))


class _Agents:
    """`AgentsPort` for one command."""

    def __init__(self, control: Control, item: Item) -> None:
        self._control = control
        self._item = item
        self.current = item.agent or ""

    def list(self) -> Sequence[Mapping[str, Any]]:
        return self._control._desk.agents()

    def models(self) -> Sequence[Mapping[str, Any]]:
        return self._control._desk.models(self.current)

    async def switch(self, name: str) -> str:
        """Route this conversation to another agent from now on. Raises RequestError NOT_FOUND."""
        wanted = name.strip().lower()
        for row in self.list():
            if wanted in (row["id"], str(row["name"]).lower()) and row["enabled"]:
                await self._control._engine.tx(self._routed(str(row["id"])))
                return str(row["id"])
        raise RequestError("NOT_FOUND", f"There is no agent {name}")

    def _routed(self, agent: str) -> Script[None]:
        now = self._control._clock.now()
        yield from people.route(self._item.message.address.key, agent, self._item.requester, now)


@dataclass(frozen=True, slots=True)
class _Context:
    """`ContextPort` for one session."""

    desk: Desk
    key: str
    agent: str

    async def report(self) -> Mapping[str, Any]:
        return await self.desk.context(self.key)

    async def skills(self) -> Sequence[Mapping[str, Any]]:
        return await self.desk.skills(self.agent)


@dataclass(frozen=True, slots=True)
class _Runs:
    """`RunsPort` for whoever wrote one command, in its session."""

    desk: Desk
    engine: Engine
    story: Story | None
    item: Item

    @property
    def key(self) -> str:
        return self.item.session_key or ""

    async def stop(self) -> tuple[int, int]:
        stopped = await self.desk.stop(self.key)
        return len(stopped.aborted), len(stopped.withdrawn)

    async def status(self) -> Mapping[str, Any]:
        now = await self.desk.status(self.key)
        own = await self.engine.read(runs.get(self.item.run or ""))
        # The command that asks is no work that waits.
        counted = own is not None and own["state"] == "queued" and own["session_key"] == self.key
        return {**now, "queued": now["queued"] - counted}

    async def usage(self) -> Mapping[str, Any]:
        return await self.desk.usage(self.key)

    async def why(self, id: str | None) -> Mapping[str, Any]:
        assert self.story is not None
        asked = id or await self.engine.read(story.last(self.key))
        if asked is None:
            raise RequestError("NOT_FOUND", "Nothing was asked in this session yet.")
        found = await self.story(asked)
        own = [one for one in found.get("candidates", ()) if one["sessionKey"] == self.key]
        if len(own) == 1:
            found = await self.story(own[0]["id"])
        mine = "route" in found and found["route"]["sessionKey"] == self.key
        if not mine and not self.item.options.get("owner"):
            raise RequestError("NOT_FOUND", f"no message of this session has the id {asked}")
        return found


@dataclass(frozen=True, slots=True)
class _Subagents:
    """`SubagentsPort` for whoever wrote one command."""

    children: Children
    item: Item

    async def list(self) -> Sequence[Mapping[str, Any]]:
        return await self.children.listing(self._parent, self._requester)

    async def find(self, name: str) -> Mapping[str, Any]:
        return await self.children.find(self._parent, self._requester, name)

    async def log(self, row: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        return await self.children.log(row)

    async def kill(self, rows: Sequence[Mapping[str, Any]]) -> int:
        return len(await self.children.kill(rows))

    async def send(self, row: Mapping[str, Any], text: str) -> None:
        to = self.item.options.get("deliverTo", self.item.message.address.key)
        await self.children.tell(row, text, f"command:{self.item.id}", to)

    @property
    def _parent(self) -> str:
        return self.item.session_key or ""

    @property
    def _requester(self) -> str | None:
        """Whose helpers: an owner may look after everybody's."""
        return None if self.item.options.get("owner") else self.item.requester


@dataclass(frozen=True, slots=True)
class _Approvals:
    """`ApprovalsPort` for whoever wrote one command."""

    desk: Desk
    item: Item

    async def pending(self) -> Sequence[Mapping[str, Any]]:
        return await self.desk.approvals_of(self.item)

    async def decide(self, name: str, decision: str) -> Mapping[str, Any]:
        return await self.desk.decide(self.item, name, decision)

    async def boxed_in(self) -> str | None:
        return self.desk.boxed_in(self.item)
