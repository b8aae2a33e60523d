"""Writes to an engine from eight tasks at once, and tells each key that it was answered."""

import asyncio
import sys
from itertools import count
from pathlib import Path

from bot.clock import SystemClock
from bot.engine.embedded import Embedded
from tests.contracts.engine_kit import put


async def write(engine: Embedded, name: str) -> None:
    for number in count():
        await engine.tx(put(f"{name}{number}"))
        print(f"{name}{number}", flush=True)


async def main(path: Path) -> None:
    engine = Embedded(path, SystemClock())
    async with asyncio.TaskGroup() as tasks:
        for name in "abcdefgh":
            tasks.create_task(write(engine, name), name=name)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
