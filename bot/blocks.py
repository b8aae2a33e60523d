"""An answer that is sent in blocks while it is written, each exactly once.

A block is a part of the outbox like any other, with the text it stands for beside it. An attempt
that takes up an interrupted run follows those texts as far as the answer is the same, so that
nothing is said twice; where the answer goes another way, it is told from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bot.channels import Channel
from bot.clock import Clock
from bot.contract import Address, Reply
from bot.engine.port import Engine, Script
from bot.reply.blocks import matched, next_block
from bot.steps import step
from bot.store import outbox, runs
from bot.types import Turn

log = structlog.get_logger("blocks")

Dress = Callable[[str, int], Reply]


class Blocks:
    """The blocks of one run. `dress` makes the reply for a text and its number.

    `sent` are the texts of the parts that were put out, an interrupted attempt's first.
    """

    def __init__(
        self, engine: Engine, clock: Clock, channel: Channel, turn: Turn, to: Address, dress: Dress
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._turn = turn
        self._to = to
        self._dress = dress
        self._pace = channel.pace
        self._utf16 = channel.adapter.caps.utf16
        self._text = ""
        self._preface = ""
        self._whole = self._closed = False
        self._changed = asyncio.Event()
        self._flushed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.sent: list[str] = list(turn.blocks)

    def show(self, text: str) -> None:
        """The visible text is this now."""
        self._text, self._whole = text, False
        self._begin()

    def preface(self, text: str) -> None:
        """What goes before the first block, in a message of its own."""
        self._preface = text

    def pause(self) -> None:
        """Nothing more comes for now: what is there goes out."""
        self._whole = True
        self._flushed.clear()
        self._begin()

    async def flushed(self) -> None:
        """Wait until what was there at the last pause is put out."""
        if self._task is not None and self._whole:
            waiter = asyncio.create_task(self._flushed.wait(), name="blocks-flushed")
            await asyncio.wait((waiter, self._task), return_when=asyncio.FIRST_COMPLETED)
            waiter.cancel()

    async def close(self) -> None:
        """Put nothing more out; a block that is under way is waited for. Raises Fenced."""
        self._closed = True
        self._changed.set()
        if self._task is not None:
            await self._task

    def _begin(self) -> None:
        self._changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"blocks:{self._turn.id}")

    async def _run(self) -> None:
        rests = False
        while not self._closed:
            found = self._next(rests)
            if found is not None:
                await self._put(*found)
                continue
            if self._whole:
                self._flushed.set()
            self._changed.clear()
            rests = not await self._grown(rests)

    async def _grown(self, rests: bool) -> bool:
        """Wait for more text; False when it has rested for as long as the pace says."""
        if rests or self._pace.at == "message_end":
            await self._changed.wait()
            return True
        changed = asyncio.create_task(self._changed.wait(), name="blocks-changed")
        pause = asyncio.create_task(self._clock.sleep(self._pace.idle), name="blocks-idle")
        try:
            waits = (changed, pause)
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return changed in done
        finally:
            changed.cancel()
            pause.cancel()

    def _next(self, rests: bool) -> tuple[str, str] | None:
        """The next block as it is sent, and the text it stands for."""
        met = matched(self._text, self.sent)
        if met.left or (self._pace.at == "message_end" and not self._whole):
            return None
        at = met.at + len(self._text[met.at :]) - len(self._text[met.at :].lstrip())
        found = next_block(self._text, at, self._pace, self._utf16, rests=rests, whole=self._whole)
        return (found[0], self._text[at : found[1]]) if found else None

    async def _put(self, part: str, text: str) -> None:
        if self._preface and not self.sent:
            await self._store(self._preface, "")
        await self._store(part, text)

    async def _store(self, part: str, text: str) -> None:
        number = len(self.sent)
        await self._engine.tx(self._record(number, self._dress(part, number), text))
        self.sent.append(text)
        step("block.stored")

    def _record(self, number: int, reply: Reply, text: str) -> Script[None]:
        yield from runs.fence(self._turn.lane, self._turn.epoch)
        yield from outbox.block(self._turn.id, number, self._to, reply, text, self._clock.now())
