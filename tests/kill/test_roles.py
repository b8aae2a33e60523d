"""Gateway, channels and worker as processes of their own, each replaced while people talk."""

import asyncio
import random
import re
from pathlib import Path

import aiohttp
import pytest

from adapters.fakes.telegram import FakeTelegram
from tests.contracts.cli_support import Running
from tests.contracts.gateway_product import signed_in
from tests.contracts.test_cluster_roles import House, empty, get
from tests.kill.checks import wrong
from tests.kill.test_cluster import passed
from tests.kill.test_matrix import WORDS

__all__ = ["empty"]

pytestmark = pytest.mark.kill

PARTS = ("gateway", "channels", "worker")
ROUNDS = 2
CHATS = (101, 102, 103)
SLOW = "[[demo stream 14 120]]"
QUEUE = "messages: {queue: followup}\n"


class Rolling:
    """A process for each part, which can be replaced by a new one as an upgrade does."""

    def __init__(self, home: House) -> None:
        self.home = home
        self.now: dict[str, Running] = {}
        self._count = 0

    async def begin(self, part: str) -> Running:
        """Start a process for a part; when it is ready, the one before is told to stop."""
        self._count += 1
        name = f"{part}{self._count}"
        running = await asyncio.to_thread(self.home.up, name, part)
        while (await get(f"{running.url}/readyz"))[0] != 200:
            await passed(0.05)
        before, self.now[part] = self.now.get(part), running
        if before is not None:
            code, _, said = await asyncio.to_thread(before.stop)
            assert code == 0, said
        return running


def asked(number: int) -> tuple[str, str]:
    """What is said as the message of this number, and the pattern of its answer."""
    if number % 4:
        return f"[[demo text answer {number}]]", f"answer {number}"
    return SLOW, re.escape(WORDS)


async def telegram(
    fake: FakeTelegram, chat: int, chance: random.Random, over: asyncio.Event
) -> int:
    """Say numbered things until it is over; at most three wait for their answers."""
    number = 0
    while not over.is_set():
        number += 1
        fake.say(chat, asked(number)[0], sender=chat)
        wanted = number - chance.randint(0, 3)
        await fake.wait_for(lambda wanted=wanted: len(fake.visible(chat)) >= wanted, 120)
    return number


async def page(rolling: Rolling, over: asyncio.Event) -> int:
    """Talk on the page; what a gateway that stops did not answer is asked of the next one."""
    number = 0
    while not over.is_set():
        number += 1
        while not await _asked_on_page(rolling.now["gateway"].url, number):
            await passed(0.05)
    return number


async def _asked_on_page(url: str, number: int) -> bool:
    run = f"page{number}"
    say = {"sessionKey": "agent:main:page", "message": asked(number)[0], "idempotencyKey": run}
    try:
        async with signed_in(url) as socket:
            sent = await socket.request("chat.send", say)
            if not sent["ok"]:
                return False
            waited = await socket.request("agent.wait", {"runId": run, "timeoutMs": 60_000})
            return bool(waited["ok"]) and waited["payload"]["status"] == "ok"
    except (aiohttp.ClientError, TypeError):  # the socket was closed
        return False


async def test_each_part_is_replaced_under_load_and_nothing_is_lost_or_doubled(
    tmp_path: Path, empty: str
):
    chance = random.Random(20260801)
    async with FakeTelegram() as fake:
        home = House(tmp_path, empty, fake, QUEUE)
        async with home.stack:
            rolling, over = Rolling(home), asyncio.Event()
            for part in PARTS:
                await rolling.begin(part)
            talks = [
                asyncio.create_task(telegram(fake, chat, chance, over), name=f"chat {chat}")
                for chat in CHATS
            ]
            talks.append(asyncio.create_task(page(rolling, over), name="page"))
            for part in PARTS * ROUNDS:
                await passed(chance.uniform(0.5, 1.5))
                await rolling.begin(part)
            over.set()
            *counts, paged = await asyncio.gather(*talks)
            for chat, count in zip(CHATS, counts, strict=True):
                await fake.wait_for(
                    lambda chat=chat, count=count: len(fake.visible(chat)) >= count, 120
                )
            await _quiet(rolling)
            for chat, count in zip(CHATS, counts, strict=True):
                expected = [asked(number)[1] for number in range(1, count + 1)]
                # Nobody was killed: not even a platform without keys shows anything twice.
                assert list(wrong(fake.visible(chat), expected, keyless=False)) == []
            print(f"{sum(counts)} messages on Telegram, {paged} on the page")
            async with signed_in(rolling.now["gateway"].url) as socket:
                history = await socket.request(
                    "chat.history", {"sessionKey": "agent:main:page", "limit": 1000}
                )
            lines = history["payload"]["messages"]
            answers = [line["text"] for line in lines if line["role"] == "assistant"]
            expected = [asked(number)[1] for number in range(1, paged + 1)]
            assert list(wrong(answers, expected, keyless=False)) == []


async def _quiet(rolling: Rolling) -> None:
    """Wait until nothing is open any more."""
    async with signed_in(rolling.now["gateway"].url) as socket:
        while True:
            waiting = (await socket.request("status"))["payload"]["waiting"]
            if not (waiting["inbox"] or waiting["outbox"]):
                return
            await passed(0.1)
