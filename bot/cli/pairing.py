"""`pairing`: let people in who asked a bot, and keep them out again."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli import Usage
from bot.cli.client import ask
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import clock, document, note, say, table

app = program(
    "Let people in who wrote to a bot, or keep them out.",
    "pairing list",
    "pairing approve ABCD2345",
)

Code = Annotated[
    str, typer.Argument(help="The code the person was told, or the request's id.", metavar="CODE")
]
Person = Annotated[
    str, typer.Argument(help="Account and author id, as the list shows them.", metavar="PERSON")
]

_CODE_LENGTH = 8
_OPEN = {"code": "CODE", "who": "WHO", "id": "ID", "account": "ACCOUNT", "until": "UNTIL"}
_PAIRED = {"person": "PERSON", "name": "NAME", "since": "SINCE"}


@app.command("list", epilog=examples("pairing list", "pairing list --json"))
def list_requests(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Open requests, and the people who are in."""
    payload = ask(config, "pairing.list", {})
    people = ask(config, "pairing.people", {})["people"]
    if as_json:
        return document({**payload, "people": people})
    rows = [
        {
            "code": row["code"],
            "who": row["author"]["name"] or row["author"]["username"],
            "id": row["author"]["id"],
            "account": row["account"],
            "until": clock(row["expiresAt"]),
        }
        for row in payload["pairings"]
    ]
    table(rows, _OPEN, "Nobody asks to be let in.")
    if people:
        say()
        paired = [
            {
                "person": f"{row['account']}:{row['author']['id']}",
                "name": row["author"]["name"],
                "since": clock(row["since"]),
            }
            for row in people
        ]
        table(paired, _PAIRED, "")


@app.command(epilog=examples("pairing approve ABCD2345", "pairing approve ABCD2345 --json"))
def approve(code: Code, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Let a person in, at once. What they said before stays unanswered."""
    row = ask(config, "pairing.approve", _named(code), changes=True)
    if as_json:
        return document(row)
    who = row["author"]["name"] or row["author"]["id"]
    if row["kind"] == "node":
        return say(f"{who} may be used now, for: {', '.join(row['author']['commands'])}")
    say(f"{who} may talk to {row['account']} now")
    note("They should write again: what was said before stays unanswered.")


@app.command(epilog=examples("pairing deny ABCD2345", "pairing deny ABCD2345 --json"))
def deny(code: Code, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Turn a request down; the person is not told."""
    row = ask(config, "pairing.deny", _named(code), changes=True)
    if as_json:
        return document(row)
    say(f"{row['author']['name'] or row['author']['id']} stays out")


@app.command(epilog=examples("pairing revoke ACCOUNT:12345", "pairing revoke ACCOUNT:12345 --json"))
def revoke(person: Person, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Put a person out again who was let in."""
    account, _, author = person.partition(":")
    if not account or not author:
        raise Usage(f"{person!r} names nobody; write ACCOUNT:ID as `trunkline pairing list` shows")
    row = ask(config, "pairing.revoke", {"account": account, "author": author}, changes=True)
    if as_json:
        return document(row)
    say(f"{person} is out")


def _named(code: str) -> dict[str, str]:
    return {"code": code} if len(code) == _CODE_LENGTH else {"id": code}
