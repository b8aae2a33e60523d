"""What a store of many sessions must not do: read a whole table, or count up to a free name."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from bot.contract import Address
from bot.engine.port import Script, Sql
from bot.engine.sqlite import connect, run_script
from bot.keys import parse_key
from bot.store import sessions, upkeep
from bot.store.migrations import open_store

GROWING = {"inbox", "outbox", "runs", "sessions", "entries", "calls", "effects"}


def asked(store: sqlite3.Connection, script: Script[Any]) -> list[Sql]:
    """Run a script; the statements that it asked."""
    found = []

    def noted() -> Script[Any]:
        rows: Any = None
        try:
            while True:
                one = script.send(rows)
                if isinstance(one, Sql):
                    found.append(one)
                rows = yield one
        except StopIteration as stop:
            return stop.value

    run_script(store, noted(), [])
    return found


def whole(store: sqlite3.Connection, one: Sql) -> set[str]:
    """The growing tables that a statement reads from end to end."""
    plan = store.execute(f"EXPLAIN QUERY PLAN {one.text}", one.params).fetchall()
    scans = (row["detail"].split() for row in plan if "INDEX" not in row["detail"])
    return {words[1] for words in scans if words[0] == "SCAN"} & GROWING


def test_no_growing_table_is_read_whole_each_minute_or_for_a_send(tmp_path: Path):
    open_store(tmp_path / "store.db")
    with closing(connect(tmp_path / "store.db")) as store:
        place = Address("telegram", "telegram", "1")
        for script in (upkeep.sweep(1e9), sessions.kind_at(place)):
            for one in asked(store, script):
                assert whole(store, one) == set(), one.text


def test_a_free_label_is_found_in_few_steps_among_thousands_of_the_same_name(tmp_path: Path):
    open_store(tmp_path / "store.db")
    with closing(connect(tmp_path / "store.db")) as store:
        store.execute("BEGIN")
        for number in range(1, 3001):
            key = parse_key(f"agent:main:direct:{number}")
            run_script(store, sessions.ensure(key, "Alex", None, "direct", 1.0), [])
        labels = {row["label"] for row in store.execute("SELECT label FROM sessions")}
        assert labels == {"Alex", *(f"Alex {number}" for number in range(2, 3001))}
        assert len(asked(store, sessions.free_label("main", "Alex"))) < 30
