"""`sessions`: list, read, export and reset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bot.cli.client import ask
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import clock, document, facts, plain, say, table
from bot.transcript import session_document

app = program(
    "List, read, export and reset sessions.", "sessions list", "sessions show main --json"
)

Key = Annotated[str, typer.Argument(help="The session's key, or main.", metavar="KEY")]
Agent = Annotated[str | None, typer.Option(help="Only this agent's sessions.", show_default=False)]
Form = Annotated[Literal["json", "md", "jsonl"], typer.Option("--format", help="The form.")]

_COLUMNS = {
    "sessionKey": "KEY",
    "displayName": "NAME",
    "kind": "KIND",
    "model": "MODEL",
    "active": "ACTIVE",
    "updated": "UPDATED",
}


@app.command("list", epilog=examples("sessions list", "sessions list --agent main --json"))
def list_sessions(agent: Agent = None, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Every session, newest first."""
    payload = ask(config, "sessions.list", {"agentId": agent} if agent else {})
    if as_json:
        return document(payload)
    rows = [{**row, "updated": clock(row["updatedAt"])} for row in payload["sessions"]]
    table(rows, _COLUMNS, "No sessions yet: they begin with the first message.")


@app.command(epilog=examples("sessions show main", "sessions show agent:main:main --json"))
def show(key: Key, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """One session and its messages."""
    whole = _whole(config, key)
    if as_json:
        return document(whole)
    facts((name, whole.get(field)) for field, name in _COLUMNS.items() if field in whole)
    for message in whole["messages"]:
        say(f"\n{clock(message['at'])}  {message['role']}")
        say(message["text"])


def _whole(config: Path | None, key: str) -> dict[str, Any]:
    """The session's row with its `messages`."""
    exported = ask(config, "sessions.export", {"sessionKey": key, "exact": True})
    return {**exported["session"], "messages": exported["messages"]}


@app.command(epilog=examples("sessions export main", "sessions export main --format md"))
def export(key: Key, form: Form = "json", config: ConfigFile = None) -> None:
    """A whole session on stdout."""
    whole = _whole(config, key)
    text = session_document(whole, whole.pop("messages"), form)
    print(plain(text) if form == "md" else text)


@app.command(epilog=examples("sessions reset main", "sessions reset agent:main:main --json"))
def reset(key: Key, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Put a session's transcript away and begin a new one under the same key."""
    payload = ask(config, "sessions.reset", {"sessionKey": key, "exact": True}, changes=True)
    if as_json:
        return document(payload)
    say(f"{key} begins afresh; the earlier transcript is kept in the store")
