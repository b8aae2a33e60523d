"""Plays what the workers of a large store do: the product's own scripts and jobs, each timed.

A logical worker is a row among the workers and a number on the jobs it takes; many of them share
one process and its two connections here, as the write lock lets one write at a time anyway.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import psycopg
from psycopg.rows import dict_row

from bot.acceptance import Acceptance, Accepted
from bot.bindings import Route
from bot.claims import Claimed, Claims
from bot.config.channels import Queue
from bot.contract import Address, Author, Message, Ref, Reply, utcnow
from bot.delivery import Delivery
from bot.ending import Committed, Ending, commit
from bot.engine.fetching import BATCH, FETCH
from bot.engine.jobs import END, NEXT
from bot.engine.port import Script, Wake
from bot.engine.postgres import WRITING, connect, put, run_script
from bot.loop import Outcome
from bot.routing import Prompt
from bot.store import inbox, outbox, people, task_told
from bot.types import Entry, Settings, Usage

AGENT, CHANNEL, ACCOUNT = "main", "telegram", "telegram"
ANSWER = "An answer of a few sentences, as models give them to people in a chat. " * 5


def key_of(number: int) -> str:
    """The session key of a person; `bench.million` makes the same in SQL."""
    return f"agent:{AGENT}:{CHANNEL}:direct:{number}"


def said(person: int, number: int) -> Message:
    """A message of somebody."""
    author = Author(str(person), f"Person {person}", None, is_bot=False, is_self=False)
    ref = Ref(Address(CHANNEL, ACCOUNT, str(person)), str(number))
    return Message(ref, author, "please answer this, as you did before", utcnow(), "direct")


@dataclass(slots=True)
class Spent:
    """The times of each statement in seconds, and with which values it took longest."""

    times: dict[str, list[float]] = field(default_factory=dict)
    worst: dict[str, tuple[float, tuple[Any, ...]]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, text: str, took: float, params: Any = ()) -> None:
        self.times.setdefault(text, []).append(took)
        if took > self.worst.get(text, (0.0, ()))[0]:
            self.worst[text] = (took, tuple(params))


class Timed:
    """A connection that notes how long each statement takes."""

    def __init__(self, connection: Any, spent: Spent) -> None:
        self._connection = connection
        self._spent = spent

    def execute(self, text: str, params: Any = None) -> Any:
        began = time.perf_counter()
        cursor = self._connection.execute(text, params)
        named = params if isinstance(params, Sequence) else ()
        self._spent.add(text, time.perf_counter() - began, named)
        return cursor


class Rules:
    """What the configuration would say of turns."""

    def timeout(self, agent: str) -> float:
        return 600.0

    def queue(self, account: str, settings: Settings) -> Queue:
        return Queue()

    def settle(self, account: str) -> float:
        return 0.0


class NotAtOnce:
    """Delivery, as far as an ending asks it where many processes send."""

    def at_once(self, run: str, address: Address) -> Script[None]:
        yield from ()


class Crowd:
    """A share of the workers, of which one after the other does something."""

    def __init__(self, url: str, sessions: int, workers: Sequence[int], seed: int) -> None:
        self.spent = Spent()
        link = connect(url)
        jobs = psycopg.connect(
            url, autocommit=True, row_factory=dict_row, options="-c synchronous_commit=off"
        )
        self._connections = (link, jobs)
        self._link, self._jobs = cast(Any, Timed(link, self.spent)), Timed(jobs, self.spent)
        self._claims = Claims(Rules())
        self._sessions = sessions
        self._workers = workers
        self._chance = random.Random(seed)
        self._said = seed << 40

    def close(self) -> None:
        for one in self._connections:
            one.close()

    def play(self, seconds: float, group: int) -> Spent:
        """Let messages come, `group` at once as in a busy process, and answer what is taken."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.write([self._accept() for _ in range(group)])
            self.spent.counts["messages"] += group
            for _ in range(2):
                self._take(self._chance.choice(self._workers))
        return self.spent

    def write(self, scripts: Sequence[Script[Any]]) -> list[Any]:
        """One transaction of a process, as its writer makes it."""
        began, wakes, results = time.perf_counter(), list[Wake](), []
        self._link.execute(f"BEGIN; SELECT pg_advisory_xact_lock({WRITING})")
        locked = time.perf_counter()
        for number, script in enumerate(scripts):
            self._link.execute("RELEASE one; SAVEPOINT one" if number else "SAVEPOINT one")
            results.append(run_script(self._link, script, wakes))
        run_script(self._link, put(dict.fromkeys(wakes, 0.0)), [])
        self._link.execute("COMMIT")
        self.spent.add("(waited for the write lock)", locked - began)
        self.spent.add("(held the write lock)", time.perf_counter() - locked)
        return results

    def read(self, script: Script[Any]) -> Any:
        self._link.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            return run_script(self._link, script, [])
        finally:
            self._link.execute("ROLLBACK")

    def _accept(self) -> Script[Accepted | None]:
        """A message of somebody; a tenth of them come from few, who speak often."""
        often = self._chance.random() < 0.1
        number = self._chance.randrange(self._sessions // 1000 + 1 if often else self._sessions)
        self._said += 1
        message, now = said(number, self._said), time.time()
        dedupe = inbox.dedupe_key(message)
        if (yield from inbox.seen(dedupe)):
            return None
        yield from people.stored_route(message.address.key)
        yield from inbox.recent(f"{ACCOUNT}:{number}", now - 60)
        base = key_of(number)
        decision = Prompt(message.text, Route(AGENT, "default"), base, "dm", False, False)
        return (yield from Acceptance(message, None, dedupe, now, self._claims).prompt(decision))

    def _take(self, worker: int) -> None:
        """A worker takes what it gets, and does it."""
        asked = {"queues": ["lane", "out", "sched", "told"], "worker": worker, "batch": BATCH}
        rows = self._jobs.execute(FETCH, asked).fetchall()
        keys = {kind: [r["args"]["key"] for r in rows if r["queue_name"] == kind] for kind in
                ("lane", "out")}  # fmt: skip
        now = time.time()
        if keys["lane"]:
            taken = self.write([self._claims.take(lane, now) for lane in keys["lane"]])
            self.write([self._answer(one) for one in taken if one is not None])
            self.spent.counts["turns"] += sum(one is not None for one in taken)
        if keys["out"]:
            sent = self.write([self._part(key) for key in keys["out"]])
            self.write([self._sent(part) for part in sent if isinstance(part, outbox.Part)])
        for row in rows:
            name = f"{row['args']['kind']} {row['args']['key']}"
            ended = {"id": row["id"], "worker": worker, "name": name, "again": False, "delay": 0.0}
            self._jobs.execute(END, ended)
            self._jobs.execute(NEXT, {"name": name})
        self.spent.counts["jobs"] += len(rows)

    def _answer(self, claimed: Claimed) -> Script[Committed]:
        turn, now = claimed.turn, time.time()
        usage = Usage(800, 90, 0.001)
        entry = Entry("assistant", ANSWER, now, run=turn.id, stop="end", usage=usage, model="m")
        end = Ending(turn, Outcome("ok", entry, usage, 900), "ok", ANSWER, entry)
        return commit(end, [Reply(ANSWER)], cast(Delivery, NotAtOnce()), now)

    def _part(self, key: str) -> Script[outbox.Part | float | None]:
        return outbox.next_part(key, time.time(), ())

    def _sent(self, part: outbox.Part) -> Script[Any]:
        yield from outbox.sent(part.id, str(self._said), False, time.time())
        yield from task_told.heard(part.run)
        return (yield from outbox.next_part(part.address.key, time.time(), ()))
