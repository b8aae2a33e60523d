"""The outbox: each part of an answer is sent, edited or removed through its adapter, exactly once.

A row is marked `sending` before the request and `sent` with the platform's id after it. A row found
in `sending` is uncertain: a platform that knows repeated keys gets it again, one whose history is
readable is asked, and on the rest the account's rule decides: send again and say so, or hold. The
same holds for an answer whose preview was on its way when the process died.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from bot.blocks import Blocks
from bot.channels import Channel, Channels
from bot.clock import Clock
from bot.contract import Adapter, Address, Caps, Ref, Reply
from bot.engine.port import Engine, Script, Wake
from bot.errors import RateLimited, Refused, SendError, Uncertain, Unsupported
from bot.hooks.points import Hooks
from bot.live import Live, Ticker
from bot.reply import Secrets, prefix_of, split
from bot.reply.blocks import unsent
from bot.steps import step
from bot.store import outbox, slowdowns, task_told
from bot.store.outbox import Part
from bot.types import Turn

log = structlog.get_logger("delivery")

MAX_ATTEMPTS = 12
GIVE_UP_AFTER = 24 * 3600.0
_LONGEST = 300.0
AGAIN = "(sent again: the connection broke while this was on its way, so you may see it twice)"


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to be put into parts. `sent` are the texts of those that are out already.

    `reasoning` is shown before it, `reply_to` is the message it quotes by the model's own wish,
    `words` are the variables of a prefix.
    """

    text: str
    reasoning: str = ""
    reply_to: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    sent: Sequence[str] = ()


