"""What is broken in the store: the file itself, and the work that waits in it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from bot.cli import load
from bot.cli.finding import Finding, Severity
from bot.cli.health import MIB, Sign, ago, made, sign
from bot.cli.place import Place
from bot.config.settings import Config
from bot.errors import StoreError, TrunklineError
from bot.lazy import optional
from bot.opening import is_there, shared, store_path, taken
from bot.store.migrations import KNOWN, open_store
from bot.store.sides import Side, SqliteSide

_LATE = 600.0
_DAY = 86400.0
_QUICK = 256 * MIB


def of_store(config: Config, here: Place) -> Iterator[Sign]:
    """Does it open, is it of this version and whole, and what is stuck in it? Read only."""
    if not is_there(config, here.state) and not shared(config):
        folder = store_path(config, here.state).parent
        if folder != here.state and not folder.is_dir():
            what, fix = "the folder of the store is not there", "make it: trunkline doctor --fix"
            found = Finding("folders.missing", "critical", what, fix, str(folder))
            yield Sign(found, made(folder))
        return
    try:
        with closing(_side(config, here.state)) as side:
            steps = side.steps()
            if signs := list(_version(config, here, steps)):
                yield from signs
                return
            _whole(config, here)
            yield from waiting(side, time.time())
    except TrunklineError as error:
        what, _, fix = str(error).partition("; ")
        yield Sign(Finding("store.unusable", "critical", what, fix or "see docs/health.md"))


def _side(config: Config, state: Path) -> Side:
    if not shared(config):
        return SqliteSide(store_path(config, state), read_only=True)
    side: Side = optional("bot.store.shared_side").SharedSide(
        config.store.url, read_only=True, alone=False
    )
    return side


def _version(config: Config, here: Place, steps: set[str]) -> Iterator[Sign]:
    if newer := steps - KNOWN:
        what = f"a newer Trunkline wrote it ({', '.join(sorted(newer))})"
        fix = "start that version, or restore an older backup into a new directory"
        yield Sign(Finding("store.newer", "critical", what, fix))
    elif missing := KNOWN - steps:
        what = f"it is of an older version ({len(missing)} steps behind)"
        fix = "trunkline store migrate, or doctor --fix; a copy of it is kept"
        found = Finding("store.older", "warn", what, fix)
        yield Sign(found, None if shared(config) else partial(_upgrade, config, here))


def _upgrade(config: Config, here: Place) -> str:
    """Raises StoreHeld beside a running gateway, StoreError."""
    path = store_path(config, here.state)
    lock = taken(path, here.state)
    try:
        open_store(path)
    finally:
        lock.free()
    return f"{path}: upgraded; the old one is {path.name}.before-upgrade"


def _whole(config: Config, here: Place) -> None:
    """Raises StoreError for a file that is damaged. A large one is not read through."""
    if shared(config):
        return
    path = store_path(config, here.state)
    if path.stat().st_size > _QUICK:
        return
    sqlite = load("bot.engine.sqlite")
    with closing(sqlite.connect(path, read_only=True)) as connection:
        said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if said != "ok":
        raise StoreError(
            f"{path} is damaged ({said}); stop the gateway and restore a backup: "
            "trunkline backup restore FILE DIR"
        )


def waiting(side: Side, now: float) -> Iterator[Sign]:
    """Work that should be done and is not."""
    for account, count in side.query(
        "SELECT account, count(*) FROM quarantine GROUP BY account ORDER BY account"
    ):
        what = f"{count} unreadable events of {account} were put aside"
        yield sign("events.quarantined", "warn", what, "see them: trunkline channels status")
    late = now - _LATE
    yield from _counted(
        side,
        "SELECT count(*), min(created_at) FROM outbox WHERE state IN ('pending', 'sending') "
        "AND created_at < ?",
        late,
        ("outbox.stuck", "parts of answers wait to be sent", "is their channel up? channels test"),
    )
    yield from _counted(
        side,
        "SELECT count(*), min(created_at) FROM outbox WHERE state IN ('failed', 'uncertain') "
        "AND created_at > ?",
        now - _DAY,
        ("outbox.failed", "parts of answers did not arrive", "see why: trunkline why RUN_ID"),
    )
    yield from _counted(
        side,
        "SELECT count(*), min(accepted_at) FROM inbox WHERE state = 'open' AND accepted_at < ?",
        late,
        ("inbox.stuck", "messages wait for their turn", "is a gateway running? trunkline status"),
    )
    yield from _tasks(side, now)
    yield from _counted(
        side,
        "SELECT count(*), min(created_at) FROM pairings WHERE state = 'pending' AND expires_at > ?",
        now,
        ("people.waiting", "people wait to be let in", "see them: trunkline pairing list"),
        "info",
    )
    newest = side.query("SELECT max(accepted_at) FROM inbox")[0][0]
    if newest is not None and newest > now + 60:
        what = "the store knows messages from the future: the clock was set back"
        yield sign("clock.back", "warn", what, "set the clock; schedules follow it")


def _tasks(side: Side, now: float) -> Iterator[Sign]:
    for id, runs, due in side.query(
        "SELECT id, runs, next_at FROM tasks WHERE enabled = 1 AND next_at < ? ORDER BY next_at",
        now - _LATE,
    ):
        never = " and has never run" if not runs else ""
        what = f"{id} was due {ago(due)}{never}"
        yield sign("tasks.late", "warn", what, "is a gateway running? trunkline status")
    for id, status in side.query(
        "SELECT id, last_status FROM tasks WHERE last_status IN ('error', 'blocked') "
        "AND (enabled = 1 OR last_status = 'blocked') ORDER BY id"
    ):
        what = f"{id} ended last with {status}"
        yield sign("tasks.failing", "warn", what, f"see why: trunkline task runs {id}")


def _counted(
    side: Side, sql: str, bound: float, words: tuple[str, str, str], severity: Severity = "warn"
) -> Iterator[Sign]:
    count, oldest = side.query(sql, bound)[0]
    if count:
        id, what, fix = words
        yield sign(id, severity, f"{count} {what}, the oldest since {ago(oldest)}", fix)
