"""Floor C: what one commit of the store costs, alone and in groups."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from bot.clock import SystemClock
from bot.engine.embedded import Embedded
from bot.engine.port import Script, q
from bot.store.migrations import open_store


def _write(key: str) -> Script[None]:
    yield q("INSERT INTO marks(name, value) VALUES(?, 'x') ON CONFLICT DO NOTHING", key)


async def measure(folder: Path) -> dict[str, float]:
    """Milliseconds of one commit alone (p50), and commits per second from 64 callers."""
    path = folder / "bench.db"
    open_store(path)
    engine = Embedded(path, SystemClock())
    alone = []
    for number in range(300):
        began = time.perf_counter()
        await engine.tx(_write(f"a{number}"))
        alone.append(time.perf_counter() - began)

    async def caller(name: int) -> None:
        for number in range(100):
            await engine.tx(_write(f"b{name}-{number}"))

    began = time.perf_counter()
    await asyncio.gather(*(caller(name) for name in range(64)))
    grouped = 6400 / (time.perf_counter() - began)
    await engine.stop(1)
    return {"commit_ms": statistics.median(alone) * 1000, "grouped_per_s": grouped}


def run() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder)))
