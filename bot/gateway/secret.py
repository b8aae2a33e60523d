"""The gateway's own secret on disk: made once, readable by its owner alone."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from bot.errors import ConfigError


def load_token(configured: str, path: Path, name: str = "gateway.token") -> str:
    """The sign-in token: the configured one, else the file's, which is made when it is missing.

    Raises ConfigError, saying `name`, when the file cannot be trusted or written.
    """
    if configured:
        return configured
    try:
        return _read(path, name) or _make(path)
    except OSError as error:
        hint = "fix it or set a token" if name == "gateway.token" else "fix it or remove it"
        raise ConfigError([f"{name}: cannot use {path} ({error.strerror}); {hint}"]) from error


def _read(path: Path, name: str) -> str:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    with os.fdopen(fd, encoding="utf-8", errors="replace") as file:
        about = os.fstat(fd)
        if about.st_uid != os.geteuid():
            raise ConfigError([f"{name}: {path} belongs to somebody else; remove it"])
        if stat.S_IMODE(about.st_mode) & 0o077:
            os.fchmod(fd, 0o600)
        return file.read(4096).strip()


def _make(path: Path) -> str:
    """Write beside and rename, so that no half-written token is ever read."""
    made = secrets.token_urlsafe(32)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(made + "\n")
        file.flush()
        os.fsync(fd)
    beside.rename(path)
    return made
