"""A SQLite store as it is at one moment, in a file of its own."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.engine.sqlite import connect, readable


def snapshot(path: Path, copy: Path) -> None:
    """Copy a SQLite store, also while others write to it.

    The copy is one file, for its owner alone, and appears whole or not at all. Raises StoreError.
    """
    beside = copy.with_name(f".{copy.name}.{secrets.token_hex(4)}")
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with closing(connect(path, read_only=True)) as source, closing(connect(beside)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
        with beside.open("rb") as stream:
            os.fsync(stream.fileno())
        beside.replace(copy)
    except sqlite3.Error as error:
        raise readable(error, path) from error
    finally:
        beside.unlink(missing_ok=True)
