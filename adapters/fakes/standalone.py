"""A local server on its own: `python -m adapters.fakes.<platform> --port 8081`.

It says `ready` with where it is on a line of its own, and serves until it is interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from typing import Protocol, TypeVar


class Fake(Protocol):
    """What every local server can do."""

    async def start(self, host: str, port: int) -> None: ...

    async def stop(self) -> None: ...


Server = TypeVar("Server", bound=Fake)


def serve(
    platform: str, token: str, make: Callable[[str], Server], where: Callable[[Server], list[str]]
) -> None:
    """Serve as the command line says. `make` takes the bot's token, `where` goes behind `ready`."""
    parser = argparse.ArgumentParser(description=f"A local {platform} for tests.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--token", default=token, help="the bot's token")
    given = parser.parse_args()
    asyncio.run(_served(given.host, given.port, make, where, given.token))


async def _served(
    host: str,
    port: int,
    make: Callable[[str], Server],
    where: Callable[[Server], list[str]],
    token: str,
) -> None:
    # A server belongs to the loop in which it was made.
    fake = make(token)
    await fake.start(host, port)
    try:
        sys.stdout.write(" ".join(["ready", *where(fake)]) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()
    finally:
        await fake.stop()
