"""The model of one run, with everything its requests need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.tokens import Room, room
from bot.types import Provider, Thinking, Usage


def least(*limits: int | None) -> int | None:
    """The lowest of some limits, None where there is none."""
    return min((one for one in limits if one is not None), default=None)


@dataclass(frozen=True, slots=True)
class Chosen:
    """`window`, `reserve` and `keep` are in tokens (see `Room`); `source` says who chose it; `cost`
    is in US dollars.

    `images`: nothing is known against its reading images. `others` are asked, in order, when it
    cannot answer; `because` says why it stands here in place of the one before it.
    """

    ref: str
    provider: Provider
    model: str
    params: Mapping[str, Any]
    thinking: Thinking
    max_tokens: int | None
    window: int
    source: str
    cost: Callable[[Usage], float | None]
    images: bool = True
    reserve: int = 20_000
    keep: int = 20_000
    others: tuple[Chosen, ...] = ()
    because: str = ""

    @property
    def room(self) -> Room:
        """How much of its window a request may fill."""
        return room(self.window, self.reserve, self.keep)

    def priced(self, usage: Usage | None) -> Usage | None:
        """Usage with its cost, which a server may have said itself."""
        if usage is None or usage.cost is not None:
            return usage
        return replace(usage, cost=self.cost(usage))
