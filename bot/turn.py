"""One run: performs what the loop asks, ends it, and tells the hub and the preview."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import structlog

from bot.claims import Claimed, Claims, run_joined
from bot.clock import Clock
from bot.compaction import Compactor
from bot.context.dispatch import dispatched
from bot.context.gather import Scenes
from bot.delivery import Answered, Delivery
from bot.ending import Ending, commit, ending, footer
from bot.engine.port import Engine
from bot.errors import Fenced, RunError, StoreError
from bot.events import Body, Compacted, Delta, Event, Finished, Hub, RunEvent, Signal, Started
from bot.gate import Gate
from bot.hooks.points import Hooks
from bot.inference import Agents, Inference
from bot.loop import (
    Ask,
    CallModel,
    CallTools,
    Compact,
    Compaction,
    Listen,
    Outcome,
    Told,
    agent_loop,
    compact_loop,
)
from bot.media import Media
from bot.providers.chosen import Chosen
from bot.reply import Secrets, error_line, prefix_words, reasoning_message
from bot.speech import Speech
from bot.steps import step
from bot.tools.bubbles import Bubbles
from bot.tools.perform import Approve, Performer, Round
from bot.tools.registry import Tools
from bot.tools.repeats import Repeats
from bot.types import Entry, ToolContext, Turn, Usage

log = structlog.get_logger("turn")


@dataclass(frozen=True, slots=True)
class Made:
    """A turn that was made: whether its lane has more to do, and the session's transcript now."""

    more: bool
    transcript: list[Entry]


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
        scenes: Scenes,
        secrets: Secrets | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        self.hooks = hooks or Hooks()
        self.engine = engine
        self.clock = clock
        self.hub = hub
        self.delivery = delivery
        self.agents = agents
        self.tools = tools
        self.media = media
        self.scenes = scenes
        self.inference = Inference(engine, clock, agents, tools, media, scenes, self.hooks)
        self.compactor = Compactor(engine, clock, self.hooks)
        self.secrets = secrets or Secrets()
        self.gate_of: Callable[[str], Gate] = lambda lane: Gate(1)
        self.approve: Approve | None = None
        self.claims: Claims | None = None
        self._active: dict[str, _Run] = {}
        self._doomed: set[str] = set()
        self._numbered: dict[str, int] = {}
        self.elsewhere: Callable[[str], tuple[int, str] | None] = lambda run: None

    async def run(self, claimed: Claimed) -> Made:
        """Make one turn."""
        turn = claimed.turn
        run = _Run(self, claimed)
        run.seq = self._numbered.pop(turn.id, 0) or (self.elsewhere(turn.id) or (0,))[0]
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
            self.scenes.end(turn.id)
            del self._active[turn.id]
            # It calls the run back: without it all goes now, not when garbage is looked for.
            del run.speech

    def abort(self, run: str) -> None:
        """End a run as soon as possible, keeping its partial text; or when it begins."""
        found = self._active.get(run)
        if found is not None:
            found.abort()
        else:
            self._doomed.add(run)

    def told(self, event: Event) -> None:
        """A run that ended elsewhere is not to be stopped when it is begun again."""
        if isinstance(event, RunEvent) and isinstance(event.body, Finished):
            self._doomed.discard(event.run)

    def given_up(self, turn: Turn, error: Mapping[str, str]) -> None:
        """A turn that kept raising has been closed; tell its watchers."""
        now = self.clock.now()
        end = Finished("error", now, now, error_line(error["code"]), error=error)
        seq = self._numbered.pop(turn.id, 0) + 1
        self.hub.publish(RunEvent(turn.id, turn.session.key, seq, now, end))

    def asking(self, session_key: str, call: str) -> ToolContext | None:
        """The run of a session, for a question on its behalf; None when none is on."""
        found = next((one for one in self._active.values() if one.session_key == session_key), None)
        return found.asking(call) if found else None

    def text_of(self, run: str) -> tuple[int, str] | None:
        """The last event number and the visible text so far of an active run, here or elsewhere."""
        found = self._active.get(run)
        return (found.seq, found.speech.text) if found else self.elsewhere(run)

    def growing(self) -> Iterator[RunEvent]:
        """What each run of this process has said so far."""
        for id, run in self._active.items():
            said = Delta("", run.speech.text)
            yield RunEvent(id, run.session_key, run.seq, self.clock.now(), said)


