"""The channel accounts of this process, as whatever sends through them sees them."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import Literal

from bot.budget import Budget
from bot.contract import Adapter, Address
from bot.reply.blocks import Pace


@dataclass(slots=True)
class Channel:
    """One account: its adapter, its send budget, and how answers appear there.

    `text_limit` 0 is the platform's own limit. `drafts`: what its stream shows does not last, as
    the first one told. `ack` is the reaction that accepted messages get. `max_attachment`
    is in bytes.
    """

    adapter: Adapter
    on_uncertain: Literal["resend", "hold"] = "resend"
    streaming: Literal["preview", "off", "block"] = "preview"
    reply_to: Literal["off", "first", "all"] = "off"
    typing: bool = True
    text_limit: int = 0
    prefix: str = ""
    ack: str = ""
    max_attachment: int = 20 << 20
    drafts: bool = False
    pace: Pace = field(default_factory=Pace)
    budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        self.budget = Budget(self.adapter.caps.rates)

    @property
    def max_chars(self) -> int:
        own = self.adapter.caps.max_chars
        return min(own, self.text_limit) if own and self.text_limit else own or self.text_limit

    def silent(self) -> Channel:
        """The same account, where nothing is shown while it grows."""
        same = copy(self)
        same.streaming = "off"
        return same

    @property
    def types(self) -> bool:
        return self.typing and self.adapter.caps.typing

    @property
    def previews(self) -> bool:
        caps = self.adapter.caps
        return self.streaming == "preview" and (caps.edit or caps.native_stream)


class Channels:
    """Every account by its name."""

    def __init__(self) -> None:
        self._accounts: dict[str, Channel] = {}

    def add(self, channel: Channel) -> None:
        self._accounts[channel.adapter.account] = channel

    def remove(self, account: str) -> None:
        self._accounts.pop(account, None)

    def get(self, account: str) -> Channel | None:
        return self._accounts.get(account)

    def serving(self, address: Address) -> Channel | None:
        """The account that serves an address; None when it is not configured any more."""
        found = self._accounts.get(address.account)
        return found if found and found.adapter.channel == address.channel else None
