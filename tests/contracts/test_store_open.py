"""Opening a store: made whole or not at all, and never somebody else's."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.engine.embedded import StoreLock
from bot.engine.sqlite import connect
from bot.errors import StoreError, StoreForeign, StoreHeld
from bot.store.migrations import open_store
from tests.rules.source import ROOT

HOLDER = """
import sys, pathlib
from bot.engine.embedded import StoreLock
StoreLock(pathlib.Path(sys.argv[1])).take("trunkline 9 on attic, process 4711")
print("held", flush=True)
sys.stdin.read()
"""

# Dies with SIGKILL before its Nth statement.
OPENER = """
import os, signal, sys, pathlib
from bot.engine import sqlite
from bot.store import migrations
left = int(sys.argv[2])
def count(statement):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
def connect(path, **how):
    connection = sqlite.connect(path, **how)
    connection.set_trace_callback(count)
    return connection
migrations.connect = connect
migrations.open_store(pathlib.Path(sys.argv[1]))
"""


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as store:
        return {row[0] for row in store.execute("SELECT name FROM sqlite_master")}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def test_a_store_is_made_once_and_opened_again(path: Path):
    open_store(path)
    made = tables(path)
    open_store(path)
    assert {"inbox", "outbox", "sessions", "entries"} <= made == tables(path)


def test_an_empty_file_becomes_a_store(path: Path):
    path.touch()
    open_store(path)
    assert "inbox" in tables(path)


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE photos(id INTEGER PRIMARY KEY, name TEXT)")
        other.execute("INSERT INTO photos(name) VALUES('sea')")
        other.commit()


def text(path: Path) -> None:
    path.write_text("Dear diary, " * 1000)


def zeroed(path: Path) -> None:
    open_store(path)
    with path.open("r+b") as file:
        file.write(bytes(100))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (foreign, "is a database of something else; move it away or set store.url"),
        (text, "is damaged or not a Trunkline database .* move it away"),
        (zeroed, "is damaged or not a Trunkline database .* restore a backup"),
    ],
)
def test_what_is_not_ours_is_refused_and_left_as_it_was(
    path: Path, make: Callable[[Path], None], says: str
):
    make(path)
    before = path.read_bytes()
    with pytest.raises(StoreForeign, match=says):
        open_store(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_store_from_a_newer_version_is_named_and_left_as_it_was(path: Path):
    open_store(path)
    with closing(sqlite3.connect(path)) as store:
        store.execute(
            "INSERT INTO _sqlite_migrations(migration_set, name, applied_at) "
            "VALUES('trunkline', 'wings', '2030-01-01')"
        )
        store.commit()
        before = list(store.iterdump())
    with pytest.raises(StoreForeign, match=r"newer Trunkline \(it knows wings\); start that"):
        open_store(path)
    with closing(sqlite3.connect(path)) as store:
        assert list(store.iterdump()) == before


def test_damaged_pages_are_found_at_the_start(path: Path):
    """Every page in turn: it is refused in a sentence, or it is whole and nothing was in it."""
    open_store(path)
    with closing(sqlite3.connect(path)) as store:
        store.execute("PRAGMA journal_mode = DELETE")
    whole = path.read_bytes()
    size = 4096
    refused = 0
    for page in range(1, len(whole) // size):
        damaged = bytearray(whole)
        damaged[page * size : page * size + 100] = b"\xa5" * 100
        path.write_bytes(damaged)
        try:
            open_store(path)
        except StoreError as error:
            assert "damaged" in str(error)
            refused += 1
    assert refused > len(whole) // size * 0.9


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path):
    with pytest.raises(StoreError, match=r"cannot be written .* check its owner and permissions"):
        open_store(tmp_path / "missing" / "store.db")


@pytest.mark.kill
def test_a_migration_killed_at_any_statement_is_done_whole_the_next_time(tmp_path: Path):
    open_store(tmp_path / "whole.db")
    expected = tables(tmp_path / "whole.db")
    statement, killed = 0, True
    while killed:
        path = tmp_path / f"{statement}.db"
        command = [sys.executable, "-c", OPENER, str(path), str(statement)]
        code = subprocess.run(command, cwd=ROOT, check=False, timeout=60).returncode
        assert code in (0, -signal.SIGKILL)
        killed = code != 0
        open_store(path)
        assert tables(path) == expected, statement
        statement += 4
    assert statement > 30


@pytest.mark.kill
def test_a_second_process_is_refused_by_name_until_the_first_dies(tmp_path: Path):
    lock = StoreLock(tmp_path / "lock")
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "lock")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreHeld, match="in use by trunkline 9 on attic, process 4711; stop"):
            lock.take("second")
        holder.kill()
        holder.wait(10)
        lock.take("second")
        with pytest.raises(StoreHeld, match="in use by second"):
            StoreLock(tmp_path / "lock").take("third")
        lock.free()
        StoreLock(tmp_path / "lock").take("third")


@pytest.mark.kill
def test_what_was_answered_is_on_the_disk_after_a_kill(tmp_path: Path):
    """Each line is printed after its transaction was answered, and the process then killed."""
    path = tmp_path / "store.db"
    with closing(connect(path)) as connection:
        connection.execute("CREATE TABLE things(key TEXT PRIMARY KEY)")
    command = [sys.executable, "-m", "tests.contracts.writing", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline().strip() for _ in range(200)]
        os.kill(writer.pid, signal.SIGKILL)
        told += writer.stdout.read().split("\n")[:-1]
    with closing(sqlite3.connect(path)) as store:
        kept = {row[0] for row in store.execute("SELECT key FROM things")}
    assert set(told) <= kept
