"""Walks the settings tree itself: which keys there are, and what stands below them."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

from bot.config.kinds import Section
from bot.config.problems import Path

Key = tuple[Path, type[Section], str]


def walk(model: type[Section], prefix: Path = ()) -> Iterator[Key]:
    """Every key below: its path (`*` for a name, `0` for an item), its section, its name."""
    for name, info in model.model_fields.items():
        path = (*prefix, name)
        yield path, model, name
        below, step = _item(bare(info.annotation))
        if below is not None:
            yield from walk(below, (*path, *step))


def _item(kind: Any) -> tuple[type[Section] | None, Path]:
    """The section below a kind of value, and the step that leads to it."""
    if _is_section(kind):
        return kind, ()
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is tuple and _is_section(bare(arguments[0])):
        return bare(arguments[0]), (0,)
    if len(arguments) == 2 and _is_section(bare(arguments[1])):
        return bare(arguments[1]), ("*",)
    return None, ()


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def keys_at(model: type[Section], path: Path) -> Iterator[str]:
    """The names of the keys of the section at a path."""
    kind: Any = model
    for part in path:
        kind = _inner(kind, part)
    if _is_section(kind):
        yield from kind.model_fields


def _inner(kind: Any, part: str | int) -> Any:
    """The kind of value below one step."""
    if _is_section(kind):
        info = kind.model_fields.get(str(part))
        return bare(info.annotation) if info else None
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        return bare(arguments[0])
    return bare(arguments[1]) if len(arguments) == 2 else None


def bare(kind: Any) -> Any:
    """A kind without `| None` and without its annotations."""
    if hasattr(kind, "__metadata__"):
        return bare(kind.__origin__)
    parts = typing.get_args(kind)
    if type(None) in parts:
        return bare(next(part for part in parts if part is not type(None)))
    return kind
