"""What a store of this version is made of: its tables as the steps make them, read from SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from typing import NamedTuple

from sqlite_utils import Database

from bot.store.migrations import STEPS, run_step

# An index over words: its own tables are made anew by what is put into it.
_WORDS = "memory_words"


class Table(NamedTuple):
    """`key` tells its rows apart; `counted` when a row's number is given by the database."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    counted: bool


@cache
def tables() -> tuple[Table, ...]:
    """Every table of the domain, in the order in which the steps make them."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as store:
        for _, statements in STEPS:
            run_step(statements, Database(store))
        found = store.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
            f"AND name NOT LIKE '{_WORDS}_%' ORDER BY rowid"
        ).fetchall()
        return tuple(_table(store, name, sql) for name, sql in found)


def _table(store: sqlite3.Connection, name: str, sql: str) -> Table:
    if name == _WORDS:
        return Table(name, ("rowid", "words"), ("rowid",), counted=False)
    columns = store.execute(f"PRAGMA table_info({name})").fetchall()
    keys = sorted((one[5], one[1]) for one in columns if one[5])
    return Table(
        name,
        tuple(one[1] for one in columns),
        tuple(column for _, column in keys),
        counted="AUTOINCREMENT" in sql,
    )
