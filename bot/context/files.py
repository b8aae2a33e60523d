"""What came as a file: its name made safe, its type by its content, images as models read them."""

from __future__ import annotations

import re
import unicodedata
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.errors import PathError
from bot.folder import Folder
from bot.types import Entry

MAX_IMAGE = 10 << 20
MAX_IMAGES = 10
_LONGEST = 100
_UNSAFE = re.compile(r"[^\w.+@=-]+")
_IMAGES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def clean_name(name: str) -> str:
    """A name fit for a folder of ours: no path, no leading dot, nothing invisible, not long."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    stem, dot, ending = _UNSAFE.sub("_", last).strip("._-").rpartition(".")
    if len(ending) > 10:
        stem, dot, ending = f"{stem}{dot}{ending}", "", ""
    if not stem:
        stem, dot, ending = ending, "", ""
    return f"{stem[:_LONGEST]}{dot}{ending}" or "file"


def image_type(head: bytes) -> str | None:
    """The type of an image from its first bytes, None for what is none that models read."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for magic, mime in _IMAGES if head.startswith(magic)), None)


def has_images(entries: Sequence[Entry]) -> bool:
    return any(_is_image(one) for entry in entries for one in entry.attachments)


def with_images(entries: Sequence[Entry], folder: Path) -> list[Entry]:
    """The entries with their last images as data addresses, read from the agent's folder."""
    left, shown = MAX_IMAGES, []
    for entry in reversed(entries):
        if not any(map(_is_image, entry.attachments)):
            shown.append(entry)
            continue
        seen = []
        for one in entry.attachments:
            url = _data_url(one, folder) if _is_image(one) and left else None
            left -= url is not None
            seen.append({**one, "url": url} if url else one)
        shown.append(replace(entry, attachments=tuple(seen)))
    return shown[::-1]


def _is_image(attachment: Mapping[str, Any]) -> bool:
    return attachment.get("kind") == "image" and "path" in attachment


def _data_url(attachment: Mapping[str, Any], folder: Path) -> str | None:
    """None for what is too large for a request, or is not there any more."""
    inside = Folder(folder, linked=True)
    try:
        data = inside.read(inside.names(attachment["path"]) or (), MAX_IMAGE).data
    except PathError:
        return None
    return f"data:{attachment['mime']};base64,{b64encode(data).decode()}"
