"""Copying and upgrading a store by the real program: equal, gone on with, never over anything."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from bot.errors import StoreForeign
from bot.store import migrations
from bot.store.migrations import STEPS, open_store, run_step
from bot.store.shared import open_shared
from tests.contracts.cli_support import Trunkline
from tests.contracts.cluster_kit import ask
from tests.contracts.postgres_kit import database

MANY = 60_000


@pytest.fixture
def empty() -> Iterator[str]:
    with database(empty=True) as made:
        yield made


@pytest.fixture
def trunkline(tmp_path: Path) -> Trunkline:
    return Trunkline(tmp_path / "home")


def store(trunkline: Trunkline) -> Path:
    return trunkline.home / "trunkline.db"


def rows(path: Path, text: str, *params: Any) -> list[Any]:
    with closing(sqlite3.connect(path)) as opened:
        found = opened.execute(text, params).fetchall()
        opened.commit()
        return found


def filled(trunkline: Trunkline) -> None:
    """A store with a conversation, words to search for, and a number that is not used any more."""
    trunkline.ok("chat", "-m", "hello")
    rows(store(trunkline), "INSERT INTO memory_words(rowid, words) VALUES(7, 'blue dahlias grow')")
    rows(store(trunkline), "UPDATE sqlite_sequence SET seq = 41 WHERE name = 'inbox'")


def many(trunkline: Trunkline) -> None:
    trunkline.ok("chat", "-m", "hello")
    body = json.dumps({"text": "z\u00fcrich " * 8})
    with closing(sqlite3.connect(store(trunkline))) as opened:
        opened.executemany(
            "INSERT INTO entries(session, seq, role, at, body) VALUES('s', ?, 'user', 1.25, ?)",
            ((number, body) for number in range(MANY)),
        )
        opened.commit()


def killed_in_the_middle(trunkline: Trunkline, *words: str) -> None:
    with trunkline.start("store", "copy", *words) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(f"entries: 10000 of {MANY + 2}"):
                break
        process.kill()
        process.communicate()
        assert process.returncode == -9


def test_a_copy_in_postgresql_and_back_is_equal_and_counts_on(
    trunkline: Trunkline, empty: str, tmp_path: Path
):
    filled(trunkline)
    before = store(trunkline).read_bytes()
    there = trunkline.json("store", "copy", "sqlite", empty)
    assert store(trunkline).read_bytes() == before
    assert {one["table"]: one["rows"] for one in there["tables"]}["entries"] == 2
    ask(empty, "INSERT INTO quarantine(account, reason, raw, at) VALUES('a', 'b', 'c', 1)")
    assert ask(empty, "SELECT nextval(pg_get_serial_sequence('inbox', 'id')) AS n") == [{"n": 42}]
    found = ask(empty, "SELECT rowid FROM memory_words WHERE terms @@ to_tsquery('dahlia')")
    assert found == [{"rowid": 7}]

    back = tmp_path / "back.db"
    here = trunkline.json("store", "copy", empty, f"sqlite://{back}")
    sums = {one["table"]: one["sum"] for one in there["tables"]}
    changed = {one["table"] for one in here["tables"] if one["sum"] != sums[one["table"]]}
    assert changed == {"quarantine"}
    assert rows(back, "SELECT seq FROM sqlite_sequence WHERE name = 'inbox'") == [(42,)]
    assert rows(back, "SELECT rowid FROM memory_words WHERE memory_words MATCH 'dahlia'") == [(7,)]

    trunkline.config(f'store: {{url: "{empty}"}}\n')
    assert "hello again" in trunkline.ok("chat", "-m", "hello again")
    shown = trunkline.json("sessions", "show", "main")
    assert [line["role"] for line in shown["messages"]] == ["user", "assistant"] * 2


@pytest.mark.kill
def test_a_copy_to_a_file_killed_in_the_middle_is_gone_on_with(
    trunkline: Trunkline, tmp_path: Path
):
    many(trunkline)
    copy = tmp_path / "copy.db"
    killed_in_the_middle(trunkline, "sqlite", str(copy))
    assert not copy.exists()
    done = trunkline.run("store", "copy", "sqlite", str(copy))
    assert done.returncode == 0, done.stderr
    assert "entries: 10000 " not in done.stderr and f"entries: {MANY + 2} of" in done.stderr
    for text in ("SELECT * FROM entries ORDER BY session, seq", "SELECT * FROM runs"):
        assert rows(copy, text) == rows(store(trunkline), text)


@pytest.mark.kill
def test_a_copy_to_postgresql_killed_in_the_middle_is_gone_on_with(
    trunkline: Trunkline, empty: str
):
    many(trunkline)
    killed_in_the_middle(trunkline, "sqlite", empty)
    with pytest.raises(StoreForeign, match="unfinished copy; go on with: trunkline store copy"):
        open_shared(empty)
    done = trunkline.run("store", "copy", "sqlite", empty)
    assert done.returncode == 0, done.stderr
    assert "entries: 10000 " not in done.stderr
    assert ask(empty, "SELECT count(*) AS n FROM entries") == [{"n": MANY + 2}]
    open_shared(empty)


def test_a_source_that_changed_since_the_first_beginning_is_copied_as_it_is(
    trunkline: Trunkline, empty: str
):
    filled(trunkline)
    open_shared(empty)
    key = rows(store(trunkline), "SELECT id FROM sessions")[0][0]
    ask(empty, "CREATE TABLE trunkline_copy(name TEXT PRIMARY KEY, at TEXT NOT NULL)")
    name = f"sqlite://{store(trunkline)}"
    ask(empty, "INSERT INTO trunkline_copy VALUES('source', %s)", name)
    ask(empty, "INSERT INTO trunkline_copy VALUES('table pins', '[\"z\"]')")
    ask(empty, "INSERT INTO pins(place, profile, at) VALUES('gone', 'p', 1)")
    trunkline.ok("store", "copy", "sqlite", empty)
    assert ask(empty, "SELECT count(*) AS n FROM pins") == [{"n": 0}]
    assert ask(empty, "SELECT id FROM sessions") == [{"id": key}]


def test_a_store_in_use_is_not_copied_and_says_who_has_it(trunkline: Trunkline, tmp_path: Path):
    with trunkline.up() as running:
        for words in (("copy", "sqlite", str(tmp_path / "copy.db")), ("migrate",)):
            refused = trunkline.run("store", *words)
            assert refused.returncode == 1 and refused.stderr.count("\n") == 1
            assert str(running.process.pid) in refused.stderr
        assert trunkline.json("store", "status")["missing"] == []


def test_a_target_that_is_not_empty_is_left_alone(trunkline: Trunkline, empty: str, tmp_path: Path):
    filled(trunkline)
    taken = tmp_path / "taken.db"
    taken.write_text("mine")
    refused = trunkline.run("store", "copy", "sqlite", str(taken))
    assert refused.returncode == 2 and "exists already" in refused.stderr
    assert taken.read_text() == "mine"
    open_shared(empty)
    ask(empty, "INSERT INTO pins(place, profile, at) VALUES('a', 'b', 1)")
    refused = trunkline.run("store", "copy", "sqlite", empty)
    assert refused.returncode == 1 and "is not empty (it has pins)" in refused.stderr
    nothing = trunkline.run("store", "copy", str(tmp_path / "no.db"), empty)
    assert nothing.returncode == 2 and "there is no store at" in nothing.stderr


def older(path: Path, last: str) -> None:
    """A store as the version made it whose last step this was, with a session in it."""
    names = [name for name, _ in STEPS]
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        known = migrations.Migrations("trunkline")
        known.ensure_migrations_table(Database(opened))
        for name, statements in STEPS[: names.index(last) + 1]:
            run_step(statements, Database(opened))
            opened.execute(
                "INSERT INTO _sqlite_migrations(migration_set, name, applied_at) VALUES(?, ?, ?)",
                ("trunkline", name, "2026-01-02 03:04:05"),
            )
        opened.execute(
            "INSERT INTO sessions(id, key, base, agent, kind, label, created_at, updated_at) "
            "VALUES('s1', 'agent:main:main', 'agent:main:main', 'main', 'main', 'main', 1, 1)"
        )
        opened.execute(
            "INSERT INTO people(account, author, person, granted_at) VALUES('a', 'b', 'c', 1)"
        )


def test_a_store_of_an_older_version_is_upgraded_and_keeps_what_it_has(trunkline: Trunkline):
    trunkline.home.mkdir(mode=0o700)
    older(store(trunkline), "children")
    asked = trunkline.run("store", "copy", "sqlite", "copy.db")
    assert asked.returncode == 1 and "upgrade it first: trunkline store migrate" in asked.stderr
    done = trunkline.json("store", "migrate")
    assert "tasks" in done["applied"] and "children" not in done["applied"] and not done["new"]
    assert trunkline.json("store", "migrate")["applied"] == []
    assert [one["sessionKey"] for one in trunkline.json("sessions", "list")["sessions"]] == [
        "agent:main:main"
    ]
    assert rows(store(trunkline), "SELECT person FROM people") == [("c",)]
    assert "hello" in trunkline.ok("chat", "-m", "hello")
    saved = store(trunkline).with_name("trunkline.db.before-upgrade")
    assert saved.stat().st_mode & 0o777 == 0o600
    assert rows(saved, "SELECT name FROM _sqlite_migrations ORDER BY id DESC LIMIT 1") == [
        ("children",)
    ]


def test_a_step_that_fails_takes_all_steps_of_the_upgrade_back(tmp_path: Path):
    path = tmp_path / "trunkline.db"
    older(path, "children")
    # A later step cannot be done: what it makes is there already.
    rows(path, "CREATE INDEX task_runs_lost ON people(person)")
    before = rows(path, "SELECT name, sql FROM sqlite_master ORDER BY name")
    with pytest.raises(Exception, match="task_runs_lost already exists"):
        open_store(path)
    assert rows(path, "SELECT name, sql FROM sqlite_master ORDER BY name") == before
    rows(path, "DROP INDEX task_runs_lost")
    open_store(path)
    assert rows(path, "SELECT id FROM sessions") == [("s1",)]


def test_migrate_makes_and_upgrades_a_database(trunkline: Trunkline, empty: str):
    trunkline.config(f'store: {{url: "{empty}"}}\n')
    assert trunkline.json("store", "migrate")["new"]
    assert trunkline.json("store", "migrate")["applied"] == []
    ask(empty, "INSERT INTO trunkline_steps(name) VALUES('wings')")
    refused = trunkline.run("store", "migrate")
    assert refused.returncode == 1 and "newer Trunkline (it knows wings)" in refused.stderr
    assert trunkline.json("store", "status")["newer"] == ["wings"]
