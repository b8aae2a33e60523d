"""One run: performs what the loop asks, persists it, and tells the hub and the preview."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Protocol

import structlog

from bot.clock import Clock
from bot.context.prompt import AgentPrompt, conversation, system_prompt
from bot.contract import Reply
from bot.delivery import Delivery
from bot.engine.port import Engine, Script
from bot.errors import Fenced, RunError, StoreError
from bot.events import (
    Body,
    Delta,
    Finished,
    Hub,
    RunEvent,
    Signal,
    Started,
    Thought,
)
from bot.loop import CallModel, Outcome, agent_loop, unanswered
from bot.media import Media
from bot.providers.chosen import Chosen
from bot.reply import Release, error_line, final_text, visible
from bot.steps import step
from bot.store import entries, inbox, outbox, runs, sessions
from bot.tools.perform import Performer, ToolPolicy
from bot.tools.registry import Tools
from bot.types import (
    Entry,
    Final,
    ModelRequest,
    TextDelta,
    ThinkDelta,
    Turn,
    Usage,
)

log = structlog.get_logger("turn")

STOPPED = "The run was stopped before this call ended. It may have had its effect."


class Agents(Protocol):
    """What a run needs to know of its agent."""

    def choose(self, turn: Turn) -> Chosen:
        """The model of a run. Raises RunError: NO_MODEL, NO_CREDENTIALS."""
        ...

    def prompt(self, agent: str) -> AgentPrompt: ...

    def tools(self, agent: str) -> ToolPolicy: ...

    def status_of_run(self, turn: Turn, chosen: Chosen) -> Mapping[str, Any]: ...


class Turns:
    """Runs turns and can abort them."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        hub: Hub,
        delivery: Delivery,
        agents: Agents,
        tools: Tools,
        media: Media,
    ) -> None:
        self.media = media
        self.engine = engine
        self.clock = clock
        self.hub = hub
        self.delivery = delivery
        self.agents = agents
        self.tools = tools
        self._active: dict[str, _Run] = {}
        self._doomed: set[str] = set()
        self._numbered: dict[str, int] = {}

    async def run(self, turn: Turn, history: Sequence[Entry], journal: Mapping[str, str]) -> bool:
        """Make one turn; whether its lane has more to do."""
        run = _Run(self, turn, history, journal)
        run.seq = self._numbered.pop(turn.id, 0)
        self._active[turn.id] = run
        if turn.id in self._doomed:
            self._doomed.discard(turn.id)
            run.abort()
        try:
            return await run.make()
        except Exception:
            # Another attempt goes on with the numbers of its events.
            self._numbered[turn.id] = run.seq
            raise
        finally:
            del self._active[turn.id]

    def abort(self, run: str) -> None:
        """End a run as soon as possible, keeping its partial text; or when it begins."""
        found = self._active.get(run)
        if found is not None:
            found.abort()
        else:
            self._doomed.add(run)

    def given_up(self, turn: Turn, error: Mapping[str, str]) -> None:
        """A turn that kept raising has been closed; tell its watchers."""
        now = self.clock.now()
        end = Finished("error", now, now, error_line(error["code"]), error=error)
        seq = self._numbered.pop(turn.id, 0) + 1
        self.hub.publish(RunEvent(turn.id, turn.session.key, seq, now, end))

    def text_of(self, run: str) -> tuple[int, str] | None:
        """The last event number and the visible text so far of an active run."""
        found = self._active.get(run)
        return (found.seq, found.text) if found else None


@dataclass(frozen=True, slots=True)
class _Committed:
    """What the final transaction did: whether the lane has more, the answer's numbered line, and
    the part that is being sent with it."""

    more: bool
    entry: Entry
    sending: outbox.Part | None


