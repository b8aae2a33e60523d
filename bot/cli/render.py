"""`render`: Markdown in, the payloads a platform would get out."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.inspect import Json, Name, adapter_named, text_of
from bot.cli.options import ConfigFile, examples, program
from bot.cli.output import document

app = program()

Files = Annotated[
    list[str] | None,
    typer.Argument(help="Files with Markdown; - is the standard input.", metavar="FILE"),
]


@app.command(epilog=examples("render ADAPTER answer.md", "render ADAPTER one.md two.md"))
def render(
    adapter: Name, files: Files = None, as_json: Json = False, config: ConfigFile = None
) -> None:
    """What would be sent for a text, without target, key and network.

    Several files give a list.
    """
    found = adapter_named(adapter)
    shown = [{"parts": found.render(text_of(file))} for file in files or ["-"]]
    document(shown[0] if len(shown) == 1 else shown)
