"""The kit's own proof: an adapter on the remembering platform that keeps every promise.

Break one of its methods in a subclass, and the check that is about it fails.
"""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ClassVar

from bot.contract import (
    Adapter,
    Address,
    AttachmentKind,
    Caps,
    HttpRequest,
    Message,
    Receive,
    Ref,
    Reply,
)
from bot.errors import BadEvent, Refused, Unsupported
from bot.jsonio import clean_text
from bot.testing.channel import FakeChannel, FakeOptions
from bot.testing.platform import Fault, FaultKind, Platform, Shown

_ERRORS: Mapping[str, FaultKind] = {"limited": "limited", "refused": "refused"}
_TEXTS = ("id", "conversation", "text")
_CHANGES = ("new", "edited", "deleted", "reaction")


class Sound(FakeChannel):
    """A fake channel that reads with care, and says what it cannot do."""

    channel: ClassVar[str] = "memory"
    caps: ClassVar[Caps] = Caps(
        edit=True, delete=True, typing=True, threads=True, idempotent_send=True, find=True
    )

    @classmethod
    def parse(
        cls, event: Any, *, account: str, bot_ids: Sequence[str] = (), bot_name: str = ""
    ) -> list[Message]:
        read = super().parse(_checked(event), account=account)
        return [replace(one, raw=event) for one in read if not one.author.is_self]

    async def run(self, receive: Receive) -> None:
        receive.state(self.account, "up")
        await super().run(receive)

    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        if reply.attachments:
            raise Unsupported("files")
        if not reply.text.strip():
            raise Refused("the reply is empty")
        if not to.conversation.isalnum():
            raise Refused(f"there is no conversation {to.conversation!r}")
        return await super().send(to, reply, key)


def _checked(event: Any) -> dict[str, Any]:
    """The update with every text storable. Raises BadEvent for what is none."""
    if not isinstance(event, dict) or not isinstance(event.get("author"), dict):
        raise BadEvent("an update is an object with an author")
    clean: dict[str, Any] = _clean(event)
    people = [clean["author"]]
    quoted = clean.get("reply_to")
    if quoted is not None:
        if not isinstance(quoted, dict) or not isinstance(quoted.get("author"), dict):
            raise BadEvent("reply_to is no message")
        people.append(quoted["author"])
        _need(quoted, "id", "text")
    _need(clean, *_TEXTS)
    for who in people:
        _need(who, "id")
        _need({"name": "", **who}, "name", empty=True)
    _need({"thread": "t", "version": "0", "kind": "direct", **clean}, "thread", "version")
    if clean.get("kind", "direct") not in ("direct", "group", "channel"):
        raise BadEvent("kind is unknown")
    if clean.get("change", "new") not in _CHANGES:
        raise BadEvent("change is unknown")
    return clean


def _need(event: Mapping[str, Any], *names: str, empty: bool = False) -> None:
    for name in names:
        value = event.get(name)
        # No thread is not an empty one.
        if name == "thread" and value is None:
            continue
        fine = isinstance(value, str) and (value or empty or name == "text")
        if not fine:
            raise BadEvent(f"{name} is not a text")


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {name: _clean(inner) for name, inner in value.items()}
    return value


