"""`usage`: what models have used and cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from bot.cli.client import ask
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, say, table

app = program("What models have used and cost.", "usage", "usage --days 7 --json")

Days = Annotated[int, typer.Option(help="How many days back, today included.", min=1, max=366)]
Session = Annotated[str | None, typer.Option(help="A session, summed up apart.", metavar="KEY")]

_COLUMNS = {
    "name": "MODEL",
    "runs": "RUNS",
    "inputTokens": "TOKENS IN",
    "outputTokens": "TOKENS OUT",
    "price": "COST",
}


@app.command(epilog=examples("usage", "usage --days 7", "usage --session main --json"))
def usage(
    days: Days = 30, session: Session = None, as_json: AsJson = False, config: ConfigFile = None
) -> None:
    """Tokens and cost by model; days are days in UTC."""
    params = {"days": days} | ({"sessionKey": session} if session else {})
    payload = ask(config, "usage.summary", params)
    if as_json:
        return document(payload)
    if "session" in payload:
        say(f"session: {_sum(payload['session'])}")
    say(f"today: {_sum(payload['today'])}")
    say(f"{days} days: {_sum(payload['total'])}")
    rows = [{**row, "name": row["name"] or "?", "price": price(row)} for row in payload["byModel"]]
    table(rows, _COLUMNS, "No model has been used.")


def _sum(row: Mapping[str, Any]) -> str:
    tokens = f"{row['inputTokens']:,} tokens in, {row['outputTokens']:,} out"
    runs = "1 run" if row["runs"] == 1 else f"{row['runs']:,} runs"
    return f"{runs}, {tokens}, {price(row)}"


def price(row: Mapping[str, Any]) -> str:
    """A cost, or that nobody knows it: never 0 for what has no price."""
    if not row["unpriced"]:
        return f"${row['cost'] or 0:.4f}"
    known = "" if row["cost"] is None else f"${row['cost']:.4f} and "
    return f"{known}unknown for {row['unpriced']} of {row['runs']} runs"
