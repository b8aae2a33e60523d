"""Every script of the store, on SQLite and on PostgreSQL: the same SQL, the same answers.

Each function is called with a sample of what it takes, all over the same few names, one after
another and again, so that later ones find what earlier ones left. What differs by chance (ids,
codes) is compared by its kind.
"""

import ast
import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import psycopg
import pytest

import bot.store
from bot.contract import Address, Author, Message, Ref, Reply
from bot.engine import postgres, sqlite
from bot.engine.port import Sql, Wake
from bot.keys import SessionKey, parse_key
from bot.store import approvals, children, mcp, memory, migrations, moves, upkeep
from bot.types import Entry, Settings, Usage
from tests.contracts.postgres_kit import database

KEY = "agent:main:main"
NOT_SCRIPTS = {
    "migrations",
    "tables",
    "shared",
    "sides",
    "shared_side",
    "copying",
    "snapshot",
    "layout",
}
HERE = Address("slack", "work", "C1")
MESSAGE = Message(
    Ref(HERE, "m1"), Author("U1", "Ada"), "hello", datetime(2026, 1, 1, tzinfo=UTC), "group"
)
ASKED = approvals.Asked(
    "r1", "c1", "exec", "ls", None, "s1", KEY, "main", "work:U1", "why", "d", 5.0, 9.0,
    [{"program": "/bin/ls", "script": None, "sha256": None}],
)  # fmt: skip
ROW = {
    "id": 1, "agent": "main", "session": "s1", "requester": "work:U1", "digest": "d", "run": "r1",
    "key": KEY, "label": "l", "task": "t", "parent": KEY, "parent_agent": "main", "hops": 0,
    "message": "{}", "deliver_to": None,
}  # fmt: skip
SAMPLES: dict[Any, Callable[[], Any]] = {
    str: lambda: KEY,
    int: lambda: 1,
    float: lambda: 5.0,
    bool: lambda: True,
    Address: lambda: HERE,
    Author: lambda: MESSAGE.author,
    Message: lambda: MESSAGE,
    Reply: lambda: Reply("hi"),
    SessionKey: lambda: parse_key(KEY),
    Settings: Settings,
    Usage: lambda: Usage(1, 1),
    Entry: lambda: Entry(role="user", at=5.0, text="x", seq=1),
    approvals.Asked: lambda: ASKED,
    children.Work: lambda: children.Work(
        "r1", KEY, "main", "l", "t", KEY, "main", "work:U1", MESSAGE, None
    ),
    mcp.Offer: lambda: mcp.Offer("tool", "does", "{}", "h"),
    memory.Piece: lambda: memory.Piece(1, 2, "text", "text words", "h"),
}
# What a name must be to mean something, whatever its type says.
NAMED: dict[str, Callable[[], Any]] = {
    "match": lambda: '"text" OR "words"',
    "person": lambda: '{"id": "n", "name": "n", "commands": []}',
    "script": lambda: upkeep.known("x"),
    "row": lambda: ROW,
    "changes": dict,
    "by": lambda: "agent",
    "raw": lambda: {"x": 1},
    "usage": lambda: Usage(1, 1, cost=0.5),
    "handed": tuple,
    "options": dict,
    "made": lambda: {"h": "[]"},
    "rules": lambda: ASKED.remember,
}


def modules() -> list[Any]:
    names = [one.name for one in pkgutil.iter_modules(bot.store.__path__)]
    return [importlib.import_module(f"bot.store.{one}") for one in names if one not in NOT_SCRIPTS]


def scripts() -> Iterator[tuple[str, Callable[..., Any]]]:
    for module in modules():
        for name, found in inspect.getmembers(module, inspect.isgeneratorfunction):
            if found.__module__ == module.__name__:
                yield f"{module.__name__}.{name}", found
    yield "another place", lambda: moves.move(HERE, Address("slack", "work", "C2"), 5.0)


def sample(name: str, hint: Any) -> Any:
    if name in NAMED:
        return NAMED[name]()
    kinds, origin = get_args(hint), get_origin(hint)
    if hint in SAMPLES:
        return SAMPLES[hint]()
    if type(None) in kinds:
        return sample(name, next(one for one in kinds if one is not type(None)))
    if origin in (Mapping, dict):
        return {}
    if kinds and origin in (Sequence, Iterable, Container, Collection, list, tuple):
        return [sample("", kinds[0])]
    if origin is Literal:
        return kinds[0]
    if dataclasses.is_dataclass(hint):
        return calls(hint, optional=False)
    raise AssertionError(f"no sample of {name}: {hint}")


