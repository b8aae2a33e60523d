"""What tools have sent into a conversation in mid-run, with its files, as rows of its history.

The files are kept like uploads. Their ids come from the key of the part that brought them, so that
one sent again is the same file, and the history finds them.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from bot.contract import File
from bot.errors import RequestError
from bot.gateway.rows import text_row
from bot.gateway.uploads import Upload, Uploads, kind_of
from bot.types import Entry

Json = dict[str, Any]

_MOST = 100


def keep(uploads: Uploads, key: str, session: str, files: Sequence[File]) -> list[Json]:
    """Store the files of a part; how clients see them. Raises RequestError TOO_LARGE. Blocks."""
    rows = []
    for number, file in enumerate(files):
        with uploads.taking() as incoming:
            incoming.write(file.data)
        kept = uploads.keep(incoming, file.name, 0.0, _id(key, number), session)
        rows.append(_row(kept))
    return rows


def has_said(entry: Entry) -> bool:
    """Is this the result of a tool that showed something in the run's own conversation?"""
    return entry.role == "tool" and bool((entry.origin or {}).get("said"))


def rows(entry: Entry, uploads: Uploads) -> list[Json]:
    """What a tool has shown, behind the line of its result. Blocks."""
    key = _key(entry)
    if key is None or not has_said(entry):
        return []
    text = "\n\n".join((entry.origin or {})["said"])
    files = _files(uploads, key)
    if not text and not files:
        return []
    run = key.rpartition(":")[0] or f"{entry.run}:{entry.seq}"
    return [text_row(run, text, entry.at, "done") | {"attachments": files}]


def _key(entry: Entry) -> str | None:
    """The id of the message that was sent, None when none was: it stood there before."""
    try:
        told = json.loads(entry.text)
    except ValueError:
        return None
    id = told.get("messageId") if isinstance(told, dict) else None
    return id if isinstance(id, str) else None


def _files(uploads: Uploads, key: str) -> list[Json]:
    found: list[Json] = []
    try:
        while len(found) < _MOST:
            found.append(_row(uploads.get(_id(key, len(found)))))
    except RequestError:
        pass
    return found


def _row(upload: Upload) -> Json:
    return {"kind": kind_of(upload.mime), **upload.row()}


def _id(key: str, number: int) -> str:
    return urlsafe_b64encode(sha256(f"{key}:{number}".encode()).digest()).decode()[:22]
