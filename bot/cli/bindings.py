"""`channels bindings|bind|unbind`: which agent answers where."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bot.cli import Usage
from bot.cli.accounts import LATER, pairs
from bot.cli.client import ask
from bot.cli.options import AsJson, ConfigFile
from bot.cli.output import document, note, say, table

Agent = Annotated[str, typer.Argument(help="The agent's id.", metavar="AGENT")]
Conditions = Annotated[
    list[str],
    typer.Argument(
        help="channel, account, kind, conversation, thread, peer, guild or team.",
        metavar="KEY=VALUE",
    ),
]
Number = Annotated[int, typer.Argument(help="As `channels bindings` shows it.", metavar="NUMBER")]

_COLUMNS = {"number": "NUMBER", "agent": "AGENT", "where": "WHERE", "origin": "SET BY"}


def bindings(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Every route: of the configuration, and of /agent switch."""
    told = ask(config, "bindings.list", {})
    if as_json:
        return document(told)
    rows = [{**row, "where": _where(row["match"])} for row in told["bindings"]]
    table(rows, _COLUMNS, "No routes.")
    note(f"Everything else: {told['default']}, the default agent.")


def _where(match: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in match.items())


def bind(
    agent: Agent, conditions: Conditions, as_json: AsJson = False, config: ConfigFile = None
) -> None:
    """Let an agent answer where all conditions hold.

    Of several routes that fit, the most specific one counts.
    """
    match = pairs(conditions)
    _put(config, lambda rows: [*rows, {"agent": agent, "match": match}], as_json)


def unbind(number: Number, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Take a route out of the configuration."""

    def without(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not 0 < number <= len(rows):
            raise Usage(f"there is no route {number}; see: trunkline channels bindings")
        return rows[: number - 1] + rows[number:]

    _put(config, without, as_json)


def _put(config: ConfigFile, changed: Any, as_json: bool) -> None:
    before = ask(config, "bindings.list", {})
    rows = [row for row in before["bindings"] if row["origin"] == "file"]
    routes = changed([{"agent": row["agent"], "match": row["match"]} for row in rows])
    params = {"bindings": routes, "base": before["base"]}
    told = ask(config, "bindings.set", params, changes=True)
    if as_json:
        return document(told)
    say(f"{told['file']}: {len(routes)} routes")
    if told["restart"]:
        note(LATER)
