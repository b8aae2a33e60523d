"""`models`: what agents may use."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.client import ask
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, table

app = program("The models that agents may use.", "models list", "models test openai/gpt-5")

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


@app.command("test", epilog=examples("models test openai/gpt-5", "models test best --json"))
def test_model(
    ref: Annotated[str, typer.Argument(help="The model, as provider/model or by its alias.")],
    agent: Agent = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Ask a model one short question; exit code 1 when it does not answer."""
    params = {"ref": ref} | ({"agentId": agent} if agent else {})
    payload = ask(config, "models.test", params)
    if as_json:
        document(payload)
    elif payload["ok"]:
        print(f"{ref} answered in {payload['latencyMs']} ms.")
    else:
        print(f"{ref} does not answer ({payload['reason']}): {payload['message']}")
    if not payload["ok"]:
        raise typer.Exit(1)


@app.callback()
def models() -> None:
    """The models that agents may use."""
