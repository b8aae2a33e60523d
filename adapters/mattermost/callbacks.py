"""Calls that the server makes to us: proof first, then what they say.

A slash command proves itself by its own token, in the form and in a header. A button proves nothing
by itself, so ours carry a signature in their context, which the server shows to nobody
(developers.mattermost.com, "Custom slash commands", "Interactive messages").
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from adapters.fields import Event
from adapters.mattermost.parse import asked_at
from bot.contract import Address, Button, HttpRequest

# Seconds that a call may be old.
WINDOW = 300.0

_FIELDS = 100
_STYLES = {"plain": "default", "primary": "primary", "danger": "danger"}


class Signer:
    """Signs what comes back with a press. The key follows from the token, so it outlives restarts.

    Who takes the bot's token away takes the signatures with it.
    """

    def __init__(self, token: str) -> None:
        self._key = hmac.digest(token.encode(), b"trunkline: mattermost buttons", "sha256")

    def context(self, to: Address, value: str) -> dict[str, str]:
        """The context of a button in a conversation."""
        fields = {"conversation": to.conversation, "thread": to.thread or "", "value": value}
        return {**fields, "signature": self._signature(fields)}

    def holds(self, context: object, channel: object) -> bool:
        """Is this a context of ours, pressed where it was shown?"""
        if not isinstance(context, dict):
            return False
        names = ("conversation", "thread", "value", "signature")
        given = {name: text for name in names if isinstance(text := context.get(name), str)}
        if len(given) < len(names):
            return False
        signature = given.pop("signature")
        good = hmac.compare_digest(_bytes(signature), self._signature(given).encode())
        return good and given["conversation"] == channel

    def _signature(self, fields: dict[str, Any]) -> str:
        signed = json.dumps([fields[name] for name in sorted(fields)]).encode()
        return hmac.new(self._key, signed, hashlib.sha256).hexdigest()


def shown(buttons: Collection[Button], to: Address, url: str, signer: Signer) -> dict[str, Any]:
    """Buttons as the props of a post (message attachments with actions)."""
    actions = [
        {
            # Only letters and digits: other ids are taken for unknown ones when pressed.
            "id": f"button{number}",
            "type": "button",
            "name": button.label,
            "style": _STYLES[button.style],
            "integration": {"url": url, "context": signer.context(to, button.value)},
        }
        for number, button in enumerate(buttons)
    ]
    labels = ", ".join(button.label for button in buttons)
    return {"attachments": [{"fallback": labels, "actions": actions}]}


def pressed(request: HttpRequest, signer: Signer) -> dict[str, Any] | None:
    """The press that a request tells; None for whatever does not prove itself."""
    try:
        event = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or "command" in event:
        return None
    return event if signer.holds(event.get("context"), event.get("channel_id")) else None


def commanded(request: HttpRequest, tokens: Collection[str]) -> dict[str, Any] | None:
    """The slash command that a request tells; None for whatever does not prove itself."""
    header = request.headers.get("authorization", "")
    if header and not _known(header.removeprefix("Token "), tokens):
        return None
    try:
        text = request.body.decode("ascii")
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=_FIELDS, errors="strict")
    except ValueError:
        return None
    event = {name: values[0] for name, values in fields.items() if len(values) == 1}
    if "context" in event or "command" not in event:
        return None
    token = event.pop("token", "")
    return event if _known(token, tokens) else None


def timely(event: Event, now: datetime) -> bool:
    """Was it done just now; what came earlier is somebody's copy. Not every trigger id tells."""
    at = asked_at(event)
    return at.timestamp() == 0 or abs((now - at).total_seconds()) <= WINDOW


def _known(token: str, tokens: Collection[str]) -> bool:
    """Is it one of the tokens; takes as long for a near miss as for a far one."""
    given = _bytes(token)
    found = [hmac.compare_digest(given, one.encode()) for one in tokens]
    return bool(token) and any(found)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
