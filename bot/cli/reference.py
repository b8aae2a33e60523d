"""docs/cli.md, made from the verbs themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from bot.cli import PROGRAM, overview
from bot.cli.completion import whole

_WIDTH = 90
_HEAD = f"""\
# The command line

Made from the verbs: `{PROGRAM} VERB --help` shows the same. Every verb that reports takes `--json`:
one document on stdout, remarks on stderr. Exit codes: 0 ok, 1 findings or failure, 2 usage or could
not check. `--debug` at the end shows a failure in full.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD, _fenced(overview())]
    for path, text in helps():
        parts.append(f"{'#' * len(path.split())} {path}\n")
        parts.append(_fenced(text))
    return "\n".join(parts)


def helps() -> Iterator[tuple[str, str]]:
    """Every verb and the verbs below it: the words that call it, and its help."""
    for name, command in whole().commands.items():
        yield from _helps(command, f"{PROGRAM} {name}")


def _helps(command: Any, path: str) -> Iterator[tuple[str, str]]:
    settings = {**command.context_settings, "terminal_width": _WIDTH, "max_content_width": _WIDTH}
    context = typer.Context(command, info_name=path, **settings)
    yield path, command.get_help(context)
    for name, below in getattr(command, "commands", {}).items():
        yield from _helps(below, f"{path} {name}")


def _fenced(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.rstrip().splitlines())
    return f"```\n{lines}\n```\n"
