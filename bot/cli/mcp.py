"""`mcp`: tool servers, and the review of tools that changed."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.client import ask
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, note, say, table

app = program(
    "Tools of other programs (Model Context Protocol).",
    "mcp list",
    "mcp review SERVER",
)

Server = Annotated[
    str, typer.Argument(help="The server's name in the configuration.", metavar="SERVER")
]
Tool = Annotated[
    str | None,
    typer.Argument(help="One tool, by the server's own name for it.", metavar="TOOL"),
]

_TOOLS = {"name": "TOOL", "state": "STATE", "description": "DESCRIPTION"}


@app.command("list", epilog=examples("mcp list", "mcp list --json"))
def list_servers(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """The servers, their tools, and what waits for review."""
    payload = ask(config, "mcp.list", {})
    if as_json:
        return document(payload)
    if not payload["servers"]:
        return say("No tool server is configured.")
    for server in payload["servers"]:
        say(f"{server['name']}: {server['error'] or server['state']}")
        rows = [{**one, "description": _line(one["description"])} for one in server["tools"]]
        table(rows, _TOOLS, "No tools are known yet.")
        for one in server["tools"]:
            if one["waits"]:
                note(f"{one['name']} says now: {one['waits']['description']}")


@app.command(epilog=examples("mcp check SERVER", "mcp check SERVER --json"))
def check(server: Server, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Start a server and ask it for its tools."""
    payload = ask(config, "mcp.check", {"server": server}, changes=True)
    if as_json:
        return document(payload)
    [row] = payload["servers"]
    table(row["tools"], {"name": "TOOL", "state": "STATE"}, "It has no tools.")


@app.command(epilog=examples("mcp review SERVER", "mcp review SERVER TOOL"))
def review(
    server: Server, tool: Tool = None, as_json: AsJson = False, config: ConfigFile = None
) -> None:
    """Take new and changed tools as they are now. Read first what `mcp list` says of them."""
    named = {"server": server} if tool is None else {"server": server, "tool": tool}
    payload = ask(config, "mcp.review", named, changes=True)
    if as_json:
        return document(payload)
    for name in payload["reviewed"]:
        say(f"{name} may be used again")


def _line(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 60 else f"{words[:59]}\N{HORIZONTAL ELLIPSIS}"
