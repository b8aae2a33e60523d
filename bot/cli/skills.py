"""`skills`: what agents can be told to do by a file."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.client import ask
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, table

app = program("The skills that agents have.", "skills list", "skills list --agent main --json")

Agent = Annotated[
    str | None, typer.Option(help="The agent; else the default one.", show_default=False)
]

_COLUMNS = {
    "name": "SKILL",
    "source": "FROM",
    "ready": "READY",
    "reason": "WHY NOT",
    "location": "FILE",
}


@app.command("list", epilog=examples("skills list", "skills list --agent main --json"))
def list_skills(agent: Agent = None, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Every SKILL.md that was found, and why one is not offered."""
    payload = ask(config, "skills.list", {"agentId": agent} if agent else {})
    if as_json:
        return document(payload)
    table(payload["skills"], _COLUMNS, "No skills; put one into <workspace>/skills/NAME/SKILL.md.")


@app.callback()
def skills() -> None:
    """The skills that agents have."""
