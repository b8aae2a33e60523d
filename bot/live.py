"""Signs of life in a conversation: a reaction, then typing, then a preview that grows.

The preview is the platform's own stream where it has one for this conversation, else one message
that is posted and edited.

All of it is courtesy: nothing here can fail a run, and the answer never waits for it but to let an
action that is under way end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import structlog

from bot import preview
from bot.blocks import Blocks
from bot.channels import Channel, Channels
from bot.clock import Clock
from bot.contract import Address, Kind, Message, Ref, Reply
from bot.engine.port import Engine
from bot.errors import (
    NotSent,
    RateLimited,
    Refused,
    SendError,
    StoreError,
    Uncertain,
    Unsupported,
)
from bot.preview import Edit, Hold, Post, Preview, Wait
from bot.reply import draft, reasoning_message, size, split
from bot.steps import step
from bot.store import outbox, slowdowns

log = structlog.get_logger("live")

TICK = 0.2
TYPING_AFTER = 0.4
TYPING_EVERY = 4.5
TYPING_FOR = 120.0
NO_ROOM = 1.0
# After so many seconds in which this process did nothing, another may have taken its runs over.
FROZEN = 4.0
GROUP_EDITS = 8
GROUP_INTERVAL = 3.0


class Ticker:
    """Looks after all runs at once, so that an answer that comes at once costs no timer at all."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[Live, None] = {}
        self._task: asyncio.Task[None] | None = None
        self._last = 0.0

    def add(self, live: Live) -> None:
        self._open[live] = None
        if self._task is None or self._task.done():
            self._last = self._clock.now()
            self._task = asyncio.create_task(self._tick(), name="live")

    def drop(self, live: Live) -> None:
        self._open.pop(live, None)

    async def _tick(self) -> None:
        while self._open:
            await self._clock.sleep(TICK)
            now = self._clock.now()
            if self.froze(now):
                self._open.clear()
            self._last = now
            for live in tuple(self._open):
                live.tick(now)

    def froze(self, now: float) -> bool:
        """Has this process been stopped, so that its previews may be somebody else's?"""
        return now - self._last > FROZEN

    def has(self, live: Live, now: float) -> bool:
        """May this run show more?"""
        return live in self._open and not self.froze(now)


class Acks:
    """Puts a reaction under what was accepted: in direct chats, and where the bot was mentioned."""

    def __init__(self, clock: Clock, channels: Channels) -> None:
        self._clock = clock
        self._channels = channels
        self._open: set[asyncio.Task[None]] = set()

    def react(self, message: Message) -> None:
        """Begin to, if the account wants it; nobody waits for it."""
        channel = self._channels.serving(message.address)
        spoken = message.change == "new" and (message.kind == "direct" or message.mentioned)
        if channel is None or not spoken or not (channel.ack and channel.adapter.caps.react):
            return
        task = asyncio.create_task(self._react(channel, message), name=f"ack:{message.ref.id}")
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _react(self, channel: Channel, message: Message) -> None:
        to, now = message.address, self._clock.now()
        if not channel.budget.room(to, message.kind, now):
            return
        channel.budget.spend(to, now)
        try:
            await channel.adapter.react(message.ref, channel.ack)
        except SendError as error:
            log.info("no reaction", to=to.key, reason=str(error))
        except Exception as error:
            log.error("reaction failed", to=to.key, exc_info=error)


