"""`version`: which Trunkline this is, and the named steps of its kill matrix."""

from __future__ import annotations

import platform
from typing import Annotated

import typer

from bot import __version__
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import document, facts, say
from bot.steps import STEPS

app = program()

Steps = Annotated[
    bool, typer.Option("--steps", help="The step boundaries that TRUNKLINE_CRASH_AT may name.")
]


@app.command(epilog=examples("version", "version --steps --json"))
def version(steps: Steps = False, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """The version of this installation."""
    if steps:
        return document(list(STEPS)) if as_json else facts(STEPS.items())
    if as_json:
        return document({"version": __version__, "python": platform.python_version()})
    say(f"trunkline {__version__}")
