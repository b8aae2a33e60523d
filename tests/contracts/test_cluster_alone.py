"""What one process has for itself: its transactions, a resource, the sweep of a minute."""

import asyncio
import signal
import threading
import time

import pytest

from bot.engine import owning
from bot.engine.cluster import Cluster
from bot.engine.port import Script, Wake, q
from bot.errors import StoreError
from bot.testing.clock import VirtualClock
from tests.contracts.cluster_kit import (
    PATIENCE,
    Handled,
    ask,
    cluster,
    line,
    process,
    url,
)
from tests.contracts.engine_kit import keys, put

__all__ = ["url"]


def add(name: str) -> Script[int]:
    """Read, then write: wrong unless nobody writes in between."""
    rows = yield q("SELECT count(*) AS n FROM things WHERE key LIKE ?", f"{name} %")
    yield q("INSERT INTO things(key) VALUES(?)", f"{name} {rows[0]['n']}")
    return int(rows[0]["n"])


async def test_scripts_of_several_processes_see_and_write_alone(url: str):
    async with (
        cluster(url, start=False) as one,
        cluster(url, start=False) as two,
        cluster(url, start=False) as three,
    ):
        scripts = [engine.tx(add("x")) for _ in range(60) for engine in (one, two, three)]
        assert sorted(await asyncio.gather(*scripts)) == list(range(180))


async def test_one_that_fails_keeps_nothing_and_harms_nobody_beside_it(url: str):
    def failing() -> Script[None]:
        yield q("INSERT INTO things(key) VALUES('bad')")
        yield Wake("lane", "bad")
        yield q("INSERT INTO things(key) VALUES('bad')")

    async with cluster(url, start=False) as engine:
        outcomes = await asyncio.gather(
            *(engine.tx(one) for one in (put("a"), failing(), put("b"))), return_exceptions=True
        )
        assert [isinstance(one, int) for one in outcomes] == [True, False, True]
        assert await engine.read(keys()) == ["a", "b"]
    assert ask(url, "SELECT * FROM procrastinate_jobs") == []


async def test_a_process_that_stops_in_a_transaction_stops_nobody_for_long(url: str):
    started, release = threading.Event(), threading.Event()

    def frozen() -> Script[None]:
        yield q("INSERT INTO things(key) VALUES('frozen')")
        started.set()
        release.wait(PATIENCE)
        yield q("SELECT 1")

    async with cluster(url, start=False) as one, cluster(url, start=False) as two:
        stuck = asyncio.create_task(one.tx(frozen()), name="stuck")
        await asyncio.to_thread(started.wait, PATIENCE)
        began = time.monotonic()
        assert await two.tx(put("a")) == 1
        assert time.monotonic() - began < 10
        release.set()
        with pytest.raises(StoreError):
            await stuck
        assert await one.tx(put("b")) == 2, "it goes on with another connection"


async def test_a_resource_has_one_holder_and_moves_when_that_one_lets_go(url: str):
    async with cluster(url, start=False) as one, cluster(url, start=False) as two:
        taken = asyncio.Event()
        waits = "SELECT 1 FROM pg_locks WHERE NOT granted"

        async def second() -> None:
            async with two.own("bot"):
                taken.set()

        async with one.own("bot"), one.own("another bot"):
            waiting = asyncio.create_task(second(), name="second")
            async with asyncio.timeout(PATIENCE):
                while not await asyncio.to_thread(ask, url, waits):
                    pass
            assert not taken.is_set()
        async with asyncio.timeout(PATIENCE):
            await waiting


async def test_whoever_waits_for_a_resource_and_gives_up_leaves_nothing(url: str):
    async with cluster(url, start=False) as one, cluster(url, start=False) as two:
        async with one.own("bot"):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5), two.own("bot"):
                    pass
        async with asyncio.timeout(PATIENCE), two.own("bot"):
            pass


async def test_a_holder_whose_connection_ends_is_told(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(owning, "PING", 0.1)
    async with cluster(url, start=False) as engine, engine.own("bot") as lost:
        ask(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_locks "
            "WHERE locktype = 'advisory' AND pid <> pg_backend_pid()",
        )
        async with asyncio.timeout(PATIENCE):
            await lost.wait()


async def test_a_killed_holder_is_followed_within_a_second(url: str):
    async with process(url) as other, cluster(url, start=False) as engine:
        await line(other, "owner")
        other.kill()
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE), engine.own("bot"):
            assert time.monotonic() - began < 1


async def test_a_frozen_holder_is_followed_and_knows_it_when_it_is_back(url: str):
    async with process(url) as other, cluster(url, start=False) as engine:
        await line(other, "owner")
        other.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(PATIENCE), engine.own("bot"):
            other.send_signal(signal.SIGCONT)
            await line(other, "no owner")


async def waits(url: str, number: int) -> None:
    """Until so many wait for a resource."""
    asked = (
        "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = 'trunkline owner' AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(PATIENCE):
        while await asyncio.to_thread(ask, url, asked) != [{"n": number}]:
            pass


@pytest.mark.parametrize("way", [signal.SIGSTOP, signal.SIGKILL], ids=["freezes", "dies"])
async def test_who_waits_and_is_gone_holds_nobody_up(url: str, way: signal.Signals):
    """The lock is its own as soon as the holder lets go; nobody else may have to wait for good."""
    async with cluster(url, start=False) as one, cluster(url, start=False) as two:

        async def second() -> None:
            async with two.own("bot"):
                pass

        async with process(url) as other:
            async with one.own("bot"):
                await waits(url, 1)
                other.send_signal(way)
                if way is signal.SIGKILL:
                    await waits(url, 0)
                waiting = asyncio.create_task(second(), name="second")
                await waits(url, 2 if way is signal.SIGSTOP else 1)
            async with asyncio.timeout(PATIENCE):
                await waiting


async def test_the_sweep_of_a_minute_is_done_by_one(url: str):
    clock, sweeps = VirtualClock(), list[str]()

    def sweeping(name: str) -> object:
        def sweep(now: float) -> Script[None]:
            sweeps.append(name)
            yield q("SELECT 1")

        return sweep

    async def settle() -> None:
        for engine in engines:
            await engine.tx(put(f"k{len(clock_steps)}"))
            clock_steps.append(1)

    clock_steps: list[int] = []
    engines = [Cluster(url, clock), Cluster(url, clock)]
    clock.settle = settle
    for name, engine in zip("ab", engines, strict=True):
        engine.handle("lane", Handled())
        await engine.start(sweeping(name))
    try:
        assert sweeps == ["a", "b"], "each looks once when it starts"
        for minutes in range(1, 4):
            await clock.advance(60)
            assert len(sweeps) == 2 + minutes
    finally:
        for engine in engines:
            await engine.stop(0)
