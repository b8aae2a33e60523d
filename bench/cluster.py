"""`make bench-cluster`: Trunkline on PostgreSQL beside Trunkline on SQLite, in the same run.

It starts a PostgreSQL of its own, with the server's defaults. Everything is seen from outside: by
the platform, by the model, and by what the server counts.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg

from bench.programs import ROOT, Model, Program, Telegram, product
from tests.contracts.postgres_kit import Server, named, run

FLUSHED = 11.0  # seconds after which an idle connection has told what it counted
_COUNTED = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s"
_SPENT = """
SELECT regexp_replace(left(query, 88), '\\s+', ' ', 'g'), calls, mean_exec_time, total_exec_time
FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = %s)
ORDER BY total_exec_time DESC LIMIT 12
"""
_GAPS = """
SELECT started_at - lag(ended_at) OVER (ORDER BY started_at) FROM runs
WHERE ended_at IS NOT NULL ORDER BY started_at
"""


class House:
    """A PostgreSQL by its address, a folder, and what runs on them."""

    def __init__(self, server: str, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._number = 0
        self._stores: list[str] = []

    def store(self, engine: str) -> str:
        """The address of a new store: of SQLite "", of PostgreSQL a database."""
        if engine == "sqlite":
            return ""
        name = f"bench_{secrets.token_hex(4)}"
        self._stores.append(name)
        run(self._server, "CREATE DATABASE {}", name)
        return named(self._server, name)

    def program(self, telegram: Telegram, model: Model, store: str, more: str = "") -> Program:
        self._number += 1
        text = f"store: {{url: '{store}'}}\n" if store else ""
        return product(self._folder / str(self._number), telegram, model, text + more)

    def close(self) -> None:
        """Forget its stores."""
        for name in self._stores:
            run(self._server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def ask(self, text: str, *params: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._server, autocommit=True) as connection:
            return connection.execute(text.encode(), params or None).fetchall()

    def counted(self, store: str) -> int:
        """The transactions of a database so far."""
        time.sleep(FLUSHED)
        return int(self.ask(_COUNTED, store.rpartition("/")[2])[0][0])


@contextmanager
def workers(
    house: House, engine: str, number: int = 1, delay: float = 0.0, more: str = ""
) -> Iterator[tuple[Telegram, list[Program], str]]:
    """So many programs on one new store; the first has the platform's connection."""
    with ExitStack() as stack:
        telegram = stack.enter_context(Telegram())
        model = stack.enter_context(Model(delay))
        store = house.store(engine)
        running = []
        for _ in range(number):
            running.append(stack.enter_context(house.program(telegram, model, store, more)))
        telegram.run(chats=20, messages=40, window=20)
        running[-1].settle()
        yield telegram, running, store


