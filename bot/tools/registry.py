"""Every tool there is, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.tools.policy import allowed
from bot.types import Tool, ToolSpec


class Tools:
    """The tools of a process. Names are unique: no tool takes another's place."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools: dict[str, Tool] = {}
        self._offered: dict[tuple[object, ...], Sequence[ToolSpec]] = {}
        for tool in tools:
            if tool.name in self._tools:
                raise ValueError(f"two tools are named {tool.name}")
            self._tools[tool.name] = tool

    def get(self, name: str) -> Tool | None:
        return self._tools.get(name)

    def all(self) -> Mapping[str, Tool]:
        return self._tools

    def specs(self, profile: str, allow: list[str], deny: list[str]) -> Sequence[ToolSpec]:
        """What the model is offered under a policy."""
        policy = (profile, tuple(allow), tuple(deny))
        if policy not in self._offered:
            self._offered[policy] = tuple(
                ToolSpec(tool.name, tool.description, tool.schema)
                for tool in self._tools.values()
                if allowed(tool.name, profile, allow, deny)
            )
        return self._offered[policy]
