"""More fake channels: platforms with a stream of their own, with reactions, threads and files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar

from adapters import BUILT_IN
from bot.contract import Address, Attachment, Caps, Message, Ref
from bot.errors import ChannelDown, Unsupported
from bot.testing.channel import FakeChannel, FakeOptions

ROOM = """
limits: {per_sender: null}
channels:
  %s: {dm_policy: open, allow_from: ["*"], group_policy: open, %s}
"""


class Streaming(FakeChannel):
    """Its streams last and are ended by an edit; in the room `plain` it has none."""

    channel: ClassVar[str] = "streaming"
    caps: ClassVar[Caps] = Caps(
        edit=True, delete=True, native_stream=True, find=True, edit_interval=0.2
    )

    async def stream(self, to: Address, key: str, text: str, ref: Ref | None) -> Ref | None:
        if to.conversation == "plain":
            raise Unsupported("streams in this room")
        await self._wire.call("stream", {"id": ref.id if ref else None, "text": text})
        if ref is not None:
            await self._wire.call("grow", {"id": ref.id, "text": text})
            self.platform.messages[ref.id].texts.append(text)
            return ref
        body = {"conversation": to.conversation, "thread": to.thread, "text": text, "key": key}
        return Ref(to, (await self._wire.call("send", body))["id"])


class Drafting(FakeChannel):
    """Its streams are drafts that leave nothing behind, and only direct chats have them."""

    channel: ClassVar[str] = "drafting"
    caps: ClassVar[Caps] = Caps(edit=True, delete=True, native_stream=True, edit_interval=0.2)

    async def stream(self, to: Address, key: str, text: str, ref: Ref | None) -> Ref | None:
        if to.conversation == "room":
            raise Unsupported("drafts in groups")
        await self._wire.call("stream", {"id": None, "text": text})
        return None


class Lively(FakeChannel):
    """It has reactions, threads below messages, and files by name."""

    channel: ClassVar[str] = "lively"
    caps: ClassVar[Caps] = Caps(
        edit=True, delete=True, react=True, threads=True, roots=True, find=True, edit_interval=0.2
    )
    files: ClassVar[dict[str, bytes]] = {}

    @classmethod
    def parse(cls, event: Any, **who: Any) -> list[Message]:
        """As the others; `files` are kind, name and size of what came along."""
        return [
            replace(
                message,
                attachments=tuple(
                    Attachment(kind, name, "application/octet-stream", size, handle=name)
                    for kind, name, size in event.get("files", ())
                ),
                forwarded_from=event.get("forwarded_from"),
            )
            for message in super().parse(event, **who)
        ]

    async def react(self, ref: Ref, emoji: str) -> None:
        await self._wire.call("react", {"id": ref.id, "emoji": emoji})

    async def fetch(self, attachment: Attachment, limit: int) -> AsyncIterator[bytes]:
        await self._wire.call("fetch", {"name": attachment.name})
        data = self.files.get(attachment.handle)
        if data is None:
            raise ChannelDown("the file is not there any more")
        for at in range(0, len(data), 1024):
            if at + 1024 > limit:
                raise ChannelDown(f"the file is larger than {limit} bytes")
            yield data[at : at + 1024]


@contextmanager
def places() -> Iterator[None]:
    """While this is open, a configuration may name these channels."""
    kinds = (Streaming, Drafting, Lively)
    options = f"{FakeOptions.__module__}:{FakeOptions.__name__}"
    BUILT_IN.update({one.channel: (options, f"{__name__}:{one.__name__}") for one in kinds})
    try:
        yield
    finally:
        for one in kinds:
            del BUILT_IN[one.channel]
