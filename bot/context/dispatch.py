"""One call of a tool, made as a model would make it, without one: for a skill whose command names
a tool, and for a scheduled run that is no more than that.

So it goes the way of every call: the agent's policy, approvals, hooks and the journal.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.context.scene import Scene, Skill
from bot.types import (
    Entry,
    Errand,
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


def dispatched(scene: Scene, text: str, errand: Errand | None = None) -> Provider | None:
    """What answers a message in the place of a model; None for all that is no such command.

    A scheduled run may be one call of a tool, too.
    """
    if errand is not None and errand.call is not None:
        return Fixed(errand.call, dict(errand.given or {}))
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
        tool = self.skill.tool or ""
        for event in _performed(request, tool, _given(request.tools, tool, self.args)):
            yield event

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """A Provider that calls one tool with what it was given, and answers with its result."""

    tool: str
    given: Mapping[str, Any]

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        for event in _performed(request, self.tool, self.given):
            yield event

    async def close(self) -> None:
        """Nothing is open."""


def _performed(request: ModelRequest, tool: str, given: Mapping[str, Any]) -> list[ModelEvent]:
    """The call, or what it gave once it was made."""
    usage = Usage(cost=0.0)
    if (text := _result(request.entries)) is not None:
        return [TextDelta(text), Final(Entry("assistant", text, 0.0, stop="end", usage=usage))]
    call = ToolCall("skill", tool, json.dumps(given), given)
    return [Final(Entry("assistant", "", 0.0, calls=(call,), stop="tools", usage=usage))]


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