class Live:
    """The typing sign and the preview of one run, or its blocks.

    `shown` is a preview that is there already. `thinks`: a preview shows the reasoning, too.
    """

    def __init__(
        self,
        ticker: Ticker,
        engine: Engine,
        clock: Clock,
        channel: Channel | None,
        *,
        run: str,
        to: Address | None,
        kind: Kind,
        reply_to: str | None,
        shown: str | None,
        thinks: bool = False,
        blocks: Blocks | None = None,
    ) -> None:
        self._ticker = ticker
        self._thinks = thinks
        self._blocks = blocks
        self._engine = engine
        self._clock = clock
        self._channel = channel
        self._run = run
        self._to = to
        self._kind = kind
        self._reply_to = reply_to
        self._ref = Ref(to, shown) if to and shown else None
        self._text = ""
        self._changed = asyncio.Event()
        self._state: Preview | None = None
        self._pump: asyncio.Task[None] | None = None
        self._typing: asyncio.Task[None] | None = None
        self._native = channel is not None and channel.adapter.caps.native_stream
        self._began = clock.now()

    def begin(self) -> None:
        """From now on there may be signs."""
        channel, self._began = self._channel, self._clock.now()
        if channel is not None and (channel.previews or channel.types):
            self._ticker.add(self)

    def show(self, text: str) -> None:
        """The visible text is this now."""
        if self._blocks is not None:
            self._blocks.show(text)
        self._preview(text)

    def think(self, text: str) -> None:
        """The reasoning is this now: a preview shows it until the answer begins."""
        if self._thinks:
            self._preview(reasoning_message(text))
        elif self._blocks is not None:
            self._blocks.preface(reasoning_message(text))

    def pause(self) -> None:
        """A call has said all it says."""
        if self._blocks is not None:
            self._blocks.pause()

    async def flushed(self) -> None:
        """Wait until the blocks of all that was said before the last pause are put out."""
        if self._blocks is not None:
            await self._blocks.flushed()

    @property
    def sent(self) -> Sequence[str]:
        """The texts of the parts that have been put out already."""
        return self._blocks.sent if self._blocks is not None else ()

    def _preview(self, text: str) -> None:
        self._text = text
        self._changed.set()
        if self._state is None and self._channel is not None and self._channel.previews:
            self._state = self._begin(self._channel)

    def tick(self, now: float) -> None:
        """Begin what has become due."""
        channel = self._channel
        if channel is None:
            return
        if channel.types and self._typing is None and now - self._began >= TYPING_AFTER:
            self._typing = asyncio.create_task(self._type(channel), name=f"typing:{self._run}")
        if self._state is not None and self._pump is None:
            self._pump = asyncio.create_task(
                self._run_preview(channel), name=f"preview:{self._run}"
            )

    async def close(self) -> None:
        """End both; an action of the preview that is under way is waited for."""
        self._ticker.drop(self)
        if self._blocks is not None:
            await self._blocks.close()
        if self._typing is not None:
            self._typing.cancel()
        if self._pump is not None and self._state is not None:
            busy = self._state.busy
            self._state = preview.closed(self._state)
            if not busy:
                self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)

    def _begin(self, channel: Channel) -> Preview:
        sparing = self._kind != "direct" and not self._native
        interval = channel.adapter.caps.edit_interval
        return Preview(
            began=self._clock.now(),
            edit_interval=max(interval, GROUP_INTERVAL) if sparing else interval,
            max_edits=GROUP_EDITS if sparing else None,
            posted=self._ref is not None,
        )

    async def _type(self, channel: Channel) -> None:
        assert self._to is not None
        while (now := self._clock.now()) - self._began < TYPING_FOR:
            if channel.budget.room(self._to, self._kind, now):
                try:
                    await channel.adapter.typing(self._to)
                except SendError as error:
                    log.debug("no typing sign", to=self._to.key, reason=str(error))
            await self._clock.sleep(TYPING_EVERY)

    async def _run_preview(self, channel: Channel) -> None:
        assert self._to is not None
        while self._state is not None and not self._state.closed:
            now = self._clock.now()
            if not self._ticker.has(self, now):
                return
            room = channel.budget.room(self._to, self._kind, now)
            action = preview.decide(self._state, self._text, now, self._draft(channel), room)
            if isinstance(action, Hold):
                await self._changed.wait()
                self._changed.clear()
            elif isinstance(action, Wait):
                until = action.until if action.until is not None else now + NO_ROOM
                await self._clock.sleep(until - now)
            else:
                await self._act(channel, action)

    def _draft(self, channel: Channel) -> preview.Draft:
        """What a preview shows of the text. One that only grows cannot take back what healed it."""
        shorten = _begun if self._native and not channel.drafts else draft
        return partial(shorten, limit=channel.max_chars, utf16=channel.adapter.caps.utf16)

    async def _act(self, channel: Channel, action: Post | Edit) -> None:
        assert self._to is not None and self._state is not None
        self._state = preview.started(self._state)
        channel.budget.spend(self._to, self._clock.now())
        try:
            if isinstance(action, Post):
                await self._post(channel, action.text)
            else:
                await self._more(channel, action.text)
                step("preview.edited")
        except RateLimited as error:
            now = self._clock.now()
            wait, everywhere = error.retry_after, error.everywhere
            until = channel.budget.close(self._to, now, wait, everywhere=everywhere)
            self._state = preview.failed(self._state, now, until)
            with suppress(StoreError):
                asked = slowdowns.asked("channel", self._to.account, until, now)
                await self._engine.tx(asked)
        except (SendError, StoreError) as error:
            log.info("preview given up", to=self._to.key, run=self._run, reason=str(error))
            self._state = preview.failed(self._state, self._clock.now(), None)
        except Exception as error:
            log.error("preview failed", to=self._to.key, run=self._run, exc_info=error)
            self._state = preview.failed(self._state, self._clock.now(), None)
        else:
            done = self._clock.now()
            if isinstance(action, Post):
                self._state = preview.posted(self._state, action, done)
            else:
                self._state = preview.edited(self._state, action, done)

    async def _post(self, channel: Channel, text: str) -> None:
        """Post the preview; its id is stored at once, so that the answer can take its place."""
        assert self._to is not None
        if self._native and channel.drafts and await self._streamed(channel, text):
            return
        if not await self._engine.tx(outbox.posting(self._run, self._to, self._clock.now())):
            raise Uncertain("an earlier preview of this run may be shown")
        step("preview.posting")
        try:
            ref = await self._first(channel, text)
        except (RateLimited, NotSent, Refused, Unsupported):
            await self._engine.tx(outbox.unposted(self._run))
            raise
        step("preview.posted")
        if ref is None:
            channel.drafts = True
            await self._engine.tx(outbox.unposted(self._run))
            return
        await self._engine.tx(outbox.posted(self._run, ref.id))
        step("preview.stored")
        self._ref = ref

    async def _first(self, channel: Channel, text: str) -> Ref | None:
        """Show the preview for the first time; None when nothing of it lasts."""
        assert self._to is not None
        key = outbox.preview_key(self._run)
        if self._native:
            try:
                return await channel.adapter.stream(self._to, key, text, None)
            except Unsupported:
                self._by_edits(channel)
        return await channel.adapter.send(self._to, Reply(text, reply_to=self._reply_to), key)

    async def _more(self, channel: Channel, text: str) -> None:
        """Show more of what stands there."""
        if not (self._native and await self._streamed(channel, text)):
            if self._ref is None:
                raise Unsupported("a preview here any more")
            await channel.adapter.edit(self._ref, Reply(text))

    async def _streamed(self, channel: Channel, text: str) -> bool:
        """Show the text in the platform's own stream; False where there is none but edits."""
        assert self._to is not None
        key = outbox.preview_key(self._run)
        try:
            ref = await channel.adapter.stream(self._to, key, text, self._ref)
        except Unsupported:
            self._by_edits(channel)
            return False
        if ref is not None and self._ref is None:
            now = self._clock.now()
            await self._engine.tx(outbox.posting(self._run, self._to, now))
            await self._engine.tx(outbox.posted(self._run, ref.id))
            self._ref = ref
        return True

    def _by_edits(self, channel: Channel) -> None:
        """Go on without the platform's own stream, at the pace that edits are allowed."""
        if not channel.adapter.caps.edit:
            raise Unsupported("a growing answer")
        self._native = False
        if self._state is not None:
            began = self._begin(channel)
            self._state = replace(
                self._state, edit_interval=began.edit_interval, max_edits=began.max_edits
            )


def _begun(text: str, limit: int, utf16: bool = False) -> tuple[str, bool]:
    """A growing text as it stands, and whether that is only its first part."""
    if limit <= 0 or size(text, utf16) <= limit:
        return text, False
    parts = split(text[: 2 * limit], limit, utf16)
    return (parts[0], True) if parts else ("", True)
