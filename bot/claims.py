"""Begins turns: the user's entry, the run's start and the lane's new epoch in one transaction.

A message to an idle lane begins in the transaction that accepts it; its drain finds the turn ready.
All others, and whatever a dead process left behind, are taken by the drain itself.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bot.config.channels import Queue
from bot.context.prompt import user_entry
from bot.contract import Address, Message
from bot.engine.port import Row, Script, Wake
from bot.errand import errand_from
from bot.events import Signal
from bot.hooks.points import Hooks
from bot.keys import parse_key
from bot.queue import STEER, STEERED, begins_at, gathered, joined, steerable
from bot.store import entries, inbox, outbox, overheard, revisions, runs, sessions
from bot.store.inbox import COMPACT, ERRAND, HOPS, INTERNAL, PROMPT, SOURCE, Item
from bot.types import Entry, Settings, Turn

_CACHED_SESSIONS = 256
_CACHED_ENTRIES = 50_000


@dataclass(frozen=True, slots=True)
class Claimed:
    """A turn to make, with its history and the journal of an interrupted attempt.

    `durable` is there while its beginning is being committed: nothing of it may be seen before.
    `joined` are the runs whose messages became part of this turn.
    """

    turn: Turn
    history: Sequence[Entry]
    journal: Mapping[str, str]
    durable: asyncio.Future[None] | None = None
    joined: tuple[str, ...] = ()

    def when_stored(self, begin: Callable[[], None]) -> None:
        """Call this as soon as the turn is durable, and never if it cannot be stored."""
        if self.durable is None:
            begin()
            return

        def settled(durable: asyncio.Future[None]) -> None:
            if durable.exception() is None:
                begin()

        if self.durable.done():
            settled(self.durable)
        else:
            self.durable.add_done_callback(settled)

    async def stored(self) -> None:
        """Wait until the turn is durable. Raises StoreError."""
        if self.durable is not None:
            # Not awaited itself: a run that is stopped here must not cancel what others wait for.
            if not self.durable.done():
                await asyncio.wait((self.durable,))
            self.durable.result()


@dataclass(frozen=True, slots=True)
class Steered:
    """What a run took in: the transcript's new lines, and the runs that are answered with it."""

    entries: tuple[Entry, ...] = ()
    joined: tuple[str, ...] = ()


def run_joined(run: str, session: str, into: str) -> Signal:
    """Word that a run is answered with another one."""
    return Signal("run.joined", {"runId": run, "sessionKey": session, "joined": into})


