"""`models`: what agents may use."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from bot.cli import Usage
from bot.cli.client import ask
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, note, say, table
from bot.cli.place import find, private
from bot.cli.settings import read
from bot.clock import SystemClock
from bot.errors import TrunklineError
from bot.providers.http import Refused
from bot.providers.login import SignIn

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


@app.command(epilog=examples("models login PROVIDER", "models login PROVIDER --config FILE"))
def login(
    provider: Annotated[
        str,
        typer.Argument(help="One that has `oauth` in the configuration.", metavar="PROVIDER"),
    ],
    config: ConfigFile = None,
) -> None:
    """Sign in by a code that you confirm in a browser, on this machine or another."""
    place = find(config)
    private(place.state)
    name = provider.lower()
    settings = read(place).providers.get(name)
    if settings is None or settings.oauth is None:
        raise Usage(f"providers.{name}.oauth is not configured; see docs/models.md")
    try:
        asyncio.run(_signed_in(SignIn(name, settings.oauth, place.state, SystemClock())))
    except Refused as refused:
        raise TrunklineError(refused.failure.message) from None
    say(f"Signed in to {name}.")


async def _signed_in(sign_in: SignIn) -> None:
    device = await sign_in.begin()
    say(f"Open {device.url} and enter the code {device.user_code}")
    if device.whole_url:
        say(f"or open {device.whole_url}")
    note("waiting for your confirmation; Ctrl-C gives up")
    await sign_in.finish(device)


@app.callback()
def models() -> None:
    """The models that agents may use."""
