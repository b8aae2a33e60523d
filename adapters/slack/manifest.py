"""The app's description for Slack (docs.slack.dev/reference/app-manifest), made from the commands.

Commands cannot be registered at run time, and each needs an entry, so there is one, whose first
word names the command.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from bot.contract import CommandSpec

SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "chat:write.public",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "reactions:read",
    "reactions:write",
    "users:read",
)
EVENTS = (
    "app_mention",
    "assistant_thread_started",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "reaction_added",
)
# docs.slack.dev/reference/app-manifest#fields
_LONGEST_HINT = 1000
_LONGEST_NAME = 35


def manifest(
    commands: Sequence[CommandSpec],
    mode: Literal["socket", "http"] = "socket",
    url: str = "",
    name: str = "Trunkline",
) -> dict[str, Any]:
    """The app as Slack creates it; `url` is the address of `POST /channels/<account>` in HTTP mode.

    Raises ValueError when HTTP mode has no address.
    """
    if mode == "http" and not url.startswith("https://"):
        raise ValueError("HTTP mode needs the public https address of the channel")
    address = {"url": url} if mode == "http" else {}
    request = {"request_url": url} if mode == "http" else {}
    word = "/" + "".join(letter for letter in name.lower() if letter.isalnum() or letter in "_-")
    prompts = [{"title": "What can you do?", "message": "What can you do?"}]
    return {
        "display_information": {"name": name[:_LONGEST_NAME]},
        "features": {
            "app_home": {"messages_tab_enabled": True, "messages_tab_read_only_enabled": False},
            "assistant_view": {
                "assistant_description": f"Ask {name}",
                "suggested_prompts": prompts,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "slash_commands": [{"command": word, **_help(commands), **address}],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**request, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **request},
            "org_deploy_enabled": False,
            "socket_mode_enabled": mode == "socket",
            "token_rotation_enabled": False,
        },
    }


def _help(commands: Sequence[CommandSpec]) -> dict[str, Any]:
    """What the composer shows behind the command: the names that everybody may use."""
    names = " | ".join(command.name for command in commands if not command.owner)
    return {
        "description": "Commands, such as help and status",
        "usage_hint": names[:_LONGEST_HINT] or "help",
        "should_escape": False,
    }
