"""The schema, as steps that are only ever added to. `{serial}` is a self-counting primary key."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from bot.engine.sqlite import connect, readable
from bot.errors import StoreError, StoreForeign
from bot.store.snapshot import snapshot

_SESSIONS = """
CREATE TABLE sessions(
  id TEXT PRIMARY KEY, key TEXT NOT NULL, base TEXT NOT NULL, agent TEXT NOT NULL,
  kind TEXT NOT NULL, label TEXT NOT NULL, slug TEXT, address TEXT, chat_kind TEXT,
  last_route TEXT, settings TEXT NOT NULL DEFAULT '{}', last_seq BIGINT NOT NULL DEFAULT 0,
  input_tokens BIGINT NOT NULL DEFAULT 0, output_tokens BIGINT NOT NULL DEFAULT 0,
  cost DOUBLE PRECISION, context_used BIGINT NOT NULL DEFAULT 0,
  compactions BIGINT NOT NULL DEFAULT 0, created_at DOUBLE PRECISION NOT NULL,
  updated_at DOUBLE PRECISION NOT NULL, archived_at DOUBLE PRECISION, archived_why TEXT)
"""
_ENTRIES = """
CREATE TABLE entries(
  session TEXT NOT NULL, seq BIGINT NOT NULL, role TEXT NOT NULL, run TEXT,
  at DOUBLE PRECISION NOT NULL, body TEXT NOT NULL, PRIMARY KEY(session, seq))
"""
_INBOX = """
CREATE TABLE inbox(
  id {serial}, dedupe TEXT NOT NULL UNIQUE, ref TEXT NOT NULL, lane TEXT NOT NULL,
  kind TEXT NOT NULL, state TEXT NOT NULL, run TEXT, session_key TEXT, agent TEXT,
  address TEXT NOT NULL, requester TEXT NOT NULL, rule TEXT NOT NULL, matched TEXT,
  message TEXT NOT NULL, options TEXT, tries BIGINT NOT NULL DEFAULT 0, reason TEXT,
  accepted_at DOUBLE PRECISION NOT NULL, done_at DOUBLE PRECISION)
"""
_RUNS = """
CREATE TABLE runs(
  id TEXT PRIMARY KEY, session_key TEXT NOT NULL, session TEXT, lane TEXT NOT NULL,
  agent TEXT NOT NULL, state TEXT NOT NULL, model TEXT, accepted_at DOUBLE PRECISION NOT NULL,
  started_at DOUBLE PRECISION, ended_at DOUBLE PRECISION, reply TEXT, error TEXT,
  input_tokens BIGINT, output_tokens BIGINT, cost DOUBLE PRECISION)
"""
_OUTBOX = """
CREATE TABLE outbox(
  id {serial}, run TEXT NOT NULL, part BIGINT NOT NULL, address TEXT NOT NULL,
  op TEXT NOT NULL, reply TEXT NOT NULL, state TEXT NOT NULL, ref TEXT,
  attempts BIGINT NOT NULL DEFAULT 0, next_at DOUBLE PRECISION NOT NULL, error TEXT,
  again BIGINT NOT NULL DEFAULT 0, created_at DOUBLE PRECISION NOT NULL,
  sent_at DOUBLE PRECISION, UNIQUE(run, part))
"""
_CALLS = """
CREATE TABLE calls(
  run TEXT NOT NULL, call TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
  started_at DOUBLE PRECISION NOT NULL, ended_at DOUBLE PRECISION, PRIMARY KEY(run, call))
"""
_PAIRINGS = """
CREATE TABLE pairings(
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, channel TEXT NOT NULL, account TEXT NOT NULL,
  author TEXT NOT NULL, person TEXT NOT NULL, code TEXT NOT NULL, address TEXT NOT NULL,
  state TEXT NOT NULL, created_at DOUBLE PRECISION NOT NULL,
  expires_at DOUBLE PRECISION NOT NULL)
"""
_PEOPLE = """
CREATE TABLE people(
  account TEXT NOT NULL, author TEXT NOT NULL, person TEXT NOT NULL,
  granted_at DOUBLE PRECISION NOT NULL, PRIMARY KEY(account, author))
"""
_QUARANTINE = """
CREATE TABLE quarantine(
  id {serial}, account TEXT NOT NULL, reason TEXT NOT NULL, raw TEXT NOT NULL,
  at DOUBLE PRECISION NOT NULL)
"""
_APPROVALS = """
CREATE TABLE approvals(
  id TEXT PRIMARY KEY, code TEXT NOT NULL, run TEXT NOT NULL, call TEXT NOT NULL,
  tool TEXT NOT NULL, command TEXT NOT NULL, cwd TEXT, session TEXT NOT NULL,
  session_key TEXT NOT NULL, agent TEXT NOT NULL, requester TEXT NOT NULL, reason TEXT NOT NULL,
  digest TEXT NOT NULL, remember TEXT NOT NULL, cards TEXT NOT NULL, state TEXT NOT NULL,
  decision TEXT, decided_by TEXT, created_at DOUBLE PRECISION NOT NULL,
  expires_at DOUBLE PRECISION NOT NULL, decided_at DOUBLE PRECISION,
  begun_at DOUBLE PRECISION, UNIQUE(run, call))
