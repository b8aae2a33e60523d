"""Mattermost's own options; what all channels share stands in the common settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class MattermostOptions:
    """One bot account on a Mattermost server."""

    url: str = field(metadata={"help": "the server's address, as people open it"})
    token: str = field(
        repr=False,
        metadata={"help": "the bot account's token", "secret": True, "env": "MATTERMOST_TOKEN"},
    )
    callback_url: str | None = field(
        default=None,
        metadata={"help": "where the server reaches this channel, for buttons; null: none"},
    )
    command_tokens: str = field(
        default="",
        repr=False,
        metadata={
            "help": "tokens of slash commands made by hand, separated by commas",
            "secret": True,
        },
    )
    ca_file: str | None = field(
        default=None,
        metadata={"help": "the authority that signed the server's certificate; null: a public one"},
    )
    chatmode: Literal["oncall", "onmessage", "onchar"] = field(
        default="oncall",
        metadata={
            "help": "answers in rooms: oncall (mentioned) | onmessage (always) | onchar (a sign)"
        },
    )
