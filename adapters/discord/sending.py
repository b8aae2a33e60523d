"""A reply as the messages that show it: the first quotes, the last has the files and buttons.

See discord.com/developers/docs/resources/message#create-message.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapters.discord.ids import is_id
from adapters.discord.render import NOBODY, SUPPRESS_EMBEDS, render
from bot.contract import Button, File, Reply
from bot.errors import Refused

# discord.com/developers/docs/components/reference#button-button-styles
_STYLES = {"primary": 1, "plain": 2, "danger": 4}
_ROW, _ROWS = 5, 5
_MOST_FILES = 10
_LONGEST_LABEL = 80
_CONTROL = re.compile(r'[\x00-\x1f\x7f"\\/]')


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message: what it says, and the files that go with it."""

    payload: Mapping[str, Any]
    files: tuple[File, ...] = ()

    def body(self, **more: Any) -> dict[str, Any]:
        """The request's fields; `more` are the target's."""
        names = [{"id": n, "filename": _name(file)} for n, file in enumerate(self.files)]
        return {**self.payload, **({"attachments": names} if names else {}), **more}

    def form(self, body: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """The parts of a request with files, None without (reference#uploading-files)."""
        if not self.files:
            return None
        parts: list[dict[str, Any]] = [
            {"name": "payload_json", "value": json.dumps(body), "content_type": "application/json"}
        ]
        for number, file in enumerate(self.files):
            parts.append(
                {
                    "name": f"files[{number}]",
                    "value": file.data,
                    "filename": _name(file),
                    "content_type": _type(file),
                }
            )
        return parts


def outgoing(reply: Reply) -> list[Outgoing]:
    """The messages of a reply, in order. Raises Refused when there is nothing to show."""
    payloads = render(reply.text)
    found = [Outgoing(payload) for payload in payloads if "content" in payload]
    whole = [File(p["file"], p["mime"], p["text"].encode()) for p in payloads if "file" in p]
    attached = (*whole, *reply.attachments)
    for at in range(0, len(attached), _MOST_FILES):
        files = attached[at : at + _MOST_FILES]
        if at == 0 and found:
            found[-1] = replace(found[-1], files=files)
        else:
            found.append(Outgoing({"flags": SUPPRESS_EMBEDS, "allowed_mentions": NOBODY}, files))
    if not found:
        raise Refused("the reply is empty")
    if reply.reply_to and is_id(reply.reply_to):
        quoted = {"message_id": reply.reply_to, "fail_if_not_exists": False}
        found[0] = replace(found[0], payload={**found[0].payload, "message_reference": quoted})
    if reply.buttons:
        rows = components(reply.buttons)
        found[-1] = replace(found[-1], payload={**found[-1].payload, "components": rows})
    return found


def nonce(key: str, number: int) -> str:
    """A name for a message across repeats, at most 25 characters long."""
    digest = hashlib.sha256(f"{key}/{number}".encode()).digest()
    return base64.urlsafe_b64encode(digest)[:24].decode()


def components(buttons: Sequence[Button]) -> list[dict[str, Any]]:
    """Buttons in rows of five; beyond five rows the platform takes no more."""
    keys = [_button(button) for button in buttons[: _ROW * _ROWS]]
    rows = [keys[at : at + _ROW] for at in range(0, len(keys), _ROW)]
    return [{"type": 1, "components": row} for row in rows]


def _button(button: Button) -> dict[str, Any]:
    return {
        "type": 2,
        "style": _STYLES[button.style],
        "label": button.label[:_LONGEST_LABEL] or button.value[:_LONGEST_LABEL],
        "custom_id": button.value,
    }


def _name(file: File) -> str:
    return _CONTROL.sub("_", file.name).strip() or "file"


def _type(file: File) -> str:
    return (
        file.mime if re.fullmatch(r"[\w.+-]+/[\w.+-]+", file.mime) else "application/octet-stream"
    )
