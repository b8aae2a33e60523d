"""A process whose LISTEN connection is cut: it hears again, and misses nothing that matters."""

import asyncio
import time
from pathlib import Path

from bot.engine.jobs import POLL
from tests.contracts.cluster_kit import PATIENCE, Handled, ask, cluster, listening, url, wakes
from tests.contracts.gateway_product import MAIN
from tests.contracts.test_cluster_two_gateways import checked, drained, empty, pair, text_of

__all__ = ["empty", "url"]
CUT = (
    "SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity "
    "WHERE datname = current_database() AND application_name = %s "
    "AND (query ILIKE 'LISTEN%%' OR query = 'SELECT 1')"
)
JOBS, LIVE = "trunkline jobs", "trunkline live"


async def test_a_wake_that_is_told_to_nobody_is_found_by_polling(url: str):
    handled = Handled()
    async with cluster(url, handled) as engine:
        for number in range(3):
            await listening(url)
            assert ask(url, CUT, JOBS), "nobody listened"
            began = time.monotonic()
            await engine.tx(wakes(f"gap{number}"))
            assert await handled.next() == f"gap{number}"
            assert time.monotonic() - began < 4 * POLL
        await listening(url)


async def test_watchers_see_the_end_once_when_live_events_were_cut_off(tmp_path: Path, empty: str):
    """Cut in the middle of an answer, at both gateways; the next answer is live again."""
    async with pair(tmp_path, empty) as (_, (one, two)):
        for number in range(2):
            for here, there in ((one, two), (two, one)):
                run = f"r{number}-{here is one}"
                text = "[[demo stream 40 50]]"
                await here.ok("chat.send", sessionKey=MAIN, message=text, idempotencyKey=run)
                async with asyncio.timeout(PATIENCE):
                    await here.growing(run)
                    await there.growing(run)
                    if not number:
                        assert len(ask(empty, CUT, LIVE)) == 2
                    ends = [await here.end(run), await there.end(run)]
                for end, talk in zip(ends, (here, there), strict=True):
                    assert end["state"] == "final"
                    assert end["message"]["text"].endswith("word40")
                    await drained(talk)
                    assert text_of(checked(talk, run)).endswith("word40")
