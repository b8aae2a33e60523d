"""`models`: what agents may use."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.client import ask
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, table

app = program("The models that agents may use.", "models list", "models list --agent main --json")

Agent = Annotated[
    str | None, typer.Option(help="The agent; else the default one.", show_default=False)
]

_COLUMNS = {
    "ref": "MODEL",
    "alias": "ALIAS",
    "ready": "READY",
    "reason": "WHY NOT",
    "contextWindow": "WINDOW",
}


@app.command("list", epilog=examples("models list", "models list --agent main --json"))
def list_models(agent: Agent = None, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Every known model, and whether it is ready; no model is called."""
    payload = ask(config, "models.list", {"agentId": agent} if agent else {})
    if as_json:
        return document(payload)
    table(payload["models"], _COLUMNS, "No models; see `providers` in the configuration.")


@app.callback()
def models() -> None:
    """The models that agents may use."""