class Delivery:
    """Sends what the outbox holds. One conversation's parts go one after the other, in order."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        channels: Channels,
        secrets: Secrets | None = None,
        hooks: Hooks | None = None,
        alone: bool = True,
    ) -> None:
        self._hooks, self._alone = hooks or Hooks(), alone
        self._secrets = secrets or Secrets()
        self._engine = engine
        self._clock = clock
        self._channels = channels
        self._ticker = Ticker(clock)
        # Parts that were marked as being sent together with their answer: in a hand, not uncertain.
        self._handed: set[str] = set()
        self._ready: dict[str, Part] = {}
        self._watched: dict[str, asyncio.Event] = {}

    def live(self, turn: Turn) -> Live:
        """The typing sign and preview of a run."""
        to, blocks = turn.deliver_to, None
        channel = self._channels.serving(to) if to else None
        if channel is not None and self._hooks.wants("message_sending"):
            channel = channel.silent()
        reasoning = turn.reasoning or turn.session.settings.reasoning
        if channel is not None and to is not None and channel.streaming == "block":
            dress = partial(self._dressed, channel, turn)
            blocks = Blocks(self._engine, self._clock, channel, turn, to, dress)
        return Live(
            self._ticker,
            self._engine,
            self._clock,
            channel,
            run=turn.id,
            to=to,
            kind=turn.message.kind,
            reply_to=_quoted(channel, turn, 0) if channel else None,
            shown=turn.preview,
            thinks=reasoning == "stream",
            blocks=blocks,
        )

    def parts(self, turn: Turn, answer: Answered) -> list[Reply]:
        """An answer as the replies that its conversation gets, none when it is silent.

        The reasoning, where people want it, is a message of its own before it.
        """
        channel = self._channels.serving(turn.deliver_to) if turn.deliver_to else None
        begun, text = len(answer.sent), answer.text[unsent(answer.text, answer.sent) :].lstrip()
        if not text.strip():
            return []
        if channel is None:
            return [Reply(text)]
        if not begun:
            text = _prefixed(prefix_of(channel.prefix, answer.words), text)
        room, utf16 = _room(channel), channel.adapter.caps.utf16
        text, files = channel.adapter.set_aside(text)
        before = [] if begun else split(answer.reasoning, room, utf16)[:1]
        parts = [*before, *split(text, room, utf16)]
        replies = [
            Reply(part, reply_to=_quoted(channel, turn, number, answer.reply_to))
            for number, part in enumerate(parts, begun)
        ]
        if files and len(replies) > 1:
            replies[-1] = replace(replies[-1], attachments=files)
        elif files:
            # The only part may be the edit of a preview, and an edit cannot carry files.
            replies.append(Reply("", attachments=files))
        return replies

    def _dressed(self, channel: Channel, turn: Turn, text: str, number: int) -> Reply:
        """A block as a reply; what comes before the whole answer is not known yet."""
        return Reply(text, reply_to=_quoted(channel, turn, number))

    def fitting(self, to: Address, text: str) -> list[str]:
        """A text in parts that its conversation can show."""
        channel, text = self._channels.serving(to), self._secrets.clean(text)
        if channel is None:
            return [text] if text else []
        return split(text, _room(channel), channel.adapter.caps.utf16)

    def caps(self, to: Address) -> Caps | None:
        """What the account of an address can do, None when there is none."""
        channel = self._channels.serving(to)
        return channel.adapter.caps if channel else None

    @contextmanager
    def watching(self, run: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever a part of this run was tried."""
        self._watched[run] = asyncio.Event()
        try:
            yield self._watched[run]
        finally:
            del self._watched[run]

    async def drain(self, key: str) -> None:
        """Send a conversation's parts until nothing is due."""
        step("out.woken")
        address = Address.parse(key)
        channel = self._channels.serving(address)
        taken = self._ready.pop(key, None)
        if taken is None:
            taken = await self._engine.tx(self._take(channel, address))
        while taken is not None:
            self._handed.discard(taken.key)
            step("out.sending")
            # Nobody waits for a receipt, so it may share the commit of whatever comes next.
            run = taken.run
            taken = await self._engine.tx(await self._deliver(channel, taken), patient=True)
            step("out.receipt")
            if run in self._watched:
                self._watched[run].set()

    def _take(self, channel: Channel | None, address: Address) -> Script[Part | None]:
        """Mark the next part as being sent, or ask to be woken when it is due."""
        now = self._clock.now()
        if channel is not None:
            due = channel.budget.due(address, now)
            if due > now:
                yield Wake("out", address.key, due)
                return None
        taken = yield from outbox.next_part(address.key, now, self._handed)
        if isinstance(taken, float):
            yield Wake("out", address.key, taken)
            return None
        return taken

    def at_once(self, run: str, address: Address) -> Script[Part | None]:
        """Mark an answer's first part as being sent in the answer's own transaction.

        Only when nothing else of the conversation is on its way, a send that was cut short may be
        made again, and no other process sends. `hand_over` must follow when that is durable.
        """
        channel = self._channels.serving(address)
        now = self._clock.now()
        if not self._alone or channel is None or channel.on_uncertain == "hold":
            return None
        if channel.budget.due(address, now) > now:
            return None
        part = yield from outbox.own_part(run, address.key, now)
        if part is not None:
            self._handed.add(part.key)
        return part

    def hand_over(self, part: Part) -> None:
        """A part of a durable answer is about to be sent by its conversation's drain."""
        self._ready[part.address.key] = part

    async def _deliver(self, channel: Channel | None, part: Part) -> Script[Part | None]:
        """Perform one part; the transaction that records its outcome and takes the next one."""
        if channel is None:
            reason = f"the channel account {part.address.account} is not configured"
            return self._settle(None, part, outbox.give_up(part.id, "failed", reason, self._now()))
        said = await self._hooks.message_sending(part.run, part.address, part.reply.text)
        if said.cancelled is not None and part.op != "delete":
            await self._remove_preview(channel, part)
            return self._settle(channel, part, self._cancelled(part, said.cancelled))
        part = part.saying(said.content)
        try:
            ref, again = await self._told(channel, part)
        except RateLimited as error:
            wait, everywhere = error.retry_after, error.everywhere
            until = channel.budget.close(part.address, self._now(), wait, everywhere=everywhere)
            return self._settle(None, part, self._later(part, until, str(error)))
        except (Refused, Unsupported) as error:
            await self._remove_preview(channel, part)
            return self._settle(channel, part, self._refused(part, str(error)))
        except SendError as error:
            return self._settle(None, part, self._failed(channel, part, error))
        except Exception as error:
            log.error("adapter raised", to=part.address.key, part=part.key, exc_info=error)
            unknown = Uncertain("the adapter failed; the log has the reason")
            return self._settle(None, part, self._failed(channel, part, unknown))
        step("out.sent")
        return self._settle(channel, part, outbox.sent(part.id, ref, again, self._now()))

    async def _told(self, channel: Channel, part: Part) -> tuple[str | None, bool]:
        """Perform a part, and tell hooks what came of it."""
        done: tuple[str | None, bool] = (None, False)
        failure: Exception | None = None
        try:
            done = await self._perform(channel, part)
        except Exception as error:
            failure = error
        await self._hooks.message_sent(part.run, part.address, part.reply.text, failure)
        if failure is not None:
            raise failure
        return done

    def _cancelled(self, part: Part, hook: str) -> Script[None]:
        log.info("message cancelled", to=part.address.key, part=part.key, hook=hook)
        yield from outbox.give_up(part.id, "failed", f"cancelled by the hook {hook}", self._now())

    async def _perform(self, channel: Channel, part: Part) -> tuple[str | None, bool]:
        """Send, edit or delete; the platform's id, and whether it may be there twice."""
        adapter, address = channel.adapter, part.address
        channel.budget.spend(address, self._now())
        if part.op == "delete":
            await adapter.delete(Ref(address, part.ref or ""))
            return part.ref, False
        if part.op == "edit":
            await adapter.edit(Ref(address, part.ref or ""), part.reply)
            return part.ref, False
        if part.op in outbox.CHANGES.values():
            await _change(adapter, part)
            return part.ref, False
        if part.op == "settle":
            shown = await self._shown_preview(channel, part)
            if shown is not None:
                await self._replace(channel, shown, part.reply)
                return shown.id, False
            if not part.reply.text:
                return None, False
        return await self._send(channel, part)

    async def _send(self, channel: Channel, part: Part) -> tuple[str | None, bool]:
        """Send a part, by the platform's rule where it may have been sent before."""
        adapter, address, reply = channel.adapter, part.address, part.reply
        if part.uncertain and adapter.caps.find:
            if found := await adapter.find(address, part.key):
                return found.id, False
        elif part.uncertain and _keyless(channel) and channel.on_uncertain == "hold":
            raise Refused("held: it may have been sent already")
        again = _keyless(channel) and (part.uncertain or part.op == "settle")
        if again:
            reply = replace(reply, text=f"{reply.text}\n\n{AGAIN}")
        ref = await adapter.send(address, reply, part.key)
        return ref.id, again

    async def _shown_preview(self, channel: Channel, part: Part) -> Ref | None:
        """The preview that was on its way; None when it is not there or cannot be known."""
        adapter, key = channel.adapter, outbox.preview_key(part.run)
        if adapter.caps.find:
            return await adapter.find(part.address, key)
        if adapter.caps.idempotent_send:
            text = part.reply if part.reply.text else Reply("\u2026")
            return await adapter.send(part.address, text, key)
        return None

    async def _replace(self, channel: Channel, shown: Ref, reply: Reply) -> None:
        if reply.text:
            await channel.adapter.edit(shown, reply)
        else:
            await channel.adapter.delete(shown)

    async def _remove_preview(self, channel: Channel, part: Part) -> None:
        """A preview that cannot become the answer goes, so that it does not stand beside it."""
        if part.op != "edit" or part.ref is None or not channel.adapter.caps.delete:
            return
        try:
            await channel.adapter.delete(Ref(part.address, part.ref))
        except SendError as error:
            log.info("preview stays", to=part.address.key, part=part.key, reason=str(error))

    def _settle(
        self, channel: Channel | None, part: Part, record: Script[None]
    ) -> Script[Part | None]:
        yield from record
        yield from task_told.heard(part.run)
        return (yield from self._take(channel, part.address))

    def _later(self, part: Part, at: float, error: str) -> Script[None]:
        log.info("send postponed", to=part.address.key, until=at, reason=error)
        yield from outbox.retry(part.id, part.op, at, error, unsure=part.uncertain)
        yield from slowdowns.asked("channel", part.address.account, at, self._now())

    def _refused(self, part: Part, error: str) -> Script[None]:
        """An edit that is refused becomes a fresh message; a send that is refused has failed."""
        held = error.startswith("held")
        if part.op in ("edit", "settle") and part.reply.text and not held:
            yield from outbox.retry(part.id, "send", self._now(), error)
            return
        state = "held" if held else "failed"
        log.warning("not delivered", to=part.address.key, part=part.key, reason=error)
        yield from outbox.give_up(part.id, state, error, self._now())

    def _failed(self, channel: Channel, part: Part, error: SendError) -> Script[None]:
        """Try again later; an unknown outcome keeps its mark."""
        age = self._now() - part.created_at
        if part.attempts + 1 >= MAX_ATTEMPTS and age > GIVE_UP_AFTER:
            yield from outbox.give_up(part.id, "failed", str(error), self._now())
            return
        if isinstance(error, Uncertain) and part.uncertain and _keyless(channel):
            # Sent again once and unknown again: a third time would only be one more copy.
            log.warning("outcome unknown", to=part.address.key, part=part.key, reason=str(error))
            yield from outbox.give_up(part.id, "uncertain", str(error), self._now())
            return
        delay = min(_LONGEST, 0.5 * 2 ** min(part.attempts, 10)) * random.uniform(0.9, 1.1)
        at = self._now() + delay
        log.warning(
            "send failed", to=part.address.key, part=part.key, again_at=at, reason=str(error)
        )
        unsure = part.uncertain or isinstance(error, Uncertain)
        yield from outbox.retry(part.id, part.op, at, str(error), unsure=unsure)

    def _now(self) -> float:
        return self._clock.now()


