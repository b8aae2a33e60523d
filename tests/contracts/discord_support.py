"""What the Discord tests share: an adapter on a local server, a core that keeps what it gets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from adapters.discord.adapter import Discord
from adapters.discord.options import DiscordOptions
from adapters.fakes.discord import FakeDiscord
from bot.contract import Address, Message
from tests.contracts import core_kit
from tests.contracts.core_kit import running


class Core(core_kit.Core):
    """As the core does: an event that is known already changes nothing."""

    async def __call__(self, message: Message) -> None:
        known = len(self.once)
        await super().__call__(message)
        if len(self.once) == known:
            self.messages.pop()


class Bot(Discord):
    """The adapter with a clock that does not wait, and remembers how long it should have."""

    def __init__(self, account: str, options: DiscordOptions) -> None:
        super().__init__(account, options)
        self.waits: list[float] = []
        self.sleep = self._note

    async def _note(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


def bot_for(fake: FakeDiscord, kind: type[Bot] = Bot, **options: Any) -> Bot:
    given = {"token": fake.token, "base_url": fake.base_url, "gateway_url": fake.gateway.url}
    return kind("discord", DiscordOptions(**{**given, **options}))


@asynccontextmanager
async def sender(fake: FakeDiscord, **options: Any) -> AsyncIterator[Bot]:
    """A bot that sends to the server and does not listen."""
    bot = bot_for(fake, **options)
    await bot.start()
    try:
        yield bot
    finally:
        await bot.stop()


@asynccontextmanager
async def connected(
    fake: FakeDiscord, core: Core, kind: type[Bot] = Bot, **options: Any
) -> AsyncIterator[Bot]:
    """A bot that listens to the server, with its runner as `runner`."""
    bot = bot_for(fake, kind, **options)
    await bot.start()
    async with running(bot, core):
        started = asyncio.create_task(core.until(lambda: core.states), name="first state")
        await asyncio.wait({bot.runner, started}, return_when=asyncio.FIRST_COMPLETED)
        yield bot


def place(conversation: str, thread: str | None = None) -> Address:
    return Address("discord", "discord", conversation, thread)


@asynccontextmanager
async def listening(fake: FakeDiscord, core: Core, **options: Any) -> AsyncIterator[Bot]:
    """A bot that is connected already."""
    async with connected(fake, core, **options) as bot:
        await core.until(lambda: core.now == "up")
        yield bot
