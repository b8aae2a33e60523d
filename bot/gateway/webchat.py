"""WebChat: the page and the terminal as a channel like any other, whose platform is the hub."""

from __future__ import annotations

from typing import Any, ClassVar

from bot.contract import Adapter, Address, Caps, Ref, Reply
from bot.gateway.chat import ChatEvents


class WebChat(Adapter):
    """Delivers by telling every open page; whoever is away reads the answer in the history.

    A conversation's id is its session key, and the key of a part is `<run>:<part>`.
    """

    channel: ClassVar[str] = "webchat"
    caps: ClassVar[Caps] = Caps(max_chars=0, buttons=True, idempotent_send=True)

    def __init__(self, account: str, chat: ChatEvents) -> None:
        super().__init__(account, None)
        self._chat = chat

    @classmethod
    def render(cls, text: str) -> list[dict[str, Any]]:
        return [{"text": text}]

    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        run = key.rpartition(":")[0] or key
        self._chat.answered(run, to.conversation, reply.text)
        return Ref(to, key)
