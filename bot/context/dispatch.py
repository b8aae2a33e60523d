"""A skill whose command names a tool: the call is made as a model would make it, without one.

So it goes the way of every call: the agent's policy, approvals, hooks and the journal.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from bot.context.scene import Scene, Skill
from bot.types import (
    Entry,
    Final,
    ModelEvent,
    ModelRequest,
    Provider,
    TextDelta,
    ToolCall,
    ToolSpec,
    Usage,
)

PREFIX = "/skill "
RAW = "command"


def dispatched(scene: Scene, text: str) -> Provider | None:
    """What answers a message in the place of a model; None for all that is no such command."""
    if not text.startswith(PREFIX):
        return None
    rest = f"{text.removeprefix(PREFIX).strip()} "
    fitting = [
        skill
        for skill in scene.skills
        if skill.tool and skill.for_people and rest.lower().startswith(f"{skill.name.lower()} ")
    ]
    skill = max(fitting, key=lambda one: len(one.name), default=None)
    return Dispatch(skill, rest[len(skill.name) :].strip()) if skill else None


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A Provider that calls one tool with the text as it was typed, and answers with its result."""

    skill: Skill
    args: str

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        if (text := _result(request.entries)) is not None:
            yield TextDelta(text)
            yield Final(Entry("assistant", text, 0.0, stop="end", usage=Usage(cost=0.0)))
            return
        given = _given(request.tools, self.skill.tool or "", self.args)
        call = ToolCall("skill", self.skill.tool or "", json.dumps(given), given)
        yield Final(Entry("assistant", "", 0.0, calls=(call,), stop="tools", usage=Usage(cost=0.0)))

    async def close(self) -> None:
        """Nothing is open."""


def _result(entries: Sequence[Entry]) -> str | None:
    last = entries[-1] if entries else None
    return (last.text or "Done.") if last is not None and last.role == "tool" else None


def _given(specs: Sequence[ToolSpec], tool: str, text: str) -> dict[str, str]:
    """The text as the argument `command`, or as the first that the tool cannot do without."""
    schema = next((spec.schema for spec in specs if spec.name == tool), {})
    if not text and not schema.get("required"):
        return {}
    if RAW in schema.get("properties", {}):
        return {RAW: text}
    return {next(iter(schema.get("required", ())), RAW): text}