class _Run:
    def __init__(
        self, parts: Turns, turn: Turn, history: Sequence[Entry], journal: Mapping[str, str]
    ) -> None:
        self._parts = parts
        self._turn = turn
        self._transcript = list(history)
        self._performer = Performer(
            parts.engine,
            parts.clock,
            parts.tools,
            parts.agents.tools(turn.session.agent),
            turn,
            journal,
            self._emit,
        )
        self._started_at = parts.clock.now()
        self._limit: asyncio.Timeout | None = None
        self._aborted = False
        self._gap = ""
        self._thinking = ""
        self._silent = False
        self.seq = 0
        self.text = ""

    async def make(self) -> bool:
        parts, turn = self._parts, self._turn
        self._emit(Started(self._started_at))
        self._live = parts.delivery.live(turn)
        try:
            self._show(_said(self._transcript, turn.id))
            self._gap = "\n\n" if self.text else ""
            outcome = await self._perform()
        finally:
            await self._live.close()
        step("turn.streamed")
        reply, entry = self._result(outcome)
        replies = parts.delivery.parts(turn, reply)
        committed = await parts.engine.tx(self._commit(outcome, reply, entry, replies))
        if committed.sending is not None:
            parts.delivery.hand_over(committed.sending)
        step("turn.committed")
        self._finished(outcome, reply, committed.entry)
        return committed.more

    def abort(self) -> None:
        self._aborted = True
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time())

    async def _perform(self) -> Outcome:
        try:
            async with asyncio.timeout(self._turn.timeout or None) as self._limit:
                if self._aborted:
                    self.abort()
                return await self._drive()
        except TimeoutError:
            seconds = f"{self._turn.timeout:g}"
            error = ("RUN_TIMEOUT", f"The run was stopped after its time limit of {seconds} s")
            return _stopped(("ABORTED", "The run was stopped") if self._aborted else error)
        except RunError as error:
            return _stopped((error.code, str(error)))
        except (StoreError, Fenced):
            raise
        except Exception as error:
            log.error("run failed", run=self._turn.id, exc_info=error)
            return _stopped(("INTERNAL", "Something in the program went wrong"))

    async def _drive(self) -> Outcome:
        chosen = self._parts.agents.choose(self._turn)
        self._transcript = await self._parts.media.fetched(self._turn, self._transcript)
        loop = agent_loop(self._transcript)
        try:
            ask = next(loop)
            while True:
                if isinstance(ask, CallModel):
                    ask = loop.send(await self._call_model(chosen, ask.entries))
                else:
                    status = self._parts.agents.status_of_run(self._turn, chosen)
                    ask = loop.send(
                        [
                            await self._performer.call(call, ask.asked, chosen.ref, status)
                            for call in ask.calls
                        ]
                    )
        except StopIteration as stop:
            outcome: Outcome = stop.value
            return outcome

    async def _call_model(self, chosen: Chosen, history: Sequence[Entry]) -> Final:
        media = self._parts.media
        request = await media.request(self._turn, chosen, self._request(chosen, history))
        step("turn.prompted")
        release, before = Release(), len(self.text)
        final: Final | None = None
        async with aclosing(chosen.provider.stream(request)) as stream:  # type: ignore[type-var]
            async for event in stream:
                if isinstance(event, TextDelta):
                    self._show(release.feed(event.text))
                elif isinstance(event, ThinkDelta):
                    self._think(event.text)
                elif isinstance(event, Final):
                    final = event
        assert final is not None, "a provider ended without its final event"
        if media.unseen(chosen, request, final):
            return await self._call_model(chosen, history)
        self._show(release.finish())
        said = len(self.text) > before
        self._silent = bool(final.entry.text.strip()) and not said
        self._gap = "\n\n" if self.text else ""
        entry = replace(
            final.entry,
            run=self._turn.id,
            model=chosen.ref,
            at=self._parts.clock.now(),
            usage=chosen.priced(final.entry.usage),
        )
        if final.failure is None and entry.stop == "tools":
            step("turn.streamed")
            entry = await self._parts.engine.tx(self._keep(entry))
            step("turn.called")
        return replace(final, entry=entry)

    def _request(self, chosen: Chosen, history: Sequence[Entry]) -> ModelRequest:
        turn, agents = self._turn, self._parts.agents
        policy = agents.tools(turn.session.agent)
        return ModelRequest(
            model=chosen.model,
            system=system_prompt(
                agents.prompt(turn.session.agent),
                address=turn.session.address,
                kind=turn.message.kind if turn.session.address else None,
                extra=turn.extra_prompt,
            ),
            entries=conversation(history),
            tools=self._parts.tools.specs(policy.profile, policy.allow, policy.deny),
            thinking=chosen.thinking,
            params=chosen.params,
            max_tokens=chosen.max_tokens,
            session=turn.session.key,
        )

    def _show(self, piece: str) -> None:
        """A piece of the visible answer, never of what is still held back."""
        if not piece:
            return
        if not self.text:
            step("turn.streaming")
        piece, self._gap = self._gap + piece, ""
        self.text += piece
        self._emit(Delta(piece, self.text))
        self._live.show(self.text)

    def _think(self, piece: str) -> None:
        self._thinking += piece
        self._emit(Thought(piece, self._thinking))

    def _keep(self, entry: Entry) -> Script[Entry]:
        yield from runs.fence(self._turn.lane, self._turn.epoch)
        return (yield from entries.append(self._turn.session.id, [entry]))[0]

    def _result(self, outcome: Outcome) -> tuple[str, Entry]:
        """What people see, and the transcript's last line."""
        now, turn = self._parts.clock.now(), self._turn
        if outcome.status == "ok" and outcome.entry is not None:
            entry = replace(outcome.entry, run=turn.id, at=now)
            said = "" if self._silent else self.text
            return final_text(
                said, error=None, tool_error=None if self._silent else outcome.tool_error
            ), entry
        assert outcome.error is not None
        code, message = outcome.error
        entry = Entry(
            role="assistant",
            text=self.text,
            at=now,
            run=turn.id,
            stop="aborted" if self._aborted else "error",
            error={"code": code, "message": message},
            thinking=self._thinking,
        )
        if self._aborted:
            return self.text, entry
        return final_text(self.text, error=outcome.error, tool_error=None), entry

    def _commit(
        self, outcome: Outcome, reply: str, entry: Entry, replies: list[Reply]
    ) -> Script[_Committed]:
        """Answer, outbox, inbox and counters in one transaction."""
        turn, now = self._turn, self._parts.clock.now()
        state = "aborted" if self._aborted else outcome.status
        yield from runs.fence(turn.lane, turn.epoch)
        stopped = yield from self._stopped_calls(outcome, now)
        lines = [*stopped, entry]
        last = yield from sessions.count(
            turn.session.id, outcome.usage, outcome.context, len(lines), now
        )
        *_, stored = yield from entries.put(turn.session.id, last, lines)
        yield from runs.end(
            turn.id,
            state,
            now,
            reply=reply,
            error=entry.error,
            usage=outcome.usage,
            model=entry.model,
        )
        for item in turn.inbox:
            yield from inbox.finish(item, now)
        sending = None
        if turn.deliver_to is not None:
            yield from outbox.enqueue(turn.id, turn.deliver_to, replies, now)
            sending = yield from self._parts.delivery.at_once(turn.id, turn.deliver_to)
        step("turn.committing")
        return _Committed((yield from inbox.more(turn.lane)), stored, sending)

    def _stopped_calls(self, outcome: Outcome, now: float) -> Script[list[Entry]]:
        """A result for each call that a stop left without one; models refuse calls without."""
        if outcome.status == "ok":
            return []
        turn = self._turn
        pending = unanswered((yield from entries.of_run(turn.session.id, turn.id)))
        return [
            Entry("tool", STOPPED, now, call_id=call.id, name=call.name, is_error=True, run=turn.id)
            for call in (pending.calls if pending else ())
        ]

    def _finished(self, outcome: Outcome, reply: str, entry: Entry) -> None:
        usage = outcome.usage
        self._emit(
            Finished(
                status="aborted" if self._aborted else outcome.status,
                started_at=self._started_at,
                ended_at=self._parts.clock.now(),
                reply=reply,
                usage={
                    "inputTokens": usage.input,
                    "outputTokens": usage.output,
                    "cost": usage.cost,
                },
                error=entry.error,
                entry=entry,
            )
        )
        self._parts.hub.publish(Signal("sessions.changed", {"sessionKey": self._turn.session.key}))

    def _emit(self, body: Body) -> None:
        self.seq += 1
        turn, now = self._turn, self._parts.clock.now()
        self._parts.hub.publish(RunEvent(turn.id, turn.session.key, self.seq, now, body))


def _said(history: Sequence[Entry], run: str) -> str:
    """What an interrupted attempt of a run had already said to people, between its calls."""
    own = list(takewhile(lambda one: one.run == run, reversed(history)))
    texts = (visible(one.text) for one in reversed(own) if one.role == "assistant")
    return "\n\n".join(filter(None, texts))


def _stopped(error: tuple[str, str]) -> Outcome:
    return Outcome("error", None, Usage(), 0, error)
