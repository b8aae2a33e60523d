"""Files of the page: taken in, kept by their content, and handed out as downloads only.

A file is stored once for each content, readable by nobody else. Whoever sent a file uses it in a
message within a day, or it is forgotten.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import contextlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import IO, Annotated, Any

from pydantic import Field, model_validator

from bot.context.files import clean_name, image_type
from bot.contract import Attachment, AttachmentKind
from bot.errors import RequestError
from bot.gateway.frames import Params

MAX_UPLOAD = 25 << 20
MAX_FILES = 10
UNUSED = 86400.0

_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_HEAD = 4096
_SETTLED = 60.0
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"\x1aE\xdf\xa3", "video/webm"),
)
_UNKNOWN = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was taken in; `at` in seconds since the epoch, `size` in bytes.

    `session` is the key of the one session that has it; it goes with that one.
    """

    id: str
    name: str
    mime: str
    size: int
    digest: str
    at: float
    used: bool = False
    session: str | None = None

    def row(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "mime": self.mime, "size": self.size}


class FileParam(Params):
    """A file of a message: the `id` of an upload, or `name`, `mime` and `data` in base64."""

    id: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    name: Annotated[str, Field(max_length=500)] | None = None
    mime: Annotated[str, Field(max_length=200)] | None = None
    data: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> FileParam:
        if (self.id is None) == (self.data is None):
            raise ValueError("name an uploaded file by id, or give its name and data in base64")
        return self


Files = Annotated[list[FileParam], Field(max_length=MAX_FILES)]


class Incoming:
    """A file that is being written; its type is judged by its first bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = sha256()
        self._head = b""
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Raises RequestError TOO_LARGE beyond the limit."""
        self.size += len(piece)
        if self.size > MAX_UPLOAD:
            raise RequestError("TOO_LARGE", f"a file is at most {MAX_UPLOAD >> 20} MiB")
        if len(self._head) < _HEAD:
            self._head = (self._head + piece)[:_HEAD]
        self._digest.update(piece)
        self._file.write(piece)

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    @property
    def mime(self) -> str:
        return sniffed(self._head)


class Uploads:
    """The uploaded files in one folder, which is made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def taking(self) -> Iterator[Incoming]:
        """Write a file that `keep` then gives a name; what was not kept is gone afterwards."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._folder / f".{secrets.token_hex(8)}.part"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
                incoming = Incoming(file)
                yield incoming
            part.replace(self._folder / incoming.digest)
        finally:
            part.unlink(missing_ok=True)

    def keep(
        self,
        incoming: Incoming,
        name: str,
        now: float,
        id: str | None = None,
        session: str | None = None,
    ) -> Upload:
        """Remember what `taking` has written under a new id; with an `id`, for good under it."""
        upload = Upload(
            id or secrets.token_urlsafe(16),
            clean_name(name),
            incoming.mime,
            incoming.size,
            incoming.digest,
            now,
            used=id is not None,
            session=session,
        )
        self._note(upload)
        return upload

    def put(self, name: str, data: bytes, now: float) -> Upload:
        """Take a whole file in. Raises RequestError TOO_LARGE."""
        with self.taking() as incoming:
            incoming.write(data)
        return self.keep(incoming, name, now)

    def get(self, id: str) -> Upload:
        """Raises RequestError NOT_FOUND."""
        try:
            if _ID.fullmatch(id) is None:
                raise ValueError
            return Upload(**json.loads(self._about(id).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            raise RequestError(
                "NOT_FOUND", "there is no such file; it may be too old, upload it again"
            ) from None

    def use(self, upload: Upload, session: str) -> None:
        """A message of a session has this file: it stays, as long as that does."""
        if not upload.used:
            self._note(replace(upload, used=True, session=session))
        elif upload.session not in (None, session):
            self._note(replace(upload, session=None))

    def forget(self, session: str, now: float) -> None:
        """Forget the files that only this session had."""
        for about in self._folder.glob("*.json"):
            with contextlib.suppress(RequestError):
                if self.get(about.stem).session == session:
                    about.unlink(missing_ok=True)
        if self._folder.is_dir():
            self.tidy(now, _SETTLED)

    def path(self, upload: Upload) -> Path:
        return self._folder / upload.digest

    def tidy(self, now: float, spared: float = UNUSED) -> None:
        """Forget what nobody used within a day, and contents that nothing names any more.

        `spared`: seconds for which a content without a name may be one that is being taken in.
        """
        wanted = set()
        for about in self._folder.glob("*.json"):
            try:
                upload = self.get(about.stem)
            except RequestError:
                continue
            if upload.used or upload.at > now - UNUSED:
                wanted.add(upload.digest)
            else:
                about.unlink(missing_ok=True)
        for content in self._folder.iterdir():
            if content.suffix == ".json" or content.name in wanted:
                continue
            # What is being taken in has no name yet.
            with contextlib.suppress(FileNotFoundError):
                if content.lstat().st_mtime <= now - spared:
                    content.unlink()

    def _about(self, id: str) -> Path:
        return self._folder / f"{id}.json"

    def _note(self, upload: Upload) -> None:
        part = self._folder / f".{upload.id}.part"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(upload), file)
        part.replace(self._about(upload.id))


def attachments(
    uploads: Uploads, files: Sequence[FileParam] | None, session: str, now: float
) -> tuple[Attachment, ...]:
    """The files of a request, stored for its run. Raises RequestError. Blocks."""
    found = [_upload(uploads, one, now) for one in files or ()]
    for upload in found:
        uploads.use(upload, session)
    return tuple(
        Attachment(kind_of(one.mime), one.name, one.mime, one.size, one.id) for one in found
    )


def _upload(uploads: Uploads, file: FileParam, now: float) -> Upload:
    if file.id is not None:
        return uploads.get(file.id)
    return uploads.put(file.name or "file", decoded(file.data or ""), now)


def decoded(text: str) -> bytes:
    """The bytes of base64. Raises RequestError."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RequestError("INVALID_PARAMS", "data must be base64") from None


def sniffed(head: bytes) -> str:
    """The type of a file by its first bytes; what a browser would run is plain text or unknown."""
    if (image := image_type(head)) is not None:
        return image
    if head[4:8] == b"ftyp":
        return "audio/mp4" if head[8:11] == b"M4A" else "video/mp4"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    for magic, mime in _MAGIC:
        if head.startswith(magic):
            return mime
    return "text/plain" if _is_text(head) else _UNKNOWN


def kind_of(mime: str) -> AttachmentKind:
    first = mime.partition("/")[0]
    kinds: Mapping[str, AttachmentKind] = {"image": "image", "audio": "audio", "video": "video"}
    return kinds.get(first, "file")


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    try:
        # Not the final piece: a character may be cut at the end of what was read.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True