"""
_GRANTS = """
CREATE TABLE grants(
  id {serial}, agent TEXT NOT NULL, session TEXT, requester TEXT, digest TEXT, program TEXT,
  script TEXT, sha256 TEXT, set_by TEXT NOT NULL, created_at DOUBLE PRECISION NOT NULL,
  used_at DOUBLE PRECISION)
"""
_BROWSERS = """
CREATE TABLE browsers(
  hash TEXT PRIMARY KEY, created_at DOUBLE PRECISION, expires_at DOUBLE PRECISION,
  seen_at DOUBLE PRECISION, agent TEXT)
"""
_MEMORY_FILES = """
CREATE TABLE memory_files(
  agent TEXT NOT NULL, path TEXT NOT NULL, folder TEXT NOT NULL, stamp TEXT NOT NULL,
  indexed_at DOUBLE PRECISION NOT NULL, PRIMARY KEY(agent, path))
"""
_MEMORY_CHUNKS = """
CREATE TABLE memory_chunks(
  id {serial}, agent TEXT NOT NULL, path TEXT NOT NULL, folder TEXT NOT NULL,
  first_line BIGINT NOT NULL, last_line BIGINT NOT NULL, text TEXT NOT NULL, hash TEXT NOT NULL)
"""


class Each(NamedTuple):
    """A statement that the databases do not share."""

    sqlite: str
    postgres: str


# See bot/store/memory.py.
_MEMORY_WORDS = Each(
    "CREATE VIRTUAL TABLE memory_words USING fts5("
    "words, tokenize = 'porter unicode61 remove_diacritics 2')",
    "CREATE TABLE memory_words(rowid BIGINT PRIMARY KEY, words TEXT NOT NULL, "
    "terms tsvector GENERATED ALWAYS AS (to_tsvector('english', words)) STORED); "
    "CREATE INDEX memory_words_terms ON memory_words USING gin(terms)",
)
_NODES = """
CREATE TABLE nodes(
  id TEXT PRIMARY KEY, name TEXT NOT NULL, commands TEXT NOT NULL,
  granted_at DOUBLE PRECISION NOT NULL, seen_at DOUBLE PRECISION NOT NULL)
"""
_MCP_TOOLS = """
CREATE TABLE mcp_tools(
  server TEXT NOT NULL, name TEXT NOT NULL, hash TEXT, description TEXT NOT NULL,
  schema TEXT NOT NULL, new_hash TEXT, new_description TEXT, new_schema TEXT,
  at DOUBLE PRECISION NOT NULL, PRIMARY KEY(server, name))
"""

_CHILDREN = """
CREATE TABLE children(
  run TEXT PRIMARY KEY, key TEXT NOT NULL, agent TEXT NOT NULL, label TEXT NOT NULL,
  task TEXT NOT NULL, parent TEXT NOT NULL, parent_agent TEXT NOT NULL, requester TEXT NOT NULL,
  message TEXT NOT NULL, deliver_to TEXT, hops BIGINT NOT NULL, state TEXT NOT NULL, result TEXT,
  created_at DOUBLE PRECISION NOT NULL, ended_at DOUBLE PRECISION)
"""
_RESTS = """
CREATE TABLE rests(
  profile TEXT NOT NULL, model TEXT NOT NULL, until DOUBLE PRECISION NOT NULL,
  errors INTEGER NOT NULL, code TEXT NOT NULL, at DOUBLE PRECISION NOT NULL,
  PRIMARY KEY(profile, model))
"""
_PINS = """
CREATE TABLE pins(
  place TEXT PRIMARY KEY, profile TEXT NOT NULL, at DOUBLE PRECISION NOT NULL)
"""
_USAGE = """
CREATE TABLE usage(
  day TEXT NOT NULL, session_key TEXT NOT NULL, agent TEXT NOT NULL, model TEXT NOT NULL,
  runs BIGINT NOT NULL, input_tokens BIGINT NOT NULL, output_tokens BIGINT NOT NULL,
  cost DOUBLE PRECISION, unpriced BIGINT NOT NULL,
  PRIMARY KEY(day, session_key, agent, model))
"""
_TASKS = """
CREATE TABLE tasks(
  id TEXT PRIMARY KEY, agent TEXT NOT NULL, session_key TEXT NOT NULL, name TEXT NOT NULL,
  prompt TEXT NOT NULL, schedule TEXT NOT NULL, zone TEXT NOT NULL, policy TEXT NOT NULL,
  delivery TEXT NOT NULL, requester TEXT NOT NULL, asked TEXT NOT NULL, enabled BIGINT NOT NULL,
  because TEXT, next_at DOUBLE PRECISION, author TEXT NOT NULL, foreign_words TEXT,
  state TEXT NOT NULL, last_status TEXT, last_run_at DOUBLE PRECISION,
  runs BIGINT NOT NULL DEFAULT 0, made_by TEXT UNIQUE, created_at DOUBLE PRECISION NOT NULL,
  updated_at DOUBLE PRECISION NOT NULL)
