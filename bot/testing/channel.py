"""Three channels on the remembering platform: one for each way to settle an unknown outcome.

`Idempotent` may repeat a key, `Readable` looks a key up, `Keyless` can do neither. A test names
them in its table of adapters and configures accounts as usual.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, get_args

from bot.contract import (
    Adapter,
    Address,
    Author,
    Caps,
    Kind,
    Message,
    Quote,
    Receive,
    Ref,
    Reply,
)
from bot.errors import BadEvent, ChannelDown, SendError, StoreError
from bot.testing.platform import Platform, Wire
from bot.testing.remote import RemotePlatform


@dataclass(frozen=True, slots=True)
class FakeOptions:
    """Where the platform is."""

    url: str = field(default="", metadata={"help": "the platform's address; empty: in process"})


class FakeChannel(Adapter):
    """What the three have in common. An update is a mapping:

    `id`, `conversation`, `author` {id, name, is_bot, is_self}, `text`, and where they matter
    `thread`, `kind`, `mentioned`, `change`, `version`, `reply_to` {id, text, author}.
    """

    channel: ClassVar[str] = "fake"
    caps: ClassVar[Caps] = Caps()
    options: FakeOptions

    def __init__(self, account: str, options: FakeOptions) -> None:
        super().__init__(account, options)
        self.platform = Platform(idempotent=self.caps.idempotent_send)
        self._wire: Wire = RemotePlatform(options.url) if options.url else self.platform

    @classmethod
    def parse(
        cls, event: Any, *, account: str, bot_ids: Sequence[str] = (), bot_name: str = ""
    ) -> list[Message]:
        try:
            return [_message(cls.channel, account, event)]
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise BadEvent(f"not an update: {error!r}") from error

    async def run(self, receive: Receive) -> None:
        """Take updates; the next poll confirms those that were stored."""
        offset = 0
        while True:
            try:
                got = await self._wire.call("poll", {"offset": offset})
                receive.state(self.account, "up")
                for update in got["updates"]:
                    await self._take(update["event"], receive)
                    offset = update["update"] + 1
            except (SendError, StoreError) as error:
                raise ChannelDown(str(error)) from error

    async def _take(self, event: Any, receive: Receive) -> None:
        try:
            messages = self.parse(event, account=self.account)
        except BadEvent as error:
            await receive.quarantine(self.account, event, str(error))
            return
        for message in messages:
            await receive(message)

    async def stop(self) -> None:
        await self._wire.close()

    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        answer = await self._wire.call(
            "send",
            {
                "conversation": to.conversation,
                "thread": to.thread,
                "text": reply.text,
                "reply_to": reply.reply_to,
                "key": key,
            },
        )
        return Ref(to, answer["id"])

    async def edit(self, ref: Ref, reply: Reply) -> None:
        await self._wire.call("edit", {"id": ref.id, "text": reply.text})

    async def delete(self, ref: Ref) -> None:
        await self._wire.call("delete", {"id": ref.id})

    async def typing(self, to: Address) -> None:
        await self._wire.call("typing", {"conversation": to.conversation})

    async def find(self, to: Address, key: str) -> Ref | None:
        id = (await self._wire.call("find", {"conversation": to.conversation, "key": key}))["id"]
        return None if id is None else Ref(to, id)


class Idempotent(FakeChannel):
    """Sending again with the same key shows nothing twice."""

    channel: ClassVar[str] = "idempotent"
    caps: ClassVar[Caps] = Caps(
        edit=True, delete=True, typing=True, idempotent_send=True, edit_interval=0.2
    )


class Readable(FakeChannel):
    """What was sent can be found by its key."""

    channel: ClassVar[str] = "readable"
    caps: ClassVar[Caps] = Caps(edit=True, delete=True, typing=True, find=True, edit_interval=0.2)


class Keyless(FakeChannel):
    """An unknown outcome stays unknown."""

    channel: ClassVar[str] = "keyless"
    caps: ClassVar[Caps] = Caps(edit=True, delete=True, typing=True, edit_interval=0.2)


KINDS: Mapping[str, type[FakeChannel]] = {
    kind.channel: kind for kind in (Idempotent, Readable, Keyless)
}


def _message(channel: str, account: str, event: Mapping[str, Any]) -> Message:
    address = Address(channel, account, event["conversation"], event.get("thread"))
    quoted = event.get("reply_to")
    if event.get("kind", "direct") not in get_args(Kind):
        raise ValueError(f"no kind of conversation: {event['kind']!r}")
    return Message(
        ref=Ref(address, event["id"]),
        author=_author(event["author"]),
        text=event["text"],
        at=datetime.fromtimestamp(event.get("at", 1_700_000_000.0), UTC),
        kind=event.get("kind", "direct"),
        mentioned=event.get("mentioned", False),
        reply_to=Quote(quoted["id"], quoted["text"], _author(quoted["author"])) if quoted else None,
        change=event.get("change", "new"),
        version=event.get("version", "0"),
        raw=event,
    )


def _author(event: Mapping[str, Any]) -> Author:
    return Author(
        event["id"],
        event.get("name", ""),
        is_bot=event.get("is_bot", False),
        is_self=event.get("is_self", False),
    )