async def _change(adapter: Adapter, part: Part) -> None:
    """Do something to a message that is there; once more does no harm."""
    ref = Ref(part.address, part.ref or "")
    if part.op == "react":
        await adapter.react(ref, part.reply.text)
    elif part.op == "change":
        await adapter.edit(ref, part.reply)
    else:
        await adapter.delete(ref)


def _prefixed(prefix: str, text: str) -> str:
    return f"{prefix} {text}" if prefix else text


def _keyless(channel: Channel) -> bool:
    """Nothing tells whether a part that was begun is there."""
    caps = channel.adapter.caps
    return not (caps.idempotent_send or caps.find)


def _room(channel: Channel) -> int:
    """How long a part may be, so that the mark of a second sending still fits."""
    limit = channel.max_chars
    return max(limit - len(AGAIN) - 2, limit // 2) if _keyless(channel) else limit


def _quoted(channel: Channel, turn: Turn, number: int, asked: str | None = None) -> str | None:
    """The message that a part of an answer quotes; a native command is none, nor a scheduled run.

    What the model `asked` for counts where nothing is quoted by itself, but not where a quotation
    would begin a thread.
    """
    if turn.message.change == "command" or turn.errand is not None:
        return None
    if asked is not None and channel.reply_to == "off" and not channel.adapter.caps.roots:
        return asked if number == 0 else None
    wanted = channel.reply_to == "all" or (channel.reply_to == "first" and number == 0)
    return turn.message.ref.id if wanted else None
