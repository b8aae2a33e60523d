"""A folder that no path leads out of: every step is taken from an open handle and follows no link.

A path is judged twice: as text (`filenames`), and as what it is once it is open. The second is said
of the handle, so that a name swapped in between changes nothing. All of this blocks: use a thread.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from bot.errors import PathError
from bot.filenames import folded, names_of, shown

MAX_FILE = 8 << 20
MAX_NAMES = 100_000

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

Names = tuple[str, ...]
Identity = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which file it was and in which state; equal stamps: nobody changed it in between."""

    identity: Identity
    size: int
    changed: int
    mode: int

    @classmethod
    def of(cls, about: os.stat_result) -> Stamp:
        mode = stat.S_IMODE(about.st_mode) & 0o777
        return cls((about.st_dev, about.st_ino), about.st_size, about.st_mtime_ns, mode)


@dataclass(frozen=True, slots=True)
class Content:
    """What a file held, and when."""

    data: bytes
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Change:
    """What a file shall hold, None to take it away. `before` is its stamp, None: there was none."""

    names: Names
    data: bytes | None
    before: Stamp | None


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder and all that is really in it.

    `barred` is refused by identity (device and inode), wherever it turns up. `linked`: files with
    several names are read too, as package managers make them.
    """

    path: Path
    barred: frozenset[Identity] = frozenset()
    linked: bool = False

    def names(self, path: str) -> Names | None:
        """The steps to a path, relative or absolute; None for an absolute one outside.

        Raises PathError for a path that is refused as such.
        """
        if not path.startswith("/"):
            return names_of(path)
        for root in dict.fromkeys((self.path, self.path.absolute(), self.path.resolve())):
            steps = root.parts[1:]
            given = tuple(name for name in path.split("/") if name not in ("", "."))
            if root.is_absolute() and given[: len(steps)] == steps:
                return names_of("/".join(given[len(steps) :]) or ".")
        return None

    def stamp(self, names: Names) -> Stamp | None:
        """The state of a file, None when there is none. Raises PathError for what is no file."""
        with ExitStack() as handles, _readable(names):
            try:
                above = self._above(names, handles)
            except FileNotFoundError:
                return None
            return self._stamp(names, above)

    def is_folder(self, names: Names) -> bool:
        """Raises PathError when it cannot be told."""
        with ExitStack() as handles, _readable(names):
            if not names:
                return True
            about = os.stat(names[-1], dir_fd=self._above(names, handles), follow_symlinks=False)
            return stat.S_ISDIR(about.st_mode)

    def read(self, names: Names, limit: int = MAX_FILE) -> Content:
        """A whole file of at most `limit` bytes. Raises PathError."""
        with ExitStack() as handles, _readable(names):
            above = self._above(names, handles)
            found = self._stamp(names, above)
            if found is None:
                raise FileNotFoundError
            file = os.open(names[-1], _READ, dir_fd=above)
            handles.callback(os.close, file)
            about = os.fstat(file)
            self._judge(names, about)
            data = _all_of(file, names, limit)
            return Content(data, Stamp.of(about))

    def list(self, names: Names) -> list[str]:
        """The names in a folder, sorted, folders with a slash behind. Raises PathError."""
        with ExitStack() as handles, _readable(names):
            folder = self._walk(names, handles)
            with os.scandir(folder) as entries:
                found = [
                    f"{one.name}/" if one.is_dir(follow_symlinks=False) else one.name
                    for _, one in zip(range(MAX_NAMES), entries, strict=False)
                ]
        return sorted(found)

    def change(self, changes: Sequence[Change]) -> None:
        """Make all changes or none; folders on the way are made. Raises PathError.

        Each file is whole at every moment. A process that dies in the middle may leave some of
        several changes made.
        """
        with ExitStack() as handles:
            staged: list[_Staged] = []
            for change in changes:
                with _readable(change.names):
                    staged.append(self._stage(change, handles))
            for one in staged:
                self._expect_unchanged(one)
            _commit(staged)

    def _stage(self, change: Change, handles: ExitStack) -> _Staged:
        """The new content beside its place, on the disk."""
        if change.data is not None and len(change.data) > MAX_FILE:
            raise PathError(f"{_path(change.names)} would be larger than {MAX_FILE >> 20} MiB")
        above = self._above(change.names, handles, make=change.data is not None)
        staged = _Staged(change, above)
        handles.callback(staged.clear)
        if change.data is None:
            return staged
        if change.before is None:
            _refuse_twin(change.names, staged.above)
        file = os.open(staged.part, _NEW, 0o600, dir_fd=staged.above)
        try:
            with os.fdopen(file, "wb", closefd=False) as stream:
                stream.write(change.data)
            if change.before is not None:
                os.fchmod(file, change.before.mode)
            os.fsync(file)
        finally:
            os.close(file)
        return staged

    def _expect_unchanged(self, staged: _Staged) -> None:
        names, before = staged.change.names, staged.change.before
        now = self._stamp(names, staged.above)
        if now == before:
            return
        if before is None:
            raise PathError(f"{_path(names)} is there already")
        raise PathError(f"{_path(names)} was changed by somebody else meanwhile; read it again")

    def _stamp(self, names: Names, above: int) -> Stamp | None:
        try:
            about = os.stat(names[-1], dir_fd=above, follow_symlinks=False)
        except FileNotFoundError:
            return None
        self._judge(names, about)
        return Stamp.of(about)

    def _judge(self, names: Names, about: os.stat_result) -> None:
        """Refuse what is not a plain file of this folder alone."""
        mode, path = about.st_mode, _path(names)
        if stat.S_ISLNK(mode):
            raise PathError(f"{path} is a link, and links are not followed")
        if stat.S_ISDIR(mode):
            raise PathError(f"{path} is a folder")
        if not stat.S_ISREG(mode):
            raise PathError(f"{path} is no file but a device, a pipe or a socket")
        if about.st_nlink > 1 and not self.linked:
            raise PathError(f"{path} has another name elsewhere (a hard link); use a copy of it")
        if (about.st_dev, about.st_ino) in self.barred:
            raise PathError(f"{path} is not for tools")

    def _above(self, names: Names, handles: ExitStack, *, make: bool = False) -> int:
        """A handle of the folder that holds the last name."""
        if not names:
            raise PathError("the path names the folder itself, not a file in it")
        return self._walk(names[:-1], handles, make=make)

    def _walk(self, names: Names, handles: ExitStack, *, make: bool = False) -> int:
        """A handle of a folder, step by step; with `make`, missing ones are made."""
        folder = os.open(self.path, _FOLDER)
        handles.callback(os.close, folder)
        device = self._admit((), folder)
        for number, name in enumerate(names, 1):
            way = names[:number]
            if make and _make(way, folder):
                # It stays when something was put into it.
                handles.callback(_remove_empty, name, folder)
            folder = _enter(way, folder)
            handles.callback(os.close, folder)
            if self._admit(way, folder) != device:
                raise PathError(f"{_path(way)} is another file system")
        return folder

    def _admit(self, way: Names, folder: int) -> int:
        """The file system of an open folder that is not barred."""
        about = os.fstat(folder)
        if (about.st_dev, about.st_ino) in self.barred:
            raise PathError(f"{_path(way)} is not for tools")
        return about.st_dev


class _Staged:
    """A change on its way: its new content as `part`, its old one as `kept` until all are made."""

    def __init__(self, change: Change, above: int) -> None:
        token = secrets.token_hex(8)
        self.change = change
        self.above = above
        self.name = change.names[-1]
        self.part = f".{token}.part"
        self.kept = f".{token}.kept"

    def keep(self) -> None:
        """Keep the old content for `undo`."""
        if self.change.before is not None:
            os.link(self.name, self.kept, src_dir_fd=self.above, dst_dir_fd=self.above)

    def commit(self) -> None:
        if self.change.data is None:
            os.unlink(self.name, dir_fd=self.above)
        else:
            os.rename(self.part, self.name, src_dir_fd=self.above, dst_dir_fd=self.above)

    def undo(self) -> None:
        if self.change.before is None:
            os.unlink(self.name, dir_fd=self.above)
        else:
            os.rename(self.kept, self.name, src_dir_fd=self.above, dst_dir_fd=self.above)

    def clear(self) -> None:
        for name in (self.part, self.kept):
            with suppress(OSError):
                os.unlink(name, dir_fd=self.above)


def _commit(staged: Sequence[_Staged]) -> None:
    done: list[_Staged] = []
    try:
        for one in staged:
            with _readable(one.change.names):
                if one is not staged[-1]:
                    one.keep()
                one.commit()
            done.append(one)
    except BaseException:
        for one in reversed(done):
            with suppress(OSError):
                one.undo()
        raise
    for above in {one.above for one in staged}:
        os.fsync(above)


def _enter(names: Names, folder: int) -> int:
    """Open the folder called as the last of these, if it is one itself."""
    name = names[-1]
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
    about = os.stat(name, dir_fd=folder, follow_symlinks=False)
    what = "a link, and links are not followed" if stat.S_ISLNK(about.st_mode) else "no folder"
    raise PathError(f"{_path(names)} is {what}")


def _make(names: Names, folder: int) -> bool:
    """Make a folder unless something of its name is there; was it made?"""
    with suppress(FileNotFoundError):
        os.stat(names[-1], dir_fd=folder, follow_symlinks=False)
        return False
    _refuse_twin(names, folder)
    try:
        os.mkdir(names[-1], 0o700, dir_fd=folder)
    except FileExistsError:
        return False
    os.fsync(folder)
    return True


def _remove_empty(name: str, folder: int) -> None:
    with suppress(OSError):
        os.rmdir(name, dir_fd=folder)


def _refuse_twin(names: Names, folder: int) -> None:
    """A new name must differ from those there by more than case or the form of its letters."""
    plain = folded(names[-1])
    with os.scandir(folder) as entries:
        for one in entries:
            if one.name != names[-1] and folded(one.name) == plain:
                raise PathError(f"{_path(names)} differs only by its letters from {one.name}")


def _all_of(file: int, names: Names, limit: int) -> bytes:
    with os.fdopen(file, "rb", closefd=False) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise PathError(f"{_path(names)} is larger than {limit >> 20} MiB")
    return data


def _path(names: Names) -> str:
    return shown("/".join(names)) if names else "the folder"


@contextmanager
def _readable(names: Names) -> Iterator[None]:
    """The system's errors as sentences."""
    try:
        yield
    except FileNotFoundError:
        raise PathError(f"there is no {_path(names)}") from None
    except OSError as error:
        _tell(names, error)


def _tell(names: Names, error: OSError) -> NoReturn:
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        raise PathError(f"{_path(names)} is a link, or goes through a file") from None
    if error.errno in (errno.ENXIO, errno.ENODEV):
        raise PathError(f"{_path(names)} is no file but a device, a pipe or a socket") from None
    why = error.strerror or type(error).__name__
    raise PathError(f"{_path(names)} cannot be used: {why}") from None
