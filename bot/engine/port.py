"""What the domain asks of an engine: transactions as scripts, and wakes that are never lost.

Truth is rows; the engine carries keys, never messages: "something may be due for this key; run its
handler alone, at least once". A handler looks at the tables, does the next thing, and looks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, Protocol, TypeVar

T = TypeVar("T")

# The topic of what a process is told, alone, each time that it begins to hear the others.
HEARING = "hearing"


class Row(Protocol):
    """A row, read by column name."""

    def __getitem__(self, column: str, /) -> Any: ...

    def keys(self) -> Any: ...


class Sql(NamedTuple):
    """One statement in the SQL that SQLite and PostgreSQL share, with `?` for each parameter.

    `postgres` is the statement for PostgreSQL where they cannot share it, with the same parameters.
    """

    text: str
    params: Sequence[Any] = ()
    postgres: str | None = None


class Wake(NamedTuple):
    """Something may be due for `key`, at once or at `at` (seconds since the epoch).

    `kind` is lane, out, sched or told.
    """

    kind: str
    key: str
    at: float | None = None


Script = Generator[Sql | Wake, list[Row], T]
"""A transaction: yields statements and receives their rows, yields wakes, returns its result.

It awaits nothing and has no other effect, so that it may be rolled back.
"""

Handler = Callable[[str], Coroutine[Any, Any, None]]
Early = Callable[[T, "asyncio.Future[None]"], None]
"""Takes a result whose commit is on its way, and the future that says that it is durable."""

Sweep = Callable[[float], Script[None]]


class Member(NamedTuple):
    """A process that works on the store, as it last said of itself; times in seconds since 1970.

    `lanes` are those in its hand. `holds`: the resources that it owns, and since when. `told` is
    what the rest of the program has to say, as JSON. One that is not `alive` was heard of lately.
    """

    id: str
    role: str
    host: str
    pid: int
    version: str
    started_at: float
    seen_at: float
    alive: bool
    lanes: int
    holds: Mapping[str, float]
    told: Mapping[str, Any]


class Self(NamedTuple):
    """Who a process says it is to the others."""

    role: str = "everything"
    version: str = ""
    told: Callable[[], Mapping[str, Any]] = dict


def q(text: str, *params: Any) -> Sql:
    """A statement with its parameters."""
    return Sql(text, params)


class Engine(Protocol):
    """Transactions, wakes, ownership and live events.

    Guarantee: `handler(key)` never overlaps itself for one kind and key, runs at least once after
    every committed Wake and not before its `at`; wakes coalesce; a sweep once a minute heals any
    lost wake.
    """

    async def start(self, sweep: Sweep, kinds: Collection[str] | None = None) -> None:
        """Begin to run handlers; the sweep is run at once and every minute, and yields wakes.

        With `kinds`, only handlers of these run here; the rest is for other processes.
        """
        ...

    async def stop(self, grace: float) -> None:
        """Begin nothing new, give handlers `grace` seconds, cancel the rest, close the store."""
        ...

    async def drain(self, grace: float) -> None:
        """Give what runs `grace` seconds, cancel the rest, begin nothing any more."""
        ...

    async def close(self) -> None:
        """Close the store."""
        ...

    def handle(self, kind: str, handler: Handler) -> None:
        """Name the handler of a kind of wake, before `start`."""
        ...

    async def tx(
        self, script: Script[T], *, patient: bool = False, early: Early[T] | None = None
    ) -> T:
        """Run one transaction; returns when it is durable. Raises StoreError, or what it raises.

        A `patient` one may wait a moment (2 ms) for others that share its commit. With `early`, its
        result is handed out and its wakes are handled while the commit is on its way; nothing of
        that may be seen outside before the future says "durable", and all of it ends when the
        future raises StoreError. An engine of many processes hands nothing out early.
        In one process the caller goes on before its wakes are handled; nothing may depend on it.
        """
        ...

    async def read(self, script: Script[T]) -> T:
        """Run a script that only reads, beside the writer."""
        ...

    def own(
        self, resource: str, waiting: Callable[[], None] | None = None
    ) -> AbstractAsyncContextManager[asyncio.Event]:
        """Be the sole holder of a resource (a bot token); the event is set when it is lost.

        `waiting` is called if another process holds it now.
        """
        ...

    def present(self, who: Self) -> None:
        """Say who this process is, before `start`."""
        ...

    async def members(self) -> list[Member]:
        """The processes of the store and those that died lately. Raises StoreError."""
        ...

    def tell(self) -> None:
        """What this process says of itself has changed: let `members` show it soon."""
        ...

    async def publish(self, topic: str, event: dict[str, Any]) -> None:
        """Tell every process; live only, may be lost."""
        ...

    def subscribe(self, topic: str, callback: Callable[[dict[str, Any]], None]) -> None: ...
