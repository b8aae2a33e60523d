"""The library's errors as ours: what the outbox, and what the operator, must know of each."""

from __future__ import annotations

from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, TelegramError

from adapters.telegram.request import Flooded, NotReached
from bot.errors import (
    ChannelDown,
    ChannelError,
    ChannelRefused,
    NotSent,
    RateLimited,
    Refused,
    SendError,
    Uncertain,
)


def send_error(error: TelegramError, account: str) -> SendError:
    """What became of a call that failed.

    A server error counts as unknown: a gateway in between may give up on a call that was done.
    """
    if isinstance(error, Flooded):
        return RateLimited(error.message, error.retry_after)
    if isinstance(error, NotReached):
        return NotSent(f"Telegram cannot be reached: {error.message}")
    if isinstance(error, InvalidToken):
        return NotSent(str(token_refused(account)))
    if isinstance(error, ChatMigrated):
        return Refused(f"the group has become the chat {error.new_chat_id}; use that id")
    if isinstance(error, BadRequest | Forbidden):
        return Refused(f"Telegram refuses: {error.message}")
    return Uncertain(f"Telegram did not confirm: {error.message}")


def channel_error(error: TelegramError, account: str) -> ChannelError:
    """Why the connection of an account does not work."""
    if isinstance(error, InvalidToken):
        return token_refused(account)
    return ChannelDown(f"Telegram: {error.message}")


def token_refused(account: str) -> ChannelRefused:
    """Said wherever the platform does not know the token."""
    return ChannelRefused(
        f"Telegram refuses the token; put the one from @BotFather into channels.{account}.token"
    )


def says(error: TelegramError, *words: str) -> bool:
    """Is one of these phrases in what the platform said."""
    said = error.message.lower()
    return any(word in said for word in words)
