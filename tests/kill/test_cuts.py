"""Machines cut off from the database, from the platform, from both: each message is answered once.

Nothing tells anybody that a connection ended; what shows it is silence.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.testing.platform import Platform
from tests.contracts.postgres_kit import HOW, Server, named, own_server, run
from tests.kill.checks import wrong
from tests.kill.hosts import LINKS, Host, Link, Network, network
from tests.kill.house import House, house
from tests.kill.test_cluster import (
    PATIENCE,
    expect_tools_once,
    held,
    interrupt,
    passed,
    workers,
)
from tests.kill.test_random import through

pytestmark = pytest.mark.kill

KINDS = ("idempotent", "keyless")
SLOW = " ".join(f"word{number}" for number in range(1, 13))
# A worker is dead after 6 s of silence, and others look every 2 s; a holder after 6 s.
TAKEN = 15.0
AWAY = 15.0


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    with network() as made:
        yield made


@pytest.fixture(scope="module")
def server(net: Network) -> Iterator[Server]:
    """A PostgreSQL that listens at the network's address for it."""
    if own_server() is None:
        pytest.skip(f"only a server of our own can listen there; {HOW}")
    made = Server(f"-c listen_addresses=127.0.0.1,{net.services['database']}")
    with (made.folder / "data" / "pg_hba.conf").open("a") as rules:
        rules.write("host all all 198.18.0.0/16 trust\n")
    run(made.url, "SELECT pg_reload_conf()")
    yield made
    made.remove()


@pytest.fixture
def hosts(net: Network) -> tuple[Host, Host]:
    return net.host(), net.host()


@pytest.mark.parametrize(
    "links",
    [
        pytest.param(("database",), id="database"),
        pytest.param(("platform",), id="platform", marks=pytest.mark.long),
        pytest.param(LINKS, id="both", marks=pytest.mark.long),
    ],
)
async def test_a_machine_that_is_cut_off_is_followed_and_joins_again(
    links: tuple[Link, ...], hosts: tuple[Host, Host], net: Network, server: Server, tmp_path: Path
):
    """It holds the platforms' connections, and is in the middle of answers, tools and a task."""
    one, two = hosts
    database = f"cut_{'_'.join(links)}"
    run(server.url, "CREATE DATABASE {}", database)
    here = named(server.url, database)
    there = here.replace("127.0.0.1", net.services["database"])
    chance = random.Random(20260710)
    async with house(tmp_path, *KINDS, store=there, host=net.services["platform"]) as home:
        home.store = here

        async def trouble() -> None:
            first = await home.start(inside=one.inside)
            for kind in KINDS:
                home.platforms[kind].say("[[demo stream 12 1700]]", "slow")
                home.platforms[kind].say(held(f"held-{kind}"), "tool")
                await home.platforms[kind].wait_for(lambda at: at.count("send"), PATIENCE)
            second = await home.start(inside=two.inside)
            await workers(home, 2)
            interrupt(home, after=3.0)
            one.cut(*links)
            began = time.monotonic()
            moved = asyncio.create_task(probed(home, began), name="moved")
            await passed(AWAY)
            for kind in KINDS:
                expect_one_hand_after_another(home.platforms[kind], one.address["platform"])
            if "database" in links:
                assert sessions_of(home, one) == [], "the database keeps what nobody can end"
            one.heal()
            healed = time.monotonic()
            times = await moved
            await workers(home, 2)
            async with asyncio.timeout(PATIENCE):
                while not {"trunkline live", "trunkline owner"} <= set(sessions_of(home, one)):
                    await passed(0.1)
            print("moved after", times, "joined after", round(time.monotonic() - healed, 1))
            # Who has the database keeps its lanes and outboxes, and sends when it can again.
            assert "database" not in links or max(times.values()) < TAKEN
            await home.kill(second)
            assert first.returncode is None

        print(await through(home, KINDS, chance, trouble()))
        expect_tools_once(home, *(f"held-{kind}" for kind in KINDS))
        for kind in KINDS:
            at = home.platforms[kind]
            assert list(wrong(at.visible("slow"), [SLOW], kind == "keyless")) == []
            assert list(wrong(at.visible("tool"), ["first.*"], kind == "keyless")) == []


def sessions_of(home: House, host: Host) -> list[str]:
    """What a machine has open in the database."""
    found = home.rows(
        "SELECT application_name AS name FROM pg_stat_activity "
        f"WHERE client_addr = '{host.address['database']}'"
    )
    return [row["name"] for row in found]


async def probed(home: House, began: float) -> dict[str, float]:
    """How many seconds after the cut a message that is said now is answered."""
    times = {}
    for kind in KINDS:
        home.platforms[kind].say("[[demo text moved]]", "probe")
    for kind in KINDS:
        await home.platforms[kind].wait_for(lambda at: at.visible("probe"), PATIENCE)
        times[kind] = round(time.monotonic() - began, 1)
    return times


def expect_one_hand_after_another(at: Platform, cut: str) -> None:
    """Once another machine goes on with an answer, the one that is cut off adds nothing to it."""
    shown = {one.id: one.conversation for one in at.messages.values()}
    for conversation in ("slow", "tool"):
        hands = [
            body["from"] == cut
            for _, body in at.calls
            if (body.get("conversation") or shown.get(body.get("id", ""))) == conversation
        ]
        changes = sum(a != b for a, b in itertools.pairwise(hands))
        assert hands[0] and changes <= 1, (conversation, hands)
