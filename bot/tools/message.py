"""The tool that writes to conversations: send, react, edit, delete, through the outbox.

What it does is a row first, like every answer: durable, within the platform's budget, tried again.
A call that is made again after a crash finds its row and says what became of it.
"""

from __future__ import annotations

import asyncio
import json
import mimetypes
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bot.clock import Clock
from bot.codec import reply_from
from bot.config.settings import Config
from bot.contract import Address, Caps, File, Reply
from bot.engine.port import Engine, Row, Script
from bot.errors import PathError
from bot.reply import visible
from bot.reply.shape import normal
from bot.sending import refusal
from bot.store import outbox, runs, sessions
from bot.tools.files import Files, sentence
from bot.types import Risk, ToolContext, ToolResult

WAIT = 10.0  # seconds for the platform to confirm before the answer is "queued"
MAX_FILES = 10
_CANNOT = {"react": "reactions", "edit": "editing", "delete": "deleting"}
_OPEN = ("pending", "sending")


class Outlet(Protocol):
    """What sends: the accounts' abilities, and word of what was tried."""

    def caps(self, to: Address) -> Caps | None:
        """What the account of an address can do, None when there is none."""
        ...

    def fitting(self, to: Address, text: str) -> list[str]:
        """A text in parts that its conversation can show, without secrets."""
        ...

    def watching(self, run: str) -> AbstractContextManager[asyncio.Event]:
        """An event that is set whenever a part of this run was tried."""
        ...


class NotPossible(Exception):
    """Why nothing was sent, as a sentence for the model."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a call asks for, read and checked."""

    action: str
    to: Address
    text: str
    ref: str | None
    own: bool
    reply_to: str | None


