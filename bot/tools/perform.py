"""Runs the model's calls: intent, run, result, each durable before the next.

A call whose intent is recorded and whose result is not, as after a crash, is run again only if its
tool is repeatable; otherwise the model is told that the outcome is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import structlog

from bot.clock import Clock
from bot.engine.port import Engine, Script
from bot.events import Body, ToolEnded, ToolStarted, ToolUpdated
from bot.steps import step
from bot.store import approvals, entries, runs
from bot.tools.policy import allowed
from bot.tools.registry import Tools
from bot.types import Entry, ToolCall, ToolContext, ToolResult, Turn

log = structlog.get_logger("tools")

MAX_RESULT = 50_000
UNKNOWN = (
    "The outcome of this call is unknown: the process stopped while it ran. It may have had its "
    "effect. Check before calling it again, and tell the user."
)


@dataclass(frozen=True, slots=True)
class ToolPolicy:
    """What an agent may call (see `bot.tools.policy.allowed`)."""

    profile: str
    allow: list[str]
    deny: list[str]

    def allows(self, name: str) -> bool:
        return allowed(name, self.profile, self.allow, self.deny)


@dataclass(frozen=True, slots=True)
class Performer:
    """Performs the calls of one run. `journal` is what an interrupted attempt left behind."""

    engine: Engine
    clock: Clock
    tools: Tools
    policy: ToolPolicy
    turn: Turn
    journal: Mapping[str, str]
    emit: Callable[[Body], None]
    away: Callable[[], AbstractAsyncContextManager[None]] = nullcontext

    async def call(
        self, call: ToolCall, asked: int, model: str, status: Mapping[str, Any]
    ) -> Entry:
        """Run one call of the assistant entry numbered `asked`; its result as an entry."""
        self.emit(ToolStarted(call.id, call.name, dict(call.args or {})))
        key = f"{asked}/{call.id}"
        result = self._refused(call) or await self._interrupted(call, key)
        if result is None:
            await self.engine.tx(self._intend(key, call.name))
            step("tool.intended")
            result = await self._run(call, key, model, status)
            step("tool.ran")
        entry = Entry(
            role="tool",
            text=result.text[:MAX_RESULT],
            at=self.clock.now(),
            run=self.turn.id,
            call_id=call.id,
            name=call.name,
            is_error=result.is_error,
            attachments=result.attachments,
        )
        entry = await self.engine.tx(self._record(key, entry))
        step("tool.recorded")
        self.emit(ToolEnded(call.id, call.name, entry.text, entry.is_error))
        return entry

    def _refused(self, call: ToolCall) -> ToolResult | None:
        """Why a call may not run at all."""
        if self.tools.get(call.name) is None:
            return ToolResult(f"There is no tool named {call.name}.", is_error=True)
        if not self.policy.allows(call.name):
            return ToolResult(f"The tool {call.name} is not allowed for this agent.", is_error=True)
        if call.args is None:
            return ToolResult("The arguments are not a JSON object.", is_error=True)
        return None

    async def _interrupted(self, call: ToolCall, key: str) -> ToolResult | None:
        tool = self.tools.get(call.name)
        if key not in self.journal or tool is None or tool.repeatable:
            return None
        if await self.engine.read(approvals.unbegun(self.turn.id, key)):
            return None  # it waited for a person, and nothing of it has begun
        return ToolResult(UNKNOWN, is_error=True)

    async def _run(
        self, call: ToolCall, key: str, model: str, status: Mapping[str, Any]
    ) -> ToolResult:
        tool = self.tools.get(call.name)
        assert tool is not None and call.args is not None
        context = ToolContext(
            turn=self.turn,
            model=model,
            update=lambda text: self.emit(ToolUpdated(call.id, call.name, text)),
            status=status,
            call=key,
            away=self.away,
        )
        try:
            return await tool.run(call.args, context)
        except Exception as error:
            log.error("tool failed", tool=call.name, run=self.turn.id, exc_info=error)
            return ToolResult(f"The tool {call.name} failed.", is_error=True)

    def _intend(self, key: str, name: str) -> Script[None]:
        yield from runs.fence(self.turn.lane, self.turn.epoch)
        yield from runs.intend_call(self.turn.id, key, name, self.clock.now())

    def _record(self, key: str, entry: Entry) -> Script[Entry]:
        yield from runs.fence(self.turn.lane, self.turn.epoch)
        kept = yield from entries.append(self.turn.session.id, [entry])
        yield from runs.end_call(self.turn.id, key, entry.at)
        return kept[0]
