"""An external agent behind the Agent Client Protocol: it answers with its own model and tools.

Each session of ours has a process of its own, kept between turns, so that ending one ends no other.
The agent's session is remembered in the transcript and taken up again after a restart, if the agent
can; otherwise it is told the conversation anew.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.clock import Clock, SystemClock
from bot.providers.acp_agent import Agent, Permit
from bot.providers.acp_wire import API, delta_of, ending, known, prompt, takes_images
from bot.providers.command import installed
from bot.providers.demo import failed
from bot.providers.draft import Draft
from bot.providers.failures import failure
from bot.providers.found import Found
from bot.providers.http import Refused
from bot.providers.process import GRACE, within
from bot.types import Failure, Final, ModelEvent, ModelRequest, Stop, TextDelta

# Processes kept for sessions that do nothing now.
MAX_KEPT = 8
# An agent may take this long for each step before the first prompt, if it has no idle limit.
SETUP_LIMIT = 60.0


class Acp:
    """A Provider. `argv` is the agent's program, `cwd` the folder it works in; `permit` decides
    what the agent may do, without it nothing; `idle_timeout` in seconds, 0 is none."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        clock: Clock | None = None,
        idle_timeout: float = 60.0,
        max_concurrent: int | None = None,
        permit: Permit | None = None,
    ) -> None:
        self._name = name
        self._argv = tuple(argv)
        self._cwd = (cwd or Path.cwd()).absolute()
        self._clock = clock or SystemClock()
        self._idle = idle_timeout
        self._permit = permit
        self._slots: contextlib.AbstractAsyncContextManager[object] = (
            asyncio.Semaphore(max_concurrent) if max_concurrent else contextlib.nullcontext()
        )
        # The one used last stands last.
        self._kept: dict[str, Agent] = {}
        self._closed = False

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Call the agent; see `bot.types.Provider`. Closing it cancels the prompt."""
        said = Draft()
        stop: Stop = "end"
        wrong: Failure | None = None
        agent: Agent | None = None
        async with self._slots:
            try:
                agent, blocks = await self._ready(request)
                updates = _updates(agent, blocks, self._clock, self._idle)
                async with contextlib.aclosing(updates) as heard:
                    async for update in heard:
                        if "result" in update:
                            stop, wrong = ending(self._name, update["result"])
                        elif delta := delta_of(update):
                            keep = said.say if isinstance(delta, TextDelta) else said.think
                            for one in keep(delta.text):
                                yield one
            except Refused as refused:
                wrong = refused.failure
            except TimeoutError:
                text = f"{self._name} sent nothing for {self._idle:g} seconds"
                wrong = failure("MODEL_STALL", text)
            finally:
                if agent is not None:
                    await self._keep(request.session, agent)
        for one in said.end():
            yield one
        wire = {"api": API, "session": agent.session} if agent else None
        at, ref = self._clock.now(), f"{self._name}/{request.model}"
        entry = said.entry(at, ref, stop, (), None, wire)
        yield Final(entry) if wrong is None else failed(entry, wrong)

    async def models(self) -> list[Found]:
        """One: the agent itself. Raises Refused when its program is not there."""
        installed(self._name, self._argv)
        return [Found("default", self._argv[0])]

    async def close(self) -> None:
        """End every agent."""
        agents, self._kept, self._closed = list(self._kept.values()), {}, True
        await asyncio.gather(*(agent.stop() for agent in agents))

    async def _ready(self, request: ModelRequest) -> tuple[Agent, list[dict[str, Any]]]:
        """The agent of this session, and what to tell it. Raises Refused."""
        before = known(request.entries)
        limit = self._idle or SETUP_LIMIT
        agent = self._kept.pop(request.session, None)
        if agent is None or not agent.running:
            if agent is not None:
                await agent.stop()
            agent = await Agent.begin(
                self._name,
                self._argv,
                self._cwd,
                request.session,
                clock=self._clock,
                permit=self._permit,
                limit=limit,
            )
        try:
            knows = agent.session is not None and agent.session == before.session
            knows = knows or await agent.open(before.session, self._cwd, limit)
        except BaseException:
            await agent.stop()
            raise
        system, entries = ("", before.news) if knows else (request.system, request.entries)
        return agent, prompt(system, entries, takes_images(agent.capabilities))

    async def _keep(self, session: str, agent: Agent) -> None:
        """Keep an agent for the next turn of its session, and not too many of them."""
        if self._closed or not session or not agent.running:
            await agent.stop()
            return
        former = self._kept.pop(session, None)
        self._kept[session] = agent
        if former is not None:
            await former.stop()
        while len(self._kept) > MAX_KEPT:
            await self._kept.pop(next(iter(self._kept))).stop()


async def _updates(
    agent: Agent, blocks: Sequence[Mapping[str, Any]], clock: Clock, idle: float
) -> AsyncGenerator[Mapping[str, Any], None]:
    """The updates of one prompt, the last one being `{result}`. Raises Refused, and TimeoutError
    when nothing comes for `idle` seconds. Closing it cancels the prompt."""
    updates: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
    answer = agent.prompt(blocks, updates.put_nowait)
    answer.add_done_callback(lambda done: updates.put_nowait({}))
    try:
        while True:
            try:
                update = await within(clock, idle, updates.get())
            except TimeoutError:
                if agent.asking:
                    continue
                raise
            if not update and answer.done():
                yield {"result": answer.result()}
                return
            yield update
    finally:
        if not answer.done():
            await agent.cancel(answer, GRACE)
