"""Asking a person: the call waits, its question is a row, and the first decision ends it.

The row is there before anybody sees the card, so a restart takes the wait up again. A decision is
bound to the exact arguments by their digest, and to requester, agent and session by the row.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from bot.admission import is_owner
from bot.clock import Clock
from bot.config.settings import Config
from bot.contract import Address, Message
from bot.engine.port import Engine, Row, Script
from bot.errors import Fenced, RequestError
from bot.events import Hub, Signal
from bot.jsonio import dumps
from bot.store import approvals, outbox, runs
from bot.store.approvals import Asked
from bot.tools.approval_card import approval_row, card, outcome
from bot.types import ToolCall, ToolContext, Turn

log = structlog.get_logger("approvals")

DECISIONS = ("allow-once", "allow-session", "allow-always", "deny")
_TOPIC = "approval"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be allowed. `command` is shown in full, `digest` names the exact arguments.

    `reason` says why it is asked. `remember` is what allow-always stores: `{program, script,
    sha256}` rows; nothing when the next call could be anything.
    """

    tool: str
    command: str
    reason: str
    digest: str
    cwd: str | None = None
    remember: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided; `said` is the sentence for the model when it is no. `asked`: by a row."""

    allowed: bool
    said: str = ""
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides: their name for cards, and what they may."""

    id: str
    name: str
    owner: bool
    approver: bool = False


OPERATOR = Decider("operator", "the operator", owner=True)


