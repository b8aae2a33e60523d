"""The store of a backup: always a SQLite file, whatever engine it came from."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Literal

from bot.backup.archive import BackupError, Kept
from bot.config.settings import Config
from bot.engine.sqlite import connect
from bot.lazy import optional
from bot.opening import shared, store_path
from bot.store.copying import copy
from bot.store.layout import tables
from bot.store.migrations import KNOWN, open_store
from bot.store.sides import SqliteSide
from bot.store.snapshot import snapshot

# What lets somebody in, or waits for a decision, does not come back with an old state.
_ENDED = (
    "DELETE FROM browsers",
    "UPDATE pairings SET state = 'expired' WHERE state = 'pending'",
    "UPDATE approvals SET state = 'expired' WHERE state = 'pending'",
)


def take(config: Config, state: Path, into: Path, say: Callable[[str], None]) -> None:
    """The store as it is at one moment, while others go on writing. Raises StoreError."""
    if not shared(config):
        path = store_path(config, state)
        if not path.is_file():
            raise BackupError(f"there is no store at {path}; nothing to back up yet")
        return snapshot(path, into)
    open_store(into)
    side = optional("bot.store.shared_side").SharedSide
    with (
        closing(side(config.store.url, read_only=True, alone=False)) as source,
        closing(SqliteSide(into, read_only=False)) as target,
    ):
        copy(source, target, say)
    with closing(connect(into)) as store:
        store.execute("PRAGMA journal_mode = DELETE")


def facts(path: Path, engine: Literal["sqlite", "postgresql"]) -> Kept:
    """What is in a store's file. Raises BackupError when it is damaged."""
    with closing(SqliteSide(path, read_only=True)) as side:
        found = side.query("PRAGMA quick_check(1)")[0][0]
        if found != "ok":
            raise BackupError(f"the store in the backup is damaged: {found}")
        if side.query("SELECT 1 FROM sqlite_master WHERE type IN ('trigger', 'view') LIMIT 1"):
            raise BackupError("the store in the backup is none of Trunkline's: it has code in it")
        there = side.tables()
        known = [one.name for one in tables() if one.name in there]
        rows = {name: int(side.query(f"SELECT count(*) FROM {name}")[0][0]) for name in known}
        return Kept(engine=engine, steps=sorted(side.steps()), rows=rows)


def refuse_newer(kept: Kept) -> None:
    """Raises BackupError for a store that this version cannot open."""
    if newer := set(kept.steps) - KNOWN:
        raise BackupError(
            f"the backup is of a newer Trunkline (it knows {', '.join(sorted(newer))}); "
            "restore it with that version"
        )


def ended(path: Path) -> None:
    """Upgrade what was restored, and end sign-ins, codes and approvals that were open."""
    open_store(path)
    path.with_name(path.name + ".before-upgrade").unlink(missing_ok=True)
    with closing(connect(path)) as store:
        store.execute("BEGIN IMMEDIATE")
        for statement in _ENDED:
            store.execute(statement)
        store.execute("COMMIT")
