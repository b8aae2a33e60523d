"""What of an installation is broken, seen without the store's rows and without network."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.cli import load, rights
from bot.cli.finding import Finding, Severity
from bot.cli.place import Place, announced, text_in
from bot.config.problems import Problem
from bot.config.settings import Config
from bot.errors import ChannelError
from bot.jsonio import loads
from bot.lazy import EXTRAS
from bot.logfile import LOG_FILE, rank

Repair = Callable[[], str]

MIB = 1 << 20
_LEAST, _LITTLE = 100 * MIB, 1024 * MIB
_BORN = datetime(2026, 1, 1, tzinfo=UTC)
_TAIL = MIB
_ERROR = rank("error")


@dataclass(frozen=True, slots=True)
class Sign:
    """A finding, and what would mend it: `repair` is safe and says what it did."""

    finding: Finding
    repair: Repair | None = None


def sign(id: str, severity: Severity, what: str, fix: str) -> Sign:
    """A finding that has no place of its own and nothing to mend it."""
    return Sign(Finding(id, severity, what, fix))


def of_file(problem: Problem, severity: str) -> Sign:
    """A mistake of the configuration as a finding."""
    where = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    what = f"{problem.key}: {problem.what}" if problem.key else problem.what
    if severity == "critical":
        return Sign(Finding("config.wrong", "critical", what, problem.fix, where))
    return Sign(Finding("config.remark", "warn", what, problem.fix, where))


def of_state(here: Place) -> Iterator[Sign]:
    """The state directory: is it there, whose is it, is there room, what has been left behind?"""
    if not here.state.is_dir():
        what, fix = "there is no state directory yet", "start it: trunkline up"
        yield Sign(Finding("state.none", "info", what, fix, str(here.state)), made(here.state))
        return
    for path, finding in rights.wrong(here.state):
        mendable = finding.id == "state.rights"
        yield Sign(finding, _closed(path) if mendable else None)
    if not os.access(here.state, os.W_OK | os.X_OK):
        what, fix = "it cannot be written", "mend its owner or rights, or set TRUNKLINE_HOME"
        yield Sign(Finding("state.unwritable", "critical", what, fix, str(here.state)))
    yield from _room(here.state)
    yield from _left_behind(here)


def made(folder: Path) -> Repair:
    """Makes a folder for its owner alone."""

    def make() -> str:
        folder.mkdir(mode=0o700, parents=True)
        return f"{folder}: made"

    return make


def _closed(path: Path) -> Repair:
    return lambda: rights.mend(path)


def _room(state: Path) -> Iterator[Sign]:
    free = shutil.disk_usage(state).free
    if free < _LITTLE:
        yield Sign(
            Finding(
                "disk.low",
                "critical" if free < _LEAST else "warn",
                f"{free // MIB} MiB are free on its disk",
                "free some space; a full disk stops the store, and nothing new is accepted",
                str(state),
            )
        )


def _left_behind(here: Place) -> Iterator[Sign]:
    """Notes of a process that was killed. The kernel has freed its lock already."""
    about = announced(here)
    if about and not _alive(about.get("pid")) and _free(here.state / "lock"):
        what = f"a gateway that is gone left it behind (process {about.get('pid')})"
        fix = "trunkline doctor --fix, or start it again: trunkline up"
        found = Finding("gateway.left_behind", "info", what, fix, str(here.running))
        yield Sign(found, _removed(here.running))
    lock = here.state / "lock"
    if text_in(lock) and _free(lock):
        what = f"it names {text_in(lock)[:100]}, who does not hold it any more"
        found = Finding(
            "store.lock_left", "info", what, "trunkline doctor --fix; it harms nothing", str(lock)
        )
        yield Sign(found, _emptied(lock))


def _alive(pid: object) -> bool:
    try:
        os.kill(pid if isinstance(pid, int) and pid > 0 else 1 << 30, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass
    return True


def _free(lock: Path) -> bool:
    """Does nobody hold the lock?"""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _removed(path: Path) -> Repair:
    def remove() -> str:
        path.unlink(missing_ok=True)
        return f"{path}: removed"

    return remove


def _emptied(lock: Path) -> Repair:
    def empty() -> str:
        with lock.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.truncate(0)
        return f"{lock}: emptied"

    return empty


def of_clock() -> Iterator[Sign]:
    """Schedules and signatures need a clock that is right, and the zones of the world."""
    now = datetime.now(UTC)
    if now < _BORN:
        what, fix = f"the clock says {now:%Y-%m-%d}", "set it, and switch time synchronisation on"
        yield Sign(Finding("clock.wrong", "critical", what, fix))
    try:
        ZoneInfo("Europe/Berlin")
    except ZoneInfoNotFoundError:
        what, fix = "there is no time zone data", "install tzdata: pip install tzdata"
        yield Sign(Finding("clock.zones", "critical", what, fix))


def of_port(config: Config, running: bool) -> Iterator[Sign]:
    """Where the gateway would listen, if none of ours does."""
    host, port = config.gateway.host, config.gateway.port
    if running:
        return
    what, fix = "no gateway is running", "start it: trunkline up"
    yield Sign(Finding("gateway.down", "info", what, fix))
    if port == 0:
        return
    try:
        with closing(socket.create_server((host, port))):
            return
    except OSError as error:
        what = f"{host}:{port} cannot be used: {error.strerror or error}"
    fix = "stop what listens there, or set gateway.port to another"
    yield Sign(Finding("gateway.port", "critical", what, fix))


def of_parts(config: Config) -> Iterator[Sign]:
    """Programs and packages that the configuration needs and this machine may lack."""
    for name, channel in config.channels.items():
        if channel.settings.enabled:
            try:
                load("adapters").adapter_class(channel.adapter)
            except ChannelError as error:
                what, _, fix = str(error).partition("; ")
                yield Sign(Finding("packages.missing", "critical", f"{name}: {what}", fix))
    for library, why in _needed(config):
        if importlib.util.find_spec(library) is None:
            fix = f"pip install 'trunkline[{EXTRAS[library]}]'"
            yield Sign(Finding("packages.missing", "warn", f"{why} needs {library}", fix))
    for program, why in _programs(config):
        if shutil.which(program) is None:
            fix = f"install {program}, or name its whole path"
            yield Sign(Finding("programs.missing", "warn", f"{why} needs {program}", fix))
    for folder, key in _folders(config):
        if not folder.is_dir():
            what, fix = f"{key} names it, and it is not there", "make it, or take it out"
            yield Sign(Finding("folders.missing", "warn", what, fix, str(folder)))


def _needed(config: Config) -> Iterator[tuple[str, str]]:
    if config.store.url.startswith("postgres"):
        yield "psycopg", "store.url"
        yield "procrastinate", "store.url"
    if config.mcp.servers:
        yield "mcp", "mcp.servers"
    if any(one.enabled and "browser" in one.tools.allow for one in config.agents):
        yield "playwright", "the tool browser"


def _programs(config: Config) -> Iterator[tuple[str, str]]:
    if config.tools.sandbox.mode != "off":
        yield config.tools.sandbox.backend, "tools.sandbox"
    for name, provider in config.providers.items():
        if provider.command:
            yield provider.command[0], f"providers.{name}"
    for name, server in config.mcp.servers.items():
        if server.command:
            yield server.command[0], f"mcp.servers.{name}"


def _folders(config: Config) -> Iterator[tuple[Path, str]]:
    for key, dirs in (("hooks.dirs", config.hooks.dirs), ("skills.dirs", config.skills.dirs)):
        for name in dirs:
            yield Path(name).expanduser(), key


def of_log(state: Path) -> Iterator[Sign]:
    """What went wrong in the last day, by the end of the log."""
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    errors = []
    with suppress(OSError), (state / LOG_FILE).open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
        for line in file.read().splitlines():
            with suppress(ValueError):
                record = loads(line)
                known = isinstance(record, dict)
                if known and rank(record.get("level")) >= _ERROR and str(record.get("at")) >= since:
                    errors.append(record)
    if errors:
        last = f"{errors[-1].get('logger')}: {errors[-1].get('event')}"
        what = f"{len(errors)} errors in the last day, the last one {last}"
        fix = "read them: trunkline logs -n 200"
        yield Sign(Finding("log.errors", "warn", what, fix, str(state / LOG_FILE)))


def ago(at: float) -> str:
    """How long ago a time was, in words."""
    minutes = int(max(0.0, time.time() - at) // 60)
    if minutes < 120:
        return f"{minutes} minutes ago"
    return f"{minutes // 60} hours ago" if minutes < 2880 else f"{minutes // 1440} days ago"