class Transcripts:
    """The transcripts of sessions that spoke lately; each claim reads only what is new."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, list[Entry]] = OrderedDict()
        self._entries = 0

    def known(self, session: str) -> list[Entry]:
        return self._kept.get(session, [])

    def keep(self, session: str, history: list[Entry]) -> None:
        """Remember a transcript that is stored to its last line; one with a gap is not."""
        if not history or history[-1].seq - history[0].seq + 1 != len(history):
            return
        self._entries += len(history) - len(self._kept.pop(session, ()))
        self._kept[session] = history
        while self._kept and (
            len(self._kept) > _CACHED_SESSIONS or self._entries > _CACHED_ENTRIES
        ):
            _, dropped = self._kept.popitem(last=False)
            self._entries -= len(dropped)


class Rules(Protocol):
    """What the configuration says of turns. Times are in seconds."""

    def timeout(self, agent: str) -> float:
        """How long one run may take."""
        ...

    def queue(self, account: str, settings: Settings) -> Queue:
        """How messages of an account wait in a session."""
        ...

    def settle(self, account: str) -> float:
        """How long a first message lets more come."""
        ...


class Claims:
    """Makes turns of inbox items."""

    def __init__(self, rules: Rules, hooks: Hooks | None = None) -> None:
        self.rules = rules
        self._hooks = hooks or Hooks()
        self._transcripts = Transcripts()
        self._ready: dict[str, Claimed] = {}

    def hand_over(self, claimed: Claimed, durable: asyncio.Future[None]) -> None:
        """A turn begins as its message is accepted; its lane is about to be drained."""
        self._ready[claimed.turn.lane] = replace(claimed, durable=durable)

    def ready(self, lane: str) -> Claimed | None:
        """The turn that was handed over for a lane, once."""
        return self._ready.pop(lane, None)

    def keep(self, session: str, transcript: list[Entry]) -> None:
        """Remember what is stored of a session for its next turn."""
        self._transcripts.keep(session, transcript)

    def take(self, lane: str, now: float) -> Script[Claimed | None]:
        """Take a lane and what is due in it, begun or not; None when nothing is, or not yet."""
        epoch = yield from runs.take_lane(lane)
        items = yield from inbox.waiting(lane, 1)
        if not items:
            return None
        item = items[0]
        assert item.run is not None
        begun = yield from runs.get(item.run)
        row = yield from _session(item, begun, now)
        if item.state == "open":
            return (yield from self._take_open(item, row, epoch, now))
        also = item.options.get("joined")
        group = [item, *((yield from inbox.several(also)) if also else ())]
        history = yield from self._history(row)
        journal = yield from runs.calls(item.run)
        shown = yield from outbox.preview_ref(item.run)
        blocks = yield from outbox.blocks(item.run)
        return Claimed(self._turn(group, row, epoch, shown, blocks), history, journal)

    def _take_open(self, item: Item, row: Row, epoch: int, now: float) -> Script[Claimed | None]:
        """Begin what waits: with all that joins it, and not before its author had time for more."""
        group = [item]
        if item.kind == PROMPT:
            queue = self.rules.queue(
                item.message.address.account, sessions.session_from(row).settings
            )
            group = gathered((yield from inbox.open_prompts(item.lane)), queue)
        if (due := begins_at(group)) > now:
            yield Wake("lane", item.lane, due)
            return None
        assert item.run is not None
        others = group[1:]
        for one in group:
            yield from inbox.start(one.id)
        for one in others:
            yield from runs.join(str(one.run), item.run, now)
        if others:
            yield from inbox.opted(item, joined=[one.id for one in others])
        yield from runs.begin(item.run, row["id"], now)
        dropped = yield from inbox.take_dropped(item.lane, group[-1].id)
        claimed = yield from self._begin(group, row, epoch, now, dropped)
        return replace(claimed, joined=tuple(str(one.run) for one in others))

    def steered(self, turn: Turn, now: float) -> Script[Steered]:
        """What its requester said while a run was on, brought into it between two rounds."""
        taken = yield from self._steerable(turn)
        if not taken:
            return Steered()
        yield from runs.fence(turn.lane, turn.epoch)
        told = []
        for item in taken:
            if item.options[STEER] == "steer-backlog":
                yield from inbox.opted(item, **{STEERED: True})
                continue
            yield from inbox.finish(item.id, now, reason=f"taken into the run {turn.id}")
            yield from runs.join(str(item.run), turn.id, now)
            told.append(str(item.run))
        said = [user_entry(item.message, turn.id, now) for item in taken]
        said = [self._hooks.before_message_write(turn.session, one) for one in said]
        kept = yield from entries.append(turn.session.id, said)
        return Steered(tuple(kept), tuple(told))

    def waits_to_steer(self, turn: Turn) -> Script[bool]:
        """Is there something that a run should hear before it goes on?"""
        return bool((yield from self._steerable(turn)))

    def _steerable(self, turn: Turn) -> Script[list[Item]]:
        place = turn.message.address.key
        waiting = yield from inbox.open_prompts(turn.lane)
        return [item for item in waiting if steerable(item, turn.requester, place)]

    def at_once(self, item: Item, row: Row, now: float) -> Script[Claimed]:
        """Begin an item whose lane is idle, in the transaction that stores it."""
        epoch = yield from runs.take_lane(item.lane)
        return (yield from self._begin([item], row, epoch, now))

    def _begin(
        self,
        group: Sequence[Item],
        row: Row,
        epoch: int,
        now: float,
        dropped: Sequence[Message] = (),
    ) -> Script[Claimed]:
        history = yield from self._history(row)
        turn = self._turn(group, row, epoch, None)
        if turn.work == COMPACT:
            return Claimed(turn, history, {})
        message, last = turn.message, group[-1].id
        heard = []
        if message.kind != "direct" and group[0].kind != INTERNAL:
            heard = yield from overheard.take(_heard_at(message), last)
        revised = yield from revisions.take(row["key"], last)
        source = group[0].options.get(SOURCE)
        said = user_entry(message, turn.id, now, heard, revised, dropped, source, turn.errand)
        said = self._hooks.before_message_write(turn.session, said)
        history += yield from entries.append(row["id"], [said])
        return Claimed(turn, history, {})

    def _history(self, row: Row) -> Script[list[Entry]]:
        known = self._transcripts.known(row["id"])
        last = known[-1].seq if known else 0
        if last == row["last_seq"]:
            return list(known)
        fresh = yield from entries.after(row["id"], last)
        return [*known, *fresh]

    def _turn(
        self,
        group: Sequence[Item],
        row: Row,
        epoch: int,
        shown: str | None,
        blocks: tuple[str, ...] = (),
    ) -> Turn:
        item = group[0]
        options = item.options
        deliver = options.get("deliverTo", item.message.address.key)
        timeout = options.get("timeout")
        assert item.run is not None
        return Turn(
            id=item.run,
            lane=item.lane,
            epoch=epoch,
            session=sessions.session_from(row),
            inbox=tuple(one.id for one in group),
            message=joined([one.message for one in group]),
            requester=item.requester,
            deliver_to=Address.parse(deliver) if deliver else None,
            timeout=self.rules.timeout(row["agent"]) if timeout is None else timeout,
            thinking=options.get("thinking"),
            extra_prompt=options.get("extraPrompt"),
            preview=shown,
            work="compact" if item.kind == COMPACT else "answer",
            verbose=options.get("verbose"),
            reasoning=options.get("reasoning"),
            blocks=blocks,
            hops=options.get(HOPS, 0),
            errand=errand_from(options.get(ERRAND)),
        )


def _heard_at(message: Message) -> Address:
    """Where people spoke before: for the first message of a thread, the room it hangs in."""
    address = message.address
    return replace(address, thread=None) if address.thread == message.ref.id else address


def _session(item: Item, begun: Row | None, now: float) -> Script[Row]:
    """The session of an item; a run that had begun stays in the session it began in."""
    if begun is not None and begun["session"]:
        row = yield from sessions.by_id(begun["session"])
        if row is not None:
            return row
    assert item.session_key is not None
    key = parse_key(item.session_key)
    return (yield from sessions.ensure(key, key.label, None, None, now))
