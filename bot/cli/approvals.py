"""`approvals`: what agents want to do and wait for, and the decision."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.client import ask
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import clock, document, note, say, table

app = program(
    "Decide what waits for approval.", "approvals list", "approvals decide 4F7K allow-once"
)

Name = Annotated[str, typer.Argument(help="The short code, or the id.", metavar="ID")]
Decision = Annotated[
    str,
    typer.Argument(help="allow-once, allow-session, allow-always or deny.", metavar="DECISION"),
]
All = Annotated[bool, typer.Option("--all", help="Also what was decided or has expired.")]

_SHOWN = {
    "code": "CODE",
    "state": "STATE",
    "agent": "AGENT",
    "who": "ASKED BY",
    "until": "UNTIL",
    "command": "COMMAND",
}


@app.command("list", epilog=examples("approvals list", "approvals list --all --json"))
def list_approvals(all: All = False, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """What waits for a decision, with whole commands."""
    payload = ask(config, "approvals.list", {"all": all})
    if as_json:
        return document(payload)
    rows = [
        {
            "code": row["code"],
            "state": row["status"],
            "agent": row["agentId"],
            "who": row["requester"],
            "until": clock(row["expiresAt"]),
            "command": row["command"],
        }
        for row in payload["approvals"]
    ]
    table(rows, _SHOWN, "Nothing waits for approval.")


@app.command(epilog=examples("approvals decide 4F7K allow-once", "approvals decide 4F7K deny"))
def decide(
    name: Name, decision: Decision, as_json: AsJson = False, config: ConfigFile = None
) -> None:
    """Decide one; the first decision counts."""
    params = {"id": name, "decision": decision}
    row = ask(config, "approvals.resolve", params, changes=True)
    if as_json:
        return document(row)
    say(f"{row['code']}: {row['decision']}")
    note(row["command"])
