"""Emoji by the names that Mattermost knows them by: reactions carry names, not characters."""

from __future__ import annotations

import re
import unicodedata

from bot.errors import Refused

# Where the platform's name is not the one that Unicode gives, as in "eyes" or "rocket".
_NAMES = {
    "👍": "+1",
    "👎": "-1",
    "❤": "heart",
    "✅": "white_check_mark",
    "✔": "heavy_check_mark",
    "❌": "x",
    "⏳": "hourglass_flowing_sand",
    "⌛": "hourglass",
    "🎉": "tada",
    "😀": "grinning",
    "😂": "joy",
    "😄": "smile",
    "😊": "blush",
    "😍": "heart_eyes",
    "😢": "cry",
    "😭": "sob",
    "😡": "rage",
    "🤔": "thinking",
    "🙏": "pray",
    "👏": "clap",
    "👌": "ok_hand",
    "👋": "wave",
    "💪": "muscle",
    "💯": "100",
    "🤷": "shrug",
    "🤖": "robot",
    "⚠": "warning",
    "❓": "question",
    "❗": "exclamation",
    "🚫": "no_entry_sign",
    "🔁": "repeat",
    "⏰": "alarm_clock",
    "✍": "writing_hand",
    "📝": "memo",
    "🛑": "octagonal_sign",
    "⭐": "star",
    "✨": "sparkles",
    "💬": "speech_balloon",
    "🤝": "handshake",
    "🙂": "slightly_smiling_face",
}
_SYMBOLS = {name: symbol for symbol, name in _NAMES.items()} | {
    "thumbsup": "👍",
    "thumbsdown": "👎",
}
_NAME = re.compile(r"[a-z0-9_+-]{1,64}")
_VARIANT = "\ufe0f"


def name_of(emoji: str) -> str:
    """The platform's name of a character, or of a name written `name` or `:name:`.

    Raises Refused for one without a name.
    """
    bare = emoji.strip().strip(":").removesuffix(_VARIANT)
    if found := _NAMES.get(bare):
        return found
    if len(bare) == 1 and not bare.isascii():
        bare = unicodedata.name(bare, "").lower().replace(" ", "_").replace("-", "_")
    if not _NAME.fullmatch(bare):
        raise Refused(f"Mattermost has no emoji for {emoji!r}; write its name, such as eyes")
    return bare


def symbol_of(name: str) -> str:
    """The character of a name; a name without one, such as a server's own emoji, stays."""
    if found := _SYMBOLS.get(name):
        return found
    try:
        return unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return name
