"""`config`: check, read and change the configuration."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli import Usage, place
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, note, say, table
from bot.cli.place import Place
from bot.cli.settings import checked, option_types, read
from bot.config import edit, show
from bot.config.document import parse
from bot.config.environment import ENVIRONMENT
from bot.config.load import read_text
from bot.config.problems import ConfigMissing, Problem, suggest
from bot.config.schema import json_schema
from bot.config.splice import EditError
from bot.errors import ConfigError

app = program(
    "Check, read and change the configuration.",
    "config check",
    "config set agents.main.model openai/gpt-5",
)

Key = Annotated[str, typer.Argument(help="Names joined by dots.", metavar="KEY")]
SomeKey = Annotated[
    str | None, typer.Argument(help="Names joined by dots; else everything.", metavar="KEY")
]
Value = Annotated[str, typer.Argument(help="The value, as the file writes it.", metavar="VALUE")]


@app.command(epilog=examples("config check", "config check --config other.yaml --json"))
def check(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Find every mistake at once: file, line, column, key, what is wrong, and the fix."""
    here = place.find(config)
    name = str(here.config or "the defaults")
    try:
        found, warnings = [], checked(here, {}).warnings
    except ConfigMissing:
        raise
    except ConfigError as error:
        found, warnings = error.problems, ()
    if as_json:
        document(
            {
                "ok": not found,
                "file": name,
                "problems": [dataclasses.asdict(one) for one in found],
                "warnings": [dataclasses.asdict(one) for one in warnings],
            }
        )
    else:
        _tell(name, found, warnings)
    if found:
        raise typer.Exit(1)


def _tell(name: str, found: list[Problem], warnings: tuple[Problem, ...]) -> None:
    for one in found:
        say(one)
    for one in warnings:
        note(f"warning: {one}")
    if not found:
        say(f"{name}: no mistakes")


@app.command(epilog=examples("config get", "config get agents.main.model --json"))
def get(key: SomeKey = None, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """The configuration as it holds, defaults included; secrets are only counted."""
    settings = read(place.find(config))
    try:
        value = show.redacted(settings) if key is None else show.get(settings, key)
    except (KeyError, ValueError):
        above, _, last = (key or "").rpartition(".")
        raise Usage(f"there is no key {key}; {_near(settings, above, last)}") from None
    document(value) if as_json or isinstance(value, (dict, list)) else say(_scalar(value))


def _near(settings: Any, above: str, last: str) -> str:
    try:
        names = show.get(settings, above) if above else show.redacted(settings)
    except (KeyError, ValueError):
        return "see docs/configuration.md"
    return suggest(last, list(names)) if isinstance(names, dict) else "it has no keys below it"


def _scalar(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else value


@app.command(
    "set",
    epilog=examples("config set gateway.port 8080", "config set providers.openai '{api: openai}'"),
)
def set_key(key: Key, value: Value, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Change one key in the file; comments and order stay, and nothing broken is written."""
    path = change(place.find(config), lambda text: edit.set_value(text, key, value_of(value)))
    if as_json:
        return document({"file": str(path), "key": key})
    say(f"{path}: {key} is set")


def value_of(text: str) -> Any:
    """A value as YAML, or as plain text where that is none."""
    problems: list[Problem] = []
    try:
        root = parse(f"value: {text}", "the value", problems)
    except ConfigError:
        return text
    return text if problems or not isinstance(root.data, dict) else root.data.get("value")


def change(here: Place, changed: Callable[[str], str]) -> Path:
    """Write a changed file; its path. Raises Usage, ConfigError, RequestError CONFLICT."""
    if here.config is None:
        raise Usage("there is no configuration yet; write one with: trunkline init")
    before = read_text(here.config)
    try:
        text = changed(before)
    except EditError as error:
        raise Usage(str(error)) from None
    edit.write(here.config, text, edit.base_of(before), os.environ, option_types())
    if here.running.exists():
        note("The running gateway goes on with the old values; start it again to use the new.")
    return here.config


@app.command(epilog=examples("config schema", "config schema > config.schema.json"))
def schema(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """The JSON Schema of the file, for editors and checks."""
    document(json_schema(option_types()))


@app.command(epilog=examples("config env", "config env --json"))
def env(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """The environment variables that count, and whether they are set."""
    rows = [
        {"name": name, "set": bool(os.environ.get(name)), "help": text}
        for name, text in ENVIRONMENT
    ]
    if as_json:
        return document({"variables": rows})
    table(rows, {"name": "NAME", "set": "SET", "help": "WHAT IT DOES"}, "")
