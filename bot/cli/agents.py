"""`agents`: the agents of the configuration."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli import Usage, place
from bot.cli.client import ask, told
from bot.cli.config import change
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, say, table
from bot.cli.settings import read
from bot.config import edit

app = program(
    "The agents of the configuration.", "agents list", "agents add support --model openai/gpt-5"
)

Id = Annotated[str, typer.Argument(help="The agent's id.", metavar="ID")]
Name = Annotated[str | None, typer.Option(help="What people call it.", show_default=False)]
Model = Annotated[
    str | None, typer.Option(help="Its model, as provider/model.", show_default=False)
]

_COLUMNS = {
    "id": "ID",
    "name": "NAME",
    "default": "DEFAULT",
    "enabled": "ENABLED",
    "primary": "MODEL",
    "workspace": "WORKSPACE",
}


@app.command("list", epilog=examples("agents list", "agents list --json"))
def list_agents(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """The agents and their models."""
    payload = ask(config, "agents.list", {})
    if as_json:
        return document(payload)
    rows = [{**row, "primary": row["model"]["primary"]} for row in payload["agents"]]
    table(rows, _COLUMNS, "")


@app.command(epilog=examples("agents add support", "agents add support --model openai/gpt-5"))
def add(
    id: Id,
    name: Name = None,
    model: Model = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Add an agent to the configuration file; a running gateway uses it at once."""
    here = place.find(config)
    if read(here).agent(id) is not None:
        raise Usage(f"there is an agent {id} already")
    agent = {"id": id, "name": name or id.title()} | ({"model": model} if model else {})
    keys = {("agentId" if key == "id" else key): value for key, value in agent.items()}
    live = told(config, "agents.create", keys)
    path = live["file"] if live else change(here, lambda text: edit.with_agent(text, agent))
    document({"file": str(path), "agent": agent}) if as_json else say(f"{path}: {id} is added")


@app.command(epilog=examples("agents remove support", "agents remove support --json"))
def remove(id: Id, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Take an agent out of the configuration file; its sessions stay in the store."""
    here = place.find(config)
    settings = read(here)
    if settings.agent(id) is None:
        raise Usage(f"there is no agent {id}; see: trunkline agents list")
    if len(settings.agents) == 1:
        raise Usage(f"{id} is the only agent; add another one first")
    live = told(config, "agents.delete", {"agentId": id})
    path = live["file"] if live else change(here, lambda t: edit.remove_value(t, f"agents.{id}"))
    document({"file": str(path), "removed": id}) if as_json else say(f"{path}: {id} is removed")
