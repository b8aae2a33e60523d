"""Receive: guard the size, decide, and store, in one transaction. Returning means durable.

Only after `Inbound` returned may an adapter move its offset or answer 200. What people at the
gateway say takes the same way, with the session they chose and the id of the run they asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from bot.acceptance import OPERATOR, Acceptance, Accepted, Request
from bot.admission import UNADDRESSED, admit
from bot.claims import Claims
from bot.clock import Clock
from bot.completion import Completion, Desk
from bot.config.channels import ChannelSettings
from bot.contract import Address, Author, Kind, Message, Ref, utcnow
from bot.contract import Command as Typed
from bot.directives import directed
from bot.engine.port import Engine, Script, Wake
from bot.errors import StoreError
from bot.events import Hub, Signal
from bot.hooks.points import Hooks
from bot.jsonio import clean_text
from bot.keys import SessionKey, parse_key
from bot.lanes import STOP_TOPIC
from bot.routing import Click, Command, Drop, Facts, Pair, Prompt, Revise, decide
from bot.steps import step
from bot.store import inbox, moves, people, runs, sessions, upkeep
from bot.store.inbox import Item
from bot.types import CommandTable

log = structlog.get_logger("inbound")

MAX_TEXT = 1 << 20
NO_COMMANDS = CommandTable((), {})


@dataclass(slots=True)
class ChannelState:
    """How an account's connection is, and when it last spoke (seconds since the epoch)."""

    state: str = "connecting"
    error: str | None = None
    last_event_at: float | None = None


class World(Desk, Protocol):
    """What deciding needs of the configuration."""

    per_sender: tuple[int, float] | None
    group_history: int

    def channel(self, account: str) -> ChannelSettings: ...

    def threads(self, account: str) -> bool: ...

    def facts(self, message: Message, switched: str | None, named: SessionKey | None) -> Facts: ...


