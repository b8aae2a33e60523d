"""An engine in a process of its own, which holds what it can get and never lets go by itself."""

import asyncio
import sys

from bot.clock import SystemClock
from bot.engine.cluster import Cluster
from bot.engine.port import Script
from tests.contracts.engine_kit import nothing_due


async def main(url: str) -> None:
    engine = Cluster(url, SystemClock())

    async def lane(key: str) -> None:
        print(f"has {key}", flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            print(f"lost {key}", flush=True)

    def sweep(now: float) -> Script[None]:
        yield from nothing_due(now)

    engine.handle("lane", lane)
    await engine.start(sweep)
    async with engine.own("bot") as lost:
        print("owner", flush=True)
        await lost.wait()
        print("no owner", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
