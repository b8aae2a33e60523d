"""A way to reach models: one that repeats what it hears."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from bot.types import Entry, Final, ModelEvent, ModelRequest, TextDelta


class Parrot:
    """Says again what was said last."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        said = request.entries[-1].text
        yield TextDelta(said)
        yield Final(Entry("assistant", said, 0.0, stop="end"))

    async def close(self) -> None:
        """Nothing is open."""


def parrot(name: str, settings: Any, clock: Any, folder: Any, permit: Any) -> Parrot:
    """The provider behind a name of the configuration."""
    return Parrot()
