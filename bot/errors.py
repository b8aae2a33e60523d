"""Every error of Trunkline, one shallow tree. Each carries a sentence fit for the one who hears it.

TrunklineError
|- ConfigError        the operator: the file is wrong (problems: file, line, key, fix)
|- StoreError         the operator: the database cannot be used
|  |- StoreHeld       another process holds it (names the holder)
|  |- StoreForeign    not our database, damaged, or from a newer version
|  '- StoreFull       the disk is full; nothing was lost, the platform will repeat
|- ListenError        the operator: the gateway cannot take its port
|- PathError          the model: a path of a tool leads nowhere it may go
|- Fenced             nobody: a lane was taken over, this drain's writes do not count
|- ChannelError       the operator: an adapter's connection
|  |- ChannelRefused  the platform says no (token, second poller): waiting does not help
|  '- ChannelDown     connection lost or platform away: try again later
|- BadEvent           nobody: an event that cannot be understood is quarantined
|- SendError          the outbox decides by the kind
|  |- RateLimited     not sent; again after `retry_after` seconds
|  |- NotSent         certainly not sent; may be repeated
|  |- Uncertain       perhaps sent: a time-out, a cut connection
|  |- Refused         never will be: blocked, chat gone
|  '- Unsupported     this platform cannot do it
|- MissingExtra       the operator: an optional library is not installed
|- FetchError         the model: an address that may not be reached, or gave nothing readable
|- RequestError       the caller of the socket, HTTP or CLI: a contract code
'- RunError           the user of a run: a contract code
"""

from __future__ import annotations

from typing import Any


class TrunklineError(Exception):
    """Base of all; `str()` is a sentence that may be shown."""


class ConfigError(TrunklineError):
    """The configuration is wrong; `problems` are all of them, in file order."""

    def __init__(self, problems: list[Any]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class StoreError(TrunklineError):
    """The database cannot be used."""


class StoreHeld(StoreError):
    """Another process holds the store; the text names it."""


class StoreForeign(StoreError):
    """The file is not our database, is damaged, or was written by a newer version."""


class StoreFull(StoreError):
    """The disk is full; nothing was stored."""


class ListenError(TrunklineError):
    """The gateway cannot listen where it is told to; the text says where it could."""


class PathError(TrunklineError):
    """A path that a tool may not use, or that has nothing to use."""


class Fenced(TrunklineError):
    """The lane belongs to a newer drain; the writes of this one do not count."""


class ChannelError(TrunklineError):
    """An adapter's connection failed."""


class ChannelRefused(ChannelError):
    """The platform refuses us; the operator must act."""


class ChannelDown(ChannelError):
    """The platform cannot be reached now."""


class BadEvent(TrunklineError):
    """An event that cannot be understood."""


class SendError(TrunklineError):
    """A send, edit or delete did not succeed."""


class RateLimited(SendError):
    """The platform asks to wait; `retry_after` is in seconds.

    `everywhere`: all that the account sends, and not only this conversation.
    """

    def __init__(self, message: str, retry_after: float, *, everywhere: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.everywhere = everywhere


class NotSent(SendError):
    """Certainly not sent; sending again is safe."""


class Uncertain(SendError):
    """The outcome is unknown: the platform may have accepted it."""


class Refused(SendError):
    """The platform will never accept this."""


class Unsupported(SendError):
    """The platform cannot do this."""

    def __init__(self, what: str) -> None:
        super().__init__(f"this channel does not support {what}")


class MissingExtra(TrunklineError):
    """An optional library is not installed; the text says what to type."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f'{library} is not installed; run: pip install "trunkline[{extra}]"')


class FetchError(TrunklineError):
    """An address of the web that may not be reached, or whose answer cannot be read."""


class RequestError(TrunklineError):
    """A request that is refused, with one of the contract's codes.

    INVALID_PARAMS UNAUTHORIZED FORBIDDEN NOT_FOUND CONFLICT UNKNOWN_METHOD TOO_LARGE RATE_LIMITED
    UNAVAILABLE INTERNAL
    """

    def __init__(
        self,
        code: str,
        message: str,
        details: dict[str, Any] | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.details = details or {}
        self.retryable = retryable


class RunError(TrunklineError):
    """Why a run failed, with one of the contract's run codes: NO_MODEL, MODEL_AUTH, ABORTED..."""

    def __init__(self, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after
