"""A result handed out while its commit is on the way: early, and never instead of the commit."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from bot.engine import threads
from bot.engine.port import Wake
from bot.errors import StoreFull
from bot.testing.clock import VirtualClock
from tests.contracts.engine_kit import SlowDisk, engine_on, keys, make_table, on_disk, put


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "store.db"
    make_table(found)
    return found


async def test_the_result_is_there_before_it_is_durable(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    disk = SlowDisk(monkeypatch)
    handed: asyncio.Future[tuple[int, asyncio.Future[None]]]
    handed = asyncio.get_running_loop().create_future()
    async with engine_on(path, VirtualClock(), start=False) as engine:
        asked = asyncio.create_task(
            engine.tx(put("a"), early=lambda *given: handed.set_result(given)), name="asked"
        )
        async with asyncio.timeout(20):
            result, durable = await handed
        assert (result, durable.done(), asked.done(), on_disk(path)) == (1, False, False, [])
        disk.go.set()
        assert await asked == 1
        await durable
        assert on_disk(path) == ["a"]


async def test_its_wakes_are_handled_early_and_once(path: Path, monkeypatch: pytest.MonkeyPatch):
    disk = SlowDisk(monkeypatch)
    woken, seen = asyncio.Event(), list[list[str]]()

    async def look(key: str) -> None:
        woken.set()
        seen.append(await engine.tx(keys()))

    disk.go.set()
    async with engine_on(path, VirtualClock(), look) as engine:
        disk.go.clear()
        asked = asyncio.create_task(
            engine.tx(put("a", Wake("lane", "a")), early=lambda *_: None), name="asked"
        )
        async with asyncio.timeout(20):
            await woken.wait()
        assert not asked.done()
        disk.go.set()
        await asked
        await engine.idle()
        assert seen == [["a"]], "a handler that looks in a transaction finds what woke it"


async def test_who_began_early_hears_that_the_disk_is_full(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    disk = SlowDisk(monkeypatch, "PRAGMA max_page_count = 12")
    disk.go.set()
    begun: list[asyncio.Future[None]] = []
    async with engine_on(path, VirtualClock(), start=False) as engine:
        outcomes = await asyncio.gather(
            *(
                engine.tx(put(f"{n:02000}"), early=lambda _, durable: begun.append(durable))
                for n in range(60)
            ),
            return_exceptions=True,
        )
        told = await asyncio.gather(*begun, return_exceptions=True)
    stored = [one for one in outcomes if isinstance(one, int)]
    assert any(isinstance(one, StoreFull) for one in outcomes)
    assert told.count(None) == len(stored) == len(on_disk(path))
    assert all(one is None or isinstance(one, StoreFull) for one in told)


async def test_one_that_waits_for_company_goes_behind_those_in_a_hurry(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(threads, "PATIENCE", 20.0)
    async with engine_on(path, VirtualClock(), start=False) as engine:
        patient = asyncio.create_task(engine.tx(put("receipt"), patient=True), name="patient")
        await asyncio.sleep(0)
        assert await engine.tx(put("message")) == 1
        assert await patient == 2


async def test_a_script_that_raises_hands_nothing_out(path: Path):
    handed: list[object] = []
    async with engine_on(path, VirtualClock(), start=False) as engine:
        await engine.tx(put("a"))
        with pytest.raises(sqlite3.IntegrityError):
            await engine.tx(put("a"), early=lambda *given: handed.append(given))
        assert (handed, await engine.tx(keys())) == ([], ["a"])