class MessageTool:
    """Writes to the present conversation, or to others by `session.send_policy`."""

    name = "message"
    description = (
        "Send a message now, react to one, or edit or delete one that you sent. Without channel "
        "and target it is this conversation; others only where the operator allows it. What you "
        "sent here is not to be said again in your answer."
    )
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "action": {"type": "string", "enum": ["send", "react", "edit", "delete"]},
            "message": {"type": "string", "description": "the text, in Markdown"},
            "channel": {"type": "string", "description": "a channel account"},
            "target": {"type": "string", "description": "a conversation's id on that platform"},
            "threadId": {"type": "string"},
            "messageId": {"type": "string", "description": "the message to change or react to"},
            "replyTo": {"type": "string", "description": "the message that a send answers"},
            "emoji": {"type": "string", "description": "for react"},
            "media": {
                "type": "array",
                "items": {"type": "string"},
                "maxItems": MAX_FILES,
                "description": "paths of workspace files to send along",
            },
        },
        "required": ["action"],
        "additionalProperties": False,
    }
    risk: Risk = "send"
    repeatable = True
    tags: Collection[str] = ()

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        config: Callable[[], Config],
        files: Files,
        outlet: Outlet,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._config = config
        self._files = files
        self._outlet = outlet

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        run = f"message:{ctx.turn.id}:{ctx.call}"
        try:
            wish = await self._read(args, ctx)
            with self._outlet.watching(run) as tried:
                if not await self._engine.read(outbox.of_run(run)):
                    replies = await self._new(wish, args, ctx)
                    if replies:
                        await self._engine.tx(self._put(run, wish, replies, ctx))
                rows = await self._tried(run, tried)
        except (NotPossible, PathError) as error:
            return ToolResult(sentence(str(error)), is_error=True)
        return _result(wish, rows)

    async def _read(self, args: Mapping[str, Any], ctx: ToolContext) -> _Wish:
        """Check a call. Raises NotPossible."""
        action, here = args["action"], ctx.turn.deliver_to
        to = self._address(args, here)
        caps = self._outlet.caps(to)
        if caps is None:
            raise NotPossible(f"there is no channel account for {to.key}")
        _able(caps, action, to, threaded=args.get("threadId") is not None)
        own = here is not None and _room(here) == _room(to)
        kind = await self._engine.read(sessions.kind_at(to))
        kind = ctx.turn.message.kind if own else kind
        rules = self._config().session.send_policy
        if reason := refusal(rules, ctx.turn.session.key, to, kind, own=own):
            raise NotPossible(reason)
        text = visible(args.get("message") or "").strip()
        ref = args.get("messageId")
        if action == "react":
            text = (args.get("emoji") or "").strip()
            ref = ref or (ctx.turn.message.ref.id if own else None)
        if not text and action != "delete" and not (action == "send" and args.get("media")):
            raise NotPossible("say in emoji what to react with" if action == "react" else _EMPTY)
        if action != "send" and ref is None:
            raise NotPossible(f"say in messageId which message to {action}")
        if action in ("edit", "delete") and not await self._sent(str(ref), to):
            raise NotPossible(f"the message {ref} is none that you sent there")
        to, reply_to = _answering(caps, action, to, args.get("replyTo"))
        return _Wish(action, to, text, ref, own, reply_to)

    def _address(self, args: Mapping[str, Any], here: Address | None) -> Address:
        """Where it goes. Raises NotPossible."""
        channel, target, thread = args.get("channel"), args.get("target"), args.get("threadId")
        if channel is None and target is None:
            if here is None:
                raise NotPossible("this session has no conversation; name channel and target")
            return here if thread is None else replace(here, thread=thread)
        if target is None:
            raise NotPossible("say in target which conversation")
        account, adapter = self._account(channel, here)
        if ":" in target and target.startswith(f"{adapter}:"):
            try:
                return Address.parse(target)
            except ValueError as error:
                raise NotPossible(str(error)) from None
        return Address(adapter, account, target, thread)

    def _account(self, channel: str | None, here: Address | None) -> tuple[str, str]:
        """An account and its adapter by the account's name, or its adapter's where it has one."""
        if channel is None:
            if here is None:
                raise NotPossible("say in channel which account")
            return here.account, here.channel
        accounts = {name: one.adapter for name, one in self._config().channels.items()}
        if channel in accounts:
            return channel, accounts[channel]
        named = [name for name, adapter in accounts.items() if adapter == channel]
        if len(named) == 1:
            return named[0], channel
        known = ", ".join(sorted(accounts)) or "none"
        raise NotPossible(f"there is no channel account {channel}; there are: {known}")

    async def _sent(self, ref: str, to: Address) -> bool:
        rows = await self._engine.read(outbox.by_ref(ref))
        return any(_room(Address.parse(row["address"])) == _room(to) for row in rows)

    async def _new(self, wish: _Wish, args: Mapping[str, Any], ctx: ToolContext) -> list[Reply]:
        """What is to appear and does not stand there by this run. Raises PathError, NotPossible."""
        replies = await asyncio.to_thread(self._replies, wish, args, ctx)
        if wish.action != "send":
            return replies
        sent = await self._engine.read(outbox.sent_by(ctx.turn.id, self.name, wish.to))
        return await asyncio.to_thread(_unsent, replies, sent) if sent else replies

    def _replies(self, wish: _Wish, args: Mapping[str, Any], ctx: ToolContext) -> list[Reply]:
        """What is to appear, in order. Reads files. Raises PathError, NotPossible."""
        if wish.action in ("react", "delete"):
            return [Reply(wish.text)]
        parts = [Reply(part) for part in self._outlet.fitting(wish.to, wish.text)]
        if wish.action == "edit":
            if len(parts) != 1:
                raise NotPossible("the new text is too long for one message")
            return parts
        files = tuple(self._file(path, ctx) for path in args.get("media") or ())
        if files:
            last = parts.pop() if parts else Reply("")
            parts.append(replace(last, attachments=files))
        return [replace(parts[0], reply_to=wish.reply_to), *parts[1:]]

    def _file(self, path: str, ctx: ToolContext) -> File:
        folder, names = self._files.readable(path, ctx)
        mime = mimetypes.guess_type(names[-1])[0] or "application/octet-stream"
        return File(names[-1], mime, folder.read(names).data)

    def _put(
        self, run: str, wish: _Wish, replies: Sequence[Reply], ctx: ToolContext
    ) -> Script[None]:
        now = self._clock.now()
        yield from runs.fence(ctx.turn.lane, ctx.turn.epoch)
        if wish.action == "send":
            yield from outbox.enqueue(run, wish.to, replies, now)
        else:
            op = outbox.CHANGES[wish.action]
            yield from outbox.change(run, wish.to, op, str(wish.ref), replies[0], now)

    async def _tried(self, run: str, tried: asyncio.Event) -> list[Row]:
        """The rows when all is confirmed or something went wrong; or as they are after a while."""
        late = asyncio.create_task(self._clock.sleep(WAIT), name=f"confirm:{run}")
        try:
            while True:
                tried.clear()
                rows = await self._engine.read(outbox.of_run(run))
                waiting = [row for row in rows if row["state"] in _OPEN]
                if not waiting or late.done() or any(row["error"] for row in waiting):
                    return rows
                told = asyncio.create_task(tried.wait(), name=f"tried:{run}")
                await asyncio.wait({told, late}, return_when=asyncio.FIRST_COMPLETED)
                told.cancel()
        finally:
            late.cancel()


