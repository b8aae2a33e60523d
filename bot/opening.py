"""Opens the store that the configuration names, with its engine.

SQLite belongs to one process, and a second one is told who has it; PostgreSQL belongs to all.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bot import __version__
from bot.clock import Clock
from bot.config.kinds import without_password
from bot.config.settings import Config
from bot.engine.embedded import Embedded, StoreLock
from bot.engine.port import Engine
from bot.errors import ConfigError
from bot.lazy import optional
from bot.store.migrations import open_store

NAME = "trunkline.db"
SHARED = ("postgresql://", "postgres://")


class Store(NamedTuple):
    """An engine on its store; `free` gives the store up after the engine was closed."""

    engine: Engine
    free: Callable[[], None]


def shared(config: Config) -> bool:
    """May many processes use the store at the same time?"""
    return config.store.url.startswith(SHARED)


def held(config: Config, state: Path, clock: Clock) -> Store:
    """Create or upgrade the store, and hold it where it can have one holder only.

    Raises ConfigError, StoreHeld (naming the holder), StoreForeign, StoreError, MissingExtra.
    """
    if shared(config):
        optional("bot.store.shared").open_shared(config.store.url)
        return _shared(config, clock)
    path = store_path(config, state)
    lock = taken(path, state)
    try:
        open_store(path)
    except BaseException:
        lock.free()
        raise
    return Store(Embedded(path, clock), lock.free)


def taken(path: Path, state: Path) -> StoreLock:
    """The lock on a SQLite file, taken. Raises StoreHeld, naming who has it."""
    own = path.parent == state or path.name == NAME
    lock = StoreLock(path.with_name("lock") if own else path.with_suffix(".lock"))
    lock.take(f"trunkline {__version__} on {socket.gethostname()}, process {os.getpid()}")
    return lock


def beside(config: Config, state: Path, clock: Clock) -> Store:
    """A store that another process may hold: for reading. Raises ConfigError, MissingExtra."""
    if shared(config):
        return _shared(config, clock)
    return Store(Embedded(store_path(config, state), clock), lambda: None)


def is_there(config: Config, state: Path) -> bool:
    """Is there a store already? One that is shared is looked at when it is opened."""
    return not shared(config) and store_path(config, state).exists()


def store_path(config: Config, state: Path) -> Path:
    """The SQLite file. Raises ConfigError for a store that has none."""
    url = config.store.url
    if url == "sqlite":
        return state / NAME
    if url.startswith("sqlite:///"):
        return Path(url.removeprefix("sqlite://"))
    raise ConfigError([f"store.url: {without_password(url)} is no SQLite store"])


def _shared(config: Config, clock: Clock) -> Store:
    engine: Engine = optional("bot.engine.cluster").Cluster(config.store.url, clock)
    return Store(engine, lambda: None)
