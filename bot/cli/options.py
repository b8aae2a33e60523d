"""What the verbs have in common: the options they share, and how each is made a program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli import PROGRAM

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The configuration file.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Local = Annotated[bool, typer.Option("--local", help="In this process, without a gateway.")]


def examples(*lines: str) -> str:
    """The end of a help text: command lines without the program's name."""
    return "\b\nExamples:\n" + "\n".join(f"  {PROGRAM} {line}" for line in lines)


def program(help: str | None = None, *lines: str) -> typer.Typer:
    """A verb. With `help` and example lines it is one with verbs of its own."""
    settings: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
    return typer.Typer(
        help=help,
        epilog=examples(*lines) if lines else None,
        no_args_is_help=help is not None,
        context_settings=settings,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
