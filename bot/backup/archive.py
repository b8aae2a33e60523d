"""The file of a backup: a ZIP with a manifest that names every file with its size and its SHA-256.

A backup may come from anywhere: nothing in it is believed before it was checked, and no name in it
leads out of the directory that it is restored to.
"""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import TrunklineError

MANIFEST = "manifest.json"
STORE = "trunkline.db"
CONFIG = "config.yaml"
FORMAT = 1
_LARGEST_MANIFEST = 256 * 1024 * 1024
_PIECE = 1024 * 1024
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class BackupError(TrunklineError):
    """A backup that cannot be made, or is not what it should be; the text says what to do."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Filed(_Part):
    """A file of a backup; `program` when its owner may run it."""

    path: Annotated[str, Field(min_length=1, max_length=4096)]
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    program: bool = False


class Kept(_Part):
    """The store: which engine it was in, its steps, and how many rows each table has."""

    engine: Literal["sqlite", "postgresql"]
    steps: list[str]
    rows: dict[str, int]


class Manifest(_Part):
    """What is in a backup. `left_out` are secrets (key, variable), `skipped` files with why."""

    format: Literal[1] = 1
    program: Literal["trunkline"] = "trunkline"
    version: str
    created_at: str
    store: Kept
    left_out: list[dict[str, str]] = []
    skipped: list[str] = []
    files: list[Filed]


class Writer:
    """A backup that is being written."""

    def __init__(self, stream: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self.files: list[Filed] = []

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *raised: object) -> None:
        self._zip.close()

    def add(self, name: str, source: BinaryIO, *, program: bool = False) -> None:
        digest, size = hashlib.sha256(), 0
        about = zipfile.ZipInfo(name)
        about.compress_type = zipfile.ZIP_DEFLATED
        about.external_attr = (stat.S_IFREG | (0o700 if program else 0o600)) << 16
        with self._zip.open(about, "w", force_zip64=True) as target:
            while piece := source.read(_PIECE):
                digest.update(piece)
                size += len(piece)
                target.write(piece)
        self.files.append(Filed(path=name, size=size, sha256=digest.hexdigest(), program=program))

    def end(self, manifest: Manifest) -> None:
        """The last file; without it this is no backup."""
        self._zip.writestr(MANIFEST, manifest.model_dump_json(indent=2))


class Reader:
    """A backup whose names and manifest were checked; its files are checked as they are read."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._zip, self._path = archive, path
        found = {one.filename: one for one in archive.infolist()}
        if len(found) != len(archive.infolist()):
            raise _refused(path, "it names a file twice")
        for one in archive.infolist():
            _checked_name(path, one)
        self.manifest = _manifest(archive, path, found)
        self._infos = found
        names = [one.path for one in self.manifest.files]
        if {*names, MANIFEST} != set(found) or len(set(names)) != len(names) or STORE not in names:
            raise _refused(path, "its files are not those of its manifest")

    def pieces(self, filed: Filed) -> Iterator[bytes]:
        """A file's content. Raises BackupError when it is not what the manifest says."""
        digest, size = hashlib.sha256(), 0
        with self._zip.open(self._infos[filed.path]) as stream:
            while piece := stream.read(_PIECE):
                digest.update(piece)
                size += len(piece)
                if size > filed.size:
                    break
                yield piece
        if (size, digest.hexdigest()) != (filed.size, filed.sha256):
            raise _refused(self._path, f"{filed.path} is not what was stored")


@contextmanager
def opened(path: Path) -> Iterator[Reader]:
    """A backup to read. Raises BackupError for one that is damaged, cut off or something else."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield Reader(archive, path)
    except _BROKEN as error:
        raise _refused(path, "it is damaged, cut off or no backup of Trunkline") from error
    except OSError as error:
        if error.filename not in (None, str(path)):
            raise
        raise BackupError(f"{path} cannot be read: {error.strerror or error}") from error


def _manifest(archive: zipfile.ZipFile, path: Path, found: dict[str, zipfile.ZipInfo]) -> Manifest:
    if MANIFEST not in found or found[MANIFEST].file_size > _LARGEST_MANIFEST:
        raise _refused(path, "it is no backup of Trunkline")
    try:
        raw: Any = json.loads(archive.read(MANIFEST))
        if isinstance(raw, dict) and raw.get("format") not in (None, FORMAT):
            raise BackupError(f"{path} was made by a newer Trunkline; use that version")
        return Manifest.model_validate(raw)
    except (ValidationError, RecursionError):
        raise _refused(path, "its manifest is not one of Trunkline") from None


def _checked_name(path: Path, one: zipfile.ZipInfo) -> None:
    name = one.filename
    parts = PurePosixPath(name).parts
    tricky = (
        name != one.orig_filename
        or name.startswith("/")
        or "\\" in name
        or "\0" in name
        or any(part in ("..", ".") for part in name.split("/"))
        or "/".join(parts) != name
        or len(name.encode("utf-8", "surrogatepass")) > 4096
    )
    kind = stat.S_IFMT(one.external_attr >> 16)
    if tricky or kind not in (0, stat.S_IFREG):
        raise _refused(path, f"it holds {name[:80]!r}, which is no plain file inside a directory")


def _refused(path: Path, why: str) -> BackupError:
    return BackupError(f"{path} cannot be used: {why}; take another backup")
