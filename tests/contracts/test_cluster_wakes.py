"""What goes wrong with jobs when workers die, freeze or collide, and what becomes of it here."""

import asyncio
import signal
import time

import psycopg
import pytest

from bot.engine import jobs as engine_jobs
from bot.engine.port import Wake
from bot.engine.postgres import connect, put, run_script
from tests.contracts.cluster_kit import (
    PATIENCE,
    Handled,
    ask,
    cluster,
    jobs,
    line,
    listening,
    process,
    url,
    wakes,
)
from tests.contracts.postgres_kit import server_url

__all__ = ["url"]
FETCH = "SELECT id FROM procrastinate_fetch_job_v2(ARRAY['lane']::varchar[], %s)"
_DEAD = (
    "INSERT INTO procrastinate_workers(last_heartbeat) "
    "VALUES(now() - interval '1 hour') RETURNING id"
)


async def test_a_busy_key_is_handed_on_without_waiting_for_the_poll(
    url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine_jobs, "POLL", 600.0)
    handled = Handled("hot")
    async with cluster(url, handled) as engine:
        await listening(url)
        await engine.tx(wakes("first"))
        assert await handled.next() == "first"
        for _ in range(5):
            handled.go.clear()
            await engine.tx(wakes("hot"))
            assert await handled.next() == "hot"
            await engine.tx(wakes("hot"))
            handled.go.set()
            assert await handled.next() == "hot"


async def test_a_delayed_wake_comes_in_time_and_holds_nobody_up(
    url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine_jobs, "POLL", 600.0)
    handled = Handled()
    async with cluster(url, handled) as engine:
        await listening(url)
        await engine.tx(wakes("first"))
        await handled.next()
        due = time.time() + 0.7
        await engine.tx(wakes("a", at=due))
        await engine.tx(wakes("a", at=due + 3600))
        await engine.tx(wakes("a", at=due + 3600))
        await engine.tx(wakes("a"))
        assert await handled.next() == "a"
        assert time.time() < due
        assert await handled.next() == "a"
        assert due <= time.time() < due + 5
        later = ask(url, "SELECT 1 FROM procrastinate_jobs WHERE scheduled_at > now()")
        assert len(later) == 1, "wakes for the same time are one"


async def test_a_worker_with_nothing_to_do_asks_less_than_four_times_a_second(url: str):
    counted = "SELECT xact_commit AS n FROM pg_stat_database WHERE datname = %s"
    name, window = url.rpartition("/")[2], 8.0
    async with cluster(url, Handled()), asyncio.timeout(PATIENCE):
        await listening(url)
        before = ask(server_url() or url, counted, name)[0]["n"]
        await asyncio.sleep(window)  # nothing happens; that is what is measured
        after = ask(server_url() or url, counted, name)[0]["n"]
    assert 2 * window < after - before < 4 * window


async def test_nobody_takes_a_job_before_what_woke_it_can_be_seen(url: str):
    """A wake joins a job that waits already: until its transaction is committed, nobody has it."""
    [worker] = ask(url, "INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
    async with cluster(url, start=False) as engine:
        await engine.tx(wakes("a"))
    with connect(url) as writing:
        writing.execute("BEGIN")
        run_script(writing, put({Wake("lane", "a"): 0.0}), [])
        assert ask(url, FETCH, worker["id"]) == [{"id": None}]
        writing.execute("COMMIT")
    [job] = jobs(url)
    assert ask(url, FETCH, worker["id"]) == [{"id": job["id"]}]


async def test_the_lane_of_a_dead_worker_goes_on_even_when_it_is_woken_meanwhile(url: str):
    """Its job cannot be run again beside the one that waits: the key would be stuck for good."""
    async with cluster(url, start=False) as engine:
        await engine.tx(wakes("a"))
        [dead] = ask(url, _DEAD)
        [taken] = ask(url, FETCH, dead["id"])
        await engine.tx(wakes("a"))
        assert [job["status"] for job in jobs(url)] == ["doing", "todo"]
    with pytest.raises(psycopg.errors.UniqueViolation):
        ask(url, "SELECT procrastinate_retry_job_v2(%s, now(), 0, 'lane', 'lane a')", taken["id"])
    handled = Handled()
    async with cluster(url, handled) as engine:
        assert await handled.next() == "a"
        async with asyncio.timeout(PATIENCE):
            await engine.idle()
    assert jobs(url) == []


async def test_a_killed_process_is_followed_within_ten_seconds(url: str):
    async with process(url) as other, cluster(url, start=False) as waker:
        await line(other, "owner")
        await waker.tx(wakes("a", "b"))
        await line(other, "has")
        await line(other, "has")
        other.kill()
        killed, handled = time.monotonic(), Handled()
        async with cluster(url, handled) as engine:
            assert {await handled.next(), await handled.next()} == {"a", "b"}
            assert time.monotonic() - killed < 10
            async with asyncio.timeout(PATIENCE):
                await engine.idle()


async def test_a_frozen_process_loses_its_lane_and_ends_nothing_when_it_is_back(url: str):
    handled = Handled("a")
    async with process(url) as other, cluster(url, start=False) as waker:
        await line(other, "owner")
        await waker.tx(wakes("a"))
        await line(other, "has a")
        other.send_signal(signal.SIGSTOP)
        async with cluster(url, handled) as engine:
            assert await handled.next() == "a"
            async with engine.own("bot"):
                other.send_signal(signal.SIGCONT)
                await line(other, "lost a")
                assert [job["status"] for job in jobs(url)] == ["doing"]
            handled.go.set()
            async with asyncio.timeout(PATIENCE):
                while "a" not in handled.ended:
                    await engine._jobs.ended(1.0)


async def test_a_job_is_ended_only_by_the_worker_that_has_it(url: str):
    handled = Handled("a")
    async with cluster(url, handled) as engine:
        await engine.tx(wakes("a"))
        await handled.next()
        [alive] = ask(url, "INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
        ask(url, "UPDATE procrastinate_jobs SET worker_id = %s", alive["id"])
        handled.go.set()
        async with asyncio.timeout(PATIENCE):
            while engine._jobs.busy or "a" not in handled.ended:
                await engine._jobs.ended(1.0)
        assert [job["worker_id"] for job in jobs(url)] == [alive["id"]]


async def test_a_worker_that_was_given_up_ends_and_another_begins(url: str):
    handled = Handled("a")
    async with cluster(url, handled) as engine:
        await engine.tx(wakes("a"))
        await handled.next()
        [before] = ask(url, "DELETE FROM procrastinate_workers RETURNING id")
        assert await handled.next() == "a"
        assert handled.cancelled == ["a"]
        [after] = ask(url, "SELECT id FROM procrastinate_workers")
        assert after["id"] > before["id"]
        handled.go.set()
        async with asyncio.timeout(PATIENCE):
            await engine.idle()


async def test_whoever_stops_hands_its_keys_to_the_others(url: str):
    held, free = Handled("a"), Handled()
    async with cluster(url, held) as first:
        await first.tx(wakes("a"))
        await held.next()
        async with cluster(url, free):
            await first.drain(0)
            assert held.cancelled == ["a"]
            assert await free.next() == "a"
