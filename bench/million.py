"""A store of a million sessions and a thousand workers, and what limits it first.

Fills a PostgreSQL of its own, on the real schema, then plays the product's own scripts and jobs
(`bench/crowd.py`), then asks the rare questions, and prints what each statement cost.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from typing import Any, cast

import psycopg
from psycopg.rows import tuple_row

from bench.cluster import quantile
from bench.crowd import ACCOUNT, AGENT, ANSWER, CHANNEL, Crowd, Spent, said
from bot.codec import stored_message
from bot.contract import Address
from bot.engine.jobs import rescue, stalled
from bot.store import entries, inbox, outbox, sessions, tasks, upkeep
from bot.store.shared import open_shared
from tests.contracts.postgres_kit import Server, named, run

SETTINGS = (
    "-c shared_preload_libraries=pg_stat_statements -c shared_buffers=1GB -c max_wal_size=8GB "
    "-c checkpoint_timeout=15min -c track_io_timing=on -c autovacuum_naptime=10s"
)
DAY = 86_400.0
_WAITING = "(n %% 100 = 0)"  # sessions with a message that waits
_PLACE = f"'{CHANNEL}:{ACCOUNT}:' || n"
_KEY = f"'agent:{AGENT}:{CHANNEL}:direct:' || n"
# Each for the sessions `n` from 1 to as many as there are, by times within the last week.
_FILL = {
    "sessions": f"INSERT INTO sessions(id, key, base, agent, kind, label, address, chat_kind, "
    f"last_route, last_seq, created_at, updated_at) SELECT 's' || n, {_KEY}, {_KEY}, '{AGENT}', "
    f"'direct', 'Person ' || n, {_PLACE}, 'direct', {_PLACE}, %(lines)s, at, at",
    "lanes": f"INSERT INTO lanes(key, epoch) SELECT {_KEY}, 2",
    "entries": "INSERT INTO entries(session, seq, role, run, at, body) SELECT 's' || n, line, "
    "CASE line %% 2 WHEN 1 THEN 'user' ELSE 'assistant' END, 'r' || n || '-' || line, at, "
    "json_build_object('text', %(answer)s::text)::text",
    "runs": f"INSERT INTO runs(id, session_key, session, lane, agent, state, accepted_at, "
    f"started_at, ended_at, reply) SELECT 'r' || n, {_KEY}, 's' || n, {_KEY}, '{AGENT}', "
    f"CASE WHEN {_WAITING} THEN 'queued' ELSE 'ok' END, at, at, "
    f"CASE WHEN {_WAITING} THEN NULL ELSE at + 3 END, %(answer)s",
    "inbox": f"INSERT INTO inbox(dedupe, ref, lane, kind, state, run, session_key, agent, address, "
    f"requester, rule, message, accepted_at, done_at) SELECT 'd' || n, 'f' || n, {_KEY}, 'prompt', "
    f"CASE WHEN {_WAITING} THEN 'open' ELSE 'done' END, 'r' || n, {_KEY}, '{AGENT}', {_PLACE}, "
    f"'{ACCOUNT}:' || n, 'dm', replace(%(message)s, '4711', n::text), at, at + 3",
    "outbox": f"INSERT INTO outbox(run, part, address, op, reply, state, ref, next_at, created_at, "
    f"sent_at) SELECT 'r' || n, 0, {_PLACE}, 'send', json_build_object('text', %(answer)s::text)"
    f"::text, 'sent', 't' || n, at, at, at + 3",
    "effects": "INSERT INTO effects(key, result, at) SELECT 'e' || n, 'true', at",
}
_FROM = (
    " FROM (SELECT n, %(now)s - (n::bigint * 7919 %% 604800) AS at "
    "FROM generate_series(1, %(sessions)s) n) AS people"
)
# What waits for its time, what waits behind work of its key, and what is at work.
_JOBS = (
    "INSERT INTO procrastinate_workers(kinds) SELECT '{{lane,out,sched,told}}' "
    "FROM generate_series(1, {workers})",
    "INSERT INTO procrastinate_jobs(queue_name, task_name, queueing_lock, args, scheduled_at) "
    "SELECT 'sched', 'later', 'sched later' || n, '{{\"kind\": \"sched\", \"key\": \"clock\"}}', "
    "now() + interval '1 day' FROM generate_series(1, {later}) n",
    "INSERT INTO procrastinate_jobs(queue_name, task_name, lock, args, status, worker_id) "
    "SELECT 'lane', 'now', 'lane busy' || n, '{{}}', 'doing', 1 + n % {workers} "
    "FROM generate_series(1, {busy}) n",
    "INSERT INTO procrastinate_jobs(queue_name, task_name, lock, queueing_lock, args) "
    "SELECT 'lane', 'now', 'lane busy' || n, 'lane busy' || n, '{{}}' "
    "FROM generate_series(1, {busy} / 5) n",
    "UPDATE procrastinate_workers SET last_heartbeat = now() + interval '1 day'",
)
_SIZES = """
SELECT relname, n_live_tup, pg_table_size(relid) >> 20, pg_indexes_size(relid) >> 20, n_dead_tup,
  autovacuum_count, n_tup_upd, n_tup_hot_upd, seq_scan, n_tup_ins
