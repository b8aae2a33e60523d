"""What the descriptors of the conformance kit share: a message as people see it, a dead address."""

from __future__ import annotations

import socket
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seen:
    """A message of the bot as a person sees it; see `bot.testing.conformance.Seen`."""

    id: str
    text: str
    quoted: str | None = None
    buttons: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()
    reactions: tuple[str, ...] = ()
    pings: tuple[str, ...] = ()
    preview: bool = False


def nowhere() -> str:
    """The address of a server that is not there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
