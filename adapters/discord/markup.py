"""Discord's own markup in what people write, as plain Markdown: names instead of ids.

See discord.com/developers/docs/reference#message-formatting-formats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

_MARKUP = re.compile(
    r"<(?:@!?(?P<user>\d{1,20})"
    r"|\#(?P<channel>\d{1,20})"
    r"|/(?P<command>[^:<>\n]{1,100}):\d{1,20}"
    r"|a?:(?P<emoji>\w{1,32}):\d{1,20}"
    r"|t:(?P<time>-?\d{1,13})(?::[a-zA-Z])?)>"
)
_LEADING = re.compile(r"\s*<@[!&]?(\d{1,20})>[\s,:]*")


def decoded(text: str, names: Mapping[str, str]) -> str:
    """The text with names in the place of ids; `names` holds those of users and channels.

    A mention of a role stays as it is: its name is in no event, and it is no mention of a person.
    """

    def plain(found: re.Match[str]) -> str:
        kind, value = found.lastgroup, found[found.lastgroup or 0]
        if kind == "user":
            return f"@{names[value]}" if value in names else found[0]
        if kind == "channel":
            return f"#{names[value]}" if value in names else found[0]
        if kind == "command":
            return f"/{value}"
        return _time(value, found[0]) if kind == "time" else f":{value}:"

    return _MARKUP.sub(plain, text) if "<" in text else text


def behind_mention(text: str, ids: Sequence[str]) -> str:
    """The text without the mentions of these ids that lead it."""
    while (found := _LEADING.match(text)) and found[1] in ids:
        text = text[found.end() :]
    return text


def _time(seconds: str, written: str) -> str:
    try:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return written
