"""`support`: what helps others to help, in one file, without secrets and without conversations."""

from __future__ import annotations

import json
import os
import platform
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Annotated, Any

import typer

from bot import __version__
from bot.cli import Usage, audit, doctor, load, place
from bot.cli.finding import ordered, report
from bot.cli.health import MIB
from bot.cli.journal import secrets_of
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, note, say
from bot.cli.place import Place, text_in
from bot.cli.settings import checked
from bot.config.environment import ENVIRONMENT
from bot.config.settings import Config
from bot.config.show import redacted
from bot.errors import ConfigError, TrunklineError
from bot.logfile import LOG_FILE
from bot.opening import is_there, shared, store_path
from bot.reply import Secrets

app = program()

New = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Where to; else by the time.")]


@app.command(epilog=examples("support", "support /tmp/for-the-issue.zip --json"))
def support(file: New = None, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Write a file for a bug report: versions, configuration, findings, counts, the log's end.

    Secrets are masked and nothing that people said is in it. Look at it before you share it:
    names of channels, ids of people and paths of this machine are.
    """
    here = place.find(config)
    path = (file or Path(f"trunkline-support-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.zip")).expanduser()
    if path.exists():
        raise Usage(f"{path} exists already; name a file that is not there")
    try:
        settings: Config | None = checked(here, {})
    except ConfigError:
        settings = None  # the doctor's findings say what is wrong with it
    secrets = [text_in(here.token), *(secrets_of(settings) if settings else ())]
    parts = dict(_parts(settings, here, Secrets([one for one in secrets if one]).clean))
    os.umask(0o077)
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in parts.items():
            bundle.writestr(name, text)
    if as_json:
        return document({"file": str(path.absolute()), "parts": list(parts)})
    say(f"{path} is written: {', '.join(parts)}")
    note("Look at it before you share it; secrets are masked, names and ids are not.")


def _parts(
    settings: Config | None, here: Place, clean: Callable[[str], str]
) -> Iterator[tuple[str, str]]:
    def as_text(value: Any) -> str:
        return clean(json.dumps(value, ensure_ascii=False, indent=2, default=str))

    yield "about.json", as_text(_about(here))
    signs = [sign.finding for sign in doctor.signs_of(here, False)]
    yield "doctor.json", as_text(report(ordered(signs)))
    if settings is not None:
        yield "config.json", as_text(redacted(settings))
        yield "audit.json", as_text(report(ordered(list(audit.found_in(settings, here)))))
        yield "store.json", as_text(_store(settings, here))
    yield "log.jsonl", clean(_log(here.state / LOG_FILE))


def _about(here: Place) -> dict[str, Any]:
    return {
        "version": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "state": str(here.state),
        "config": str(here.config or ""),
        "environment": [name for name, _ in ENVIRONMENT if os.environ.get(name)],
        "packages": {one.name: one.version for one in distributions()},
    }


def _store(settings: Config, here: Place) -> dict[str, Any]:
    """How many rows each table has, and the steps of its schema. A shared store is not asked."""
    if shared(settings) or not is_there(settings, here.state):
        return {"engine": "postgresql" if shared(settings) else "none yet"}
    sides, layout = load("bot.store.sides"), load("bot.store.layout")
    try:
        with closing(sides.SqliteSide(store_path(settings, here.state), read_only=True)) as side:
            there = side.tables()
            names = [one.name for one in layout.tables() if one.name in there]
            rows = {name: side.query(f"SELECT count(*) FROM {name}")[0][0] for name in names}
            return {"engine": "sqlite", "steps": sorted(side.steps()), "rows": rows}
    except TrunklineError as error:
        return {"engine": "sqlite", "error": str(error)}


def _log(path: Path) -> str:
    """The last megabyte of the log, in whole lines."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - MIB))
            cut = file.tell() > 0
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return text.partition("\n")[2] if cut else text
