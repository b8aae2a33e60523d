"""What the platform answers, as our errors: what the outbox, and what the operator, must know."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bot.contract import utcnow
from bot.errors import ChannelDown, ChannelError, ChannelRefused, NotSent, Refused, SendError

# Seconds to wait when the platform asks for patience without saying how much, or absurdly long.
UNSAID_WAIT = 5.0
_LONGEST = 86_400.0

# discord.com/developers/docs/topics/opcodes-and-status-codes#json-json-error-codes
UNKNOWN_CHANNEL, UNKNOWN_MESSAGE = 10003, 10008
# Codes of the gateway that waiting does not mend (#gateway-gateway-close-event-codes).
CLOSED_FOR_GOOD = {
    4004: "Discord refuses the token; put the bot's token into channels.{account}.token",
    4010: "Discord refuses the shard",
    4011: "the bot is in so many servers that Discord wants it sharded, which is not supported",
    4012: "Discord does not speak this version of its interface any more",
    4013: "Discord does not know the intents asked for",
    4014: "Discord refuses the message content intent; switch on Message Content Intent under Bot "
    "in the developer portal (channels.{account})",
}


class Unauthorized(NotSent):
    """The platform does not know the token."""


class Answered(Refused):
    """The platform refuses with a status and one of its codes."""

    def __init__(self, status: int, code: int, words: str) -> None:
        super().__init__(f"Discord refuses: {words or status}")
        self.status = status
        self.code = code


def token_refused(account: str) -> ChannelRefused:
    """Said wherever the platform does not know the token."""
    return ChannelRefused(CLOSED_FOR_GOOD[4004].format(account=account))


def channel_error(error: SendError, account: str) -> ChannelError:
    """Why an account cannot connect."""
    if isinstance(error, Unauthorized):
        return token_refused(account)
    return ChannelDown(str(error))


def refusal(status: int, answer: object) -> Answered:
    """A refusal in the platform's words (#json-example-json-error-response)."""
    fields = answer if isinstance(answer, dict) else {}
    code, words = fields.get("code"), fields.get("message")
    return Answered(
        status, code if isinstance(code, int) else 0, words[:200] if isinstance(words, str) else ""
    )


def wait(headers: Mapping[str, str], answer: object, now: datetime | None = None) -> float:
    """How long a 429 asks to wait, in seconds.

    The body says it to the millisecond; what stands between us and the platform says it only in the
    header, in seconds or as a date.
    """
    fields: dict[str, Any] = answer if isinstance(answer, dict) else {}
    said = (fields.get("retry_after"), headers.get("Retry-After"))
    for value in (*said, headers.get("X-RateLimit-Reset-After")):
        seconds = _seconds(value, now or utcnow())
        if seconds is not None:
            return seconds
    return UNSAID_WAIT


def _seconds(value: object, now: datetime) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        try:
            until = parsedate_to_datetime(str(value))
        except (ValueError, IndexError):
            return None
        zoned = until if until.tzinfo else until.replace(tzinfo=UTC)
        seconds = max(0.0, (zoned - now).total_seconds())
    return seconds if 0 <= seconds <= _LONGEST else None
