"""A turn that asks its model while its message is being committed: nobody sees it before."""

import asyncio
from pathlib import Path

import pytest

from bot.testing.clock import VirtualClock
from bot.testing.running import running
from tests.contracts.engine_kit import SlowDisk
from tests.scenarios.kit import Watch, scripted


async def asked(requests: list[object]) -> None:
    async with asyncio.timeout(20):
        for _ in iter(lambda: bool(requests), True):
            await asyncio.sleep(0)


async def test_the_model_is_asked_before_the_message_is_durable_and_heard_after(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
):
    disk = SlowDisk(monkeypatch)
    disk.go.set()
    async with running(tmp_path, clock=clock, scripted=True) as bench:
        watch, platform = Watch(bench), bench.platform()
        await bench.settle()  # what the start has to write is written
        disk.go.clear()
        platform.say("hello")
        await asked(scripted(bench).requests)
        for _ in range(20):
            await asyncio.sleep(0)
        assert (watch.events, platform.visible()) == ([], [])
        disk.go.set()
        await platform.shows("echo hello")
        run = watch.events[0].run
        assert watch.kinds(run)[0] == "Started"
        assert [event.seq for event in watch.of(run)] == list(range(1, len(watch.of(run)) + 1))


async def test_a_run_that_is_stopped_at_once_still_begins_before_it_ends(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
):
    disk = SlowDisk(monkeypatch)
    disk.go.set()
    async with running(tmp_path, clock=clock, scripted=True) as bench:
        watch, platform = Watch(bench), bench.platform()
        await bench.settle()  # what the start has to write is written
        never = asyncio.Event()
        scripted(bench).on("hello", [never])
        disk.go.clear()
        platform.say("hello")
        await asked(scripted(bench).requests)
        run = scripted(bench).requests[0].entries[-1].run
        assert run is not None
        bench.app.turns.abort(run)
        for _ in range(20):
            await asyncio.sleep(0)
        assert watch.events == []
        disk.go.set()
        await bench.settle()
        assert watch.kinds(run) == ["Started", "Finished"]
        [row] = await bench.rows("SELECT state FROM runs WHERE id = ?", run)
        assert row["state"] == "aborted"
