"""Copies a store into an empty one, of either kind; what was cut off is gone on with.

Every batch and the note how far it came are one transaction of the target. At the end both sides
are counted and summed up table by table; the source is only read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.errors import StoreError, StoreForeign
from bot.store.layout import Table, tables
from bot.store.migrations import KNOWN
from bot.store.sides import Side, Values

# There while a copy is not finished; nothing starts on such a store.
NOTES = "trunkline_copy"
_SOURCE = "source"
_BATCH = 500
_TOLD = 10_000
_SIZE = 2**256

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Copied:
    """What a table holds now, on both sides; `sum` is the SHA-256 of its rows, added up."""

    table: str
    rows: int
    sum: str


def refuse_other_version(side: Side) -> None:
    """Raises StoreForeign for a store that is newer, is none, or was not upgraded yet."""
    steps = side.steps()
    if not steps:
        raise StoreForeign(f"{side.name} is no Trunkline store; check the address")
    if newer := steps - KNOWN:
        raise StoreForeign(
            f"{side.name} was written by a newer Trunkline (it knows {', '.join(sorted(newer))}); "
            "use that version"
        )
    if KNOWN - steps:
        raise StoreForeign(
            f"{side.name} is of an older version; upgrade it first: trunkline store migrate"
        )


def copy(source: Side, target: Side, say: Say) -> list[Copied]:
    """Fill the target with everything in the source, or go on with that, and compare both.

    Raises StoreForeign for a target that is not empty, StoreError when both differ at the end.
    """
    refuse_other_version(source)
    refuse_other_version(target)
    _begin(source, target)
    for table in tables():
        _fill(source, target, table, say)
    done = [_compared(source, target, table, say) for table in tables()]
    with target.together():
        for table in tables():
            if table.counted:
                target.count_from(table.name, source.counter(table.name))
        target.query(f"DROP TABLE {NOTES}")
    return done


def _begin(source: Side, target: Side) -> None:
    if NOTES in target.tables():
        rows = target.query(f"SELECT at FROM {NOTES} WHERE name = ?", _SOURCE)
        if rows[0][0] != source.name:
            raise StoreForeign(
                f"{target.name} holds an unfinished copy of {rows[0][0]}; finish that, or name "
                "another target"
            )
        return
    for table in tables():
        if target.query(f"SELECT 1 FROM {table.name} LIMIT 1"):
            raise StoreForeign(
                f"{target.name} is not empty (it has {table.name}); name an empty store"
            )
    with target.together():
        target.query(f"CREATE TABLE {NOTES}(name TEXT PRIMARY KEY, at TEXT NOT NULL)")
        target.query(f"INSERT INTO {NOTES}(name, at) VALUES(?, ?)", _SOURCE, source.name)


def _fill(source: Side, target: Side, table: Table, say: Say) -> None:
    name = f"table {table.name}"
    rows = target.query(f"SELECT at FROM {NOTES} WHERE name = ?", name)
    after = tuple(json.loads(rows[0][0])) if rows else None
    whole = source.query(f"SELECT count(*) FROM {table.name}")[0][0]
    done = target.query(f"SELECT count(*) FROM {table.name}")[0][0] if after else 0
    marks = ", ".join("?" * len(table.columns))
    put = f"INSERT INTO {table.name}({', '.join(table.columns)}) VALUES({marks})"
    for batch in _batches(source, table, after):
        with target.together():
            target.insert(put, batch)
            target.query(
                f"INSERT INTO {NOTES}(name, at) VALUES(?, ?) "
                "ON CONFLICT(name) DO UPDATE SET at = excluded.at",
                name,
                json.dumps(_key(table, batch[-1])),
            )
        before, done = done, done + len(batch)
        if done // _TOLD > before // _TOLD or done == whole:
            say(f"{table.name}: {done} of {whole} rows")


def _batches(side: Side, table: Table, after: Values | None) -> Iterator[list[Values]]:
    """All rows behind a key, in the order of their keys."""
    keys, marks = ", ".join(table.key), ", ".join("?" * len(table.key))
    read = f"SELECT {', '.join(table.columns)} FROM {table.name}"
    end = f" ORDER BY {keys} LIMIT {_BATCH}"
    while True:
        if after is None:
            rows = side.query(read + end)
        else:
            rows = side.query(f"{read} WHERE ({keys}) > ({marks}){end}", *after)
        if not rows:
            return
        yield rows
        after = _key(table, rows[-1])


def _key(table: Table, row: Values) -> Values:
    return tuple(row[table.columns.index(column)] for column in table.key)


def _compared(source: Side, target: Side, table: Table, say: Say) -> Copied:
    wanted = summed(source, table)
    if summed(target, table) != wanted:
        # The source was changed between two beginnings: this table is copied anew.
        with target.together():
            target.query(f"DELETE FROM {table.name}")
            target.query(f"DELETE FROM {NOTES} WHERE name = ?", f"table {table.name}")
        _fill(source, target, table, say)
    if summed(target, table) != wanted:
        raise StoreError(
            f"the copy of {table.name} differs from what was copied; empty {target.name} and "
            "copy again"
        )
    return wanted


def summed(side: Side, table: Table) -> Copied:
    """How many rows a table has, and a sum over them that no order changes."""
    rows = total = 0
    for batch in _batches(side, table, None):
        rows += len(batch)
        for row in batch:
            text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
            total += int.from_bytes(digest)
    return Copied(table.name, rows, f"{total % _SIZE:064x}")
