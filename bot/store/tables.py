"""Tables as the steps of `migrations` make them. `{serial}` is a self-counting primary key."""

from __future__ import annotations

from typing import NamedTuple

SESSIONS = """
CREATE TABLE sessions(
  id TEXT PRIMARY KEY, key TEXT NOT NULL, base TEXT NOT NULL, agent TEXT NOT NULL,
  kind TEXT NOT NULL, label TEXT NOT NULL, slug TEXT, address TEXT, chat_kind TEXT,
  last_route TEXT, settings TEXT NOT NULL DEFAULT '{}', last_seq BIGINT NOT NULL DEFAULT 0,
  input_tokens BIGINT NOT NULL DEFAULT 0, output_tokens BIGINT NOT NULL DEFAULT 0,
  cost DOUBLE PRECISION, context_used BIGINT NOT NULL DEFAULT 0,
  compactions BIGINT NOT NULL DEFAULT 0, created_at DOUBLE PRECISION NOT NULL,
  updated_at DOUBLE PRECISION NOT NULL, archived_at DOUBLE PRECISION, archived_why TEXT)
"""
ENTRIES = """
CREATE TABLE entries(
  session TEXT NOT NULL, seq BIGINT NOT NULL, role TEXT NOT NULL, run TEXT,
  at DOUBLE PRECISION NOT NULL, body TEXT NOT NULL, PRIMARY KEY(session, seq))
"""
INBOX = """
CREATE TABLE inbox(
  id {serial}, dedupe TEXT NOT NULL UNIQUE, ref TEXT NOT NULL, lane TEXT NOT NULL,
  kind TEXT NOT NULL, state TEXT NOT NULL, run TEXT, session_key TEXT, agent TEXT,
  address TEXT NOT NULL, requester TEXT NOT NULL, rule TEXT NOT NULL, matched TEXT,
  message TEXT NOT NULL, options TEXT, tries BIGINT NOT NULL DEFAULT 0, reason TEXT,
  accepted_at DOUBLE PRECISION NOT NULL, done_at DOUBLE PRECISION)
"""
RUNS = """
CREATE TABLE runs(
  id TEXT PRIMARY KEY, session_key TEXT NOT NULL, session TEXT, lane TEXT NOT NULL,
  agent TEXT NOT NULL, state TEXT NOT NULL, model TEXT, accepted_at DOUBLE PRECISION NOT NULL,
  started_at DOUBLE PRECISION, ended_at DOUBLE PRECISION, reply TEXT, error TEXT,
  input_tokens BIGINT, output_tokens BIGINT, cost DOUBLE PRECISION)
"""
OUTBOX = """
CREATE TABLE outbox(
  id {serial}, run TEXT NOT NULL, part BIGINT NOT NULL, address TEXT NOT NULL,
  op TEXT NOT NULL, reply TEXT NOT NULL, state TEXT NOT NULL, ref TEXT,
  attempts BIGINT NOT NULL DEFAULT 0, next_at DOUBLE PRECISION NOT NULL, error TEXT,
  again BIGINT NOT NULL DEFAULT 0, created_at DOUBLE PRECISION NOT NULL,
  sent_at DOUBLE PRECISION, UNIQUE(run, part))
"""
CALLS = """
CREATE TABLE calls(
  run TEXT NOT NULL, call TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
  started_at DOUBLE PRECISION NOT NULL, ended_at DOUBLE PRECISION, PRIMARY KEY(run, call))
"""
PAIRINGS = """
CREATE TABLE pairings(
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, channel TEXT NOT NULL, account TEXT NOT NULL,
  author TEXT NOT NULL, person TEXT NOT NULL, code TEXT NOT NULL, address TEXT NOT NULL,
  state TEXT NOT NULL, created_at DOUBLE PRECISION NOT NULL,
  expires_at DOUBLE PRECISION NOT NULL)
"""
PEOPLE = """
CREATE TABLE people(
  account TEXT NOT NULL, author TEXT NOT NULL, person TEXT NOT NULL,
  granted_at DOUBLE PRECISION NOT NULL, PRIMARY KEY(account, author))
"""
QUARANTINE = """
CREATE TABLE quarantine(
  id {serial}, account TEXT NOT NULL, reason TEXT NOT NULL, raw TEXT NOT NULL,
  at DOUBLE PRECISION NOT NULL)
"""
APPROVALS = """
CREATE TABLE approvals(
  id TEXT PRIMARY KEY, code TEXT NOT NULL, run TEXT NOT NULL, call TEXT NOT NULL,
  tool TEXT NOT NULL, command TEXT NOT NULL, cwd TEXT, session TEXT NOT NULL,
  session_key TEXT NOT NULL, agent TEXT NOT NULL, requester TEXT NOT NULL, reason TEXT NOT NULL,
  digest TEXT NOT NULL, remember TEXT NOT NULL, cards TEXT NOT NULL, state TEXT NOT NULL,
  decision TEXT, decided_by TEXT, created_at DOUBLE PRECISION NOT NULL,
  expires_at DOUBLE PRECISION NOT NULL, decided_at DOUBLE PRECISION,
  begun_at DOUBLE PRECISION, UNIQUE(run, call))
"""
GRANTS = """
CREATE TABLE grants(
  id {serial}, agent TEXT NOT NULL, session TEXT, requester TEXT, digest TEXT, program TEXT,
  script TEXT, sha256 TEXT, set_by TEXT NOT NULL, created_at DOUBLE PRECISION NOT NULL,
  used_at DOUBLE PRECISION)
"""
BROWSERS = """
CREATE TABLE browsers(
  hash TEXT PRIMARY KEY, created_at DOUBLE PRECISION, expires_at DOUBLE PRECISION,
  seen_at DOUBLE PRECISION, agent TEXT)
"""
MEMORY_FILES = """
CREATE TABLE memory_files(
  agent TEXT NOT NULL, path TEXT NOT NULL, folder TEXT NOT NULL, stamp TEXT NOT NULL,
  indexed_at DOUBLE PRECISION NOT NULL, PRIMARY KEY(agent, path))
"""
MEMORY_CHUNKS = """
CREATE TABLE memory_chunks(
  id {serial}, agent TEXT NOT NULL, path TEXT NOT NULL, folder TEXT NOT NULL,
  first_line BIGINT NOT NULL, last_line BIGINT NOT NULL, text TEXT NOT NULL, hash TEXT NOT NULL)
"""


