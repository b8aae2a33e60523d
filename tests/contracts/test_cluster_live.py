"""Live events between processes, and a PostgreSQL that goes away and comes back."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from bot.engine.live import MAX_TOLD
from bot.errors import StoreError
from bot.store.shared import open_shared
from tests.contracts.cluster_kit import PATIENCE, Handled, ask, cluster, url, wakes
from tests.contracts.engine_kit import keys, put
from tests.contracts.postgres_kit import HOW, Server, named, own_server, run

__all__ = ["url"]


class Heard:
    """What a process hears of a topic."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def __call__(self, event: dict[str, Any]) -> None:
        self.events.put_nowait(event)

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            return await self.events.get()


async def test_every_process_hears_an_event_once_and_only_of_its_topic(url: str):
    here, there, other = Heard(), Heard(), Heard()
    async with cluster(url) as one, cluster(url) as two:
        one.subscribe("stop", here)
        two.subscribe("stop", there)
        two.subscribe("other", other)
        async with asyncio.timeout(PATIENCE):
            await two._live.listening.wait()
        await one.publish("stop", {"runs": ["r1"]})
        await one.publish("stop", {"text": "ü" * MAX_TOLD})
        await one.publish("stop", {"runs": ["r2"]})
        for heard in (here, there):
            assert await heard.next() == {"runs": ["r1"]}
            assert await heard.next() == {"text": "ü" * MAX_TOLD}
            assert await heard.next() == {"runs": ["r2"]}
            assert heard.events.empty()
        assert other.events.empty()
    assert len(ask(url, "SELECT * FROM engine_events")) == 1, "only what is large is put down"


async def test_a_process_that_only_tells_needs_no_start(url: str):
    heard = Heard()
    async with cluster(url, start=False) as teller, cluster(url) as hearer:
        hearer.subscribe("stop", heard)
        async with asyncio.timeout(PATIENCE):
            await hearer._live.listening.wait()
        await teller.publish("stop", {"runs": []})
        assert await heard.next() == {"runs": []}


@pytest.fixture
def server() -> Iterator[Server]:
    if own_server() is None:
        pytest.skip(f"only a server of our own can be stopped; {HOW}")
    made = Server()
    yield made
    made.remove()


async def test_a_database_that_was_away_is_used_again(server: Server):
    """What fails meanwhile says so; what was running is run again; nothing stored is lost."""
    run(server.url, "CREATE DATABASE {}", "t")
    url = named(server.url, "t")
    open_shared(url)
    run(url, "CREATE TABLE things(key TEXT PRIMARY KEY, n BIGSERIAL)")
    handled = Handled("busy")
    async with cluster(url, handled) as engine:
        await engine.tx(wakes("busy"))
        assert await handled.next() == "busy"
        assert await engine.tx(put("before")) == 1
        server.stop()
        with pytest.raises(StoreError, match="PostgreSQL cannot be reached"):
            await engine.tx(put("meanwhile"))
        with pytest.raises(StoreError, match="PostgreSQL cannot be reached"):
            await engine.read(keys())
        handled.go.set()
        server.start()
        assert await engine.tx(put("after")) == 2
        await engine.tx(wakes("a"))
        async with asyncio.timeout(PATIENCE):
            while "a" not in handled.ended:
                await handled.runs.get()
                await engine.idle()
        assert await engine.read(keys()) == ["before", "after"]