class Approvals:
    """Asks, waits, decides. `config` gives the present configuration; `web` is the page's channel,
    which shows cards from the rows and gets none of its own."""

    def __init__(
        self, engine: Engine, clock: Clock, hub: Hub, config: Callable[[], Config], web: str
    ) -> None:
        self._config = config
        self._engine = engine
        self._clock = clock
        self._hub = hub
        self._web = web
        self._closing = False
        self._waiting: dict[str, asyncio.Future[None]] = {}
        engine.subscribe(_TOPIC, lambda event: self._wake(event["id"]))

    async def ask(self, wanted: Wanted, ctx: ToolContext) -> Decision:
        """Wait until somebody decides or time is up. Taken up again after a restart."""
        row = await self._engine.tx(self._open(wanted, ctx))
        if row is None:
            return Decision(True, asked=False)
        if row["digest"] != wanted.digest:
            return Decision(False, "What was asked about has changed since. Call it again.")
        if row["state"] == "pending":
            self._hub.publish(Signal("approval.requested", approval_row(row)))
            ctx.update(f"waiting for approval {row['code']}")
            async with ctx.away():
                row = await self._decided(row)
        return Decision(row["state"] == "allowed", "" if row["state"] == "allowed" else _no(row))

    async def approve(self, call: ToolCall, ctx: ToolContext, reason: str) -> str | None:
        """Ask about a whole call; None when it may be made, else why not."""
        exact = dumps([call.name, dict(call.args or {})])
        wanted = Wanted(
            tool=call.name,
            command=exact,
            reason=reason,
            digest=hashlib.sha256(exact.encode()).hexdigest(),
        )
        decision = await self.ask(wanted, ctx)
        if decision.allowed and decision.asked and not await self.begin(ctx):
            return "This was begun before; its outcome is unknown."
        return None if decision.allowed else decision.said

    async def begin(self, ctx: ToolContext) -> bool:
        """Mark that what was allowed starts now; False when it started before."""
        now = self._clock.now()
        return await self._engine.tx(approvals.begin(ctx.turn.id, ctx.call, now))

    async def resolve(self, name: str, decision: str, by: Decider) -> dict[str, Any]:
        """Decide by id or code; the row. Raises RequestError, CONFLICT for a second decision."""
        if decision not in DECISIONS:
            words = ", ".join(DECISIONS)
            raise RequestError("INVALID_PARAMS", f"{decision} is no decision; use one of {words}")
        row, refusal = await self._engine.tx(self._resolve(name, decision, by))
        if row is not None:
            await self._tell(row)
        if refusal is not None:
            raise refusal
        assert row is not None
        return approval_row(row)

    async def listed(self, pending: bool = True) -> list[dict[str, Any]]:
        """The rows of what waits, or of all; those whose time is up are ended first."""
        for row in await self._engine.read(approvals.overdue(self._clock.now())):
            await self._settle(row, "expired", None, None)
        return [approval_row(row) for row in await self._engine.read(approvals.listed(pending))]

    def decider(self, message: Message, requester: str, owner: bool) -> Decider:
        """Who somebody is that wrote or pressed something in a conversation."""
        address, author = message.address, message.author
        named = self._config().approvals.approvers
        approver = is_owner(address.channel, address.account, author.id, named)
        return Decider(requester, author.name or author.id, owner, approver)

    def close(self) -> None:
        """Wait no more in this process; the next one takes the waits up."""
        self._closing = True
        for id in tuple(self._waiting):
            self._wake(id)

    def _open(self, wanted: Wanted, ctx: ToolContext) -> Script[Row | None]:
        """The call's row, a new one with its cards, or None when a grant covers exactly this."""
        turn, now = ctx.turn, self._clock.now()
        yield from runs.fence(turn.lane, turn.epoch)
        known = yield from approvals.of_call(turn.id, ctx.call)
        if known is not None:
            return known
        session = turn.session.id
        if (yield from approvals.granted(session, turn.requester, wanted.digest, now)):
            return None
        row = yield from approvals.request(
            Asked(
                run=turn.id,
                call=ctx.call,
                tool=wanted.tool,
                command=wanted.command,
                cwd=wanted.cwd,
                session=session,
                session_key=turn.session.key,
                agent=turn.session.agent,
                requester=turn.requester,
                reason=wanted.reason,
                digest=wanted.digest,
                now=now,
                expires_at=now + self._config().approvals.timeout,
                remember=wanted.remember,
                cards=[one.key for one in self._shown_at(turn)],
            )
        )
        shown = card(row, turn.message.author.name or turn.requester, now)
        for number, place in enumerate(json.loads(row["cards"])):
            run = _card_run(row, number)
            yield from outbox.enqueue(run, Address.parse(place), [shown], now)
        return row

    def _shown_at(self, turn: Turn) -> list[Address]:
        """Where the card goes: to the conversation, and where the configuration forwards it."""
        place = turn.errand.place if turn.errand is not None else None
        to = turn.deliver_to or (Address.parse(place) if place else None)
        places = [to] if to else []
        for text in self._config().approvals.forward:
            try:
                places.append(Address.parse(text))
            except ValueError as error:
                log.warning("approvals.forward", problem=str(error))
        return [one for one in dict.fromkeys(places) if one.channel != self._web]

    async def _decided(self, row: Row) -> Row:
        """Wait for the end of a pending row."""
        id, waiting = row["id"], asyncio.get_running_loop().create_future()
        self._waiting[id] = waiting
        left = row["expires_at"] - self._clock.now()
        late = asyncio.create_task(self._clock.sleep(left), name=f"approval:{row['code']}")
        try:
            # Decided between its making and now?
            current = await self._engine.read(approvals.find(id))
            if current is not None and current["state"] == "pending":
                await asyncio.wait({waiting, late}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self._settle(row, "denied", None, "the run was stopped")
            raise
        finally:
            late.cancel()
            self._waiting.pop(id, None)
        if self._closing:
            raise Fenced("this process ends; the next one waits on")
        await self._settle(row, "expired", None, None)
        ended = await self._engine.read(approvals.find(id))
        assert ended is not None
        return ended

    async def _settle(
        self, row: Row, state: str, decision: str | None, by: str | None
    ) -> Row | None:
        """End a row if it is pending, and tell everybody."""
        settled = await self._engine.tx(self._end(row, state, decision, by, by))
        if settled is not None:
            await self._tell(settled)
        return settled

    def _end(
        self, row: Row, state: str, decision: str | None, by: str | None, name: str | None
    ) -> Script[Row | None]:
        now = self._clock.now()
        settled = yield from approvals.settle(row["id"], state, decision, by, now)
        if settled is not None:
            for number, place in enumerate(json.loads(settled["cards"])):
                run, address = _card_run(settled, number), Address.parse(place)
                yield from outbox.replace(run, address, outcome(settled, name), now)
        return settled

    def _resolve(
        self, name: str, decision: str, by: Decider
    ) -> Script[tuple[Row | None, RequestError | None]]:
        """The settled row, or why not; an expired one is settled as that and refused."""
        now = self._clock.now()
        row = yield from approvals.find(name)
        if row is None:
            return None, RequestError("NOT_FOUND", f"There is no approval {name[:40]}.")
        if not (by.owner or by.approver or by.id == row["requester"]):
            sentence = "Only who asked for it, an approver or an owner can decide this."
            return None, RequestError("FORBIDDEN", sentence)
        if decision == "allow-always" and not by.owner:
            return None, RequestError("FORBIDDEN", "Only an owner can allow something for always.")
        if row["state"] != "pending":
            return None, RequestError("CONFLICT", f"Approval {row['code']} is {_was(row)} already.")
        if row["expires_at"] <= now:
            expired = yield from self._end(row, "expired", None, None, None)
            return expired, RequestError("CONFLICT", f"Approval {row['code']} has expired.")
        state = "denied" if decision == "deny" else "allowed"
        settled = yield from self._end(row, state, decision, by.id, by.name)
        if decision == "allow-session":
            yield from approvals.grant_once_more(row, by.id, now)
        if decision == "allow-always":
            yield from approvals.remember(row["agent"], json.loads(row["remember"]), by.id, now)
        return settled, None

    async def _tell(self, row: Row) -> None:
        self._hub.publish(Signal("approval.resolved", approval_row(row)))
        await self._engine.publish(_TOPIC, {"id": row["id"]})

    def _wake(self, id: str) -> None:
        waiting = self._waiting.get(id)
        if waiting is not None:
            with suppress(asyncio.InvalidStateError):
                waiting.set_result(None)


def _card_run(row: Row, number: int) -> str:
    return f"approval:{row['id']}:{number}"


def _was(row: Row) -> str:
    by = f" by {row['decided_by']}" if row["decided_by"] else ""
    return f"{row['state']}{by}"


def _no(row: Row) -> str:
    """Why not, for the model, which tells the user."""
    if row["state"] == "expired":
        return f"Nobody approved this in time (approval {row['code']} expired), so it did not run."
    by = f" by {row['decided_by']}" if row["decided_by"] else ""
    return f"This was denied{by} (approval {row['code']}), so it did not run. Do not try it again."
