"""Slack's message markup to Markdown (docs.slack.dev/messaging/formatting-message-text)."""

from __future__ import annotations

import re
from collections.abc import Collection

_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.S)
_TOKEN = re.compile(r"<([@#!]?[^<>\s|]{1,4000}(?: [^<>|]{1,200})?)(?:\|([^<>]{0,4000}))?>")
_KEPT = re.compile("\0(\\d+)\0")
_BOLD = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]{1,4000}?)(?<=[^\s*])\*(?![\w*])")
_STRIKE = re.compile(r"(?<![\w~])~(?=[^\s~])([^~\n]{1,4000}?)(?<=[^\s~])~(?![\w~])")
_MENTION = re.compile(r"<@([A-Z0-9]{1,64})(?:\|[^<>]{0,200})?>")
_LEADING = re.compile(r"\s*<@([A-Z0-9]{1,64})(?:\|[^<>]{0,200})?>[\s,:]*")


def mentions(text: str, ids: Collection[str]) -> bool:
    """Is one of these users named in the text."""
    return any(match[1] in ids for match in _MENTION.finditer(text))


def without_leading(text: str, ids: Collection[str]) -> str:
    """The text without a mention of one of these users at its start."""
    match = _LEADING.match(text)
    return text[match.end() :] if match and match[1] in ids else text


def markdown(text: str) -> str:
    """A message's text, which holds no NUL, as Markdown."""
    parts = _CODE.split(text)
    return "".join(_code(part) if at % 2 else _prose(part) for at, part in enumerate(parts))


def _prose(text: str) -> str:
    tokens: list[str] = []

    def keep(match: re.Match[str]) -> str:
        tokens.append(_token(match[1], match[2] or ""))
        return f"\0{len(tokens) - 1}\0"

    text = _TOKEN.sub(keep, text)
    text = _STRIKE.sub(r"~~\1~~", _BOLD.sub(r"**\1**", text))
    return _KEPT.sub(lambda match: tokens[int(match[1])], unescaped(text))


def _code(text: str) -> str:
    return unescaped(_TOKEN.sub(lambda match: match[2] or match[1], text))


def _token(target: str, label: str) -> str:
    """What stands between angle brackets, for people to read."""
    target, label = unescaped(target), unescaped(label)
    if target.startswith("!"):
        return label or "@" + target[1:].partition("^")[0]
    if target[0] in "@#":
        return target[0] + (label.lstrip("@#") or target[1:])
    if target.startswith(("mailto:", "tel:")):
        return label or target.partition(":")[2]
    if not label or label in (target, target.partition("://")[2]):
        return target
    return f"[{label}]({target})"


def unescaped(text: str) -> str:
    """The three characters that Slack escapes, as themselves."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
