"""`store`: what keeps everything, upgraded, looked at, and copied to another database."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli import Usage, place
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, facts, note, say, table
from bot.cli.place import Place
from bot.cli.settings import read
from bot.config.kinds import without_password
from bot.lazy import optional
from bot.opening import NAME, SHARED, shared, store_path, taken
from bot.store.copying import copy as fill
from bot.store.layout import tables
from bot.store.migrations import KNOWN, open_store
from bot.store.sides import Side, SqliteSide

app = program(
    "What keeps everything: upgraded, looked at, copied.",
    "store status",
    "store copy sqlite postgresql://bot@db.example/trunkline",
)

_FILE = "sqlite://"
From = Annotated[str, typer.Argument(metavar="FROM", help="sqlite, a file, or postgresql://…")]
To = Annotated[str, typer.Argument(metavar="TO", help="An empty or new store, as FROM.")]


@app.command(epilog=examples("store migrate", "store migrate --json"))
def migrate(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Upgrade the store to this version now; `up` does so by itself.

    A SQLite file is copied first, to trunkline.db.before-upgrade beside it.
    """
    here = place.find(config)
    place.private(here.state)
    found = read(here)
    before: set[str] = set()
    if shared(found):
        url = found.store.url
        with _shared_side(url, read_only=True, alone=False) as side:
            before = side.steps()
        optional("bot.store.shared").open_shared(url)
    else:
        path = store_path(found, here.state)
        lock = taken(path, here.state)
        try:
            if path.exists() and path.stat().st_size:
                with _sqlite_side(path, read_only=True) as side:
                    before = side.steps()
            open_store(path)
        finally:
            lock.free()
    done = sorted(KNOWN - before)
    if as_json:
        return document(
            {"store": without_password(found.store.url), "applied": done, "new": not before}
        )
    if not done:
        return say("the store is of this version already; nothing was changed")
    say("made a new store" if not before else f"upgraded the store: {', '.join(done)}")


@app.command(epilog=examples("store status", "store status --json"))
def status(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Which store this is, whether it is of this version, and how much is in it."""
    here = place.find(config)
    url = read(here).store.url
    with _side(url, here, read_only=True, alone=False) as side:
        steps = side.steps()
        there = side.tables()
        rows = {
            one.name: side.query(f"SELECT count(*) FROM {one.name}")[0][0]
            for one in tables()
            if one.name in there
        }
        found: dict[str, Any] = {
            "store": side.name,
            "missing": sorted(KNOWN - steps),
            "newer": sorted(steps - KNOWN),
            "rows": rows,
        }
    if as_json:
        return document(found)
    facts([("store", found["store"]), ("version", _version(found)), *sorted(rows.items())])


def _version(found: dict[str, Any]) -> str:
    if found["newer"]:
        return "newer than this program"
    return "older: trunkline store migrate" if found["missing"] else "this one"


@app.command(
    epilog=examples(
        "store copy sqlite postgresql://bot@db.example/trunkline",
        "store copy postgresql://bot@db.example/trunkline sqlite:///srv/bot/trunkline.db",
    )
)
def copy(source: From, target: To, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Copy everything into an empty store, and compare both row by row.

    Stop every process first. What was cut off goes on when it is given again; the source is only
    read. Then set store.url.
    """
    here = place.find(config)
    place.private(here.state)
    final = None if target.startswith(SHARED) else _path(target, here)
    with ExitStack() as stack:
        start = stack.enter_context
        if final is not None:
            if not final.parent.is_dir():
                raise Usage(f"there is no directory {final.parent}; make it first")
            start(_locked(final, here))
            if final.exists():
                raise Usage(f"{final} exists already; name a file that is not there")
        reading = start(_side(source, here, read_only=True, alone=True))
        if not reading.steps():
            raise Usage(f"{reading.name} is no Trunkline store; check the address")
        done = _into(final, target, reading)
        name = reading.name
    rows = [asdict(one) for one in done]
    if as_json:
        return document({"from": name, "to": without_password(target), "tables": rows})
    table(rows, {"table": "TABLE", "rows": "ROWS", "sum": "SUM"}, "")
    say(f"both are equal: {sum(one.rows for one in done)} rows; set store.url to use the copy")


def _into(final: Path | None, url: str, source: Side) -> Any:
    """Fill the target. A file has its name when it is whole; a database knows that it is not."""
    if final is None:
        _prepared(url)
        with _shared_side(url, read_only=False, alone=True) as side:
            return fill(source, side, note)
    beside = final.with_name(f".{final.name}.copying")
    open_store(beside)
    with _sqlite_side(beside, read_only=False) as side:
        done = fill(source, side, note)
    beside.rename(final)
    return done


def _prepared(url: str) -> None:
    """Make the tables of a database, unless an unfinished copy is in it."""
    with _shared_side(url, read_only=True, alone=True) as side:
        unfinished = "trunkline_copy" in side.tables()
    if not unfinished:
        optional("bot.store.shared").open_shared(url)


@contextmanager
def _side(url: str, here: Place, *, read_only: bool, alone: bool) -> Iterator[Side]:
    if url.startswith(SHARED):
        with _shared_side(url, read_only=read_only, alone=alone) as side:
            yield side
        return
    path = _path(url, here)
    if not path.is_file():
        raise Usage(
            f"there is no store at {path}; trunkline store migrate makes the configured one"
        )
    with ExitStack() as stack:
        if alone:
            stack.enter_context(_locked(path, here))
        yield stack.enter_context(_sqlite_side(path, read_only=read_only))


@contextmanager
def _locked(path: Path, here: Place) -> Iterator[None]:
    lock = taken(path, here.state)
    try:
        yield
    finally:
        lock.free()


@contextmanager
def _sqlite_side(path: Path, *, read_only: bool) -> Iterator[Side]:
    yield from _closing(lambda: SqliteSide(path, read_only=read_only))


@contextmanager
def _shared_side(url: str, *, read_only: bool, alone: bool) -> Iterator[Side]:
    module = optional("bot.store.shared_side")
    yield from _closing(lambda: module.SharedSide(url, read_only=read_only, alone=alone))


def _closing(make: Callable[[], Side]) -> Iterator[Side]:
    side = make()
    try:
        yield side
    finally:
        side.close()


def _path(url: str, here: Place) -> Path:
    """A SQLite store's file, by `sqlite`, `sqlite:///file` or a path."""
    if url == "sqlite":
        return here.state / NAME
    if "://" in url and not url.startswith(_FILE + "/"):
        raise Usage("a store is sqlite, sqlite:///abs/path.db, a file or postgresql://user@host/db")
    return Path(url.removeprefix(_FILE)).expanduser().absolute()


@app.callback()
def store() -> None:
    """What keeps everything: upgraded, looked at, copied."""
    os.umask(0o077)
