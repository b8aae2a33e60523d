"""A worker whose lane has a newer drain commits nothing, on both engines."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.contract import Address, Reply
from bot.engine.port import Row, Script, Wake, q
from bot.errors import Fenced
from bot.store import outbox, runs
from bot.store.migrations import open_store
from bot.testing.clock import VirtualClock
from tests.contracts.engine_kit import ENGINES, engine_on, nothing_due
from tests.contracts.postgres_kit import database

LANE = "agent:main:main"
HERE = Address("slack", "work", "C1")


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """A store of Trunkline."""
    if request.param == "cluster":
        with database() as url:
            yield url
    else:
        open_store(tmp_path / "store.db")
        yield tmp_path / "store.db"


def answering(run: str, epoch: int, now: float) -> Script[None]:
    """What the end of a run does, with its fence last, where it has the most to take back."""
    yield from outbox.enqueue(run, HERE, [Reply("an answer")], now)
    yield from outbox.next_part(HERE.key, now, ())
    yield Wake("lane", LANE)
    yield Wake("lane", LANE, now + 60)
    yield from runs.fence(LANE, epoch)


def rows(text: str) -> Script[list[Row]]:
    return (yield q(text))


async def test_a_stale_epoch_keeps_no_row_no_mark_and_no_wake(store: Path | str):
    clock, woken = VirtualClock(), list[str]()

    async def handled(key: str) -> None:
        woken.append(key)

    async def sent(key: str) -> None:
        """The outbox of this test stands still."""

    async with engine_on(store, clock, handled, start=False) as engine:
        engine.handle("out", sent)
        await engine.start(nothing_due)
        now = clock.now()
        stale = await engine.tx(runs.take_lane(LANE))
        await engine.tx(outbox.enqueue("r1", HERE, [Reply("waits")], now))
        before = await states(engine)
        assert await engine.tx(runs.take_lane(LANE)) == stale + 1
        with pytest.raises(Fenced, match="newer drain"):
            await engine.tx(answering("r2", stale, now))
        assert await states(engine) == before == [("r1", "pending")]
        if isinstance(store, str):
            found = await engine.read(
                rows("SELECT 1 FROM procrastinate_jobs WHERE queue_name = 'lane'")
            )
            assert found == []
        await clock.advance(120)
        assert woken == [], "its wakes went with it"
        await engine.tx(answering("r2", stale + 1, now))
        assert await states(engine) == [("r1", "sending"), ("r2", "pending")]
        await clock.settle()
        assert woken[:1] == [LANE]


async def states(engine: Any) -> list[tuple[str, str]]:
    found = await engine.read(rows("SELECT run, state FROM outbox ORDER BY id"))
    return [(row["run"], row["state"]) for row in found]