_EMPTY = "there is nothing to send: give message or media"


def _room(address: Address) -> tuple[str, str, str]:
    return address.channel, address.account, address.conversation


def _able(caps: Caps, action: str, to: Address, *, threaded: bool) -> None:
    """Raises NotPossible for what the platform cannot do."""
    able = {"send": True, "react": caps.react, "edit": caps.edit, "delete": caps.delete}
    if not able[action]:
        raise NotPossible(f"the channel {to.channel} does not support {_CANNOT[action]}")
    if threaded and not caps.threads:
        raise NotPossible(f"the channel {to.channel} has no threads")


def _answering(
    caps: Caps, action: str, to: Address, asked: str | None
) -> tuple[Address, str | None]:
    """Where an answer to a message goes, and what it quotes. Raises NotPossible.

    Where threads hang below messages it goes into that one, and quotes only inside a thread.
    """
    if asked is None:
        return to, None
    if action != "send":
        raise NotPossible(f"replyTo is for send; say in messageId which message to {action}")
    if caps.roots and to.thread is None:
        return replace(to, thread=asked), None
    return to, asked


def _unsent(replies: Sequence[Reply], sent: Sequence[Row]) -> list[Reply]:
    """The replies without what was sent; texts and files are compared apart from each other."""
    before = [reply_from(json.loads(row["reply"])) for row in sent]
    texts = {(normal(one.text), one.reply_to) for one in before}
    files = {file.data for one in before for file in one.attachments}
    found = []
    for one in replies:
        text = "" if (normal(one.text), one.reply_to) in texts else one.text
        new = tuple(file for file in one.attachments if file.data not in files)
        if text or new:
            found.append(replace(one, text=text, attachments=new))
    return found


def _result(wish: _Wish, rows: Sequence[Row]) -> ToolResult:
    bad = [row for row in rows if row["state"] in ("failed", "held", "uncertain")]
    if bad:
        return ToolResult(f"It was not delivered: {bad[0]['error']}", is_error=True)
    said = (wish.text,) if wish.own and wish.action == "send" else ()
    told: dict[str, Any] = {"to": wish.to.key}
    waiting = [row for row in rows if row["state"] in _OPEN]
    if waiting:
        told |= {"status": "queued", "note": "it will be sent as soon as the platform takes it"}
        if waiting[0]["error"]:
            told["reason"] = waiting[0]["error"]
    elif not rows:
        told |= {"status": "done", "note": "you sent this here before in this run; it stands there"}
    else:
        told |= {"status": "done", "messageId": rows[-1]["ref"]}
    return ToolResult(json.dumps(told, ensure_ascii=False), said=said)