class MemoryWorld:
    """See `bot.testing.conformance.World`."""

    http: Any = None
    bot_ids: Sequence[str] = ("bot",)
    bot_name = "bot"

    def __init__(self, kind: type[FakeChannel]) -> None:
        self._kind = kind
        idempotent = kind.caps.idempotent_send
        self._platforms = {"first": Platform(idempotent), "second": Platform(idempotent)}
        self._last: Any = None
        self._versions = 0

    def adapter(
        self,
        account: str = "first",
        *,
        valid: bool = True,
        reachable: bool = True,
        webhook: bool = False,
    ) -> Adapter:
        adapter = self._kind(account, FakeOptions())
        adapter.platform = adapter._wire = self._platforms[account]
        return adapter

    def place(self, kind: str, account: str = "first") -> Address:
        place = "ada" if kind == "direct" else "room"
        return Address(self._kind.channel, account, place, "deep" if kind == "thread" else None)

    async def say(
        self,
        to: Address,
        text: str,
        *,
        author: str = "ada",
        quote: str | None = None,
        mention: bool = False,
    ) -> str:
        more: dict[str, Any] = {"mentioned": True} if mention else {}
        if quote is not None:
            more["reply_to"] = {"id": quote, "text": "earlier", "author": {"id": "bob"}}
        return self._says(to, text, {"id": author, "name": author.title()}, **more)

    async def say_as(self, who: str, to: Address, text: str) -> str:
        return self._says(to, text, {"id": who, "is_bot": True, "is_self": who == "self"})

    async def forward(self, to: Address, text: str) -> str:
        raise NotImplementedError("nothing is passed on")

    async def show(self, to: Address, kind: AttachmentKind, data: bytes, text: str = "") -> str:
        raise NotImplementedError("there are no files")

    async def edit(self, to: Address, id: str, text: str) -> None:
        self._changes(to, id, text, "edited")

    async def delete(self, to: Address, id: str) -> None:
        self._changes(to, id, "", "deleted")

    async def react(self, to: Address, id: str, emoji: str) -> None:
        raise NotImplementedError("there are no reactions")

    async def press(self, to: Address, id: str, label: str) -> None:
        raise NotImplementedError("there are no buttons")

    async def command(self, to: Address, name: str, args: str) -> None:
        raise NotImplementedError("there is no menu")

    async def again(self) -> None:
        await self.push(copy.deepcopy(self._last))

    def event(self, text: str) -> Any:
        quoted = {"id": "1", "text": "earlier", "author": {"id": "bob", "name": "Bob"}}
        return {
            **self._event(self.place("thread"), text, {"id": "ada", "name": "Ada"}),
            "id": "2",
            "reply_to": quoted,
        }

    async def push(self, event: Any) -> None:
        self._platforms["first"].push(event)

    def request(self, event: Any, proof: str) -> HttpRequest:
        return HttpRequest("POST", "/", {}, {}, json.dumps(event).encode())

    def seen(self, to: Address) -> list[MemorySeen]:
        there = self._platforms[to.account].messages.values()
        return [
            MemorySeen(shown)
            for shown in there
            if (shown.conversation, shown.thread) == (to.conversation, to.thread)
            and not shown.deleted
        ]

    def menu(self) -> list[str]:
        return []

    def fail(self, verb: str, how: str, wait: object = None, times: int = 1) -> None:
        retry_after = float(wait) if isinstance(wait, int | float) else 1.0
        fault = Fault(_ERRORS.get(how, "uncertain"), how == "cut-after", retry_after)
        self._platforms["first"].fail(verb, *[fault] * times)

    def heal(self) -> None:
        """Faults are used up by the calls that meet them."""

    def cut(self, *, forget: bool = False) -> None:
        """Nothing can break in one process."""

    def silence(self) -> None:
        """Nothing can break in one process."""

    def _event(self, to: Address, text: str, author: Mapping[str, Any], **more: Any) -> Any:
        kind = "direct" if to.conversation == "ada" else "group"
        thread = {} if to.thread is None else {"thread": to.thread}
        place = {"conversation": to.conversation, "kind": kind, **thread}
        return {"text": text, "author": dict(author), **place, **more}

    def _says(self, to: Address, text: str, author: Mapping[str, Any], **more: Any) -> str:
        self._versions += 1
        id = f"u{self._versions}"
        self._last = {**self._event(to, text, author, **more), "id": id}
        self._platforms[to.account].push(self._last)
        return id

    def _changes(self, to: Address, id: str, text: str, change: str) -> None:
        self._versions += 1
        more = {"id": id, "change": change, "version": str(self._versions)}
        self._last = self._event(to, text, {"id": "ada"}, **more)
        self._platforms[to.account].push(self._last)


class MemorySeen:
    """See `bot.testing.conformance.Seen`."""

    buttons: Sequence[tuple[str, str]] = ()
    files: Sequence[tuple[str, bytes]] = ()
    reactions: Sequence[str] = ()
    pings: Sequence[str] = ()
    preview = False

    def __init__(self, shown: Shown) -> None:
        self.id = shown.id
        self.text = shown.text
        self.quoted = shown.reply_to


class MemoryDescriptor:
    """`Sound`, or a broken kin of it, for the kit."""

    name = "memory"
    absent: Mapping[str, str] = {
        **dict.fromkeys(
            ("image", "audio", "video", "file", "sticker", "location", "contact", "files-out"),
            "the remembering platform has no files",
        ),
        **dict.fromkeys(
            ("forgotten", "silent", "receive-faults", "nowhere", "token", "webhook"),
            "in one process there is no connection that could fail",
        ),
        "reacted": "the remembering platform has no reactions",
        "forwarded": "nothing is passed on there",
        "native-command": "there is no menu",
        "limited-odd": "the wait is a number there",
        "mass-mentions": "nobody is notified there",
        "previews": "there are no pages behind links",
    }

    def __init__(self, kind: type[FakeChannel] = Sound) -> None:
        self._kind = kind

    @asynccontextmanager
    async def world(self) -> AsyncIterator[MemoryWorld]:
        yield MemoryWorld(self._kind)
