"""`init`: the first configuration and its schema. What is there stays as it is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import place
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, note, say
from bot.cli.place import Place
from bot.cli.settings import option_types, read
from bot.config.schema import json_schema
from bot.config.show import SCHEMA_FILE, default_config_text

app = program()

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")]


@app.command(epilog=examples("init", "init --yes --config ./config.yaml"))
def init(config: ConfigFile = None, yes: Yes = False, as_json: AsJson = False) -> None:
    """Write a first configuration and the schema for your editor.

    May be run again: a file that is there is never changed.
    """
    here = place.find(config)
    place.private(here.state)
    path = here.config or here.state / "config.yaml"
    written = write(path)
    found = read(replace(here, config=path))
    if as_json:
        return document({"config": str(path), "written": [str(one) for one in written]})
    for one in written:
        say(f"wrote {one}")
    if path not in written:
        say(f"{path} is there already and stays as it is")
    agent = found.default_agent
    say(f"the agent {agent.id} answers with {agent.model.primary}")
    say("next: trunkline up")


def first(here: Place) -> Place:
    """The place with a configuration, which is written now."""
    path = here.state / "config.yaml"
    write(path)
    note(f"wrote {path}")
    return replace(here, config=path)


def write(path: Path) -> list[Path]:
    """The files that were missing, now written."""
    types = option_types()
    schema = path.with_name(SCHEMA_FILE)
    wanted = {path: default_config_text(types)}
    if not schema.exists():
        wanted[schema] = json.dumps(json_schema(types), indent=2) + "\n"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [file for file, text in wanted.items() if _written(file, text)]


def _written(path: Path, text: str) -> bool:
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        return False
    return True
