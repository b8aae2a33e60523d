"""`audit`: what is dangerous in the configuration and the state, with the line and the fix."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import typer

from bot.cli import Usage, hazards, hazards_tools, load, place, rights
from bot.cli.finding import Finding, grave, ordered, report, tell
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document
from bot.cli.place import Place, text_in
from bot.cli.settings import checked
from bot.config.document import parse
from bot.config.load import read_text
from bot.config.places import Places
from bot.config.settings import Config
from bot.errors import ConfigError, StoreError
from bot.opening import is_there, shared, store_path

app = program()


@app.command(epilog=examples("audit", "audit --json"))
def audit(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """What is dangerous in the configuration and the state; nothing is changed or asked.

    Each finding has a line of the file and a fix. Exits with 1 when one is a warning or worse.
    """
    here = place.find(config)
    try:
        settings = checked(here, {})
    except ConfigError as error:
        raise Usage(f"it could not be checked: the configuration has mistakes\n{error}") from None
    found = ordered(_placed(list(found_in(settings, here)), here))
    if as_json:
        document(report(found))
    else:
        tell(found, f"{here.config or 'the defaults'}: nothing dangerous")
    if grave(found):
        raise typer.Exit(1)


def found_in(settings: Config, here: Place) -> Iterator[Finding]:
    yield from hazards.hazards(settings)
    yield from hazards_tools.hazards(settings, here.state)
    yield from hazards.shared_people(settings, _paired(settings, here))
    yield from _files(settings, here)
    if os.geteuid() == 0:
        yield Finding(
            "state.root",
            "info",
            "this runs as root: what an agent does is done by root",
            "make a user of its own for it",
        )


def _files(settings: Config, here: Place) -> Iterator[Finding]:
    for _, finding in rights.wrong(here.state):
        yield finding
    if not settings.gateway.token:
        yield from hazards.weak_token(text_in(here.token), (), str(here.token))
    key = settings.gateway.tls.key
    told = [here.config] if here.config and any(hazards.in_file(settings)) else []
    for path in [*told, *([Path(key).expanduser()] if key else [])]:
        if here.state not in path.parents and path.is_file() and path.stat().st_mode & 0o044:
            yield Finding(
                "secrets.readable",
                "critical",
                "it holds a secret, and other users may read it",
                f"chmod 0600 {path}",
                str(path),
            )


def _paired(settings: Config, here: Place) -> int:
    """How many people were let in. A store of many machines is not asked."""
    if shared(settings) or not is_there(settings, here.state):
        return 0
    sqlite = load("bot.engine.sqlite")
    path = store_path(settings, here.state)
    try:
        with closing(sqlite.connect(path, read_only=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM people").fetchone()[0])
    except (StoreError, sqlite.sqlite3.Error):
        return 0  # doctor says what is wrong with it


def _placed(found: list[Finding], here: Place) -> list[Finding]:
    """With the line of the file that each is about."""
    if here.config is None:
        return found
    places = Places(str(here.config), parse(read_text(here.config), str(here.config), []))

    def placed(one: Finding) -> Finding:
        if one.place or not one.path:
            return one
        line, column = places.locate(one.path)
        return dataclasses.replace(one, place=f"{here.config}:{line}:{column}")

    return [placed(one) for one in found]
