"""The schema, as steps that are only ever added to, and how a store is opened with them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from bot.engine.sqlite import connect, readable
from bot.errors import StoreError, StoreForeign
from bot.store.snapshot import snapshot
from bot.store.tables import (
    APPROVALS,
    BROWSERS,
    CALLS,
    CHILDREN,
    ENTRIES,
    GRANTS,
    INBOX,
    MCP_TOOLS,
    MEMORY_CHUNKS,
    MEMORY_FILES,
    MEMORY_WORDS,
    NODES,
    OUTBOX,
    PAIRINGS,
    PEOPLE,
    PINS,
    QUARANTINE,
    RESTS,
    RUNS,
    SESSIONS,
    TASK_RUNS,
    TASKS,
    USAGE,
    Each,
)

STEPS: tuple[tuple[str, tuple[str | Each, ...]], ...] = (
    (
        "spine",
        (
            SESSIONS,
            "CREATE UNIQUE INDEX sessions_current ON sessions(key) WHERE archived_at IS NULL",
            "CREATE INDEX sessions_base ON sessions(base)",
            "CREATE INDEX sessions_label ON sessions(agent, label)",
            "CREATE INDEX sessions_recent ON sessions(updated_at)",
            "CREATE TABLE pointers(base TEXT PRIMARY KEY, key TEXT NOT NULL)",
            "CREATE TABLE routes(place TEXT PRIMARY KEY, agent TEXT NOT NULL, "
            "set_by TEXT NOT NULL, at DOUBLE PRECISION NOT NULL)",
            "CREATE TABLE lanes(key TEXT PRIMARY KEY, epoch BIGINT NOT NULL)",
            ENTRIES,
            INBOX,
            "CREATE INDEX inbox_open ON inbox(lane, id) WHERE state IN ('open', 'running')",
            "CREATE INDEX inbox_requester ON inbox(requester, accepted_at)",
            "CREATE INDEX inbox_accepted ON inbox(accepted_at)",
            "CREATE INDEX inbox_run ON inbox(run)",
            "CREATE INDEX inbox_ref ON inbox(ref)",
            RUNS,
            "CREATE INDEX runs_active ON runs(session_key) WHERE ended_at IS NULL",
            "CREATE INDEX runs_ended ON runs(ended_at)",
            OUTBOX,
            "CREATE INDEX outbox_open ON outbox(address, id) WHERE state IN ('pending', 'sending')",
            "CREATE INDEX outbox_ref ON outbox(ref)",
            CALLS,
            "CREATE TABLE effects(key TEXT PRIMARY KEY, result TEXT NOT NULL, "
            "at DOUBLE PRECISION NOT NULL)",
            PAIRINGS,
            "CREATE INDEX pairings_author ON pairings(account, author, created_at)",
            PEOPLE,
            QUARANTINE,
            "CREATE INDEX quarantine_account ON quarantine(account)",
            BROWSERS,
            "CREATE TABLE marks(name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        ),
    ),
    (
        "overheard",
        ("CREATE INDEX inbox_overheard ON inbox(address, id) WHERE state = 'overheard'",),
    ),
    (
        "noted",
        ("CREATE INDEX inbox_noted ON inbox(session_key, id) WHERE state = 'noted'",),
    ),
    (
        "approvals",
        (
            APPROVALS,
            "CREATE INDEX approvals_open ON approvals(expires_at) WHERE state = 'pending'",
            "CREATE INDEX approvals_code ON approvals(code)",
            "CREATE INDEX approvals_created ON approvals(created_at)",
            GRANTS,
            "CREATE INDEX grants_agent ON grants(agent)",
            "CREATE INDEX grants_session ON grants(session) WHERE session IS NOT NULL",
        ),
    ),
    (
        "joined",
        (
            "ALTER TABLE runs ADD COLUMN joined TEXT",
            "CREATE INDEX inbox_dropped ON inbox(lane, id) WHERE state = 'dropped'",
        ),
    ),
    (
        "blocks",
        ("ALTER TABLE outbox ADD COLUMN block TEXT",),
    ),
    (
        "memory",
        (
            MEMORY_FILES,
            MEMORY_CHUNKS,
            "CREATE INDEX memory_chunks_path ON memory_chunks(agent, path)",
            "CREATE INDEX memory_chunks_folder ON memory_chunks(agent, folder)",
            "CREATE INDEX memory_chunks_hash ON memory_chunks(hash)",
            MEMORY_WORDS,
            "CREATE TABLE memory_vectors(model TEXT NOT NULL, hash TEXT NOT NULL, "
            "vector TEXT NOT NULL, PRIMARY KEY(model, hash))",
        ),
    ),
    ("nodes", (NODES,)),
    # Every index is one more page in each commit: those that no question needs are gone, and the
    # others leave out the rows that it does not look for.
    (
        "lean",
        (
            "DROP INDEX sessions_recent",
            "DROP INDEX inbox_run",
            "DROP INDEX outbox_ref",
            "CREATE INDEX outbox_ref ON outbox(ref) WHERE ref IS NOT NULL",
            "DROP INDEX runs_ended",
            "CREATE INDEX runs_ended ON runs(ended_at) WHERE ended_at IS NOT NULL",
        ),
    ),
    ("mcp", (MCP_TOOLS,)),
    ("profiles", (RESTS, PINS, USAGE)),
    (
        "children",
        (CHILDREN, "CREATE INDEX children_parent ON children(parent)"),
    ),
    (
        "tasks",
        (
            TASKS,
            "CREATE INDEX tasks_due ON tasks(next_at) WHERE next_at IS NOT NULL",
            "CREATE INDEX tasks_session ON tasks(session_key)",
            "CREATE INDEX tasks_agent ON tasks(agent, next_at)",
            "CREATE INDEX tasks_requester ON tasks(requester)",
            TASK_RUNS,
            "CREATE INDEX task_runs_task ON task_runs(task, created_at)",
            "CREATE INDEX task_runs_open ON task_runs(task) WHERE settled_at IS NULL",
            "CREATE INDEX sessions_of_runs ON sessions(updated_at) WHERE kind = 'task'",
            "CREATE TABLE zones(person TEXT PRIMARY KEY, zone TEXT NOT NULL)",
        ),
    ),
    (
        "task deliveries",
        (
            "ALTER TABLE task_runs ADD COLUMN retry_at DOUBLE PRECISION",
            "ALTER TABLE task_runs ADD COLUMN alerted_at DOUBLE PRECISION",
            "CREATE INDEX task_runs_untold ON task_runs(task) WHERE delivery = 'unknown'",
            "CREATE INDEX task_runs_lost ON task_runs(task) WHERE delivery = 'not-delivered'",
        ),
    ),
    # What the plots of a week are made of; both are set by updates that were there before.
    (
        "figures",
        (
            "ALTER TABLE runs ADD COLUMN first_at DOUBLE PRECISION",
            "ALTER TABLE calls ADD COLUMN failed BIGINT",
        ),
    ),
    # What was there before counts as read: nothing of it is news.
    (
        "session marks",
        (
            "CREATE TABLE session_marks(key TEXT PRIMARY KEY, pinned BIGINT NOT NULL DEFAULT 0, "
            "archived BIGINT NOT NULL DEFAULT 0, read_at DOUBLE PRECISION)",
            "INSERT INTO session_marks(key, read_at) "
            "SELECT key, updated_at FROM sessions WHERE archived_at IS NULL",
        ),
    ),
    (
        "slowdowns",
        (
            "CREATE TABLE slowdowns(id {serial}, at DOUBLE PRECISION NOT NULL, "
            "kind TEXT NOT NULL, name TEXT NOT NULL, wait DOUBLE PRECISION NOT NULL)",
            "CREATE INDEX slowdowns_at ON slowdowns(at)",
        ),
    ),
    # What read whole tables once a minute or for a send; and the one index that an update of each
    # message changed, so that PostgreSQL had to write anew all the others of its row.
    (
        "large",
        (
            "DROP INDEX sessions_of_runs",
            "CREATE INDEX sessions_of_runs ON sessions(created_at) WHERE kind = 'task'",
            "CREATE INDEX sessions_address ON sessions(address) WHERE chat_kind IS NOT NULL",
            "CREATE INDEX sessions_route ON sessions(last_route) WHERE chat_kind IS NOT NULL",
            "CREATE INDEX outbox_sent ON outbox(sent_at) WHERE sent_at IS NOT NULL",
            "CREATE INDEX calls_ended ON calls(ended_at) WHERE ended_at IS NOT NULL",
            "CREATE INDEX effects_at ON effects(at)",
        ),
    ),
)

_SERIAL = "INTEGER PRIMARY KEY AUTOINCREMENT"
KNOWN = {name for name, _ in STEPS}


def open_store(path: Path) -> None:
    """Create or upgrade a SQLite store; all steps that are missing are one transaction.

    One that is upgraded is copied first, to a file named `<name>.before-upgrade`. Raises
    StoreForeign for a file that is not ours, is damaged, or is from a newer version.
    """
    migrations = Migrations("trunkline")
    for name, statements in STEPS:
        migrations(name=name)(_step(statements))
    if path.exists() and path.stat().st_size:
        # Only looked at: even opening it for writing would change a file that is not ours.
        with _opened(path, read_only=True) as database:
            _refuse_foreign(path, database, migrations)
    with _opened(path) as database:
        if migrations.pending(database):
            if migrations.applied(database):
                snapshot(path, path.with_name(path.name + ".before-upgrade"))
            with database.atomic():
                migrations.apply(database)


def steps_of(store: sqlite3.Connection) -> list[str]:
    """The steps that were applied to a SQLite store, in their order."""
    migrations = Migrations("trunkline")
    return [one.name for one in migrations.applied(Database(store))]


@contextmanager
def _opened(path: Path, *, read_only: bool = False) -> Iterator[Database]:
    connection = connect(path, read_only=read_only)
    try:
        yield Database(connection)
    except sqlite3.Error as error:
        raise readable(error, path) from error
    finally:
        connection.close()


def _refuse_foreign(path: Path, database: Database, migrations: Migrations) -> None:
    tables, record = set(database.table_names()), str(migrations.migrations_table)
    known = "SELECT name FROM [{}] WHERE migration_set = ?"
    rows = database.query(known.format(record), [migrations.name]) if record in tables else ()
    applied = {row["name"] for row in rows}
    if tables and not applied and tables != {record}:
        raise StoreForeign(
            f"{path} is a database of something else; move it away or set store.url to another file"
        )
    if newer := applied - KNOWN:
        raise StoreForeign(
            f"{path} was written by a newer Trunkline (it knows {', '.join(sorted(newer))}); "
            "start that version, or restore an older backup into a fresh directory"
        )
    problem = next(iter(database.query("PRAGMA quick_check(1)"))) if applied else None
    if problem and problem["quick_check"] != "ok":
        raise StoreError(f"{path} is damaged: {problem['quick_check']}; restore a backup")


def _step(statements: tuple[str | Each, ...]) -> Callable[[Database], None]:
    return partial(run_step, statements)


def run_step(statements: tuple[str | Each, ...], database: Database) -> None:
    """Run a step's statements as SQLite wants them."""
    for statement in statements:
        text = statement if isinstance(statement, str) else statement.sqlite
        database.execute(text.replace("{serial}", _SERIAL))
