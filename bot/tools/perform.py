"""Runs the model's calls: intent, run, result, each durable before the next.

A call whose intent is recorded and whose result is not, as after a crash, is run again only if its
tool is repeatable; otherwise the model is told that the outcome is unknown. Calls that only look
run beside each other; their results are recorded in the order of the calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import structlog

from bot.clock import Clock
from bot.engine.port import Engine, Script
from bot.errors import Fenced, RunError
from bot.events import Body, Note, ToolEnded, ToolStarted, ToolUpdated
from bot.hooks.points import Hooks
from bot.steps import step
from bot.store import approvals, entries, runs
from bot.tools import repeats, taint
from bot.tools.arguments import mistake, settled
from bot.tools.bounds import MAX_UPDATE, bounded, fit, shown_args
from bot.tools.bubbles import Bubbles
from bot.tools.policy import PAYMENT, ToolPolicy
from bot.tools.registry import Tools
from bot.tools.repeats import Repeats
from bot.types import Entry, Tool, ToolCall, ToolContext, ToolResult, Turn

log = structlog.get_logger("tools")

TOGETHER = 8  # calls that run beside each other, at most
UPDATE_EVERY = 0.25  # seconds between two updates of a call, at least
MAX_UPDATES = 500
GRACE = 2.0  # seconds a stopped tool has to clean up
UNKNOWN = (
    "The outcome of this call is unknown: the process stopped while it ran. It may have had its "
    "effect. Check before calling it again, and tell the user."
)
SKIPPED = "This call was not made: the user said something meanwhile, which comes next."

Approve = Callable[[ToolCall, ToolContext, str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Round:
    """What the calls of one assistant entry share; `asked` is that entry's number, `seen` what its
    model saw."""

    asked: int
    policy: ToolPolicy
    model: str
    status: Mapping[str, Any]
    owner: bool = False
    seen: Sequence[Entry] = ()


def no_env(turn: Turn) -> Mapping[str, str]:
    """The variables of a run without skills."""
    return {}


@dataclass(frozen=True, slots=True)
class Performer:
    """Performs the calls of one run.

    `called` says whether the requester has said something that should be heard before the next
    call.

    `journal` is what an interrupted attempt left behind. `approve` asks a person about a call for a
    reason and gives None when it may be made, else why not; without it no such call is made.
    `bubbles` shows the calls where people want to see them. `env` gives the variables of a run's
    skills.
    """

    engine: Engine
    clock: Clock
    tools: Tools
    turn: Turn
    journal: Mapping[str, str]
    emit: Callable[[Body], None]
    away: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    repeats: Repeats = field(default_factory=Repeats)
    approve: Approve | None = None
    called: Callable[[], Awaitable[bool]] | None = None
    bubbles: Bubbles | None = None
    env: Callable[[Turn], Mapping[str, str]] = no_env
    hooks: Hooks = field(default_factory=Hooks)

    async def calls(self, calls: Sequence[ToolCall], shared: Round) -> list[Entry]:
        """Run the calls of an entry; a result for each, in their order. Raises RunError."""
        results: list[Entry] = []
        for together in self._batches(calls):
            if results and self.called is not None and await self.called():
                left = calls[len(results) :]
                return results + [await self._skipped(call, shared) for call in left]
            results += await self._together(together, shared)
        return results

    async def _skipped(self, call: ToolCall, shared: Round) -> Entry:
        self.emit(ToolStarted(call.id, call.name, shown_args(call.args)))
        return await self._recorded(call, shared, ToolResult(SKIPPED, is_error=True))

    def _batches(self, calls: Sequence[ToolCall]) -> Iterator[list[ToolCall]]:
        """Neighbours that only look, and each of the others alone."""
        for looking, group in groupby(calls, self._only_looks):
            batch = list(group)
            size = TOGETHER if looking else 1
            yield from (batch[at : at + size] for at in range(0, len(batch), size))

    def _only_looks(self, call: ToolCall) -> bool:
        tool = self.tools.get(call.name)
        return tool is not None and tool.risk == "read" and tool.repeatable

    async def _together(self, calls: Sequence[ToolCall], shared: Round) -> list[Entry]:
        tasks = [
            asyncio.create_task(self._result(call, shared), name=f"call:{call.name}")
            for call in calls
        ]
        try:
            return [
                await self._recorded(call, shared, await task)
                for call, task in zip(calls, tasks, strict=True)
            ]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _result(self, call: ToolCall, shared: Round) -> ToolResult:
        self.emit(ToolStarted(call.id, call.name, shown_args(call.args)))
        key, tool = f"{shared.asked}/{call.id}", self.tools.get(call.name)
        refused = self._turning(call) or self._refused(call, tool, shared.policy)
        if refused is not None or tool is None:
            return ToolResult(refused or "", is_error=True)
        if await self._interrupted(key, tool):
            return ToolResult(UNKNOWN, is_error=True)
        call, refused = await self._allowed(call, tool)
        if refused is not None:
            return ToolResult(refused, is_error=True)
        await self.engine.tx(self._intend(key, call))
        step("tool.intended")
        began = self.clock.now()
        result = await self._run(call, tool, key, shared)
        self.hooks.after_tool_call(self.turn, call, result, self.clock.now() - began)
        step("tool.ran")
        return result

    async def _recorded(self, call: ToolCall, shared: Round, result: ToolResult) -> Entry:
        entry = Entry(
            role="tool",
            text=result.text,
            at=self.clock.now(),
            run=self.turn.id,
            call_id=call.id,
            name=call.name,
            is_error=result.is_error,
            attachments=result.attachments,
            origin={"said": list(result.said)} if result.said else None,
        )
        synthetic = result.text in (SKIPPED, UNKNOWN)
        entry = self.hooks.tool_result_persist(self.turn, entry, synthetic=synthetic)
        entry = self.hooks.before_message_write(self.turn.session, entry)
        entry = await self.engine.tx(self._record(f"{shared.asked}/{call.id}", entry))
        step("tool.recorded")
        self.emit(ToolEnded(call.id, call.name, entry.text, entry.is_error))
        return entry

    async def _allowed(self, call: ToolCall, tool: Tool) -> tuple[ToolCall, str | None]:
        """The call as hooks want it, and why it is not made, if so."""
        made, blocked = await self.hooks.before_tool_call(self.turn, call)
        if blocked is None and made is not call:
            blocked = mistake(tool.name, tool.schema, settled(tool.schema, made.args or {}))
        return made, blocked

    def _refused(self, call: ToolCall, tool: Tool | None, policy: ToolPolicy) -> str | None:
        """Why a call may not run at all."""
        if tool is None:
            return f"There is no tool named {call.name[:80]}."
        if refusal := policy.refusal(tool.name, tool.tags):
            if PAYMENT in tool.tags:
                self._warn("payment-denied", refusal, call)
            return refusal
        if call.args is None:
            return "The arguments are not a JSON object."
        return mistake(tool.name, tool.schema, settled(tool.schema, call.args))

    def _turning(self, call: ToolCall) -> str | None:
        """Does the model turn in circles? Raises RunError when it does not heed that."""
        count = self.repeats.count(call)
        says = f"{call.name} was called {count} times with the same arguments"
        if count >= repeats.BREAK:
            self._warn("tool-loop", f"{says}; the run was ended", call)
            raise RunError("MODEL_BAD_REQUEST", says)
        if count == repeats.WARN:
            self._warn("tool-loop", says, call)
        if count < repeats.BLOCK:
            return None
        return f"{says} in this run, and was not run again. Do something else, or answer now."

    def _warn(self, code: str, text: str, call: ToolCall) -> None:
        log.warning(text, code=code, run=self.turn.id, agent=self.turn.session.agent, call=call.id)
        self.emit(Note(code, text))

    async def _interrupted(self, key: str, tool: Tool) -> bool:
        """May a call have had its effect in an attempt that was interrupted?"""
        if key not in self.journal or tool.repeatable:
            return False
        # What waited for a person, and did not begin, had none.
        return not await self.engine.read(approvals.unbegun(self.turn.id, key))

    async def _run(self, call: ToolCall, tool: Tool, key: str, shared: Round) -> ToolResult:
        assert call.args is not None
        updates = Updates(self.clock, lambda text: self.emit(ToolUpdated(call.id, call.name, text)))
        context = ToolContext(
            turn=self.turn,
            model=shared.model,
            update=updates.tell,
            status=shared.status,
            call=key,
            owner=shared.owner,
            away=self.away,
            skills_only=shared.policy.skills_only,
            env=self.env(self.turn),
            foreign=taint.foreign(shared.seen) if tool.risk != "read" else None,
        )
        try:
            if reason := await self._denied(call, tool, context, shared):
                return ToolResult(reason, is_error=True)
            answer = await stoppable(tool.run(settled(tool.schema, call.args), context), tool.name)
            return fit(answer, tool.name)
        except Fenced:
            raise
        except Exception as error:
            log.error("tool failed", tool=call.name, run=self.turn.id, exc_info=error)
            return ToolResult(f"The tool {call.name} failed.", is_error=True)
        finally:
            updates.close()

    async def _denied(
        self, call: ToolCall, tool: Tool, context: ToolContext, shared: Round
    ) -> str | None:
        """Why a call is not made that only a person may allow, None when it is."""
        pays = PAYMENT in tool.tags
        wary = taint.needs_yes(tool, call.args or {}, self.turn, shared.seen)
        why = "it spends money" if pays else wary
        if why is None:
            return None
        if self.approve is None:
            reason: str | None = f"{call.name}: {why}, and nobody can be asked about it here."
        else:
            reason = await self.approve(call, context, why)
        if reason is not None:
            self._warn("payment-denied" if pays else "taint-denied", reason, call)
        return reason

    def _intend(self, key: str, call: ToolCall) -> Script[None]:
        now = self.clock.now()
        yield from runs.fence(self.turn.lane, self.turn.epoch)
        yield from runs.intend_call(self.turn.id, key, call.name, now)
        if self.bubbles is not None and key not in self.journal:
            yield from self.bubbles.started(call, now)

    def _record(self, key: str, entry: Entry) -> Script[Entry]:
        yield from runs.fence(self.turn.lane, self.turn.epoch)
        kept = yield from entries.append(self.turn.session.id, [entry])
        yield from runs.end_call(self.turn.id, key, entry.at, entry.is_error)
        if self.bubbles is not None:
            yield from self.bubbles.ended(entry)
        return kept[0]


class Updates:
    """How a call goes, told to watchers: not too often, not too long, not after its end."""

    def __init__(self, clock: Clock, emit: Callable[[str], None]) -> None:
        self._clock = clock
        self._emit = emit
        self._left = MAX_UPDATES
        self._next = 0.0

    def tell(self, text: str) -> None:
        now = self._clock.now()
        if self._left > 0 and now >= self._next:
            self._left -= 1
            self._next = now + UPDATE_EVERY
            self._emit(bounded(str(text), MAX_UPDATE))

    def close(self) -> None:
        self._left = 0


_stopping: set[asyncio.Task[Any]] = set()


async def stoppable(work: Awaitable[Any], name: str) -> Any:
    """Await a tool that may do anything; one that does not end when it is stopped is left behind.

    Raises RuntimeError for what only a whole program may raise.
    """
    task = asyncio.create_task(_tame(work), name=f"tool:{name}")
    try:
        await asyncio.wait({task})
        if task.cancelled():
            raise RuntimeError(f"{name} cancelled itself")
        return task.result()
    finally:
        if not task.done():
            await _stop(task, name)


async def _tame(work: Awaitable[Any]) -> Any:
    try:
        return await work
    except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
        raise RuntimeError(f"a tool raised {type(error).__name__}") from error


async def _stop(task: asyncio.Task[Any], name: str) -> None:
    _stopping.add(task)
    task.add_done_callback(_ended)
    task.cancel()
    await asyncio.wait({task}, timeout=GRACE)
    if not task.done():
        log.warning("a stopped tool goes on", tool=name)


def _ended(task: asyncio.Task[Any]) -> None:
    _stopping.discard(task)
    if not task.cancelled():
        task.exception()
