"""Killed at random moments under load, again and again: nothing lost, order kept, no answer twice.

A seed that ever failed stays in the list.
"""

import asyncio
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.delivery import AGAIN
from bot.testing.platform import Platform
from tests.kill.checks import wrong
from tests.kill.house import House, house

pytestmark = pytest.mark.kill

KILLS = 200
CHATS = 6
SEEDS = [20260101]
KINDS = ("idempotent", "readable", "keyless")


async def talk(platform: Platform, chat: str, pauses: random.Random, over: asyncio.Event) -> int:
    """Say numbered things until it is over; how many. At most three wait for their answers."""
    number = 0
    while not over.is_set():
        number += 1
        platform.say(f"[[demo text {chat} {number}]]", chat)
        waited = number - pauses.randint(0, 3)
        await platform.wait_for(
            lambda one, waited=waited: over.is_set() or answered(one, chat) >= waited, 120
        )
    return number


def answered(platform: Platform, chat: str) -> int:
    """The number of the last answer in a chat."""
    seen = platform.visible(chat)
    found = re.match(rf"{chat} (\d+)", seen[-1]) if seen else None
    return int(found[1]) if found else 0


async def kill_often(home: House, moments: random.Random) -> None:
    for _ in range(KILLS):
        await home.start()
        loop = asyncio.get_running_loop()
        moment = loop.create_future()
        loop.call_later(moments.uniform(0.3, 1.3), moment.set_result, None)
        await moment
        await home.kill()
    await home.start()


async def through(home: House, kinds: Sequence[str], chance: random.Random, trouble: Any) -> str:
    """Let everybody talk while there is trouble, and look at what they see; the figures."""
    over = asyncio.Event()
    chats = [(kind, f"c{number}") for kind in kinds for number in range(CHATS)]
    talks = [
        asyncio.create_task(
            talk(home.platforms[kind], chat, random.Random(chance.random()), over),
            name=f"{kind} {chat}",
        )
        for kind, chat in chats
    ]
    await trouble
    over.set()
    for platform in home.platforms.values():
        platform.wake()
    counts = await asyncio.gather(*talks)
    await home.quiet()
    problems, marked = [], 0
    for (kind, chat), count in zip(chats, counts, strict=True):
        seen = home.platforms[kind].visible(chat)
        expected = [f"{chat} {number}" for number in range(1, count + 1)]
        problems += [f"{kind} {one}" for one in wrong(seen, expected, kind == "keyless")]
        marked += sum(text.endswith(AGAIN) for text in seen)
    assert not problems, "\n".join(problems[:50])
    return f"{sum(counts)} messages, {marked} marked"


@pytest.mark.parametrize("seed", SEEDS)
async def test_random_kills_lose_nothing_and_double_nothing_unmarked(seed: int, tmp_path: Path):
    print("seed", seed)
    chance = random.Random(seed)
    async with house(tmp_path, *KINDS) as home:
        print(KILLS, "kills,", await through(home, KINDS, chance, kill_often(home, chance)))