"""
_TASK_RUNS = """
CREATE TABLE task_runs(
  id TEXT PRIMARY KEY, task TEXT NOT NULL, cause TEXT NOT NULL, due_at DOUBLE PRECISION NOT NULL,
  status TEXT NOT NULL, reason TEXT, strong BIGINT NOT NULL DEFAULT 0, session_key TEXT,
  model TEXT, input_tokens BIGINT, output_tokens BIGINT, cost DOUBLE PRECISION, summary TEXT,
  result TEXT, delivery TEXT NOT NULL, target TEXT, error TEXT, attempts BIGINT NOT NULL DEFAULT 0,
  created_at DOUBLE PRECISION NOT NULL, started_at DOUBLE PRECISION, ended_at DOUBLE PRECISION,
  settled_at DOUBLE PRECISION, UNIQUE(task, due_at, cause))
"""

STEPS: tuple[tuple[str, tuple[str | Each, ...]], ...] = (
    (
        "spine",
        (
            _SESSIONS,
            "CREATE UNIQUE INDEX sessions_current ON sessions(key) WHERE archived_at IS NULL",
            "CREATE INDEX sessions_base ON sessions(base)",
            "CREATE INDEX sessions_label ON sessions(agent, label)",
            "CREATE INDEX sessions_recent ON sessions(updated_at)",
            "CREATE TABLE pointers(base TEXT PRIMARY KEY, key TEXT NOT NULL)",
            "CREATE TABLE routes(place TEXT PRIMARY KEY, agent TEXT NOT NULL, "
            "set_by TEXT NOT NULL, at DOUBLE PRECISION NOT NULL)",
            "CREATE TABLE lanes(key TEXT PRIMARY KEY, epoch BIGINT NOT NULL)",
            _ENTRIES,
            _INBOX,
            "CREATE INDEX inbox_open ON inbox(lane, id) WHERE state IN ('open', 'running')",
            "CREATE INDEX inbox_requester ON inbox(requester, accepted_at)",
            "CREATE INDEX inbox_accepted ON inbox(accepted_at)",
            "CREATE INDEX inbox_run ON inbox(run)",
            "CREATE INDEX inbox_ref ON inbox(ref)",
            _RUNS,
            "CREATE INDEX runs_active ON runs(session_key) WHERE ended_at IS NULL",
            "CREATE INDEX runs_ended ON runs(ended_at)",
            _OUTBOX,
            "CREATE INDEX outbox_open ON outbox(address, id) WHERE state IN ('pending', 'sending')",
            "CREATE INDEX outbox_ref ON outbox(ref)",
            _CALLS,
            "CREATE TABLE effects(key TEXT PRIMARY KEY, result TEXT NOT NULL, "
            "at DOUBLE PRECISION NOT NULL)",
            _PAIRINGS,
            "CREATE INDEX pairings_author ON pairings(account, author, created_at)",
            _PEOPLE,
            _QUARANTINE,
            "CREATE INDEX quarantine_account ON quarantine(account)",
            _BROWSERS,
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
            _APPROVALS,
            "CREATE INDEX approvals_open ON approvals(expires_at) WHERE state = 'pending'",
            "CREATE INDEX approvals_code ON approvals(code)",
            "CREATE INDEX approvals_created ON approvals(created_at)",
            _GRANTS,
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
            _MEMORY_FILES,
            _MEMORY_CHUNKS,
            "CREATE INDEX memory_chunks_path ON memory_chunks(agent, path)",
            "CREATE INDEX memory_chunks_folder ON memory_chunks(agent, folder)",
            "CREATE INDEX memory_chunks_hash ON memory_chunks(hash)",
            _MEMORY_WORDS,
            "CREATE TABLE memory_vectors(model TEXT NOT NULL, hash TEXT NOT NULL, "
            "vector TEXT NOT NULL, PRIMARY KEY(model, hash))",
        ),
    ),
    ("nodes", (_NODES,)),
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
    ("mcp", (_MCP_TOOLS,)),
    ("profiles", (_RESTS, _PINS, _USAGE)),
    (
        "children",
        (_CHILDREN, "CREATE INDEX children_parent ON children(parent)"),
    ),
    (
        "tasks",
        (
            _TASKS,
            "CREATE INDEX tasks_due ON tasks(next_at) WHERE next_at IS NOT NULL",
            "CREATE INDEX tasks_session ON tasks(session_key)",
            "CREATE INDEX tasks_agent ON tasks(agent, next_at)",
            "CREATE INDEX tasks_requester ON tasks(requester)",
            _TASK_RUNS,
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