class _Run:
    def __init__(self, parts: Turns, claimed: Claimed) -> None:
        turn = claimed.turn
        self._parts = parts
        self._claimed = claimed
        self.session_key = turn.session.key
        self._turn = turn
        self._transcript = list(claimed.history)
        self._seen: Sequence[Entry] = self._transcript
        self._started_at = parts.clock.now()
        self._first_at: float | None = None
        self._limit: asyncio.Timeout | None = None
        self._aborted = False
        self._absent = 0
        self._left: float | None = None
        self._live = parts.delivery.live(turn)
        self._reasoning = turn.reasoning or turn.session.settings.reasoning or "off"
        self._chosen: Chosen | None = None
        self.speech = Speech(self._emit, self._live, parts.secrets, self._reasoning)
        self.seq = 0

    async def make(self) -> Made:
        parts, turn = self._parts, self._turn
        self._claimed.when_stored(self._begun)
        try:
            self.speech.resume(self._transcript, turn.id)
            outcome = await self._perform()
            await self._claimed.stored()
        finally:
            await self._live.close()
        step("turn.streamed")
        now = parts.clock.now()
        end = ending(turn, outcome, self.speech, self._aborted, now, self._transcript)
        if end.entry is not None:
            kept = parts.hooks.before_message_write(turn.session, end.entry)
            end = end if kept is end.entry else replace(end, entry=kept)
        replies, begun = parts.delivery.parts(turn, self._answered(end)), len(self._live.sent)
        committed = await parts.engine.tx(
            commit(end, replies, parts.delivery, now, begun, self._first_at)
        )
        if committed.sending is not None:
            parts.delivery.hand_over(committed.sending)
        step("turn.committed")
        # The answer goes first, then those who watch are told.
        await asyncio.sleep(0)
        self._finished(end, committed.lines[-1] if end.entry else None)
        await parts.hooks.agent_end(turn, end.state, outcome.error, now - self._started_at)
        return Made(committed.more, [*self._transcript, *committed.lines])

    def _answered(self, end: Ending) -> Answered:
        turn, chosen, asked = self._turn, self._chosen, self.speech.reply_to
        if asked == "current":
            asked = turn.message.ref.id
        elif asked not in {one.ref for one in self._transcript if one.ref}:
            asked = None
        thinking = self._parts.secrets.clean(self.speech.thinking)
        words = {}
        if chosen is not None:
            name = self._parts.agents.prompt(turn.session.agent).name
            words = prefix_words(chosen.ref, chosen.thinking, name)
        reasoning = reasoning_message(thinking) if self._reasoning == "on" else ""
        return Answered(end.reply + footer(end), reasoning, asked, words, self._live.sent)

    def _begun(self) -> None:
        step("lane.claimed")
        self._live.begin()
        self._emit(Started(self._started_at))
        self._parts.hooks.session_start(self._turn, self._transcript)

    @cached_property
    def _performer(self) -> Performer:
        parts, turn = self._parts, self._claimed.turn
        return Performer(
            parts.engine,
            parts.clock,
            parts.tools,
            turn,
            self._claimed.journal,
            self._emit,
            self._away,
            Repeats.of(self._transcript, turn.id),
            parts.approve,
            self._called,
            Bubbles(turn, parts.secrets.clean),
            parts.scenes.env_for,
            parts.hooks,
        )

    def asking(self, call: str) -> ToolContext:
        """What a question of this run is asked with, as if it were a call of its model."""
        ref = self._chosen.ref if self._chosen else ""
        return ToolContext(self._turn, ref, lambda said: None, {}, call, away=self._away)

    def abort(self) -> None:
        self._aborted = True
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def _away(self) -> AsyncIterator[None]:
        """While a call waits for a person: no place among all runs is held, no time counts."""
        gate = self._parts.gate_of(self._turn.lane)
        limit, loop = self._limit, asyncio.get_running_loop()
        assert limit is not None
        if not self._absent:
            ends = limit.when()
            self._left = None if ends is None else ends - loop.time()
            if not self._aborted:
                limit.reschedule(None)
            gate.leave()
        self._absent += 1
        try:
            yield
        finally:
            self._absent -= 1
            if not self._absent:
                await gate.back(self._aborted or limit.expired())
                if self._left is not None and not (self._aborted or limit.expired()):
                    limit.reschedule(loop.time() + self._left)

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
        parts, turn = self._parts, self._turn
        turn = self._turn = await parts.hooks.before_run(turn, self._transcript)
        chosen = self._chosen = parts.agents.choose(turn)
        scene = await parts.scenes.begin(turn)
        if provider := dispatched(scene, turn.message.text, turn.errand):
            self._chosen = replace(chosen, provider=provider, others=())
        self._transcript = await parts.media.fetched(turn, self._transcript)
        compacts = turn.work == "compact"
        loop = compact_loop(self._transcript, turn.id) if compacts else agent_loop(self._transcript)
        try:
            ask = next(loop)
            while True:
                ask = loop.send(await self._perform_ask(self._chosen, ask))
        except StopIteration as stop:
            outcome: Outcome = stop.value
            return outcome

    async def _perform_ask(self, chosen: Chosen, ask: Ask) -> Told:
        if isinstance(ask, CallModel):
            stored, speech = self._claimed.stored, self.speech
            inference = self._parts.inference
            self._seen = ask.entries
            final, self._chosen = await inference.answer(
                self._turn, chosen, ask.entries, speech, stored
            )
            return final
        if isinstance(ask, CallTools):
            return await self._call_tools(chosen, ask)
        if isinstance(ask, Listen):
            return await self._listen()
        return await self._compact(chosen, ask)

    async def _called(self) -> bool:
        """Has the requester said something that this run is to hear?"""
        parts = self._parts
        return parts.claims is not None and await parts.engine.read(
            parts.claims.waits_to_steer(self._turn)
        )

    async def _listen(self) -> Sequence[Entry]:
        parts, turn = self._parts, self._turn
        if parts.claims is None or not await self._called():
            return ()
        steered = await parts.engine.tx(parts.claims.steered(turn, parts.clock.now()))
        for run in steered.joined:
            parts.hub.publish(run_joined(run, turn.session.key, turn.id))
        return steered.entries

    async def _compact(self, chosen: Chosen, ask: Compact) -> Compaction:
        """Make the transcript shorter; what was said of an answer that is asked again is unsaid."""
        parts, turn, made = self._parts, self._turn, None
        await self._claimed.stored()
        request = parts.inference.request(turn, chosen, ask.entries)
        overhead = parts.inference.overhead(request)
        wanted = turn.message.text if turn.work == "compact" else ""
        self._emit(Compacted("start", ask.will_retry))
        try:
            if wrong := await parts.inference.over_budget(turn, ask.entries):
                made = Compaction(None, failure=wrong)
            else:
                made = await parts.compactor.perform(turn, chosen, ask, overhead, wanted)
        finally:
            again = ask.will_retry and made is not None and made.entry is not None
            if again:
                self.speech.rewind()
            self._emit(Compacted("end", again))
        return made

    async def _call_tools(self, chosen: Chosen, ask: CallTools) -> list[Entry]:
        await self._live.flushed()
        status = self._parts.agents.status_of_run(self._turn, chosen)
        agents = self._parts.agents
        policy, owner = agents.tools(self._turn, chosen.ref), agents.owner(self._turn)
        shared = Round(ask.asked, policy, chosen.ref, status, owner, self._seen)
        return await self._performer.calls(ask.calls, shared)

    def _finished(self, end: Ending, entry: Entry | None) -> None:
        usage = end.outcome.usage
        self._emit(
            Finished(
                status=end.state,
                started_at=self._started_at,
                ended_at=self._parts.clock.now(),
                reply=end.reply,
                usage={
                    "inputTokens": usage.input,
                    "outputTokens": usage.output,
                    "cost": usage.cost,
                },
                error=dict(zip(("code", "message"), end.outcome.error, strict=True))
                if end.outcome.error
                else None,
                entry=entry,
            )
        )
        self._parts.hub.publish(Signal("sessions.changed", {"sessionKey": self._turn.session.key}))

    def _emit(self, body: Body) -> None:
        self.seq += 1
        turn, now = self._turn, self._parts.clock.now()
        if self._first_at is None and isinstance(body, Delta):
            self._first_at = now
        self._parts.hub.publish(RunEvent(turn.id, turn.session.key, self.seq, now, body))


def _stopped(error: tuple[str, str]) -> Outcome:
    return Outcome("error", None, Usage(), 0, error)
