"""`status`: what runs and what waits, at once and without network."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from bot import __version__
from bot.cli import load, place
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import clock, document, facts, holder, say, table
from bot.cli.place import Place, announced
from bot.cli.settings import read
from bot.config.kinds import without_password
from bot.errors import ConfigError
from bot.opening import shared

app = program()

Deep = Annotated[
    bool, typer.Option("--deep", help="Also ask the running gateway and check the configuration.")
]

_PATIENCE = 0.2
_CHANNELS = {"account": "CHANNEL", "state": "STATE", "held": "HELD BY", "error": "ERROR"}
_PROCESSES = {
    "id": "PROCESS",
    "role": "DOES",
    "host": "HOST",
    "pid": "PID",
    "version": "VERSION",
    "since": "SINCE",
    "seen": "SEEN",
    "lanes": "LANES",
    "has": "HOLDS",
}
_COUNTS = {
    "sessions": "SELECT count(*) FROM sessions WHERE archived_at IS NULL",
    "inbox": "SELECT count(*) FROM inbox WHERE state IN ('open', 'running')",
    "outbox": "SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')",
    "quarantined": "SELECT count(*) FROM quarantine",
    "pairings": "SELECT count(*) FROM pairings WHERE state = 'pending' "
    "AND expires_at > unixepoch('now')",
}


@app.command(epilog=examples("status", "status --deep --json"))
def status(deep: Deep = False, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """What runs here and what waits. Nothing in it is secret."""
    here = place.find(config)
    found: dict[str, Any] = {
        "version": __version__,
        "state": str(here.state),
        "config": None if here.config is None else str(here.config),
        "gateway": _gateway(here),
        "store": _shared(here) or _store(here.state / "trunkline.db"),
    }
    if deep:
        found["deep"] = load("bot.cli.client").ask(config, "status", {})
    document(found) if as_json else _tell(found)


def _gateway(here: Place) -> dict[str, Any]:
    """What the gateway says of itself, and whether somebody listens there."""
    about = announced(here)
    if about is None:
        return {"running": False}
    parts = urlsplit(about["url"])
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), _PATIENCE).close()
    except OSError:
        return {"running": False}
    return {"running": True, **about}


def _shared(here: Place) -> dict[str, Any] | None:
    """The address of a store that processes share, without its password; None for a file."""
    try:
        config = read(here)
    except ConfigError:
        return None
    return {"url": without_password(config.store.url)} if shared(config) else None


def _store(path: Path) -> dict[str, Any] | None:
    """How much is kept and how much waits; None while there is no store here."""
    if not path.exists():
        return None
    sqlite = load("bot.engine.sqlite")
    with closing(sqlite.connect(path, read_only=True)) as connection:
        try:
            counts = {name: connection.execute(sql).fetchone()[0] for name, sql in _COUNTS.items()}
        except sqlite.sqlite3.Error as error:
            raise sqlite.readable(error, path) from error
    return {"path": str(path), "bytes": path.stat().st_size, **counts}


def _tell(found: Mapping[str, Any]) -> None:
    gateway, store = found["gateway"], found["store"]
    running = (
        f"{gateway['url']} since {clock(gateway['startedAt'])}" if gateway["running"] else None
    )
    facts(
        [
            ("trunkline", found["version"]),
            ("gateway", running or "not running; start it with: trunkline up"),
            ("config", found["config"] or "none yet; the defaults hold"),
            ("state", found["state"]),
            ("store", _size(store)),
            *((name, store[name]) for name in _COUNTS if store and name in store),
        ]
    )
    if "deep" in found:
        _tell_deep(found["deep"])


def _size(store: Mapping[str, Any] | None) -> str:
    if store is None:
        return "none yet"
    return str(store["url"]) if "url" in store else f"{store['bytes'] // 1024} KiB"


def _tell_deep(deep: Mapping[str, Any]) -> None:
    say()
    facts(
        [
            ("ready", deep["ready"]),
            ("model", deep["model"]["ref"]),
            ("model problem", deep["model"]["reason"]),
            ("problem", deep["problem"]),
        ]
    )
    say()
    channels = [{**row, "held": holder(row)} for row in deep["channels"]]
    table(channels, _CHANNELS, "no channels")
    say()
    table([_process(row) for row in deep["processes"]], _PROCESSES, "no process runs")


def _process(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "since": clock(row["startedAt"]),
        "seen": "now" if row["alive"] else f"silent since {clock(row['seenAt'])}",
        "has": ", ".join(row["holds"]) or None,
    }
