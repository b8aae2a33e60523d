"""A whole app on fake platforms and a virtual clock, for every scenario."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.testing.clock import VirtualClock
from bot.testing.running import Bench, running


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def bench(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    """Every run is answered by the scripted model; without a script it says what it heard."""
    async with running(tmp_path, clock=clock, scripted=True) as running_bench:
        yield running_bench


@pytest.fixture
async def demo(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    """As `bench`, on the demo model."""
    async with running(tmp_path, clock=clock) as running_bench:
        yield running_bench
