"""Discord's own options; what all channels share stands in the common settings."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DiscordOptions:
    """One bot account on Discord."""

    token: str = field(
        repr=False,
        metadata={"help": "the bot's token", "secret": True, "env": "DISCORD_BOT_TOKEN"},
    )
    base_url: str = field(
        default="https://discord.com/api/v10", metadata={"help": "the REST interface's address"}
    )
    gateway_url: str | None = field(
        default=None, metadata={"help": "the gateway's address; null: asked of the REST interface"}
    )
