"""Telegram's own options; what all channels share stands in the common settings."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TelegramWebhook:
    """Receiving by webhook instead of polling."""

    url: str | None = field(
        default=None, metadata={"help": "the public https address of this channel; null: polling"}
    )
    secret: str = field(
        default="",
        repr=False,
        metadata={"help": "the secret Telegram sends back in a header", "secret": True},
    )


@dataclass(frozen=True, slots=True)
class TelegramOptions:
    """One bot account on Telegram."""

    token: str = field(
        repr=False,
        metadata={
            "help": "the bot's token, from @BotFather",
            "secret": True,
            "env": "TELEGRAM_BOT_TOKEN",
        },
    )
    base_url: str = field(
        default="https://api.telegram.org",
        metadata={"help": "the Bot API's address; a local Bot API server may stand here"},
    )
    webhook: TelegramWebhook = field(
        default=TelegramWebhook(), metadata={"help": "receive by webhook instead of polling"}
    )
