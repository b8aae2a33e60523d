"""Slack's names of the emoji that bots use (docs.slack.dev/reference/methods/reactions.add)."""

from __future__ import annotations

import re

from bot.errors import Refused

_NAMES = {
    "👀": "eyes",
    "👍": "thumbsup",
    "👎": "thumbsdown",
    "❤": "heart",
    "🔥": "fire",
    "🎉": "tada",
    "✅": "white_check_mark",
    "☑": "ballot_box_with_check",
    "✔": "heavy_check_mark",
    "❌": "x",
    "⚠": "warning",
    "❗": "exclamation",
    "❓": "question",
    "⏳": "hourglass_flowing_sand",
    "⌛": "hourglass",
    "🤔": "thinking_face",
    "🤖": "robot_face",
    "👋": "wave",
    "🙏": "pray",
    "💯": "100",
    "🚀": "rocket",
    "😀": "grinning",
    "😂": "joy",
    "😊": "blush",
    "😢": "cry",
    "😮": "open_mouth",
    "😍": "heart_eyes",
    "😎": "sunglasses",
    "👏": "clap",
    "💡": "bulb",
    "🐛": "bug",
    "🔧": "wrench",
    "🔍": "mag",
    "📎": "paperclip",
    "📝": "memo",
    "🛑": "octagonal_sign",
    "⭐": "star",
    "💬": "speech_balloon",
    "🕐": "clock1",
    "🆗": "ok",
    "👌": "ok_hand",
    "💪": "muscle",
    "🙌": "raised_hands",
    "⏸": "double_vertical_bar",
}
# Names that Slack sends where two stand for one emoji.
_EMOJI = {name: emoji for emoji, name in _NAMES.items()} | {"+1": "👍", "-1": "👎"}
_NAME = re.compile(r":?([a-z0-9_+'-]{1,100}(?:::skin-tone-[2-6])?):?")


def name_of(emoji: str) -> str:
    """The name of an emoji, or of one given by name. Raises Refused for one not known here."""
    found = _NAMES.get(emoji.replace("\ufe0f", ""))
    if found is None and (match := _NAME.fullmatch(emoji)):
        found = match[1]
    if found is None:
        raise Refused(f"Slack's name for {emoji} is not known; write the name, as in :eyes:")
    return found


def shown(name: str) -> str:
    """The emoji of a name; a custom one stays a name."""
    return _EMOJI.get(name.partition("::")[0], name)
