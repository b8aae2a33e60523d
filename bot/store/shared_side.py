"""A PostgreSQL store as one side of a copy (see `bot.store.sides`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from psycopg.rows import tuple_row

from bot.config.kinds import without_password
from bot.engine.postgres import MIGRATING, connect, readable, translated
from bot.errors import StoreHeld
from bot.store.sides import Values

_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND application_name = 'trunkline' AND pid <> pg_backend_pid()"
)


class SharedSide:
    """A database; read in one snapshot of it, or filled while nobody upgrades or fills it.

    `alone` refuses one that a Trunkline is connected to. Raises StoreError, StoreHeld.
    """

    def __init__(self, url: str, *, read_only: bool, alone: bool) -> None:
        self.name = without_password(url).partition("?")[0]
        self._connection = connect(url)
        try:
            if alone and self.query(_OTHERS)[0][0]:
                raise StoreHeld(
                    f"a Trunkline process uses {self.name}; stop every one of them first"
                )
            if read_only:
                self.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            elif not self.query(f"SELECT pg_try_advisory_lock({MIGRATING})")[0][0]:
                raise StoreHeld(f"{self.name} is being filled or upgraded now; try again later")
        except BaseException:
            self.close()
            raise

    def query(self, text: str, *params: Any) -> list[Values]:
        with self._told(), self._connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(cast(Any, translated(text)), params)
            return cursor.fetchall() if cursor.description else []

    def insert(self, text: str, rows: Sequence[Values]) -> None:
        with self._told(), self._connection.cursor() as cursor:
            cursor.executemany(cast(Any, translated(text)), rows)

    @contextmanager
    def together(self) -> Iterator[None]:
        with self._told(), self._connection.transaction():
            yield

    def tables(self) -> set[str]:
        return {
            row[0]
            for row in self.query(
                "SELECT table_name FROM information_schema.tables "
                "WHERE table_schema = current_schema()"
            )
        }

    def steps(self) -> set[str]:
        if "trunkline_steps" not in self.tables():
            return set()
        names = (row[0] for row in self.query("SELECT name FROM trunkline_steps"))
        return {name for name in names if name != "engine" and not name.startswith("engine ")}

    def counter(self, table: str) -> int:
        # Only a sequence that was never asked has no last value that counts.
        named = self.query("SELECT pg_get_serial_sequence(?, 'id')", table)[0][0]
        last, called = self.query(f"SELECT last_value, is_called FROM {named}")[0]
        return int(last) if called else 0

    def count_from(self, table: str, last: int) -> None:
        if last:
            self.query("SELECT setval(pg_get_serial_sequence(?, 'id'), ?)", table, last)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise readable(error) from error
