"""The documents, the platforms that render them, and what is known of a platform's payloads."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters import BUILT_IN, adapter_class
from adapters.fakes.telegram_chats import units
from bot.contract import Adapter
from bot.errors import ChannelRefused

FOLDER = Path(__file__).parent
DOCUMENTS = {
    path.stem: path.read_bytes().decode() for path in sorted((FOLDER / "documents").glob("*.md"))
}

Payload = dict[str, Any]


@dataclass(frozen=True)
class Platform:
    """`field` has a payload's text, of which the platform takes `limit` as `size` counts."""

    adapter: type[Adapter]
    field: str
    limit: int
    size: Callable[[str], int] = len
    fences: bool = True

    def text(self, payload: Payload) -> str:
        """What a payload says; a file's content where it is one."""
        if is_file(payload):
            return str(payload.get("content", payload.get("text")))
        return str(payload[self.field])

    def messages(self, payloads: list[Payload]) -> list[Payload]:
        """The payloads that are messages, not files."""
        return [payload for payload in payloads if not is_file(payload)]


def is_file(payload: Payload) -> bool:
    """Long code and tables come as files, which say of what type they are."""
    return "mime" in payload


_KNOWN: dict[str, dict[str, Any]] = {
    "telegram": {"field": "text", "limit": 4096, "size": units, "fences": False},
    "discord": {"field": "content", "limit": 2000},
    "slack": {"field": "text", "limit": 4000},
    "mattermost": {"field": "message", "limit": 16383},
}


def _installed() -> Iterator[tuple[str, Platform]]:
    """A platform whose library is not installed cannot be held to its documents."""
    for name in BUILT_IN:
        try:
            yield name, Platform(adapter_class(name), **_KNOWN[name])
        except ChannelRefused:
            continue


PLATFORMS = dict(_installed())


def rendered(name: str) -> dict[str, list[Payload]]:
    """Every document as a platform gets it."""
    adapter = PLATFORMS[name].adapter
    return {stem: adapter.render(text) for stem, text in DOCUMENTS.items()}


def as_json(payloads: list[Payload]) -> str:
    """Text that a person can read and compare; what cannot be seen is written in escapes."""
    text = json.dumps(payloads, ensure_ascii=False, indent=1)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


_UNSEEN = re.compile("[\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def expected(name: str) -> dict[str, str]:
    """What was once read and found right."""
    return {path.stem: path.read_text("utf-8") for path in (FOLDER / name).glob("*.json")}


def write(name: str, found: dict[str, list[Payload]]) -> int:
    """Keep this as what is right; how many files changed."""
    folder, before = FOLDER / name, expected(name)
    folder.mkdir(exist_ok=True)
    for stem in before.keys() - found.keys():
        (folder / f"{stem}.json").unlink()
    now = {stem: as_json(payloads) for stem, payloads in found.items()}
    changed = {stem: text for stem, text in now.items() if text != before.get(stem)}
    for stem, text in changed.items():
        (folder / f"{stem}.json").write_text(text, "utf-8")
    return len(changed)
