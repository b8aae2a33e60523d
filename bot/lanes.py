"""The drain of one session: take what is due, make its turn, look again, until nothing is open.

A prompt goes to its session's lane, one run at a time; a command goes to its conversation's control
lane, so that `/stop` and `/status` never wait behind a run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

import structlog

from bot.backlog import clear
from bot.claims import Claims, run_joined
from bot.clock import Clock
from bot.config.settings import Config
from bot.contract import Address, Reply
from bot.engine.port import Engine, Script, Wake
from bot.errors import Fenced, StoreError
from bot.events import Hub, Signal
from bot.gate import Gate
from bot.reply import error_line
from bot.steps import step
from bot.store import children, inbox, outbox, over, runs, sessions
from bot.store.inbox import Item
from bot.turn import Turns
from bot.types import Turn

log = structlog.get_logger("lanes")

CONTROL = "control:"
MAX_FAULTS = 3
GIVEN_UP = {"code": "INTERNAL", "message": "This message could not be processed"}
STOP_TOPIC = "stop"


def control_lane(address: Address) -> str:
    return CONTROL + address.key


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a stop did: runs that were on, runs that will not happen and whose sessions they are."""

    aborted: list[str]
    withdrawn: list[str]
    places: Mapping[str, str] = field(default_factory=dict)


class Lanes:
    """Drains lanes, prompts and commands alike, and stops what runs in them."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        hub: Hub,
        turns: Turns,
        command: Callable[[Item], Awaitable[Script[bool]]],
        claims: Claims,
        config: Config,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._hub = hub
        self._turns = turns
        self._command = command
        self._claims = claims
        self._gate = Gate(config.messages.max_concurrent)
        self._tasks = Gate(config.tasks.max_concurrent, self._gate)
        turns.gate_of = self._gate_of
        turns.claims = claims
        self._closing = False
        engine.subscribe(STOP_TOPIC, lambda event: self._abort(event["runs"]))

    async def drain(self, lane: str) -> None:
        """Work through a lane until it is empty."""
        step("lane.woken")
        more = True
        while more and not self._closing:
            if lane.startswith(CONTROL):
                more = await self._control(lane)
            else:
                async with self._gate_of(lane):
                    more = await self._prompt(lane)

    def _gate_of(self, lane: str) -> Gate:
        """Where a lane's runs get their places: those of tasks from a share of their own."""
        return self._tasks if lane.split(":", 3)[2:3] == ["task"] else self._gate

    def close(self) -> None:
        """Begin no further turn in this process; what waits is taken up by the next one."""
        self._closing = True

    async def stop(self, session_key: str, run: str | None = None) -> Stopped:
        """Abort a session's run and withdraw what waits, or just the named run.

        A whole session is stopped with all that it started in others.
        """
        now = self._clock.now()
        stopped = await self._engine.tx(self._withdraw(session_key, run, now))
        if stopped.aborted:
            await self._engine.publish(STOP_TOPIC, {"runs": stopped.aborted})
        for one, key in stopped.places.items():
            self._hub.publish(Signal("run.withdrawn", {"runId": one, "sessionKey": key}))
        return stopped

    def _withdraw(self, key: str, run: str | None, now: float) -> Script[Stopped]:
        below = [] if run else (yield from children.below(key))
        if below:
            yield from children.stopped(below)
        aborted: list[str] = []
        places: dict[str, str] = {}
        for one in dict.fromkeys([key, *below]):
            withdrawn, on = yield from clear(one, now, run)
            places |= dict.fromkeys(withdrawn, one)
            aborted += on
        return Stopped(aborted, list(places), places)

    def _abort(self, names: list[str]) -> None:
        for run in names:
            self._turns.abort(run)

    async def _prompt(self, lane: str) -> bool:
        if self._closing:
            return False
        claimed = self._claims.ready(lane)
        if claimed is None:
            claimed = await self._engine.tx(self._claims.take(lane, self._clock.now()))
            # Both saw the same message begin: this drain has it, under the newer epoch.
            self._claims.ready(lane)
        if claimed is None:
            return False
        turn = claimed.turn
        for run in claimed.joined:
            self._hub.publish(run_joined(run, turn.session.key, turn.id))
        try:
            made = await self._turns.run(claimed)
        except (StoreError, Fenced):
            raise
        except Exception as error:
            return await self._fault(turn, error)
        self._claims.keep(turn.session.id, made.transcript)
        return made.more

    async def _fault(self, turn: Turn, error: Exception) -> bool:
        """A turn raised: try it again later, and give it up with an apology after three times."""
        log.error("turn raised", run=turn.id, lane=turn.lane, exc_info=error)
        more = await self._engine.tx(self._count_fault(turn, self._clock.now()))
        if more is not None:
            self._turns.given_up(turn, GIVEN_UP)
        return bool(more)

    def _count_fault(self, turn: Turn, now: float) -> Script[bool | None]:
        """None when it is tried again, else whether the lane has more."""
        faults = yield from inbox.fault(turn.inbox[0])
        if faults < MAX_FAULTS:
            yield Wake("lane", turn.lane, now + 2.0**faults)
            return None
        for item in turn.inbox:
            yield from inbox.finish(item, now, state="quarantined", reason=GIVEN_UP["message"])
        yield from runs.end(turn.id, "error", now, error=GIVEN_UP)
        yield from over.ended(turn.id, "error", GIVEN_UP["message"], now)
        if turn.deliver_to is not None:
            apology = Reply(error_line(GIVEN_UP["code"], GIVEN_UP["message"]))
            yield from outbox.enqueue(turn.id, turn.deliver_to, [apology], now)
        return (yield from inbox.more(turn.lane))

    async def _control(self, lane: str) -> bool:
        item = await self._engine.tx(self._next_command(lane))
        if item is None:
            return False
        record = await self._command(item)
        step("command.ran")
        more = await self._engine.tx(record)
        step("command.committed")
        return more

    def _next_command(self, lane: str) -> Script[Item | None]:
        """The oldest item; a command is for the session that is active when it begins."""
        items = yield from inbox.waiting(lane, 1)
        item = items[0] if items else None
        if item is None or item.kind != "command" or item.state == "running":
            return item
        if item.options["fixed"]:
            return item
        key = yield from sessions.active_key(item.options["base"])
        yield from inbox.start(item.id, key)
        return replace(item, session_key=key)
