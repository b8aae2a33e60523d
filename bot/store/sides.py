"""One side of a copy: a store that is read as it was at one moment, or that is filled."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from bot.engine.sqlite import connect, readable
from bot.store.migrations import steps_of

Values = tuple[Any, ...]


class Side(Protocol):
    """A store by its connection. `name` is its address without a password."""

    name: str

    def query(self, text: str, *params: Any) -> list[Values]:
        """The rows of a statement with `?` for its values. Raises StoreError."""

    def insert(self, text: str, rows: Sequence[Values]) -> None: ...

    def together(self) -> AbstractContextManager[None]:
        """What is written inside is written whole or not at all."""

    def tables(self) -> set[str]: ...

    def steps(self) -> set[str]:
        """The steps of the schema that were applied."""

    def counter(self, table: str) -> int:
        """The last number that the database gave to a row of this table."""

    def count_from(self, table: str, last: int) -> None:
        """Give the next row of this table a number above `last`."""

    def close(self) -> None: ...


class SqliteSide:
    """A SQLite file; one that is only read is never changed."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.name = f"sqlite://{path}"
        self._path = path
        self._connection = connect(path, read_only=read_only)
        if read_only:
            self._connection.execute("BEGIN")

    def query(self, text: str, *params: Any) -> list[Values]:
        with self._told():
            return [tuple(row) for row in self._connection.execute(text, params)]

    def insert(self, text: str, rows: Sequence[Values]) -> None:
        with self._told():
            self._connection.executemany(text, rows)

    @contextmanager
    def together(self) -> Iterator[None]:
        self.query("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self._connection.rollback()
            raise
        self.query("COMMIT")

    def tables(self) -> set[str]:
        return {row[0] for row in self.query("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def steps(self) -> set[str]:
        with self._told():
            return set(steps_of(self._connection))

    def counter(self, table: str) -> int:
        rows = self.query("SELECT seq FROM sqlite_sequence WHERE name = ?", table)
        return int(rows[0][0]) if rows else 0

    def count_from(self, table: str, last: int) -> None:
        self.query("DELETE FROM sqlite_sequence WHERE name = ?", table)
        self.query("INSERT INTO sqlite_sequence(name, seq) VALUES(?, ?)", table, last)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise readable(error, self._path) from error
