"""One model call of a run: its request, its stream, and a call of tools kept before it is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bot.clock import Clock
from bot.context.prompt import AgentPrompt, conversation, system_prompt
from bot.engine.port import Engine, Script
from bot.media import Media
from bot.providers.chosen import Chosen
from bot.speech import Speech
from bot.steps import step
from bot.store import entries, runs
from bot.tools.policy import ToolPolicy
from bot.tools.registry import Tools
from bot.types import Entry, Final, ModelRequest, TextDelta, ThinkDelta, Turn


class Agents(Protocol):
    """What a run needs to know of its agent."""

    def choose(self, turn: Turn) -> Chosen:
        """The model of a run. Raises RunError: NO_MODEL, NO_CREDENTIALS."""
        ...

    def prompt(self, agent: str) -> AgentPrompt: ...

    def tools(self, turn: Turn, ref: str) -> ToolPolicy:
        """What a run on a model (`provider/model`) may call."""
        ...

    def owner(self, turn: Turn) -> bool:
        """May the requester of a run do what only owners may?"""
        ...

    def status_of_run(self, turn: Turn, chosen: Chosen) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Inference:
    """Asks models on behalf of runs."""

    engine: Engine
    clock: Clock
    agents: Agents
    tools: Tools
    media: Media

    async def call(
        self,
        turn: Turn,
        chosen: Chosen,
        history: Sequence[Entry],
        speech: Speech,
        stored: Callable[[], Awaitable[None]],
    ) -> Final:
        """One call over a transcript; its words go to `speech`, a call of tools into the store.

        The model is asked at once; nothing it says is heard before the turn is `stored`.
        """
        request = await self.media.request(turn, chosen, self._request(turn, chosen, history))
        step("turn.prompted")
        final = await _streamed(chosen, request, speech, stored)
        if self.media.unseen(chosen, request, final):
            return await self.call(turn, chosen, history, speech, stored)
        speech.finish(final.entry.text)
        entry = replace(
            final.entry,
            run=turn.id,
            model=chosen.ref,
            at=self.clock.now(),
            usage=chosen.priced(final.entry.usage),
        )
        if final.failure is None and entry.stop == "tools":
            step("turn.streamed")
            entry = await self.engine.tx(_keep(turn, entry))
            step("turn.called")
        return replace(final, entry=entry)

    def _request(self, turn: Turn, chosen: Chosen, history: Sequence[Entry]) -> ModelRequest:
        policy = self.agents.tools(turn, chosen.ref)
        return ModelRequest(
            model=chosen.model,
            system=system_prompt(
                self.agents.prompt(turn.session.agent),
                address=turn.session.address,
                kind=turn.message.kind if turn.session.address else None,
                extra=turn.extra_prompt,
            ),
            entries=conversation(history),
            tools=self.tools.specs(policy),
            thinking=chosen.thinking,
            params=chosen.params,
            max_tokens=chosen.max_tokens,
            session=turn.session.key,
        )


async def _streamed(
    chosen: Chosen, request: ModelRequest, speech: Speech, stored: Callable[[], Awaitable[None]]
) -> Final:
    final: Final | None = None
    speech.begin()
    async with aclosing(chosen.provider.stream(request)) as stream:  # type: ignore[type-var]
        async for event in stream:
            await stored()
            if isinstance(event, TextDelta):
                speech.hear(event.text)
            elif isinstance(event, ThinkDelta):
                speech.think(event.text)
            elif isinstance(event, Final):
                final = event
    assert final is not None, "a provider ended without its final event"
    return final


def _keep(turn: Turn, entry: Entry) -> Script[Entry]:
    yield from runs.fence(turn.lane, turn.epoch)
    return (yield from entries.append(turn.session.id, [entry]))[0]
