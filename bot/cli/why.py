"""`why`: one message's whole story."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from bot.cli.client import ask
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import clock, document, facts, say, table

app = program()

Id = Annotated[
    str, typer.Argument(help="A platform's message id, an inbox id or a run id.", metavar="ID")
]


@app.command(epilog=examples("why 777", "why 777 --json"))
def why(id: Id, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Was a message let in, by which rule; who answered, with what; and did the answer arrive?"""
    story = ask(config, "why", {"id": id})
    if as_json:
        return document(story)
    if "candidates" in story:
        columns = {"id": "ID", "sessionKey": "SESSION", "at": "AT", "text": "TEXT"}
        say(f"Several messages have the id {id}; ask for one of these:")
        return table(story["candidates"], columns, "")
    _tell(story)


def _tell(story: Mapping[str, Any]) -> None:
    message, admission, route = story["message"], story["admission"], story["route"]
    verdict = "let in" if admission["allowed"] else "refused"
    facts(
        [
            ("message", f"{message['author']['name']}: {message['text'][:80]}"),
            ("from", f"{message['channel']}, {message['account']}, {message['conversation']}"),
            ("admission", f"{verdict} by {admission['rule']}"),
            ("agent", f"{route['agentId']} by {route['matchedBy']}"),
            ("session", route["sessionKey"]),
            *_run(story.get("run")),
        ]
    )
    say()
    steps = [{**one, "at": clock(one["at"])} for one in story["steps"]]
    table(steps, {"at": "AT", "kind": "WHAT", "name": "NAME", "ms": "MS", "detail": "DETAIL"}, "")
    say()
    parts = {"part": "PART", "state": "STATE", "id": "ID", "attempts": "TRIES", "error": "ERROR"}
    table(story["parts"], parts, "Nothing was sent.")


def _run(run: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    if run is None:
        return []
    found = [("run", f"{run['runId']}, {run['status']}")]
    if run["error"]:
        found.append(("error", f"{run['error']['code']}: {run['error']['message']}"))
    return found
