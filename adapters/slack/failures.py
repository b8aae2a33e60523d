"""What a failed call means to the outbox, and to the operator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from adapters.http import reason
from bot.contract import utcnow
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

# Seconds to wait where Slack does not say how long, or names what no one would wait.
UNSAID_WAIT = 30.0
_LONGEST_WAIT = 3600.0

FAILURES = (SlackClientError, aiohttp.ClientError, OSError, TimeoutError, RuntimeError, ValueError)

# docs.slack.dev/reference/methods/auth.test#errors
_TOKEN = {
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "not_allowed_token_type",
    "no_permission",
    "org_login_required",
}
_LIMITED = {"ratelimited", "rate_limited"}
# "Some aspect of the operation may have succeeded", as Slack says of these.
_UNKNOWN = {"fatal_error", "internal_error", "service_unavailable", "request_timeout"}
_HINTS = {
    "not_in_channel": "invite the bot to the channel",
    "channel_not_found": "the bot does not see this conversation",
    "missing_scope": "add the scope to the app and install it again",
}


def said(error: Exception) -> str:
    """The error word of Slack's answer, "" when there is none."""
    response = getattr(error, "response", None)
    data = getattr(response, "data", None)
    word = data.get("error") if isinstance(data, dict) else None
    return word if isinstance(word, str) else ""


def send_error(error: Exception, account: str) -> SendError:
    """What became of a call that failed. A server error counts as unknown."""
    if not isinstance(error, SlackApiError):
        return _unanswered(error)
    word, status = said(error), getattr(error.response, "status_code", 0)
    if status == 429 or word in _LIMITED:
        seconds = retry_after(getattr(error.response, "headers", {}))
        return RateLimited(f"Slack asks to wait {seconds:g} s", seconds)
    if word in _TOKEN:
        return NotSent(str(token_refused(account, word)))
    if word in _UNKNOWN or not word or status >= 500:
        return Uncertain(f"Slack did not confirm: {word or f'its answer is odd, {status}'}")
    return Refused(f"Slack refuses: {_explained(error, word)}")


def _unanswered(error: Exception) -> SendError:
    """Only a connection that never stood certainly carried nothing."""
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return NotSent(f"Slack cannot be reached: {reason(error)}")
    if isinstance(error, RuntimeError):
        return NotSent("the connection to Slack is closed")
    return Uncertain(f"Slack did not confirm: {reason(error)}")


def _explained(error: SlackApiError, word: str) -> str:
    needed = error.response.get("needed") if word == "missing_scope" else None
    hint = _HINTS.get(word)
    named = f"{word} ({needed})" if isinstance(needed, str) else word
    return f"{named}; {hint}" if hint else named


def channel_error(error: Exception, account: str, option: str = "bot_token") -> ChannelError:
    """Why the connection of an account does not work."""
    if isinstance(error, SlackApiError) and (word := said(error)) in _TOKEN:
        return token_refused(account, word, option)
    return ChannelDown(f"Slack: {send_error(error, account)}")


def token_refused(account: str, word: str, option: str = "bot_token") -> ChannelRefused:
    """Said wherever Slack does not take a token."""
    start = "xapp-" if option == "app_token" else "xoxb-"
    fix = f"put the app's token, {start}..., into channels.{account}.{option}"
    return ChannelRefused(f"Slack refuses the token ({word}); {fix}")


def retry_after(headers: Mapping[str, Any], now: datetime | None = None) -> float:
    """Seconds to wait: whole, with a fraction, or until a date; what is absurd is not believed."""
    value = next((text for name, text in headers.items() if name.lower() == "retry-after"), "")
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(str(value), now or utcnow())
    if not math.isfinite(seconds) or seconds < 0:
        return UNSAID_WAIT
    return min(max(seconds, 0.1), _LONGEST_WAIT)


def _until(date: str, now: datetime) -> float:
    try:
        return (parsedate_to_datetime(date) - now).total_seconds()
    except (TypeError, ValueError):
        return UNSAID_WAIT
