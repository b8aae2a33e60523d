"""What the Telegram tests share: an adapter on a local server, a core that keeps what it gets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from adapters.fakes.telegram import FakeTelegram
from adapters.telegram.adapter import Telegram
from adapters.telegram.options import TelegramOptions
from bot.contract import Address
from tests.contracts.core_kit import Core, running


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
    async with running(bot, core):
        yield bot


def place(conversation: object, thread: str | None = None) -> Address:
    return Address("telegram", "telegram", str(conversation), thread)
