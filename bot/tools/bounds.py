"""What a tool answers, made fit to be kept and shown: bounded, storable, without images. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.jsonio import clean_text
from bot.types import ToolResult

MAX_RESULT = 50_000
MAX_UPDATE = 2_000
MAX_IMAGES = 10

_SCANNED = 200_000  # characters, so that a flood does not hold the loop up
_MARK = 100  # characters, at most, of the mark where something was cut
# Images as text: data addresses, and base64 that begins as PNG, JPEG, GIF or WebP do.
_IMAGE = re.compile(
    r"data:(image/[\w.+-]{1,60});base64,[A-Za-z0-9+/=]*"
    r"|(?<![A-Za-z0-9+/])(?:iVBORw0KGgo|/9j/|R0lGOD|UklGR)[A-Za-z0-9+/=\r\n]{200,}"
)


def bounded(text: str, limit: int = MAX_RESULT) -> str:
    """Head and tail of a long text, with a mark that says how much is cut; images taken out."""
    head, tail = text, ""
    if len(text) > _SCANNED:
        head, tail = text[: _SCANNED // 2], text[-_SCANNED // 2 :]
    head, tail = _without_images(head), _without_images(tail)
    if not tail and len(head) <= limit:
        return head
    room = limit - _MARK
    first, last = head[: room * 7 // 10], (tail or head)[-(room * 3 // 10) :]
    cut = len(text) - len(first) - len(last)
    return f"{first}\n[... {cut:,} characters were cut here ...]\n{last}"


def shown_args(args: Mapping[str, Any] | None) -> dict[str, Any]:
    """The arguments of a call as events carry them."""
    return {str(name)[:200]: _shown(value, 4) for name, value in list((args or {}).items())[:50]}


def fit(answer: object, tool: str) -> ToolResult:
    """What a tool answered, whatever it is, as a result that can be stored and sent."""
    if isinstance(answer, str):
        answer = ToolResult(answer)
    if not isinstance(answer, ToolResult) or not isinstance(answer.text, str):
        return ToolResult(f"The tool {tool} answered something that is no text.", is_error=True)
    images = [_image(one) for one in answer.attachments]
    return ToolResult(
        clean_text(bounded(answer.text)),
        bool(answer.is_error),
        tuple(one for one in images if one)[:MAX_IMAGES],
        tuple(map(clean_text, answer.said)),
    )


def _without_images(text: str) -> str:
    return _IMAGE.sub(_placeholder, text)


def _placeholder(found: re.Match[str]) -> str:
    return f"[{found[1] or 'an image'} of {len(found[0]):,} characters, not shown]"


def _shown(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return bounded(value, MAX_UPDATE)
    if isinstance(value, Mapping):
        if not depth:
            return "..."
        items = list(value.items())[:50]
        return {str(name)[:200]: _shown(item, depth - 1) for name, item in items}
    if isinstance(value, list | tuple):
        return [_shown(item, depth - 1) for item in value[:50]] if depth else "..."
    return value


def _image(attachment: Mapping[str, Any]) -> dict[str, Any] | None:
    """The row of an image, without anything that could be its bytes."""
    row = {name: attachment.get(name) for name in ("kind", "name", "mime", "path")}
    if row["kind"] != "image" or not all(isinstance(one, str) for one in row.values()):
        return None
    return {name: clean_text(str(one))[:1000] for name, one in row.items()}
