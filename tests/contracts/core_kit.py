"""What an adapter talks to in its tests: a core that keeps what it gets, and a bot that runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from bot.contract import Adapter, Address, Author, Message
from bot.errors import StoreError

Bot = TypeVar("Bot", bound=Adapter)


class Core:
    """A `bot.contract.Receive` that keeps everything.

    `full` are texts, and names of its calls, that it has no room for once; `gate` holds messages
    back until it is set.
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.refused: list[tuple[Any, str]] = []
        self.states: list[tuple[str, str | None]] = []
        self.asked: list[tuple[str, str]] = []
        self.choices: list[tuple[str, str]] = []
        self.moves: list[tuple[str, str]] = []
        self.marks: dict[str, str] = {}
        self.full: list[str] = []
        self.gate: asyncio.Event | None = None
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

    async def complete(
        self, address: Address, author: Author, command: str, typed: str
    ) -> list[tuple[str, str]]:
        self.asked.append((command, typed))
        return self.choices

    async def moved(self, old: Address, new: Address) -> None:
        self._room_for("moved")
        self.moves.append((old.key, new.key))
        self._changed.set()

    async def mark(self, account: str, name: str, value: str | None = None) -> str | None:
        self._room_for("mark")
        if value is not None:
            self.marks[name] = value
            self._changed.set()
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
    def ups(self) -> int:
        """How often a connection stood."""
        return [state for state, _ in self.states].count("up")

    @property
    def once(self) -> dict[tuple[object, str, str], Message]:
        """The messages as the core counts them: the same reference is the same message."""
        return {(m.ref, m.change, m.version): m for m in self.messages}

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]

    async def until(self, predicate: Any) -> None:
        async with asyncio.timeout(30):
            while not predicate():
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def running(bot: Bot, core: Core) -> AsyncIterator[Bot]:
    """The bot while it runs; its runner is `runner`."""
    bot.runner = asyncio.create_task(bot.run(core), name="bot")
    try:
        yield bot
    finally:
        bot.runner.cancel()
        await asyncio.gather(bot.runner, return_exceptions=True)
        await bot.stop()
