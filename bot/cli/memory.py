"""`memory`: what agents have noted."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.client import ask
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, table

app = program(
    "What agents have noted.", 'memory search "the release date"', "memory index", "memory status"
)

Agent = Annotated[
    str | None, typer.Option(help="The agent; else the default one.", show_default=False)
]
OneOrAll = Annotated[str | None, typer.Option(help="One agent; else all.", show_default=False)]
Person = Annotated[
    str | None,
    typer.Option(help="A folder of memory/people instead of the owners'.", show_default=False),
]
Most = Annotated[int, typer.Option("--max", min=1, max=50, help="How many places at most.")]
Again = Annotated[bool, typer.Option(help="Index files that have not changed too.")]

_HITS = {"path": "FILE", "startLine": "FROM", "endLine": "TO", "score": "SCORE", "text": "TEXT"}
_STATE = {
    "agentId": "AGENT",
    "files": "FILES",
    "chunks": "PIECES",
    "vectors": "VECTORS",
    "embeddings": "EMBEDDINGS",
    "problem": "PROBLEM",
    "indexedAt": "INDEXED",
}


@app.command(
    "search",
    epilog=examples('memory search "the release date"', "memory search safe --agent main"),
)
def search(
    query: Annotated[str, typer.Argument(help="What you look for, in words.")],
    agent: Agent = None,
    person: Person = None,
    most: Most = 6,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """The best places in an agent's memory files; changed files are indexed first."""
    given = {"agentId": agent, "person": person}
    params = {"query": query, "maxResults": most, **{k: v for k, v in given.items() if v}}
    payload = ask(config, "memory.search", params, changes=True)
    if as_json:
        return document(payload)
    rows = [{**row, "text": " ".join(row["text"].split())[:200]} for row in payload["results"]]
    table(rows, _HITS, "Nothing found.")


@app.command("index", epilog=examples("memory index", "memory index --agent main --again"))
def index(
    agent: OneOrAll = None,
    again: Again = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Take changed memory files into the index; a search does so by itself."""
    params = {"again": again, **({"agentId": agent} if agent else {})}
    payload = ask(config, "memory.index", params, changes=True)
    if as_json:
        return document(payload)
    table(payload["indexed"], {"agentId": "AGENT", "files": "INDEXED"}, "No agents.")


@app.command("status", epilog=examples("memory status", "memory status --json"))
def status(agent: OneOrAll = None, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """How much is indexed, and whether meaning counts beside words."""
    payload = ask(config, "memory.status", {"agentId": agent} if agent else {})
    if as_json:
        return document(payload)
    table(payload["agents"], _STATE, "No agents.")


@app.callback()
def memory() -> None:
    """What agents have noted."""
