"""Wakes: never lost, never early, never two handlers for one key."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.engine.port import Script, Wake, q
from bot.errors import Fenced, StoreError
from bot.testing.clock import START, VirtualClock
from tests.contracts.engine_kit import ENGINES, a_store, engine_on, keys, put


class Handler:
    """Notes each run; waits at its gate when it has one; raises what it is told to."""

    def __init__(self, clock: VirtualClock) -> None:
        self.runs: list[tuple[str, float]] = []
        self.on = 0
        self.most = 0
        self.gate: asyncio.Event | None = None
        self.errors: list[Exception] = []
        self.began = asyncio.Event()
        self._clock = clock

    async def __call__(self, key: str) -> None:
        self.runs.append((key, self._clock.now() - START))
        self.on += 1
        self.most = max(self.most, self.on)
        self.began.set()
        try:
            if self.gate is not None:
                await self.gate.wait()
            if self.errors:
                raise self.errors.pop(0)
        finally:
            self.on -= 1


def wake(key: str, after: float | None = None) -> Script[None]:
    yield q("SELECT 1")
    yield Wake("lane", key, None if after is None else START + after)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def handler(clock: VirtualClock) -> Handler:
    return Handler(clock)


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    with a_store(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


async def test_one_key_never_runs_beside_itself(
    store: Path | str, clock: VirtualClock, handler: Handler
):
    handler.gate = asyncio.Event()
    async with engine_on(store, clock, handler) as engine:
        for _ in range(100):
            await engine.tx(wake("a"))
        assert handler.most == 1
        handler.gate.set()
        await engine.idle()
        assert len(handler.runs) == 2, "wakes during a run become one more run"


async def test_keys_run_beside_each_other(store: Path | str, clock: VirtualClock, handler: Handler):
    handler.gate = asyncio.Event()
    async with engine_on(store, clock, handler) as engine:
        for key in "abc":
            await engine.tx(wake(key))
        await clock.settle()
        assert handler.most == 3
        handler.gate.set()


async def test_a_handler_finds_what_woke_it(store: Path | str, clock: VirtualClock):
    seen: list[list[str]] = []

    async def look(key: str) -> None:
        seen.append(await engine.read(keys()))

    async with engine_on(store, clock, look) as engine:
        for number in range(20):
            await engine.tx(put(f"k{number}", Wake("lane", f"k{number}")))
        await engine.idle()
    assert len(seen) == 20
    assert all(f"k{number}" in found for number, found in enumerate(seen))


async def test_what_is_rolled_back_wakes_nobody(
    store: Path | str, clock: VirtualClock, handler: Handler
):
    def script() -> Script[None]:
        yield Wake("lane", "a")
        raise ZeroDivisionError

    async with engine_on(store, clock, handler) as engine:
        with pytest.raises(ZeroDivisionError):
            await engine.tx(script())
        await clock.advance(30)
    assert handler.runs == []


async def test_what_is_committed_wakes_even_when_its_caller_went_away(
    store: Path | str, clock: VirtualClock, handler: Handler
):
    async with engine_on(store, clock, handler) as engine:
        caller = asyncio.create_task(engine.tx(wake("a")), name="caller")
        await asyncio.sleep(0)
        caller.cancel()
        await clock.settle()
        await engine.idle()
    assert handler.runs == [("a", 0.0)]


async def test_a_delayed_wake_comes_at_its_time(path: Path, clock: VirtualClock, handler: Handler):
    async with engine_on(path, clock, handler) as engine:
        await engine.tx(wake("late", 50))
        await engine.tx(wake("early", 5))
        await engine.tx(wake("past", -5))
        await clock.advance(4.9)
        assert handler.runs == [("past", 0.0)]
        await clock.advance(60)
    assert handler.runs == [("past", 0.0), ("early", 5.0), ("late", 50.0)]


async def test_a_delayed_wake_comes_within_a_minute_when_the_clock_jumped_past_it(
    path: Path, clock: VirtualClock, handler: Handler
):
    async with engine_on(path, clock, handler) as engine:
        await engine.tx(wake("later", 7200))
        await clock.advance(30)
        clock.jump(86_400)
        await clock.advance(60)
        assert [key for key, _ in handler.runs] == ["later"]


async def test_a_failure_is_tried_again_later_and_later(
    path: Path, clock: VirtualClock, handler: Handler
):
    handler.errors = [StoreError("broken")] * 6
    async with engine_on(path, clock, handler) as engine:
        await engine.tx(wake("a"))
        await clock.advance(300)
        assert [at for _, at in handler.runs] == pytest.approx(
            [0, 0.2, 1.2, 6.2, 36.2, 96.2, 156.2]
        )
        handler.errors = [ZeroDivisionError()]
        await engine.tx(wake("a"))
        await clock.advance(0.3)
        assert len(handler.runs) == 9, "a success forgets the failures before it"


async def test_a_fenced_drain_is_begun_again_at_once(
    store: Path | str, clock: VirtualClock, handler: Handler
):
    handler.errors = [Fenced("a newer drain")]
    async with engine_on(store, clock, handler) as engine:
        await engine.tx(wake("a"))
        await engine.idle()
    assert len(handler.runs) == 2


async def test_the_sweep_heals_a_lost_wake(
    store: Path | str, clock: VirtualClock, handler: Handler
):
    lost: list[str] = []

    def sweep(now: float) -> Script[None]:
        yield q("SELECT 1")
        for key in lost:
            yield Wake("lane", key)

    async with engine_on(store, clock, handler, sweep=sweep):
        await clock.advance(61)
        assert handler.runs == []
        lost.append("a")
        await clock.advance(60)
        assert [key for key, _ in handler.runs] == ["a"]


async def test_a_sweep_that_fails_comes_again(
    store: Path | str, clock: VirtualClock, handler: Handler
):
    sweeps = 0

    def sweep(now: float) -> Script[None]:
        nonlocal sweeps
        sweeps += 1
        yield q("SELECT * FROM nowhere" if sweeps == 2 else "SELECT 1")
        yield Wake("lane", f"sweep {sweeps}")

    async with engine_on(store, clock, handler, sweep=sweep):
        await clock.advance(121)
    assert [key for key, _ in handler.runs] == ["sweep 1", "sweep 3"]


async def test_a_task_cancelled_before_its_first_step_leaves_its_key_free(
    path: Path, clock: VirtualClock, handler: Handler
):
    cancelled: list[asyncio.Task[None]] = []

    def cancel_first(loop: asyncio.AbstractEventLoop, work: Any) -> asyncio.Task[None]:
        task = asyncio.Task(work, loop=loop)
        if work.__qualname__ == "Handler.__call__" and not cancelled:
            task.cancel()
            cancelled.append(task)
        return task

    asyncio.get_running_loop().set_task_factory(cancel_first)
    async with engine_on(path, clock, handler) as engine:
        await engine.tx(wake("a"))
        await engine.idle()
        assert (len(cancelled), handler.runs) == (1, [])
        await engine.tx(wake("a"))
        await engine.idle()
        assert handler.runs == [("a", 0.0)]


async def test_nothing_runs_before_the_start_and_what_is_open_runs_then(
    path: Path, clock: VirtualClock, handler: Handler
):
    def sweep(now: float) -> Script[None]:
        yield Wake("lane", "open")

    async with engine_on(path, clock, handler, sweep=sweep, start=False) as engine:
        await engine.tx(wake("a"))
        await clock.settle()
        assert handler.runs == []
        await engine.start(sweep)
        await engine.idle()
        assert handler.runs == [("open", 0.0)]


async def test_a_stop_gives_time_and_then_ends_what_runs(
    path: Path, clock: VirtualClock, handler: Handler
):
    handler.gate = asyncio.Event()
    async with engine_on(path, clock, handler) as engine:
        await engine.tx(wake("a"))
        await handler.began.wait()
        stopping = asyncio.create_task(engine.drain(0.01), name="stopping")
        await stopping
        assert handler.on == 0
        await engine.tx(wake("b"))
        await clock.settle()
    assert [key for key, _ in handler.runs] == ["a"]
