"""Makes a backup: the store at one moment, the configuration, the agents' folders and uploads."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from bot import __version__
from bot.backup.archive import CONFIG, STORE, BackupError, Filed, Kept, Manifest, Writer, opened
from bot.backup.bare import LeftOut, bare
from bot.backup.store import facts, take
from bot.config.load import read_text
from bot.config.settings import Config
from bot.opening import shared

WORKSPACES = "workspaces"
# What else a state directory holds is made again, or is a secret.
_FOLDERS = ("uploads", "skills")

Say = Callable[[str], None]


class _Found(NamedTuple):
    name: str
    path: Path


def create(config: Config, source: Path | None, state: Path, file: Path, say: Say) -> Manifest:
    """Write a backup, check it, and give it its name; nothing has that name before.

    `source` is the configuration's file, if there is one. Raises BackupError, StoreError,
    ConfigError.
    """
    if file.exists():
        raise BackupError(f"{file} exists already; name a file that is not there")
    if not file.parent.is_dir():
        raise BackupError(f"there is no directory {file.parent}; make it first")
    work = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    work.mkdir(mode=0o700)
    try:
        whole = work / "backup.zip"
        with whole.open("xb") as stream:
            with Writer(stream) as writer:
                manifest = _written(writer, config, source, state, work, say)
            stream.flush()
            os.fsync(stream.fileno())
        whole.chmod(0o600)
        check(whole, work)
        # Unlike a renaming, this never takes the place of a file that came meanwhile.
        os.link(whole, file)
    except OSError as error:
        raise BackupError(f"{file} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return manifest


def check(file: Path, work: Path) -> Manifest:
    """Read a backup whole, its store too, in the folder `work`. Raises BackupError, StoreError."""
    with opened(file) as reader:
        copy = work / "checked.db"
        try:
            for filed in reader.manifest.files:
                with (copy if filed.path == STORE else Path(os.devnull)).open("wb") as target:
                    for piece in reader.pieces(filed):
                        target.write(piece)
            if facts(copy, reader.manifest.store.engine) != reader.manifest.store:
                raise BackupError(f"{file} cannot be used: its store is not what was stored")
        finally:
            copy.unlink(missing_ok=True)
        return reader.manifest


def _written(
    writer: Writer, config: Config, source: Path | None, state: Path, work: Path, say: Say
) -> Manifest:
    # The store first: what its rows name is there already, and may be more by now.
    store = work / STORE
    take(config, state, store, say)
    kept: Kept = facts(store, "postgresql" if shared(config) else "sqlite")
    with store.open("rb") as stream:
        writer.add(STORE, stream)
    store.unlink()
    left: list[LeftOut] = []
    if source is not None:
        text, left = bare(read_text(source), len(config.agents))
        writer.add(CONFIG, BytesIO(text.encode("utf-8")))
    skipped: list[str] = []
    for found in _files(config, state, file_of=work):
        if why := _added(writer, found):
            skipped.append(f"{found.name}: {why}")
    manifest = Manifest(
        version=__version__,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        store=kept,
        left_out=[asdict(one) for one in left],
        skipped=skipped,
        files=writer.files,
    )
    writer.end(manifest)
    return manifest


def _added(writer: Writer, found: _Found) -> str | None:
    """Why a file was left out; None when it is in."""
    try:
        found.name.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not text"
    if "\\" in found.name:
        return "its name has a backslash"
    try:
        fd = os.open(found.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return "a link" if found.path.is_symlink() else (error.strerror or "unreadable")
    with os.fdopen(fd, "rb") as stream:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            return "no plain file"
        writer.add(found.name, stream, program=bool(about.st_mode & stat.S_IXUSR))
    return None


def _files(config: Config, state: Path, file_of: Path) -> Iterator[_Found]:
    roots = {name: state / name for name in _FOLDERS}
    below = state / WORKSPACES
    if below.is_dir():
        roots |= {f"{WORKSPACES}/{one.name}": one for one in sorted(below.iterdir())}
    named = ((one.id, one.workspace) for one in config.agents)
    roots |= {f"{WORKSPACES}/{id}": Path(path).expanduser() for id, path in named if path}
    closed = {_identity(state), _identity(file_of)}
    for name, root in roots.items():
        if root.is_file():
            yield _Found(name, root)
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(
                one for one in folders if _identity(Path(folder, one)) not in closed
            )
            inside = Path(folder).relative_to(root)
            for one in sorted(files):
                yield _Found(f"{name}/{(inside / one).as_posix()}", Path(folder, one))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_dev, about.st_ino


def total(files: list[Filed]) -> int:
    """The size of all files of a backup, in bytes."""
    return sum(one.size for one in files)
