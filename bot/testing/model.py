"""A model that says what a test wrote down, delta for delta."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.clock import Clock
from bot.inference import Agents
from bot.providers.chosen import Chosen
from bot.providers.demo import last_exchange
from bot.types import (
    Entry,
    Failure,
    Final,
    ModelEvent,
    ModelRequest,
    TextDelta,
    ThinkDelta,
    ToolCall,
    Turn,
    Usage,
)

Step = str | ThinkDelta | float | asyncio.Event | ToolCall | Failure | Exception
Script = Callable[[ModelRequest], Sequence[Step]]


def call(name: str, id: str = "c1", **args: Any) -> ToolCall:
    """A tool call as a model makes it."""
    return ToolCall(id, name, "{}", args)


class ScriptedModel:
    """A `Provider` whose answers are steps: text to stream, thinking, seconds to wait, an event to
    wait for, calls, a failure, or an exception to raise against its promise.

    `script` is asked for each request; `answers` are given by what the user said, each in turn.
    Summaries and notes of a conversation, which nobody asked for in words, are `aside`.
    """

    def __init__(self, clock: Clock, script: Script | None = None) -> None:
        self.requests: list[ModelRequest] = []
        self.running = 0
        self.most_running = 0
        self._clock = clock
        self._script = script
        self._answers: dict[str, list[Sequence[Step]]] = {}
        self.aside: dict[str, list[Sequence[Step]]] = {
            "summary": [["A summary."]],
            "notes": [["NO_REPLY"]],
        }

    def on(self, said: str, *answers: Sequence[Step]) -> None:
        """When the user said this: these answers, one for each request, the last one again."""
        self._answers[said] = list(answers)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        self.requests.append(replace(request, entries=tuple(request.entries)))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        entry, failure = Entry(role="assistant", text="", at=0.0, stop="end"), None
        try:
            for step in self._steps(request):
                if isinstance(step, float):
                    await self._clock.sleep(step)
                elif isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, Exception):
                    raise step
                elif isinstance(step, Failure):
                    failure = step
                elif isinstance(step, ToolCall):
                    entry = replace(entry, calls=(*entry.calls, step), stop="tools")
                elif isinstance(step, ThinkDelta):
                    entry = replace(entry, thinking=entry.thinking + step.text)
                    yield step
                else:
                    entry = replace(entry, text=entry.text + step)
                    yield TextDelta(step)
        finally:
            self.running -= 1
        stop = "error" if failure else entry.stop
        yield Final(replace(entry, stop=stop, usage=Usage(10, 5)), failure)

    async def close(self) -> None:
        """Nothing is open."""

    def _steps(self, request: ModelRequest) -> Sequence[Step]:
        if self._script is not None:
            return self._script(request)
        if request.purpose != "answer":
            own = self.aside[request.purpose]
            return own.pop(0) if len(own) > 1 else own[0]
        asked, _, _ = last_exchange(request.entries)
        said = "\n".join(one for one in asked.split("\n") if not one.startswith("<quoted>"))
        answers = self._answers.get(said)
        if not answers:
            return [f"echo {said}"]
        return answers.pop(0) if len(answers) > 1 else answers[0]


class Answering:
    """`Agents` with the scripted model for every run, and the rest from the configuration."""

    def __init__(self, agents: Agents, model: ScriptedModel) -> None:
        self._agents = agents
        self._model = model
        self.prompt = agents.prompt
        self.tools = agents.tools
        self.owner = agents.owner
        self.wanted = agents.wanted

    def choose(self, turn: Turn) -> Chosen:
        return replace(self._agents.choose(turn), provider=self._model, others=())

    def status_of_run(self, turn: Turn, chosen: Chosen) -> Mapping[str, Any]:
        return self._agents.status_of_run(turn, chosen)
