"""Slack's own options; what all channels share stands in the common settings."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SlackOptions:
    """One app in one Slack workspace: socket mode with an app token, HTTP with a signing secret."""

    bot_token: str = field(
        repr=False,
        metadata={"help": "the bot's token, xoxb-...", "secret": True, "env": "SLACK_BOT_TOKEN"},
    )
    app_token: str = field(
        default="",
        repr=False,
        metadata={
            "help": "the app-level token, xapp-..., for socket mode",
            "secret": True,
            "env": "SLACK_APP_TOKEN",
        },
    )
    signing_secret: str = field(
        default="",
        repr=False,
        metadata={"help": "the signing secret, for HTTP mode", "secret": True},
    )
    base_url: str = field(
        default="https://slack.com/api/", metadata={"help": "the Web API's address"}
    )
    command: str = field(
        default="/trunkline",
        metadata={"help": "the app's slash command, whose first word names one of ours"},
    )
    prompts: tuple[str, ...] = field(
        default=("What can you do?", "!status"),
        metadata={"help": "what a new assistant thread offers to ask, at most four"},
    )

    def __post_init__(self) -> None:
        if self.bot_token and not (self.app_token or self.signing_secret):
            raise ValueError(
                "has neither app_token nor signing_secret; "
                "add app_token for socket mode, or signing_secret for HTTP mode"
            )
