"""Failed calls as our errors: what the outbox, and what the operator, must know of each."""

from __future__ import annotations

from adapters.mattermost.rest import Answered, CallFailed, NotReached, Untrusted
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


def send_error(error: CallFailed, account: str) -> SendError:
    """What became of a call that failed.

    A server error counts as unknown: a proxy in between may give up on a call that was done.
    """
    if isinstance(error, NotReached):
        return NotSent(f"Mattermost cannot be reached: {error}")
    if not isinstance(error, Answered) or error.status >= 500:
        return Uncertain(f"Mattermost did not confirm: {error}")
    if error.status == 429:
        # The server counts by account or address, never by channel.
        return RateLimited(f"Mattermost asks to wait {error.wait:g} s", error.wait, everywhere=True)
    if error.status == 401 or error.status < 400:
        return NotSent(str(channel_error(error, account)))
    return Refused(f"Mattermost refuses: {error}")


def channel_error(error: CallFailed, account: str) -> ChannelError:
    """Why the connection of an account does not work."""
    if isinstance(error, Answered) and error.status == 401:
        return token_refused(account)
    if isinstance(error, Answered) and error.status < 400:
        return ChannelRefused(f"{error}; put that into channels.{account}.url")
    if isinstance(error, Untrusted):
        return untrusted(account)
    if isinstance(error, NotReached):
        return ChannelDown(f"Mattermost cannot be reached: {error}")
    return ChannelDown(f"Mattermost: {error}")


def token_refused(account: str) -> ChannelRefused:
    """Said wherever the platform does not know the token."""
    return ChannelRefused(
        f"Mattermost refuses the token; put the bot account's into channels.{account}.token"
    )


def untrusted(account: str) -> ChannelRefused:
    """Said when the server's certificate is not one that we trust."""
    return ChannelRefused(
        "Mattermost's certificate is not trusted; if an authority of your own signed it, "
        f"name its file in channels.{account}.ca_file"
    )
