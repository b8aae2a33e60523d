"""`logs`: the end of the log file, and what is added to it."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from bot.cli import Usage, place
from bot.cli.options import AsJson, ConfigFile, examples, program
from bot.cli.output import record, say
from bot.jsonio import loads
from bot.logfile import LOG_FILE

app = program()

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is added.")]
Lines = Annotated[int, typer.Option("--lines", "-n", min=0, help="How many lines to begin with.")]

_PAUSE = 0.3


@app.command(epilog=examples("logs -f", "logs --lines 200 --json"))
def logs(
    follow: Follow = False, lines: Lines = 50, as_json: AsJson = False, config: ConfigFile = None
) -> None:
    """The last lines of the log; with --json as they are stored, one document a line."""
    path = place.find(config).state / LOG_FILE
    for line in _lines(path, lines, follow):
        print(line, flush=True) if as_json else say(_readable(line))


def _lines(path: Path, count: int, follow: bool) -> Iterator[str]:
    """The last lines, then what is added; a file that is turned over is followed by the new one."""
    try:
        stream = path.open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise Usage(f"there is no log at {path} yet: {error.strerror}") from None
    with stream:
        yield from (line.rstrip("\n") for line in deque(stream, count))
        while follow:
            turned = os.fstat(stream.fileno()).st_ino != path.stat().st_ino
            yield from (line.rstrip("\n") for line in stream)
            if turned:
                return (yield from _lines(path, sys.maxsize, follow))
            Event().wait(_PAUSE)


def _readable(line: str) -> str:
    try:
        return record(loads(line))
    except (ValueError, KeyError, TypeError):
        return line