def quantile(values: Sequence[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def spread(values: Sequence[float]) -> str:
    """Middle and 95th percentile, in milliseconds."""
    return f"{quantile(values, 0.5) * 1000:.1f} / {quantile(values, 0.95) * 1000:.1f} ms"


def per_second(done: dict[str, Any]) -> float:
    return float(done["answered"] / done["seconds"])


def latency(house: House, rounds: int, messages: int) -> list[str]:
    """One message at a time, the engines in turn."""
    found: dict[str, list[float]] = {"sqlite": [], "postgres": []}
    ratios = []
    for _ in range(rounds):
        middles = {}
        for engine, all_of_them in found.items():
            with workers(house, engine) as (telegram, _, _):
                once = telegram.run(chats=5, messages=messages, window=1)["latencies"]
            all_of_them += once
            middles[engine] = statistics.median(once)
        ratios.append(middles["postgres"] / middles["sqlite"])
    return [
        f"added latency p50 / p95, one at a time: SQLite {spread(found['sqlite'])}, "
        f"PostgreSQL {spread(found['postgres'])}",
        f"  ratio of the middles {', '.join(f'{one:.2f}' for one in ratios)} (<= 5); p95 < 100 ms",
    ]


def rate(house: House, messages: int) -> list[str]:
    """200 chats at once and an instant model, what that costs, and what idling costs."""
    with workers(house, "sqlite") as (telegram, _, _):
        alone = telegram.run(chats=200, messages=messages, window=200, limit=300)
    with workers(house, "postgres") as (telegram, (program,), store):
        began = time.monotonic()
        before = house.counted(store)
        house.ask("SELECT pg_stat_statements_reset()")
        spent = program.cpu()
        done = telegram.run(chats=200, messages=messages, window=200, limit=300)
        spent = program.cpu() - spent
        after = house.counted(store)
        took = time.monotonic() - began - FLUSHED
        statements = house.ask(_SPENT, store.rpartition("/")[2])
        idled = time.monotonic()
        idle = (house.counted(store) - after) / (time.monotonic() - idled)
        single = house.counted(store)
        one = telegram.run(chats=5, messages=100, window=1)
        each = (house.counted(store) - single - idle * (one["seconds"] + FLUSHED)) / 100
    crowd = (after - before - idle * took) / messages
    lines = [
        f"messages per second, 200 chats, instant model: PostgreSQL {per_second(done):.0f}, "
        f"SQLite {per_second(alone):.0f} (>= 80); missing {done['missing']}, twice {done['twice']}",
        f"transactions per message: {each:.1f} one at a time, {crowd:.1f} in the crowd (about 9)",
        f"idle transactions per second and worker: {idle:.1f} (< 4)",
        f"processor time of the program per message in the crowd: {spent / messages * 1000:.1f} ms",
        "statements of the crowd (calls per message, mean ms, ms per message):",
    ]
    for text, calls, mean, total in statements:
        lines.append(f"  {calls / messages:6.2f} {mean:8.3f} {total / messages:8.3f}  {text}")
    return lines


def in_session(house: House) -> list[str]:
    """Messages that wait in one session: from the end of a turn to the start of the next."""
    lines = []
    for number in (1, 2):
        more = "messages: {queue: {mode: followup, cap: 1000}}\n"
        with workers(house, "postgres", number, more=more) as (telegram, _, store):
            telegram.run(chats=1, messages=60, window=20)
            with psycopg.connect(store) as connection:
                rows = connection.execute(_GAPS + " OFFSET 41").fetchall()
        gaps = [float(row[0]) for row in rows]
        lines.append(f"turn to turn of one session, {number} worker(s): {spread(gaps)} (p95 < 120)")
    return lines


def handed(house: House, turns: int) -> list[str]:
    """A busy key between two workers, both of which want it."""
    store = house.store("postgres")
    subprocess.run(
        [sys.executable, "-c", f"from bot.store.shared import open_shared; open_shared({store!r})"],
        cwd=ROOT,
        check=True,
    )
    said: list[tuple[float, str, int]] = []
    argv = [sys.executable, "-m", "bench.handover", store]
    engines = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in "ab"]

    def hear(number: int) -> None:
        for line in engines[number].stdout or ():
            what, at = line.split()
            said.append((float(at), what, number))

    ears = [threading.Thread(target=hear, args=(number,)) for number in (0, 1)]
    for ear in ears:
        ear.start()
    while len(said) < 2 * turns:
        time.sleep(0.1)
    for engine in engines:
        engine.kill()
    for ear in ears:
        ear.join()
    for engine in engines:
        engine.communicate()
    said.sort()
    gaps: dict[bool, list[float]] = {True: [], False: []}
    for (ended, what, here), (began, follows, there) in pairwise(said[20:]):
        if (what, follows) == ("ended", "began"):
            gaps[here != there].append(began - ended)
    return [
        f"job to job of one key, {name} ({len(values)}): {spread(values)} (p95 < 120)"
        for name, values in (("same worker", gaps[False]), ("to the other", gaps[True]))
        if values
    ]


def takeover(house: House, rounds: int) -> list[str]:
    """kill -9 of a worker with lanes in hand, and of the one that has the platform's connection."""
    lanes, owners = [], []
    for _ in range(rounds):
        with workers(house, "postgres", 2, delay=1.0) as (telegram, (first, second), _):
            found: dict[str, Any] = {}
            asked = {"chats": 40, "messages": 40, "window": 0, "limit": 60}
            load = threading.Thread(
                target=lambda found=found, asked=asked: found.update(telegram.run(**asked))
            )
            load.start()
            time.sleep(0.7)
            second.kill()
            killed = time.perf_counter()
            load.join()
            lanes.append(time.perf_counter() - killed - 1.0)
            assert not found["missing"], found
        with workers(house, "postgres", 2) as (telegram, (first, _), _):
            killed = time.time()
            first.kill()
            owners.append(float(telegram.ask("polled", {"again": True})["at"]) - killed)
    return [
        f"kill -9 of a worker until all of its lanes are answered: "
        f"{', '.join(f'{one:.1f}' for one in lanes)} s (< 10, without the model's second)",
        f"kill -9 of the connection's owner until another polls: "
        f"{', '.join(f'{one * 1000:.0f}' for one in owners)} ms (< 1000)",
    ]


def several(house: House, messages: int) -> list[str]:
    """The same conversations on 1, 2 and 4 workers."""
    lines = ["workers  instant model, 200 chats (1/s)  model of 300 ms, 200 chats (1/s)"]
    for number in (1, 2, 4):
        rates = []
        for delay, count in ((0.0, messages), (0.3, messages)):
            with workers(house, "postgres", number, delay) as (telegram, _, _):
                done = telegram.run(chats=200, messages=count, window=200, limit=300)
            assert not done["missing"] and not done["twice"], done
            rates.append(per_second(done))
        lines.append(f"{number:7}  {rates[0]:31.0f}  {rates[1]:32.0f}")
    return lines


def parts_of(house: House, quick: bool) -> dict[str, Callable[[], list[str]]]:
    return {
        "latency": partial(latency, house, 2 if quick else 5, 100 if quick else 300),
        "rate": partial(rate, house, 600 if quick else 3000),
        "session": partial(in_session, house),
        "hand": partial(handed, house, 100 if quick else 300),
        "takeover": partial(takeover, house, 1 if quick else 3),
        "several": partial(several, house, 400 if quick else 2000),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.cluster", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer messages and rounds: 4 minutes")
    parser.add_argument("--only", help="one part: latency, rate, session, hand, takeover, several")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    server = Server("-c shared_preload_libraries=pg_stat_statements")
    run(server.url, "CREATE EXTENSION pg_stat_statements")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} when it began")
    with tempfile.TemporaryDirectory() as folder:
        house = House(server.url, Path(folder))
        for name, part in parts_of(house, given.quick).items():
            if given.only in (None, name):
                print(*part(), f"  (load {os.getloadavg()[0]:.1f})", sep="\n", flush=True)
    server.remove()


if __name__ == "__main__":
    main()
