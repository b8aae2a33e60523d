"""One model call of a run: its request, its stream, and a call of tools kept before it is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import structlog

from bot import tokens
from bot.clock import Clock
from bot.context.gather import Scenes
from bot.context.prompt import conversation, system_prompt
from bot.context.pruning import pruned
from bot.context.scene import AgentPrompt, Asked, Scene
from bot.engine.port import Engine, Script
from bot.hooks.points import Hooks
from bot.media import Media
from bot.providers.chosen import Chosen
from bot.providers.cooldown import reason
from bot.providers.fallback import falls_over, in_order, told
from bot.providers.spending import Spending
from bot.speech import Speech
from bot.steps import step
from bot.store import entries, runs
from bot.tools.policy import ToolPolicy
from bot.tools.registry import Tools
from bot.types import (
    Entry,
    Failure,
    Final,
    ModelRequest,
    Notice,
    Restart,
    TextDelta,
    ThinkDelta,
    ToolSpec,
    Turn,
)

log = structlog.get_logger("inference")

_Given = tuple[AgentPrompt, Scene, Asked, str | None]


class Agents(Protocol):
    """What a run needs to know of its agent."""

    def choose(self, turn: Turn) -> Chosen:
        """The model of a run. Raises RunError: NO_MODEL, NO_CREDENTIALS."""
        ...

    def prompt(self, agent: str) -> AgentPrompt: ...

    def tools(self, turn: Turn, ref: str) -> ToolPolicy:
        """What a run on a model (`provider/model`) may call."""
        ...

    def wanted(self, turn: Turn) -> str:
        """The model that a run is meant for, whoever answers it then."""
        ...

    def owner(self, turn: Turn) -> bool:
        """May the requester of a run do what only owners may?"""
        ...

    def status_of_run(self, turn: Turn, chosen: Chosen) -> Mapping[str, Any]: ...


@dataclass(slots=True)
class Inference:
    """Asks models on behalf of runs."""

    engine: Engine
    clock: Clock
    agents: Agents
    tools: Tools
    media: Media
    scenes: Scenes
    hooks: Hooks = field(default_factory=Hooks)
    spending: Spending | None = None
    _prompts: dict[str, tuple[_Given, str]] = field(default_factory=dict, init=False)
    _sizes: dict[str, tuple[ToolSpec, int]] = field(default_factory=dict, init=False)

    async def answer(
        self,
        turn: Turn,
        chosen: Chosen,
        history: Sequence[Entry],
        speech: Speech,
        stored: Callable[[], Awaitable[None]],
    ) -> tuple[Final, Chosen]:
        """A call that is made with the next model where one cannot answer; and who answered.

        What the one before had said is unsaid. Within the budget only: see `Spending`.
        """
        if wrong := await self.over_budget(turn, history):
            await stored()
            return Final(Entry("assistant", "", self.clock.now(), stop="error"), wrong), chosen
        left = await in_order(chosen)
        while True:
            now, others = left[0], tuple(left[1:])
            if now.others != others:
                now = replace(now, others=others)
            final = await self.call(turn, now, history, speech, stored)
            if not (now.others and falls_over(final.failure)):
                break
            assert final.failure is not None
            await stored()
            speech.rewind()
            log.info("model cannot answer", model=now.ref, reason=final.failure.message)
            left = [replace(left[1], because=reason(final.failure.code)), *left[2:]]
        if final.failure is None and (notice := told(now, self.agents.wanted(turn), history)):
            speech.note(notice)
        return final, now

    async def over_budget(self, turn: Turn, history: Sequence[Entry]) -> Failure | None:
        """Why nothing more may be spent on a run; None: it may."""
        return await self.spending.refusal(turn, history) if self.spending else None

    async def call(
        self,
        turn: Turn,
        chosen: Chosen,
        history: Sequence[Entry],
        speech: Speech,
        stored: Callable[[], Awaitable[None]],
    ) -> Final:
        """One call over a transcript; its words go to `speech`, a call of tools into the store.

        The model is asked at once; nothing it says is heard before the turn is `stored`. A request
        that is too large is not made: it fails as the model would let it fail.
        """
        request = self.request(turn, chosen, history)
        size = tokens.of_request(request, self.overhead(request))
        speech.begin()
        if size > chosen.room.limit:
            return _too_large(size, chosen.room.limit)
        request = await self.media.request(turn, chosen, request)
        step("turn.prompted")
        self.hooks.llm_input(turn, chosen.ref, request)
        final = await _streamed(chosen, request, speech, stored, self.clock)
        if self.media.unseen(chosen, request, final):
            return await self.call(turn, chosen, history, speech, stored)
        speech.finish(final.entry.text)
        if final.entry.stop == "tools":
            speech.rest()
        entry = replace(
            final.entry,
            text=speech.clean(final.entry.text),
            run=turn.id,
            model=chosen.ref,
            at=self.clock.now(),
            usage=chosen.priced(final.entry.usage),
        )
        self.hooks.llm_output(turn, chosen.ref, entry)
        if final.failure is None and entry.stop == "tools":
            step("turn.streamed")
            entry = self.hooks.before_message_write(turn.session, entry)
            entry = await self.engine.tx(_keep(turn, entry))
            step("turn.called")
        size += tokens.of_entry(entry)
        context = _counted(entry) or size
        crowded = max(size, context) > chosen.room.limit
        return replace(final, entry=entry, context=context, crowded=crowded)

    def overhead(self, request: ModelRequest) -> int:
        """Tokens of what stands before a request's conversation: system prompt and tools."""
        return tokens.of_text(request.system) + sum(map(self._size, request.tools))

    def _size(self, tool: ToolSpec) -> int:
        known = self._sizes.get(tool.name)
        if known is None or known[0].schema is not tool.schema:
            known = self._sizes[tool.name] = (tool, tokens.of_tools([tool]))
        return known[1]

    def request(self, turn: Turn, chosen: Chosen, history: Sequence[Entry]) -> ModelRequest:
        """What a call over a transcript asks the model."""
        policy = self.agents.tools(turn, chosen.ref)
        specs = self.tools.specs(policy)
        request = ModelRequest(
            model=chosen.model,
            system=self._system(turn, chosen, specs),
            entries=pruned(conversation(history), chosen.window),
            tools=specs,
            thinking=chosen.thinking,
            params=chosen.params,
            max_tokens=chosen.max_tokens,
            session=turn.session.key,
            place=_place(turn, history),
        )
        return self.hooks.dressed(turn, request)

    def _system(self, turn: Turn, chosen: Chosen, specs: Sequence[ToolSpec]) -> str:
        """The system prompt; most turns of an agent have the same."""
        agent = turn.session.agent
        asked = Asked(
            chosen.ref,
            chosen.thinking,
            turn.session.settings.reasoning or "off",
            tuple(spec.name for spec in specs),
        )
        given = (self.agents.prompt(agent), self.scenes.of(turn), asked, turn.extra_prompt)
        known = self._prompts.get(agent)
        if known is None or known[0] != given:
            known = self._prompts[agent] = (given, system_prompt(*given))
        return known[1]


