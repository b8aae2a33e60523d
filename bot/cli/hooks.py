"""`hooks`: code of the operator that runs at named points."""

from __future__ import annotations

from bot.cli.client import ask
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, table

app = program("Code of yours that runs at named points.", "hooks list", "hooks list --json")

_COLUMNS = {
    "name": "HOOK",
    "source": "FROM",
    "events": "HEARS",
    "ready": "READY",
    "reason": "WHY NOT",
    "location": "WHERE",
}


@app.command("list", epilog=examples("hooks list", "hooks list --json"))
def list_hooks(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Every hook that was found, what it hears, and why one is not used."""
    payload = ask(config, "hooks.list", {})
    if as_json:
        return document(payload)
    rows = [
        {**one, "events": ", ".join(one["events"]), "reason": one["reason"] or _off(one)}
        for one in payload["hooks"]
    ]
    table(rows, _COLUMNS, "No hooks; docs/hooks.md says how to write one.")


def _off(row: dict[str, object]) -> str | None:
    return None if row["enabled"] else "switched off"


@app.callback()
def hooks() -> None:
    """Code of yours that runs at named points."""
