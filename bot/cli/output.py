"""How verbs show things: JSON for programs, aligned columns for people."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

_HEAD = ("at", "level", "logger", "event")


def has_display() -> bool:
    """Is there a person in front of a screen that a browser could open on?"""
    shown = sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    return shown and sys.stdout.isatty()


def plain(text: object) -> str:
    """Text from strangers without what could steer the terminal."""
    return _CONTROL.sub("\ufffd", str(text))


def say(text: object = "") -> None:
    print(plain(text), flush=True)


def note(text: object) -> None:
    """A remark beside the result, on stderr."""
    print(plain(text), file=sys.stderr, flush=True)


def document(value: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, ensure_ascii=False, indent=2), flush=True)


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], nothing: str) -> None:
    """Rows in columns (key -> heading); `nothing` when there are none."""
    if not rows:
        return say(nothing)
    cells = [[_cell(row.get(key)) for key in columns] for row in rows]
    lines = [list(columns.values()), *cells]
    widths = [min(max(len(line[i]) for line in lines), 60) for i in range(len(columns))]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def facts(pairs: Iterable[tuple[str, Any]]) -> None:
    """Names and values, one a line."""
    kept = [(name, _cell(value)) for name, value in pairs]
    width = max((len(name) for name, _ in kept), default=0)
    for name, value in kept:
        say(f"{name.ljust(width)}  {value}")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(plain(value).split()) if isinstance(value, str) else plain(value)


def clock(at: str | None) -> str:
    """A time of the wire as people of this machine read it."""
    return "-" if at is None else f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M:%S}"


def holder(row: Mapping[str, Any]) -> str:
    """The process that holds a channel account's connection, as one finds it."""
    held = row["holder"]
    return "-" if held is None else f"{held['host']}, process {held['pid']}"


def record(said: Mapping[str, Any]) -> str:
    """One record of the log as a line for people."""
    moment = datetime.fromisoformat(said["at"]).astimezone()
    rest = {name: value for name, value in said.items() if name not in _HEAD and value is not None}
    words = [f"{name}={value}" for name, value in rest.items()]
    start = f"{moment:%H:%M:%S} {said['level']:<7} {said['logger']}: {said['event']}"
    return " ".join(plain(" ".join([start, *words])).split("\n"))