class Inbound:
    """Accepts messages (it is the adapters' `Receive`) and the operator's requests."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        hub: Hub,
        world: World,
        claims: Claims,
        acknowledge: Callable[[Message], None],
        hooks: Hooks | None = None,
    ) -> None:
        self._hooks = hooks or Hooks()
        self._acknowledge = acknowledge
        self._claims = claims
        self._engine = engine
        self._clock = clock
        self._hub = hub
        self._world = world
        self._completion = Completion(engine, world)
        self.states: dict[str, ChannelState] = {}

    async def __call__(self, message: Message) -> None:
        """Store what an adapter received. Raises StoreError when it could not be stored."""
        step("inbound.received")
        now, account = self._clock.now(), message.address.account
        try:
            script = self._accept(_guarded(message), None, now)
            accepted = await self._engine.tx(script, early=self._begin)
        except StoreError:
            raise
        except Exception as error:
            # Whatever it is about this one, it must not come again and again before all others.
            log.error("message raised", account=account, exc_info=error)
            await self.quarantine(account, dict(message.raw), f"it could not be taken: {error!r}")
            return
        step("inbound.stored")
        self.states.setdefault(account, ChannelState()).last_event_at = now
        await self._tell(accepted, message)
        if accepted.kind == "prompt" and accepted.state == "new":
            self._acknowledge(message)

    async def submit(self, message: Message, request: Request) -> Accepted:
        """Store what the operator says; the same run id again stores nothing."""
        now = self._clock.now()
        script = self._accept(_guarded(message), request, now)
        accepted = await self._engine.tx(script, early=self._begin)
        await self._tell(accepted, message)
        return accepted

    async def quarantine(self, account: str, raw: object, reason: str) -> None:
        log.warning("event quarantined", account=account, reason=reason)
        await self._engine.tx(upkeep.quarantine(account, raw, reason, self._clock.now()))

    async def complete(
        self, address: Address, author: Author, command: str, typed: str
    ) -> list[tuple[str, str]]:
        """What could be typed next; nothing for people who may not speak here."""
        known = await self._engine.read(inbox.last_of(f"{address.account}:{author.id}", address))
        typing = Typed(command.lower(), typed)
        probes = [replace(known, author=author)] if known else _probes(address, author)
        found: list[Command] = []
        for probe in probes:
            probe = replace(probe, text="", change="command", command=typing, action=None)
            decision = await self._engine.read(self._decide(probe, None))
            if not isinstance(decision, Command):
                return []
            found.append(decision)
        table = self._world.facts(probe, None, None).commands
        return await self._completion.choices(found[0], table, typed)

    async def moved(self, old: Address, new: Address) -> None:
        """Carry a conversation over to the address where it goes on."""
        log.info("conversation moved", old=old.key, new=new.key)
        await self._engine.tx(moves.move(old, new, self._clock.now()))

    async def mark(self, account: str, name: str, value: str | None = None) -> str | None:
        """Remember how far an adapter has come, or say what it remembered."""
        key = f"{account}:{name}"
        if value is None:
            return await self._engine.read(upkeep.marked(key))
        await self._engine.tx(upkeep.mark(key, value), patient=True)
        return value

    def state(self, account: str, state: str, error: str | None = None) -> None:
        known = self.states.setdefault(account, ChannelState(""))
        if (known.state, known.error) != (state, error):
            say = log.warning if error else log.info
            say("channel " + state, account=account, error=error)
            known.state, known.error = state, error
            data = {"account": account, "state": state, "error": error}
            self._hub.publish(Signal("channel.status", data))

    def _begin(self, accepted: Accepted, durable: asyncio.Future[None]) -> None:
        """The turn asks its model while the message is being committed."""
        if accepted.begun is not None:
            self._claims.hand_over(accepted.begun, durable)

    async def _tell(self, accepted: Accepted, message: Message) -> None:
        if accepted.state == "new" and accepted.run is not None:
            self._hooks.message_received(message, accepted.session_key, accepted.run)
        if accepted.signal is not None:
            self._hub.publish(accepted.signal)
        for run in accepted.withdrawn:
            data = {"runId": run, "sessionKey": accepted.session_key}
            self._hub.publish(Signal("run.withdrawn", data))
        if accepted.aborted:
            await self._engine.publish(STOP_TOPIC, {"runs": list(accepted.aborted)})

    def _accept(self, message: Message, request: Request | None, now: float) -> Script[Accepted]:
        """Dedupe, decide, and make every row that follows from it."""
        dedupe = f"run:{request.run}" if request else inbox.dedupe_key(message)
        if (yield from inbox.seen(dedupe)):
            return (yield from self._known(request, now))
        decision = yield from self._decide(message, request)
        if isinstance(decision, Prompt) and self._begins_thread(message, decision):
            # The thread that the answer will begin: its session has the question, too.
            below = replace(message.address, thread=message.ref.id)
            message = replace(message, ref=Ref(below, message.ref.id))
            decision = yield from self._decide(message, request)
        asked: Mapping[str, str] = {}
        if request is None or request.commands:
            decision, asked = directed(decision)
        step("inbound.deciding")
        accept = Acceptance(message, request, dedupe, now, self._claims)
        if isinstance(decision, Drop) and decision.rule == UNADDRESSED:
            return (yield from accept.overheard(decision.rule, self._world.group_history))
        if isinstance(decision, Drop):
            return (yield from accept.refused(decision.rule))
        if isinstance(decision, Pair):
            return (yield from accept.pair(decision.rule))
        if isinstance(decision, Revise):
            return (yield from accept.revised(decision))
        # A flood must not keep its own sender from stopping what it began.
        free = request is not None or (isinstance(decision, Command) and decision.name == "stop")
        limit = None if free else self._world.per_sender
        if limit is not None:
            count = yield from inbox.recent(accept.requester, now - limit[1])
            if count >= limit[0]:
                return (yield from accept.limited(limit))
        if isinstance(decision, Command):
            return (yield from accept.command(decision))
        return (yield from accept.prompt(decision, asked))

    def _begins_thread(self, message: Message, decision: Prompt) -> bool:
        address = message.address
        in_room = message.kind != "direct" and address.thread is None
        return in_room and decision.mentioned and self._world.threads(address.account)

    def _decide(
        self, message: Message, request: Request | None
    ) -> Script[Drop | Pair | Revise | Command | Click | Prompt]:
        address = message.address
        switched = yield from people.stored_route(address.key)
        if switched is None and address.thread is not None:
            switched = yield from people.stored_route(replace(address, thread=None).key)
        facts = self._world.facts(message, switched, request.key if request else None)
        if request is not None and not request.commands:
            facts = replace(facts, commands=NO_COMMANDS, text_commands=False)
        paired = False
        if message.kind == "direct" and facts.channel.dm_policy == "pairing":
            paired = yield from people.paired(address.account, message.author.id)
        return decide(
            message,
            facts,
            lambda said, command: admit(said, facts.channel, paired=paired, command=command),
        )

    def release(self, item: Item) -> Script[bool]:
        """Send on a prompt that waited for commands, to the session that is active after them."""
        assert item.session_key is not None and item.run is not None
        base, key, request = item.options["base"], item.session_key, None
        if item.requester == OPERATOR:
            request = Request(parse_key(key), item.run)
        elif isinstance(decision := (yield from self._decide(item.message, None)), Prompt | Click):
            base = decision.base_key
        if not item.options["fixed"]:
            key = yield from sessions.active_key(base)
        accept = Acceptance(item.message, request, "", self._clock.now(), self._claims)
        yield from accept.ensure(key)
        agent = parse_key(key).agent
        yield from inbox.move(item.id, key, agent)
        yield from runs.move(item.run, key, agent)
        yield Wake("lane", key)
        return (yield from inbox.more(item.lane))

    def _known(self, request: Request | None, now: float) -> Script[Accepted]:
        row = (yield from runs.get(request.run)) if request else None
        key = row["session_key"] if row else None
        return Accepted(request.run if request else None, key, now, "known")


def _probes(address: Address, author: Author) -> list[Message]:
    """What somebody who has not been heard here might say: in each kind of place it may be."""
    kinds: tuple[Kind, ...] = ("direct", "group", "channel")
    return [Message(Ref(address, "0"), author, "", utcnow(), kind) for kind in kinds]


def _guarded(message: Message) -> Message:
    """A message that can be stored: its texts valid, and no longer than a mebibyte."""
    text = clean_text(message.text)
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}\n[{len(text) - MAX_TEXT} more characters were cut here]"
    name = clean_text(message.author.name)
    if (text, name) == (message.text, message.author.name):
        return message
    return replace(message, text=text, author=replace(message.author, name=name))