FROM pg_stat_user_tables WHERE pg_total_relation_size(relid) > 1000000
ORDER BY pg_total_relation_size(relid) DESC
"""
_SERVER = """
SELECT calls, mean_exec_time, rows::float / calls, shared_blks_hit::float / calls,
  shared_blks_read::float / calls, shared_blks_dirtied::float / calls,
  regexp_replace(left(query, 100), '\\s+', ' ', 'g')
FROM pg_stat_statements WHERE calls > 20 AND query NOT LIKE '%%pg_stat%%'
  AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY total_exec_time DESC LIMIT 24
"""
_INDEXES = """
SELECT indexrelname, pg_relation_size(indexrelid) >> 20, idx_scan FROM pg_stat_user_indexes
WHERE pg_relation_size(indexrelid) > 5000000 ORDER BY 2 DESC
"""


class Store:
    """A database on the real schema, filled."""

    def __init__(self, url: str, number: int, lines: int) -> None:
        self.url = url
        self.number = number
        self._lines = lines

    def ask(self, text: str, params: Any = None) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True, row_factory=tuple_row) as connection:
            connection.execute("SET synchronous_commit = off")
            asked = connection.execute(cast(Any, text), params)
            return asked.fetchall() if asked.description else []

    def fill(self, workers: int) -> None:
        open_shared(self.url)
        message = json.dumps(stored_message(said(4711, 4711)))
        values = {
            "now": time.time(),
            "sessions": self.number,
            "answer": ANSWER[:250],
            "message": message,
        }
        for table, text in _FILL.items():
            began = time.monotonic()
            lines = " CROSS JOIN generate_series(1, %(lines)s) line" if table == "entries" else ""
            given = {**values, "lines": self._lines}
            self.ask(text + _FROM + lines, given)
            print(f"  {table} filled in {time.monotonic() - began:.0f} s", flush=True)
        counts = {"workers": workers, "later": self.number // 10, "busy": 5 * workers}
        for text in _JOBS:
            self.ask(text.format(**counts))
        self.ask("VACUUM ANALYZE")
        self.ask("CHECKPOINT")


def play(url: str, sessions: int, workers: range, seed: int, seconds: float, group: int) -> Spent:
    """In a process of its own."""
    with closing(Crowd(url, sessions, workers, seed)) as one:
        return one.play(seconds, group)


def crowd(store: Store, workers: int, seconds: float, processes: int, group: int) -> list[str]:
    """All workers, shared among a few processes."""
    before = {row[0]: row[9] for row in store.ask(_SIZES)}
    store.ask("SELECT pg_stat_statements_reset()")
    wal = store.ask("SELECT pg_current_wal_lsn()")[0][0]
    share = workers // processes
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        asked = [
            pool.submit(
                play, store.url, store.number, range(n * share + 1, (n + 1) * share + 1), n + 1,
                seconds, group,
            )
            for n in range(processes)
        ]  # fmt: skip
        found = [one.result() for one in asked]
    counts = {name: sum(one.counts[name] for one in found) for name in found[0].counts}
    time.sleep(2)
    written = store.ask("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s)", [wal])[0][0]
    made = {row[0]: row[9] - before.get(row[0], 0) for row in store.ask(_SIZES)}
    rows = sum(number for name, number in made.items() if not name.startswith("procrastinate"))
    messages = counts["messages"]
    return [
        f"{workers} workers in {processes} processes, {group} messages to a transaction, "
        f"{seconds:.0f} s: {messages / seconds:.0f} messages, "
        f"{counts['turns'] / seconds:.0f} turns, "
        f"{counts['jobs'] / seconds:.0f} jobs per second; {rows / messages:.1f} rows and "
        f"{float(written) / messages / 1024:.1f} KiB of WAL per message, "
        f"{rows / seconds * DAY / 1e6:.0f} million rows per day",
        *timed(found),
    ]


def timed(found: list[Spent]) -> list[str]:
    """What the statements took, as the processes saw it."""
    times: dict[str, list[float]] = {}
    for one in found:
        for text, values in one.times.items():
            times.setdefault(" ".join(text.split())[:100], []).extend(values)
    order = sorted(times, key=lambda text: -sum(times[text]))[:24]
    return ["  calls   mean    p95 ms (as the process sees it)"] + [
        f"{len(times[text]):7} {statistics.fmean(times[text]) * 1000:6.2f} "
        f"{quantile(times[text], 0.95) * 1000:6.2f}  {text}"
        for text in order
    ]


def rare(store: Store) -> list[str]:
    """What is asked now and then, three times each; the plan of the slowest statement of each."""
    with closing(Crowd(store.url, store.number, range(1, 2), 99)) as asking:
        return ask_rarely(store, asking)


def ask_rarely(store: Store, crowd: Crowd) -> list[str]:
    now, number = time.time(), store.number
    questions: dict[str, Any] = {
        "the minute's sweep": lambda: crowd.write([upkeep.sweep(now)]),
        "the newest 50 sessions": lambda: crowd.read(sessions.listing(50)),
        "the newest 50 of an agent": lambda: crowd.read(sessions.listing(50, AGENT)),
        "kind of a conversation": lambda: crowd.read(
            sessions.kind_at(Address(CHANNEL, ACCOUNT, str(number + 1)))
        ),
        "the last 100 lines": lambda: crowd.read(entries.tail(f"s{number // 2}", 100)),
        "what somebody said last": lambda: crowd.read(
            inbox.last_of(f"{ACCOUNT}:{number // 2}", Address(CHANNEL, ACCOUNT, str(number // 2)))
        ),
        "who has a message of this id": lambda: crowd.read(outbox.by_ref(f"t{number // 2}")),
        "how much waits": lambda: crowd.read(upkeep.counts()),
        "a free label": lambda: crowd.read(sessions.free_label(AGENT, "Person 7")),
        "has a dead worker jobs": lambda: crowd.read(stalled()),
        "rescue": lambda: crowd.write([rescue()]),
        "the schedule's clock": lambda: crowd.read(tasks.get("none")),
    }
    lines = ["rare questions (ms, three times):"]
    for name, question in questions.items():
        crowd.spent.times.clear()
        crowd.spent.worst.clear()
        took = []
        for _ in range(3):
            began = time.perf_counter()
            question()
            took.append((time.perf_counter() - began) * 1000)
        lines.append(f"  {name}: {', '.join(f'{one:.1f}' for one in took)}")
        asked = [one for one in crowd.spent.worst.items() if not one[0].startswith("(")]
        slow = max(asked, key=lambda one: one[1][0])
        if min(took) > 20:
            lines += plan(store, slow[0], slow[1][1])
    return lines


def plan(store: Store, text: str, params: tuple[Any, ...]) -> list[str]:
    """How a statement was done, without its effect."""
    cursor = psycopg.RawCursor
    with psycopg.connect(store.url, cursor_factory=cursor) as connection:
        try:
            found = connection.execute(cast(Any, f"EXPLAIN (ANALYZE, BUFFERS) {text}"), params)
            return [f"    {row[0]}" for row in found.fetchall()[:14]]
        except psycopg.Error:
            return [f"    {text[:120]}"]
        finally:
            connection.rollback()


def told(store: Store, listeners: int, seconds: float = 2.0) -> str:
    """How many notifications one connection can make while so many listen."""
    ears = [psycopg.connect(store.url, autocommit=True) for _ in range(listeners)]
    for ear in ears:
        ear.execute("LISTEN bench")
    with psycopg.connect(store.url, autocommit=True) as mouth:
        began, count = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            mouth.execute("SELECT pg_notify('bench', %s)", [f"{count} {'x' * 200}"])
            count += 1
        rate = count / (time.monotonic() - began)
        usage = float((mouth.execute("SELECT pg_notification_queue_usage()").fetchone() or [0])[0])
    for ear in ears:
        ear.close()
    return f"notifications per second, {listeners} listening: {rate:.0f}; queue used {usage:.6f}"


def report(store: Store) -> list[str]:
    lines = ["  calls  mean ms  rows    hit   read  dirty per call (as the server saw it)"]
    for calls, mean, rows, hit, read, dirty, text in store.ask(_SERVER):
        lines.append(
            f"{calls:7} {mean:8.3f} {rows:5.1f} {hit:6.1f} {read:6.2f} {dirty:6.2f}  {text}"
        )
    lines.append("tables: rows, MiB, MiB of indexes, dead, vacuumed, updates, of them HOT, scans")
    lines += [f"  {row[0]}: {', '.join(map(str, row[1:9]))}" for row in store.ask(_SIZES)]
    lines.append("indexes: MiB, scans")
    lines += [f"  {name}: {size}, {scans}" for name, size, scans in store.ask(_INDEXES)]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.million", description=__doc__)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=1_000)
    parser.add_argument("--lines", type=int, default=4, help="lines of each transcript")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each crowd")
    parser.add_argument("--listeners", type=int, nargs="*", default=[1, 50, 150])
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    server = Server(SETTINGS)
    run(server.url, "CREATE DATABASE million")
    store = Store(named(server.url, "million"), given.sessions, given.lines)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} when it began", flush=True)
    try:
        store.fill(given.workers)
        store.ask("CREATE EXTENSION pg_stat_statements")
        for processes, group in ((1, 1), (4, 1), (4, 8)):
            print(*crowd(store, given.workers, given.seconds, processes, group), sep="\n")
            print(f"  (load {os.getloadavg()[0]:.1f})", flush=True)
        print(*report(store), *rare(store), sep="\n", flush=True)
        print(*(told(store, listeners) for listeners in given.listeners), sep="\n")
    finally:
        server.remove()


if __name__ == "__main__":
    main()
