"""Every tool there is, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from bot.tools.policy import ToolPolicy
from bot.types import Tool, ToolSpec

Late = Callable[[], Mapping[str, Tool]]


class Tools:
    """The tools of a process. Names are unique: no tool takes another's place.

    `late` gives those that come and go while the process runs.
    """

    def __init__(self, tools: Iterable[Tool], late: Late = dict) -> None:
        self._late = late
        self._tools: dict[str, Tool] = {}
        self._offered: dict[ToolPolicy, Sequence[ToolSpec]] = {}
        for tool in tools:
            if tool.name in self._tools:
                raise ValueError(f"two tools are named {tool.name}")
            self._tools[tool.name] = tool

    def get(self, name: str) -> Tool | None:
        return self._tools.get(name) or self._late().get(name)

    def all(self) -> Mapping[str, Tool]:
        return {**self._late(), **self._tools}

    def also(self, tools: Iterable[Tool]) -> Tools:
        """These and further ones."""
        return Tools([*self._tools.values(), *tools], self._late)

    def specs(self, policy: ToolPolicy) -> Sequence[ToolSpec]:
        """What the model is offered under a policy."""
        if policy not in self._offered:
            self._offered[policy] = tuple(_specs(self._tools.values(), policy))
        offered = self._offered[policy]
        late = [tool for name, tool in self._late().items() if name not in self._tools]
        return (*offered, *_specs(late, policy)) if late else offered


def _specs(tools: Iterable[Tool], policy: ToolPolicy) -> Iterator[ToolSpec]:
    for tool in tools:
        if policy.refusal(tool.name, tool.tags) is None:
            yield ToolSpec(tool.name, tool.description, tool.schema)
