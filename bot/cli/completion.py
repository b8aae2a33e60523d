"""`completion`: verbs and options completed by the shell."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

import typer
import typer.main

from bot.cli import COMPLETE, PROGRAM, VERBS, load
from bot.cli.options import ConfigFile, examples, program

app = program()

Shell = Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="Your shell.")]


@app.command(epilog=examples("completion bash >> ~/.bashrc", "completion zsh >> ~/.zshrc"))
def completion(shell: Shell, config: ConfigFile = None) -> None:
    """Print the script that makes your shell complete verbs and options."""
    os.environ[COMPLETE] = f"source_{shell}"
    whole()(args=[], prog_name=PROGRAM, complete_var=COMPLETE)


def whole() -> Any:
    """All verbs as one command, which is what completion looks through."""
    root = typer.Typer(help="Trunkline", rich_markup_mode=None)
    root.callback()(lambda: None)
    group: Any = typer.main.get_command(root)
    for verb in VERBS:
        group.commands[verb] = typer.main.get_command(load(f"bot.cli.{verb}").app)
    return group
