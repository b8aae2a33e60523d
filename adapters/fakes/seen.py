"""What the descriptors of the conformance kit share: two bots, and a message as people see it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from adapters.fakes.server import FakeServer
from bot.contract import Address

Server = TypeVar("Server", bound=FakeServer[Any])


@dataclass(frozen=True, slots=True)
class Seen:
    """A message of the bot as a person sees it; see `bot.testing.conformance.Seen`."""

    id: str
    text: str
    quoted: str | None = None
    buttons: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()
    reactions: tuple[str, ...] = ()
    pings: tuple[str, ...] = ()
    preview: bool = False


class TwoBots(Generic[Server]):
    """A world of `bot.testing.conformance` in which each of two bots has a server of its own."""

    def __init__(self, first: Server, second: Server) -> None:
        self._fakes = {"first": first, "second": second}

    async def open(self) -> None:
        for fake in self._fakes.values():
            await fake.start()

    async def close(self) -> None:
        for fake in self._fakes.values():
            await fake.stop()

    def heal(self) -> None:
        for fake in self._fakes.values():
            fake.heal()

    def _of(self, to: Address) -> Server:
        return self._fakes[to.account]


World = TypeVar("World", bound=TwoBots[Any])


@asynccontextmanager
async def opened(world: World) -> AsyncIterator[World]:
    """The world while its servers run."""
    await world.open()
    try:
        yield world
    finally:
        await world.close()


def nowhere() -> str:
    """The address of a server that is not there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
