"""Several workers on one PostgreSQL: killed, frozen, cut off. Each message is answered once."""

import asyncio
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.contracts.postgres_kit import database
from tests.kill.checks import wrong
from tests.kill.house import House, house
from tests.kill.proxy import between
from tests.kill.test_matrix import WORDS
from tests.kill.test_random import through
from tests.kill.test_tasks import CHECK, OWN, expect_once, schedule

pytestmark = pytest.mark.kill

KINDS = ("idempotent", "keyless")
WORKERS, KILLS = 3, 12
PATIENCE = 60.0
# Less than a worker is silent before it is taken for dead.
AT_ONCE = 5.0


@pytest.fixture
def store() -> Iterator[str]:
    with database() as made:
        yield made


async def passed(seconds: float) -> None:
    """Real time goes by, in which others do things."""
    moment = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(seconds, moment.set_result, None)
    await moment


async def answers(home: House, *texts: str) -> None:
    """Wait until people see exactly these."""
    await home.platforms["idempotent"].wait_for(lambda one: one.visible() == list(texts), PATIENCE)


async def workers(home: House, number: int) -> None:
    """Wait until so many workers have shown that they live."""
    async with asyncio.timeout(PATIENCE):
        while home.rows(LIVING) != [{"n": number}]:
            await passed(0.1)


LIVING = (
    "SELECT count(*) AS n FROM procrastinate_workers "
    "WHERE last_heartbeat > now() - interval '4 seconds'"
)


def held(what: str, seconds: float = 6) -> str:
    """A prompt whose tool notes that it ran, and takes its time."""
    return f'[[demo text first]][[demo tool count {{"what": "{what}", "seconds": {seconds}}}]]'


def interrupt(home: House, after: float = 1.0) -> None:
    """A task that runs a tool is due in a moment, when those who would run it are disturbed."""
    schedule(home, "idempotent", held("due", 0), {"mode": "agent"}, after=after, to="due")


def expect_tools_once(home: House, *tools: str) -> None:
    """Each of these tools ran once, and the task of `interrupt` did."""
    assert sorted(home.counted()) == sorted([*tools, "due"]), home.log()
    assert list(wrong(home.platforms["idempotent"].visible("due"), ["first.*"], False)) == []
    ran = [dict(row) for row in home.rows("SELECT cause, status FROM task_runs")]
    assert ran == [{"cause": "due", "status": "ok"}]


async def test_random_kills_of_three_workers_lose_and_double_nothing(store: str, tmp_path: Path):
    chance = random.Random(20260701)

    async def trouble() -> None:
        for _ in range(WORKERS):
            await home.start()
        for _ in range(KILLS):
            await passed(chance.uniform(0.5, 2.5))
            await home.kill(chance.choice(home.programs))
            await home.start()

    async with house(tmp_path, *KINDS, store=store) as home:
        print(KILLS, "kills,", await through(home, KINDS, chance, trouble()))


async def test_a_worker_that_freezes_and_comes_back_changes_nothing(store: str, tmp_path: Path):
    """It holds the platform's connection too, and is in the middle of an answer."""
    async with house(tmp_path, "idempotent", store=store) as home:
        here = home.platforms["idempotent"]
        here.say("[[demo stream 14 300]]")
        here.say(held("held"), "tool")
        first = await home.start()
        await here.wait_for(lambda one: one.count("send") > 1, PATIENCE)
        second = await home.start()
        first.send_signal(signal.SIGSTOP)
        interrupt(home)
        await answers(home, WORDS)
        here.say("[[demo text meanwhile]]")
        await answers(home, WORDS, "meanwhile")
        first.send_signal(signal.SIGCONT)
        await workers(home, 2)
        here.say("[[demo text after]]")
        await answers(home, WORDS, "meanwhile", "after")
        await home.kill(second)
        here.say("[[demo text alone]]")
        await answers(home, WORDS, "meanwhile", "after", "alone")
        await home.quiet()
        assert here.visible() == [WORDS, "meanwhile", "after", "alone"]
        expect_tools_once(home, "held")


async def test_a_platform_connection_moves_at_once_when_its_holder_dies(store: str, tmp_path: Path):
    async with house(tmp_path, "idempotent", store=store) as home:
        here = home.platforms["idempotent"]
        first = await home.start()
        here.say("[[demo text one]]")
        await answers(home, "one")
        await home.quiet()
        await home.start()
        await workers(home, 2)
        await home.kill(first)
        here.say("[[demo text two]]")
        await here.wait_for(lambda one: one.visible() == ["one", "two"], AT_ONCE)


async def test_workers_told_to_stop_one_after_the_other_lose_and_double_nothing(
    store: str, tmp_path: Path
):
    chance = random.Random(20260702)

    async def trouble() -> None:
        for _ in range(2):
            await home.start()
        for _ in range(4):
            await passed(chance.uniform(1.0, 2.0))
            await home.start()
            await home.stop(home.programs[0])

    async with house(tmp_path, *KINDS, store=store) as home:
        print(await through(home, KINDS, chance, trouble()))


async def test_connections_that_are_cut_are_made_again(store: str, tmp_path: Path):
    chance = random.Random(20260703)
    name = store.rpartition("/")[2]

    async def trouble() -> None:
        for _ in range(2):
            await home.start()
        await workers(home, 2)
        for _ in range(4):
            await passed(chance.uniform(1.0, 2.0))
            with psycopg.connect(store, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = %s AND pid <> pg_backend_pid()",
                    [name],
                )

    async with house(tmp_path, *KINDS, store=store) as home:
        print(await through(home, KINDS, chance, trouble()))


@pytest.mark.parametrize("seconds", [3.0, pytest.param(40.0, marks=pytest.mark.long)])
async def test_a_database_that_is_away_is_waited_for(store: str, tmp_path: Path, seconds: float):
    chance = random.Random(20260704)

    async def trouble() -> None:
        for _ in range(2):
            await home.start()
        await workers(home, 2)
        home.platforms["idempotent"].say(held("held"), "tool")
        await passed(2.0)
        interrupt(home)
        await network.close()
        await passed(seconds)
        await network.open()
        await workers(home, 2)

    async with (
        between(store) as network,
        house(tmp_path, *KINDS, store=network.url) as home,
    ):
        home.store = store  # the test itself asks without a detour
        print(await through(home, KINDS, chance, trouble()))
        expect_tools_once(home, "held")


@pytest.mark.parametrize("step", OWN)
async def test_a_due_time_runs_once_on_two_processes_of_which_one_is_killed(
    step: str, store: str, tmp_path: Path
):
    async with house(tmp_path, "idempotent", store=store) as home:
        schedule(
            home, "idempotent", CHECK, {"mode": "cheap", "escalate": True, "skills": ["count"]}
        )
        await home.start(crash_at=step)
        await home.start()
        await home.start()
        await expect_once(home, "idempotent", "Found it", ["due", "strong"])
