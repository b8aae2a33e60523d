"""IRC's own options; what all channels share stands in the common settings."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class IrcOptions:
    """One bot on an IRC server."""

    host: str = field(metadata={"help": "the server's name"})
    nick: str = field(metadata={"help": "the bot's name there"})
    rooms: tuple[str, ...] = field(default=(), metadata={"help": "the channels to join"})
    port: int = field(default=6697, metadata={"help": "the server's port"})
    tls: bool = field(default=True, metadata={"help": "whether that port speaks TLS"})
