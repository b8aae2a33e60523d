"""Engines on one PostgreSQL that hand one busy key to one another: prints when each turn began and
ended.

Each turn takes a moment, and its key is woken while it is on, as by a message that comes meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import time

from bot.clock import SystemClock
from bot.engine.cluster import Cluster
from bot.engine.port import Script, Wake

TURN = 0.03


def _wake() -> Script[None]:
    yield Wake("lane", "busy")


def _nothing(now: float) -> Script[None]:
    yield from ()


async def serve(url: str) -> None:
    engine = Cluster(url, SystemClock())

    async def lane(key: str) -> None:
        print("began", time.time(), flush=True)
        await asyncio.sleep(TURN)
        await engine.tx(_wake())
        print("ended", time.time(), flush=True)

    engine.handle("lane", lane)
    await engine.start(_nothing)
    await engine.tx(_wake())
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    asyncio.run(serve(parser.parse_args().url))


if __name__ == "__main__":
    main()
