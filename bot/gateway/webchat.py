"""WebChat: the page and the terminal as a channel like any other, whose platform is the hub."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from bot.contract import Adapter, Address, Attachment, Caps, Ref, Reply
from bot.errors import ChannelError, Refused, RequestError, Unsupported
from bot.gateway import sent
from bot.gateway.chat import ChatEvents
from bot.gateway.uploads import Uploads

_PIECE = 1 << 16


class WebChat(Adapter):
    """Delivers by telling every open page; whoever is away reads the answer in the history.

    A conversation's id is its session key, and the key of a part is `<run>:<part>`. The handle of a
    file is the id of its upload; files of an answer are kept like uploads, too.
    """

    channel: ClassVar[str] = "webchat"
    caps: ClassVar[Caps] = Caps(max_chars=0, buttons=True, idempotent_send=True)

    def __init__(self, account: str, chat: ChatEvents, uploads: Uploads | None = None) -> None:
        super().__init__(account, None)
        self._chat = chat
        self._uploads = uploads

    @classmethod
    def render(cls, text: str) -> list[dict[str, Any]]:
        return [{"text": text}]

    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        run = key.rpartition(":")[0] or key
        files = (
            await asyncio.to_thread(self._kept, key, to.conversation, reply)
            if reply.attachments
            else []
        )
        self._chat.answered(run, to.conversation, reply.text, files)
        return Ref(to, key)

    def _kept(self, key: str, session: str, reply: Reply) -> list[dict[str, Any]]:
        if self._uploads is None:
            raise Refused("this conversation takes no files")
        try:
            return sent.keep(self._uploads, key, session, reply.attachments)
        except RequestError as error:
            raise Refused(str(error)) from error

    async def fetch(self, attachment: Attachment, limit: int) -> AsyncIterator[bytes]:
        if self._uploads is None:
            raise Unsupported("files")
        try:
            upload = self._uploads.get(attachment.handle)
        except RequestError as error:
            raise ChannelError(str(error)) from error
        if upload.size > limit:
            raise ChannelError(f"the file is larger than {limit} bytes")
        with self._uploads.path(upload).open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