def calls(function: Callable[..., Any], optional: bool) -> Any:
    """A script, made with everything it takes, or only with what it must have."""
    hints = get_type_hints(function)
    given, named = [], {}
    for name, one in inspect.signature(function).parameters.items():
        if one.default is not inspect.Parameter.empty and not optional:
            continue
        if one.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        value = sample(name, hints[name])
        if one.kind is inspect.Parameter.KEYWORD_ONLY:
            named[name] = value
        else:
            given.append(value)
    return function(*given, **named)


def watched(script: Any, seen: set[tuple[str, int]]) -> Any:
    """The same script, noting where in the source each statement stands."""
    try:
        asked = next(script)
        while True:
            inner = script
            while getattr(inner, "gi_yieldfrom", None) is not None:
                inner = inner.gi_yieldfrom
            seen.add((inner.gi_code.co_filename, inner.gi_frame.f_lineno))
            asked = script.send((yield asked))
    except StopIteration as stop:
        return stop.value


def shape(value: Any) -> Any:
    """What two databases have to agree on: everything but ids and codes made by chance."""
    if isinstance(value, int | float):
        return "number"  # what SQLite returns of a written 5.0 is 5
    if isinstance(value, str) or value is None:
        return type(value).__name__
    if isinstance(value, Mapping) or hasattr(value, "keys"):
        return {key: shape(value[key]) for key in value.keys()}  # noqa: SIM118
    if isinstance(value, list | tuple | set):
        return [shape(one) for one in value]
    return type(value).__name__


def outcome(run: Callable[[], Any]) -> Any:
    try:
        return shape(run())
    except (sqlite.sqlite3.IntegrityError, psycopg.IntegrityError):
        return "it is there already"
    except (KeyError, IndexError, TypeError, AssertionError) as error:
        return f"{type(error).__name__}: {error}"
    except Exception as error:
        if type(error).__module__.startswith(("psycopg", "sqlite3")):
            return f"the database: {error}"
        return type(error).__name__


def on_sqlite(connection: Any, script: Any, seen: set[tuple[str, int]]) -> Any:
    connection.execute("SAVEPOINT one")
    wakes: list[Wake] = []
    found = outcome(lambda: sqlite.run_script(connection, watched(script, seen), wakes))
    connection.execute("RELEASE one")
    return found, [type(one.at) for one in wakes]


def on_postgres(connection: Any, script: Any) -> Any:
    wakes: list[Wake] = []

    def run() -> Any:
        with connection.transaction():
            return postgres.run_script(connection, script, wakes)

    return outcome(run), [type(one.at) for one in wakes]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Any, Any]]:
    migrations.open_store(tmp_path / "t.db")
    with (
        database() as url,
        closing(sqlite.connect(tmp_path / "t.db")) as one,
        closing(postgres.connect(url)) as other,
    ):
        yield one, other


def test_every_script_says_the_same_on_both(both: tuple[Any, Any]):
    differ, seen = [], set[tuple[str, int]]()
    for optional in (True, False, True):
        for name, function in scripts():
            here = on_sqlite(both[0], calls(function, optional), seen)
            there = on_postgres(both[1], calls(function, optional))
            if here != there or "the database" in str(here):
                differ.append(f"{name}\n  sqlite   {here}\n  postgres {there}")
    assert not differ, "\n".join(differ)
    for place, text in statements():
        if place not in seen:
            assert text is not None, f"{place} is made while it runs, and was not"
            both[1].execute(f"PREPARE one AS {postgres.translated(text)}")
            both[1].execute("DEALLOCATE one")


def statements() -> Iterator[tuple[tuple[str, int], str | None]]:
    """Where each statement stands, with its text if that stands there as a whole."""
    for module in modules():
        for node in ast.walk(ast.parse(Path(module.__file__).read_text("utf-8"))):
            if isinstance(node, ast.Yield) and isinstance(node.value, ast.Call):
                call = node.value
                if getattr(call.func, "id", "") in ("q", Sql.__name__):
                    text = getattr(call.args[0], "value", None)
                    yield (module.__file__, node.lineno), text
