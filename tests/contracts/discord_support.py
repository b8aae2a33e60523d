"""What the Discord tests share: an adapter on a local server, a core that keeps what it gets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from adapters.discord.adapter import Discord
from adapters.discord.options import DiscordOptions
from adapters.fakes.discord import FakeDiscord
from bot.contract import Address, Author, Message
from bot.errors import StoreError


class Core:
    """A `bot.contract.Receive` that keeps everything; it has no room for the texts in `full`."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.refused: list[tuple[Any, str]] = []
        self.states: list[tuple[str, str | None]] = []
        self.asked: list[tuple[str, str]] = []
        self.choices: list[tuple[str, str]] = []
        self.marks: dict[str, str] = {}
        self.full: list[str] = []
        self.gate: asyncio.Event | None = None
        self._known: set[object] = set()
        self._changed = asyncio.Event()

    async def __call__(self, message: Message) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if message.text in self.full:
            self.full.remove(message.text)
            raise StoreError("the disk is full")
        # As the core does: an event that is known already changes nothing.
        name = (message.ref, message.change, message.version)
        if name not in self._known:
            self._known.add(name)
            self.messages.append(message)
        self._changed.set()

    async def quarantine(self, account: str, raw: object, reason: str) -> None:
        self.refused.append((raw, reason))
        self._changed.set()

    async def complete(
        self, address: Address, author: Author, command: str, typed: str
    ) -> list[tuple[str, str]]:
        self.asked.append((command, typed))
        return self.choices

    async def mark(self, account: str, name: str, value: str | None = None) -> str | None:
        if value is not None:
            self.marks[name] = value
        return self.marks.get(name)

    def state(self, account: str, state: str, error: str | None = None) -> None:
        self.states.append((state, error))
        self._changed.set()

    @property
    def now(self) -> str:
        return self.states[-1][0] if self.states else ""

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]

    async def until(self, predicate: Any) -> None:
        async with asyncio.timeout(30):
            while not predicate():
                self._changed.clear()
                await self._changed.wait()


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
    bot.runner = asyncio.create_task(bot.run(core), name="bot")
    try:
        await asyncio.wait(
            {bot.runner, asyncio.create_task(core.until(lambda: core.states), name="first state")},
            return_when=asyncio.FIRST_COMPLETED,
        )
        yield bot
    finally:
        bot.runner.cancel()
        await asyncio.gather(bot.runner, return_exceptions=True)
        await bot.stop()


def place(conversation: str, thread: str | None = None) -> Address:
    return Address("discord", "discord", conversation, thread)


@asynccontextmanager
async def listening(fake: FakeDiscord, core: Core, **options: Any) -> AsyncIterator[Bot]:
    """A bot that is connected already."""
    async with connected(fake, core, **options) as bot:
        await core.until(lambda: core.now == "up")
        yield bot
