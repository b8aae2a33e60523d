"""Makes a transcript shorter: notes of what lasts, a summary by the model, one transaction.

Nothing is taken away: the summary is one more line, and a run that is killed before it is stored
finds the transcript as it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import structlog

from bot import tokens
from bot.clock import Clock
from bot.context import compaction
from bot.context.compaction import Plan
from bot.context.prompt import conversation
from bot.engine.port import Engine, Script
from bot.hooks.points import Hooks
from bot.loop import OVERFLOW, Compact, Compaction
from bot.providers.chosen import Chosen
from bot.reply import SILENT
from bot.steps import step
from bot.store import entries, runs, sessions, upkeep
from bot.types import Entry, Failure, Final, ModelRequest, Turn, Usage

log = structlog.get_logger("compaction")

Remember = Callable[[Turn, str], Awaitable[None]]

PATIENCE = 180.0
_TRIES = 3
_MARGIN = 200
# A summary of this many tokens is allowed before a retry, however little it stands for.
_FEW_LINES = 100
_TOO_LONG = Failure(OVERFLOW, "The conversation is too long even to be summed up")
_SLOW = Failure("MODEL_STALL", "The model did not sum the conversation up in time")
_EMPTY = Failure("MODEL_CUT", "The model gave no summary", retryable=True)


@dataclass(slots=True)
class Compactor:
    """Performs what the loop asks. `remember` keeps notes beyond the session; None keeps none."""

    engine: Engine
    clock: Clock
    hooks: Hooks = field(default_factory=Hooks)
    remember: Remember | None = None

    async def perform(
        self, turn: Turn, chosen: Chosen, ask: Compact, overhead: int, wanted: str = ""
    ) -> Compaction:
        """Sum up the older part of a transcript.

        `overhead` is what a request has beside it, in tokens; `wanted` is what people asked the
        summary to keep.
        """
        room, seen = chosen.room, conversation(ask.entries)
        before = overhead + tokens.of_entries(seen)
        keep = min(room.keep, max(0, room.limit - overhead) // 2)
        if ask.will_retry:
            # The model has refused what was estimated to fit: half of it goes, whatever its size.
            keep = min(keep >> (ask.attempt - 1), (before - overhead) // 2)
        made = compaction.plan(seen, keep, go_on=ask.will_retry)
        if made is None:
            return Compaction(None, before, before)
        step("compact.begun")
        self.hooks.before_compaction(turn, len(seen), before, len(made.gone))
        usage = await self._keep_notes(turn, chosen, ask, made)
        said, failure = await self._asked(chosen, turn, made, "summary", wanted)
        usage += said.usage or Usage()
        if failure is not None:
            log.warning("not summed up", session=turn.session.key, reason=failure.message)
            return Compaction(None, before, before, usage, failure)
        step("compact.summed")
        text = compaction.capped(said.text, min(room.reserve, room.limit // 4))
        text = compaction.capped(text, max(_FEW_LINES, tokens.of_entries(made.gone)))
        entry = compaction.summed_up(text, made, before, self.clock.now(), turn.id)
        after = overhead + compaction.size_after(made, entry)
        if after >= before + (_FEW_LINES if ask.will_retry else 0):
            return Compaction(None, before, before, usage)
        entry = replace(entry, origin={**(entry.origin or {}), "tokensAfter": after})
        entry = await self.engine.tx(self._store(turn, entry, after))
        step("compact.stored")
        left = len(seen) - len(made.gone) + 1
        self.hooks.after_compaction(turn, left, after, len(made.gone))
        return Compaction(entry, before, after, usage)

    def _store(self, turn: Turn, entry: Entry, after: int) -> Script[Entry]:
        yield from runs.fence(turn.lane, turn.epoch)
        yield from sessions.compacted(turn.session.id, after)
        return (yield from entries.append(turn.session.id, [entry]))[0]

    async def _keep_notes(self, turn: Turn, chosen: Chosen, ask: Compact, made: Plan) -> Usage:
        """Let the model note what lasts, once before each summary; no fault of it stops that."""
        if self.remember is None:
            return Usage()
        cycle = max((one.seq for one in ask.entries if one.role == "compaction"), default=0)
        done = f"notes:{turn.session.id}:{cycle}"
        if await self.engine.read(upkeep.known(done)):
            return Usage()
        said, failure = await self._asked(chosen, turn, made, "notes")
        if failure is None and said.text.strip().strip("`*_.\"'").upper() != SILENT:
            try:
                await self.remember(turn, said.text.strip())
            except Exception as error:
                log.error("notes were not kept", session=turn.session.key, exc_info=error)
        await self.engine.tx(upkeep.done(done, self.clock.now()))
        return said.usage or Usage()

    async def _asked(
        self, chosen: Chosen, turn: Turn, made: Plan, purpose: str, wanted: str = ""
    ) -> tuple[Entry, Failure | None]:
        """What the model says about what goes; less of it is shown when it is too long."""
        system = compaction.SYSTEM if purpose == "summary" else compaction.NOTES_SYSTEM
        if wanted:
            system += f"\nThe person who asked for it wants this above all: {wanted}"
        said, failure = Entry("assistant", "", 0.0), _TOO_LONG
        budget = chosen.room.limit - tokens.of_text(system) - _MARGIN
        for _ in range(_TRIES):
            text = compaction.digest(made.gone, budget)
            if text is None:
                return said, _TOO_LONG
            request = ModelRequest(
                model=chosen.model,
                system=system,
                entries=[Entry("user", f"<conversation>\n{text}\n</conversation>", 0.0)],
                params=chosen.params,
                max_tokens=max(256, min(chosen.room.reserve, chosen.max_tokens or 1 << 30)),
                session=turn.session.key,
                purpose="summary" if purpose == "summary" else "notes",
            )
            final = await _answer(chosen, request)
            said = replace(final.entry, usage=chosen.priced(final.entry.usage))
            if final.failure is None:
                return said, None if said.text.strip() else _EMPTY
            failure, budget = final.failure, budget // 2
            if failure.code != OVERFLOW:
                break
        return said, failure


async def _answer(chosen: Chosen, request: ModelRequest) -> Final:
    try:
        async with asyncio.timeout(PATIENCE):
            async with aclosing(chosen.provider.stream(request)) as stream:  # type: ignore[type-var]
                async for event in stream:
                    if isinstance(event, Final):
                        return event
    except TimeoutError:
        pass
    return Final(Entry("assistant", "", 0.0), _SLOW)
