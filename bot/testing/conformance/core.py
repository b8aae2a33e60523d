"""A core that keeps what an adapter hands it, and fails or waits when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.contract import Address, Author, Message
from bot.errors import StoreError

# Seconds of the loop's time, most of which is skipped.
PATIENCE = 600.0


class Core:
    """A `bot.contract.Receive`. `marks` outlive it when they are handed to the next one."""

    def __init__(self, marks: dict[tuple[str, str], str] | None = None) -> None:
        self.messages: list[Message] = []
        self.quarantined: list[tuple[object, str]] = []
        self.moves: list[tuple[Address, Address]] = []
        self.states: list[tuple[str, str | None]] = []
        self.marks = {} if marks is None else marks
        self.full = 0
        self.refused: list[str] = []
        self.gate: asyncio.Event | None = None
        self.waiting = 0
        self._changed = asyncio.Event()

    async def __call__(self, message: Message) -> None:
        await self._room(message.text)
        self.messages.append(message)
        self._changed.set()

    async def quarantine(self, account: str, raw: object, reason: str) -> None:
        await self._room("")
        self.quarantined.append((raw, reason))
        self._changed.set()

    async def moved(self, old: Address, new: Address) -> None:
        await self._room("")
        self.moves.append((old, new))
        self._changed.set()

    async def complete(
        self, address: Address, author: Author, command: str, typed: str
    ) -> list[tuple[str, str]]:
        return []

    async def mark(self, account: str, name: str, value: str | None = None) -> str | None:
        if value is not None:
            self.marks[account, name] = value
        return self.marks.get((account, name))

    def state(self, account: str, state: str, error: str | None = None) -> None:
        self.states.append((state, error))
        self._changed.set()

    async def _room(self, text: str) -> None:
        """Wait for the gate; fail while the store is full. Raises StoreError."""
        if self.gate is not None:
            self.waiting += 1
            self._changed.set()
            await self.gate.wait()
        if self.full:
            self.full -= 1
            self.refused.append(text)
            self._changed.set()
            raise StoreError("the disk is full")

    @property
    def now(self) -> str:
        return self.states[-1][0] if self.states else ""

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]

    def stored(self) -> list[Message]:
        """The messages as a store keeps them: the same key only once."""
        return list({key(message): message for message in reversed(self.messages)}.values())[::-1]

    async def until(self, what: str, test: Callable[[], object]) -> None:
        """Return when `test` is true. Raises AssertionError naming `what` when it never is."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not test():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{what} did not happen; {self._had()}") from None

    def _had(self) -> str:
        got = ", ".join(repr(text[:40]) for text in self.texts[-5:]) or "nothing"
        state = " ".join(filter(None, self.states[-1])) if self.states else "unknown"
        why = f", quarantined: {self.quarantined[-1][1]}" if self.quarantined else ""
        return f"the core had {got}{why}; state {state}"

    async def heard(self, text: str) -> Message:
        """The message with this text, once it came. Raises AssertionError."""
        return await self.of(f"the message {text[:60]!r}", lambda message: message.text == text)

    async def of(self, what: str, test: Callable[[Message], object]) -> Message:
        """The first message that `test` accepts. Raises AssertionError."""
        await self.until(what, lambda: any(map(test, self.messages)))
        return next(message for message in self.messages if test(message))


def key(message: Message) -> tuple[object, ...]:
    """What tells two events apart: the same key is the same event."""
    return message.ref, message.change, message.version
