"""Settings of hooks: code of the operator, and what other programs may start."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import Field, field_validator

from bot.config.kinds import Names, Secret, SecretText, Section, Text, wrong
from bot.contract import Address

_TOKEN = 16  # characters that a webhook's own token has at least


class Webhook(Section):
    """What a request to /hooks/<name> starts."""

    token: SecretText = Field(
        default=Secret(), description="the caller's, good for this alone; empty: the gateway's"
    )
    agent: Text | None = Field(default=None, description="who runs; null: the default agent")
    session: Text | None = Field(
        default=None, description="where it runs; null: a session of its own each time"
    )
    message: Text = Field(
        default="A webhook was called. Say in short what it tells.",
        description="what is to be done; the request stands below it, as words of others",
    )
    deliver_to: Text | None = Field(
        default=None, description="who gets the answer: channel:account:conversation; null: nobody"
    )


class Hooks(Section):
    """Code of the operator that runs at named points, and what other programs may start."""

    webhooks: Mapping[str, Webhook] = Field(
        default={}, description="requests that start a run, by their name in /hooks/<name>"
    )
    dirs: Names = Field(default=(), description="folders with hook files")
    disabled: Names = Field(default=(), description="hooks that do not run")

    @field_validator("webhooks")
    @classmethod
    def _usable(cls, webhooks: Mapping[str, Webhook]) -> Mapping[str, Webhook]:
        for name, one in webhooks.items():
            if not re.fullmatch(r"[a-z0-9_-]{1,64}", name) or name in ("agent", "wake"):
                fix = "use a-z, 0-9, _ and -, at most 64 characters, and not agent or wake"
                raise wrong(f"has the name {name}, which is none of a webhook", fix)
            if one.token and len(one.token.reveal()) < _TOKEN:
                fix = f"use at least {_TOKEN} characters, such as of: openssl rand -hex 24"
                raise wrong(f"has a token for {name} that is too short", fix)
            if one.deliver_to is not None and not _is_address(one.deliver_to):
                fix = "write channel:account:conversation (see: trunkline channels list)"
                raise wrong(f"has a deliver_to for {name} that is no address", fix)
        return webhooks


def _is_address(text: str) -> bool:
    try:
        Address.parse(text)
    except ValueError:
        return False
    return True