class Each(NamedTuple):
    """A statement that the databases do not share."""

    sqlite: str
    postgres: str


# See bot/store/memory.py.
MEMORY_WORDS = Each(
    "CREATE VIRTUAL TABLE memory_words USING fts5("
    "words, tokenize = 'porter unicode61 remove_diacritics 2')",
    "CREATE TABLE memory_words(rowid BIGINT PRIMARY KEY, words TEXT NOT NULL, "
    "terms tsvector GENERATED ALWAYS AS (to_tsvector('english', words)) STORED); "
    "CREATE INDEX memory_words_terms ON memory_words USING gin(terms)",
)
NODES = """
CREATE TABLE nodes(
  id TEXT PRIMARY KEY, name TEXT NOT NULL, commands TEXT NOT NULL,
  granted_at DOUBLE PRECISION NOT NULL, seen_at DOUBLE PRECISION NOT NULL)
"""
MCP_TOOLS = """
CREATE TABLE mcp_tools(
  server TEXT NOT NULL, name TEXT NOT NULL, hash TEXT, description TEXT NOT NULL,
  schema TEXT NOT NULL, new_hash TEXT, new_description TEXT, new_schema TEXT,
  at DOUBLE PRECISION NOT NULL, PRIMARY KEY(server, name))
"""

CHILDREN = """
CREATE TABLE children(
  run TEXT PRIMARY KEY, key TEXT NOT NULL, agent TEXT NOT NULL, label TEXT NOT NULL,
  task TEXT NOT NULL, parent TEXT NOT NULL, parent_agent TEXT NOT NULL, requester TEXT NOT NULL,
  message TEXT NOT NULL, deliver_to TEXT, hops BIGINT NOT NULL, state TEXT NOT NULL, result TEXT,
  created_at DOUBLE PRECISION NOT NULL, ended_at DOUBLE PRECISION)
"""
RESTS = """
CREATE TABLE rests(
  profile TEXT NOT NULL, model TEXT NOT NULL, until DOUBLE PRECISION NOT NULL,
  errors INTEGER NOT NULL, code TEXT NOT NULL, at DOUBLE PRECISION NOT NULL,
  PRIMARY KEY(profile, model))
"""
PINS = """
CREATE TABLE pins(
  place TEXT PRIMARY KEY, profile TEXT NOT NULL, at DOUBLE PRECISION NOT NULL)
"""
USAGE = """
CREATE TABLE usage(
  day TEXT NOT NULL, session_key TEXT NOT NULL, agent TEXT NOT NULL, model TEXT NOT NULL,
  runs BIGINT NOT NULL, input_tokens BIGINT NOT NULL, output_tokens BIGINT NOT NULL,
  cost DOUBLE PRECISION, unpriced BIGINT NOT NULL,
  PRIMARY KEY(day, session_key, agent, model))
"""
TASKS = """
CREATE TABLE tasks(
  id TEXT PRIMARY KEY, agent TEXT NOT NULL, session_key TEXT NOT NULL, name TEXT NOT NULL,
  prompt TEXT NOT NULL, schedule TEXT NOT NULL, zone TEXT NOT NULL, policy TEXT NOT NULL,
  delivery TEXT NOT NULL, requester TEXT NOT NULL, asked TEXT NOT NULL, enabled BIGINT NOT NULL,
  because TEXT, next_at DOUBLE PRECISION, author TEXT NOT NULL, foreign_words TEXT,
  state TEXT NOT NULL, last_status TEXT, last_run_at DOUBLE PRECISION,
  runs BIGINT NOT NULL DEFAULT 0, made_by TEXT UNIQUE, created_at DOUBLE PRECISION NOT NULL,
  updated_at DOUBLE PRECISION NOT NULL)
"""
TASK_RUNS = """
CREATE TABLE task_runs(
  id TEXT PRIMARY KEY, task TEXT NOT NULL, cause TEXT NOT NULL, due_at DOUBLE PRECISION NOT NULL,
  status TEXT NOT NULL, reason TEXT, strong BIGINT NOT NULL DEFAULT 0, session_key TEXT,
  model TEXT, input_tokens BIGINT, output_tokens BIGINT, cost DOUBLE PRECISION, summary TEXT,
  result TEXT, delivery TEXT NOT NULL, target TEXT, error TEXT, attempts BIGINT NOT NULL DEFAULT 0,
  created_at DOUBLE PRECISION NOT NULL, started_at DOUBLE PRECISION, ended_at DOUBLE PRECISION,
  settled_at DOUBLE PRECISION, UNIQUE(task, due_at, cause))
"""
