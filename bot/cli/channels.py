"""`channels`: the accounts on chat platforms."""

from __future__ import annotations

from collections.abc import Callable

from bot.cli import accounts, bindings
from bot.cli.client import ask
from bot.cli.conformance import conformance
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import clock, document, holder, table

app = program("Accounts on chat platforms.", "channels list", "channels status --json")

_LIST = {
    "account": "ACCOUNT",
    "adapter": "ADAPTER",
    "enabled": "ENABLED",
    "agent": "AGENT",
    "matchedBy": "BECAUSE",
}
_STATUS = {
    "account": "ACCOUNT",
    "state": "STATE",
    "held": "HELD BY",
    "error": "ERROR",
    "last": "LAST EVENT",
    "quarantined": "QUARANTINED",
}
_NONE = "No channels yet: add one below `channels:` in the configuration."


@app.command("list", epilog=examples("channels list", "channels list --json"))
def list_channels(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """The accounts, and which agent answers there."""
    payload = ask(config, "channels.list", {})
    if as_json:
        return document(payload)
    table(payload["channels"], _LIST, _NONE)


@app.command(epilog=examples("channels status", "channels status --json"))
def status(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """How the accounts are connected, and by which process; without one that runs, none is."""
    payload = ask(config, "channels.status", {})
    if as_json:
        return document(payload)
    rows = [
        {**row, "last": clock(row["lastEventAt"]), "held": holder(row)}
        for row in payload["channels"]
    ]
    table(rows, _STATUS, _NONE)


def _add(run: Callable[..., None], name: str, *lines: str) -> None:
    app.command(name, epilog=examples(*(f"channels {name} {line}" for line in lines)))(run)


_add(accounts.test, "test", "ACCOUNT", "ACCOUNT --to 12345 --json")
_add(accounts.add, "add", "ACCOUNT token=-", "mine adapter=NAME token='${BOT_TOKEN}'")
_add(accounts.change, "set", "ACCOUNT typing=false", "ACCOUNT 'allow_from=[\"12345\"]' agent=null")
_add(accounts.remove, "remove", "ACCOUNT", "ACCOUNT --json")
_add(bindings.bindings, "bindings", "", "--json")
_add(bindings.bind, "bind", "support channel=ACCOUNT", "support channel=ACCOUNT peer=12345")
_add(bindings.unbind, "unbind", "2", "2 --json")
_add(
    accounts.manifest,
    "manifest",
    "ADAPTER > manifest.json",
    "ADAPTER --url https://bot.example.org/channels/ACCOUNT",
)
app.command(epilog=examples("channels conformance", "channels conformance ADAPTER --explain"))(
    conformance
)
