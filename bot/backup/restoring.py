"""Writes what is in a backup into a fresh state directory; one that is used is never touched."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from bot.backup.archive import STORE, BackupError, Filed, Manifest, Reader, opened
from bot.backup.store import ended, facts, refuse_newer


def restore(file: Path, folder: Path) -> Manifest:
    """Check a backup whole and write it out; the directory has its name when all of it is there.

    Raises BackupError, StoreError.
    """
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise BackupError(f"{folder} is not empty; name a directory that is new")
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    work.mkdir(mode=0o700)
    try:
        with opened(file) as reader:
            refuse_newer(reader.manifest.store)
            for filed in reader.manifest.files:
                _write(reader, filed, work)
            if facts(work / STORE, reader.manifest.store.engine) != reader.manifest.store:
                raise BackupError(f"{file} cannot be used: its store is not what was stored")
            manifest = reader.manifest
        ended(work / STORE)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return manifest


def _write(reader: Reader, filed: Filed, work: Path) -> None:
    path = work / filed.path
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = 0o700 if filed.program else 0o600
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(fd, "wb") as stream:
        for piece in reader.pieces(filed):
            stream.write(piece)
        stream.flush()
        os.fsync(fd)
