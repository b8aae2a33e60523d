"""`open`: the page, signed in by a link that works once."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from bot.cli import load, place
from bot.cli.client import running
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, has_display, note
from bot.cli.place import Place

app = program()

Print = Annotated[bool, typer.Option("--print", help="Print the link and open nothing.")]


@app.command("open", epilog=examples("open", "open --print"))
def open_page(
    only_print: Print = False, as_json: AsJson = False, config: ConfigFile = None
) -> None:
    """Open the page of the running gateway, signed in. The link works once, for a minute."""
    url = asyncio.run(_link(place.find(config)))
    if as_json:
        return document({"url": url})
    if only_print or not has_display() or not load("webbrowser").open(url):
        print(url, flush=True)
        note("This link signs in once, within 60 seconds.")


async def _link(here: Place) -> str:
    async with running(here) as client:
        return str((await client.request("login.link", {}))["url"])
