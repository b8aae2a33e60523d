"""What the Telegram tests share: an adapter on a local server, a core that keeps what it gets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from adapters.fakes.telegram import FakeTelegram
from adapters.telegram.adapter import Telegram
from adapters.telegram.options import TelegramOptions
from bot.contract import Address, Message
from bot.errors import StoreError


class Core:
    """A `bot.contract.Receive` that keeps everything; `full` times it has no room."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.refused: list[tuple[Any, str]] = []
        self.states: list[tuple[str, str | None]] = []
        self.full: list[str] = []
        self.gate: asyncio.Event | None = None
        self.moves: list[tuple[str, str]] = []
        self.marks: dict[str, str] = {}
        self._changed = asyncio.Event()

    async def __call__(self, message: Message) -> None:
        if self.gate is not None:
            await self.gate.wait()
        self._room_for(message.text)
        self.messages.append(message)
        self._changed.set()

    async def quarantine(self, account: str, raw: object, reason: str) -> None:
        self._room_for("quarantine")
        self.refused.append((raw, reason))
        self._changed.set()

    async def moved(self, old: Address, new: Address) -> None:
        self._room_for("moved")
        self.moves.append((old.key, new.key))
        self._changed.set()

    async def mark(self, account: str, name: str, value: str | None = None) -> str | None:
        self._room_for("mark")
        if value is not None:
            self.marks[name] = value
        return self.marks.get(name)

    def state(self, account: str, state: str, error: str | None = None) -> None:
        self.states.append((state, error))
        self._changed.set()

    def _room_for(self, text: str) -> None:
        if text in self.full:
            self.full.remove(text)
            raise StoreError("the disk is full")

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


class Bot(Telegram):
    """The adapter with a clock that does not wait, and remembers how long it should have."""

    def __init__(self, account: str, options: TelegramOptions) -> None:
        super().__init__(account, options)
        self.waits: list[float] = []
        self.patient: asyncio.Event | None = None
        self.sleep = self._note

    async def _note(self, seconds: float) -> None:
        self.waits.append(seconds)
        if self.patient is not None:
            await self.patient.wait()
        await asyncio.sleep(0)


@asynccontextmanager
async def connected(
    fake: FakeTelegram, core: Core, kind: type[Bot] = Bot, **options: Any
) -> AsyncIterator[Bot]:
    """A bot that runs against the server, with its runner as `runner`."""
    given = {"token": fake.token, "base_url": fake.base_url, **options}
    bot = kind("telegram", TelegramOptions(**given))
    await bot.start()
    bot.runner = asyncio.create_task(bot.run(core), name="bot")
    try:
        yield bot
    finally:
        bot.runner.cancel()
        await asyncio.gather(bot.runner, return_exceptions=True)
        await bot.stop()


def place(conversation: object, thread: str | None = None) -> Address:
    return Address("telegram", "telegram", str(conversation), thread)
