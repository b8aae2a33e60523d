"""The images of an entry, as wire formats want them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from bot.types import Entry

_DATA = re.compile(r"data:(image/[\w.+-]+);base64,")


class Image(NamedTuple):
    """`mime` and `data` (base64) are empty for one that is only known by its web address."""

    url: str
    mime: str
    data: str


def images(entry: Entry) -> Iterator[Image]:
    """The images among the attachments that have a `url` (https or data)."""
    for attachment in entry.attachments:
        url = attachment.get("url")
        if attachment.get("kind") != "image" or not isinstance(url, str) or not url:
            continue
        found = _DATA.match(url)
        yield Image(url, found[1], url[found.end() :]) if found else Image(url, "", "")
