"""Slack's messages as people read them: the words, the buttons, and whom they notify.

See docs.slack.dev/reference/block-kit/blocks and docs.slack.dev/messaging/formatting-message-text.
"""

from __future__ import annotations

import html
import re
from typing import Any

from adapters.fakes.slack_workspace import Params

_LINK = re.compile(r"<[^<>|]+\|([^<>|]+)>")
_PINGING = {"broadcast", "user", "usergroup"}


def keys(message: Params) -> list[Params]:
    blocks = message.get("blocks") or []
    return [key for block in blocks if block["type"] == "actions" for key in block["elements"]]


def mrkdwn(text: str) -> str:
    return html.unescape(_LINK.sub(r"\1", text))


def read(value: Any) -> str:
    """Blocks as they read (docs.slack.dev/reference/block-kit/blocks)."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(read, value))
    kind = value.get("type")
    if kind == "actions":
        return ""
    if kind == "link":
        return str(value.get("text") or value["url"])
    if kind == "table":
        return "\n".join(" ".join(map(read, row)) for row in value["rows"]) + "\n"
    if isinstance(text := value.get("text"), dict):
        return mrkdwn(text["text"]) + "\n"
    if isinstance(text, str):
        return text
    inner = read(value.get("elements", []))
    return inner if kind == "rich_text" else inner + "\n"


def pinging(value: Any) -> list[str]:
    """The elements of rich text that notify somebody."""
    if isinstance(value, list):
        return [found for one in value for found in pinging(one)]
    if not isinstance(value, dict):
        return []
    own = [str(value["type"])] if value.get("type") in _PINGING else []
    return own + [found for one in value.values() for found in pinging(one)]