def _place(turn: Turn, history: Sequence[Entry]) -> str:
    """The session since its reset and its last summary."""
    summed_up = max((one.seq for one in history if one.role == "compaction"), default=0)
    return f"{turn.session.id}/{summed_up}"


async def _streamed(
    chosen: Chosen,
    request: ModelRequest,
    speech: Speech,
    stored: Callable[[], Awaitable[None]],
    clock: Clock,
) -> Final:
    final: Final | None = None
    first: float | None = None
    last = 0.0
    async with aclosing(chosen.provider.stream(request)) as stream:  # type: ignore[type-var]
        async for event in stream:
            await stored()
            if isinstance(event, TextDelta):
                speech.hear(event.text)
            elif isinstance(event, ThinkDelta):
                speech.think(event.text)
                last = clock.now()
                first = last if first is None else first
            elif isinstance(event, Restart):
                speech.rewind()
                speech.begin()
                first = None
            elif isinstance(event, Notice):
                speech.note(event)
            elif isinstance(event, Final):
                final = event
    assert final is not None, "a provider ended without its final event"
    thought = None if first is None else round(last - first, 3)
    return replace(final, entry=replace(final.entry, thought=thought))


def _too_large(size: int, limit: int) -> Final:
    says = f"The conversation has about {size} tokens, and the model takes {limit}"
    return Final(Entry("assistant", "", 0.0, stop="overflow"), Failure("CONTEXT_OVERFLOW", says))


def _counted(entry: Entry) -> int:
    """Tokens of a request and its answer as the server counted them, 0 where it did not."""
    usage = entry.usage
    return usage.input + usage.output if usage is not None and usage.input else 0


def _keep(turn: Turn, entry: Entry) -> Script[Entry]:
    yield from runs.fence(turn.lane, turn.epoch)
    return (yield from entries.append(turn.session.id, [entry]))[0]
