"""Changes to the config file by program: comments and order stay, nothing broken is written."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from bot.config.agents import FIRST_AGENT
from bot.config.document import Node, parse
from bot.config.load import load_text, read_text
from bot.config.places import Places
from bot.config.problems import ConfigMissing, Path, dotted, split_key
from bot.config.settings import Config
from bot.config.splice import EditError, cut, put
from bot.errors import RequestError

# A `*` stands for any name. Whoever sets these decides which program or code runs here.
CODE_KEYS: tuple[tuple[str, ...], ...] = (
    ("providers", "*", "command"),
    ("mcp", "servers", "*", "command"),
    ("hooks", "dirs"),
    ("skills", "dirs"),
    ("plugins",),
    ("tools", "sandbox", "backend"),
)


def set_value(text: str, key: str, value: Any) -> str:
    """The text with `key` set. A list's item is named by its number, or by its `id`.

    Raises EditError when the key has no place, ConfigError when the text is no YAML.
    """
    root = parse(text, "the text", [])
    path = resolve(root, key)
    changed = put(text, root, path, value)
    expected = _with(root.data, path, value)
    if parse(changed, "the text", []).data != expected:
        raise EditError(f"{key} cannot be set by program here; edit the file by hand")
    return changed


def with_agents(text: str) -> str:
    """The text with its list of agents. Raises EditError or ConfigError.

    A file without the list means one agent, who must not vanish when something is written about
    an agent.
    """
    if _agents(text):
        return text
    return set_value(text, "agents", [dict(FIRST_AGENT)])


def with_agent(text: str, agent: Mapping[str, Any]) -> str:
    """The text with one more agent. Raises EditError or ConfigError."""
    text = with_agents(text)
    return set_value(text, f"agents.{len(_agents(text))}", dict(agent))


def _agents(text: str) -> list[dict[str, Any]]:
    return (parse(text, "the text", []).data or {}).get("agents") or []


def remove_value(text: str, key: str) -> str:
    """The text without `key`. Raises EditError when it is not there."""
    root = parse(text, "the text", [])
    path = resolve(root, key)
    if root.find(path) is None:
        raise EditError(f"{key} is not in the file; there is nothing to remove")
    changed = cut(text, path)
    if parse(changed, "the text", []).data != _without(root.data, path):
        raise EditError(f"{key} cannot be removed by program here; edit the file by hand")
    return changed


def resolve(root: Node, key: str) -> Path:
    """The path a dotted key means in this document. Raises EditError."""
    try:
        parts = split_key(key)
    except ValueError as error:
        raise EditError(str(error)) from None
    path: Path = ()
    data: Any = root.data
    for part in parts:
        step: str | int = part
        if isinstance(data, list):
            step = _index(data, part, dotted((*path, part)))
        path = (*path, step)
        data = _step(data, step)
    return path


def _index(items: list[Any], part: str, key: str) -> int:
    for index, item in enumerate(items):
        if isinstance(item, dict) and item.get("id") == part:
            return index
    if not part.isdecimal() or int(part) > len(items):
        raise EditError(f"{key} names no item of the list; use its number from 0, or its id")
    return int(part)


def _step(data: Any, step: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(str(step))
    return (
        data[step]
        if isinstance(step, int) and isinstance(data, list) and step < len(data)
        else None
    )


def _with(data: Any, path: Path, value: Any) -> Any:
    if not path:
        return parsed(value)
    first, rest = path[0], path[1:]
    if isinstance(first, int):
        items = list(data or [])
        items[first:] = [_with(_step(items, first), rest, value), *items[first + 1 :]]
        return items
    return {**(data or {}), first: _with(_step(data, first), rest, value)}


def parsed(value: Any) -> Any:
    """A value as the file gives it back: lists for tuples, text for keys."""
    if isinstance(value, Mapping):
        return {str(key): parsed(item) for key, item in value.items()}
    return [parsed(item) for item in value] if isinstance(value, (list, tuple)) else value


def _without(data: Any, path: Path) -> Any:
    first, rest = path[0], path[1:]
    if isinstance(first, int):
        kept = [_without(data[first], rest)] if rest else []
        return [*data[:first], *kept, *data[first + 1 :]]
    if rest:
        return {**data, first: _without(data[first], rest)}
    return {key: item for key, item in data.items() if key != first}


def base_of(text: str) -> str:
    """What names this state of the file, to be given back when it is written."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def write(
    path: FilePath,
    text: str,
    base: str,
    env: Mapping[str, str],
    adapters: Mapping[str, type],
    *,
    allow_code: bool = True,
) -> Config:
    """Check the text and put it in place of the file; the one before stays beside it as `.bak`.

    `base` is `base_of` the text that was changed. Raises ConfigError with all problems,
    RequestError CONFLICT when the file has changed since, and FORBIDDEN when `allow_code` is False
    and a key that names a program or code differs. Nothing is written then.
    """
    config = load_text(text, str(path), env, adapters)
    try:
        before = read_text(path)
    except ConfigMissing:
        before = ""
    if base_of(before) != base:
        raise RequestError("CONFLICT", f"{path} has changed since it was read; read it again")
    if not allow_code:
        _refuse_code(before, text, path)
    if before:
        _replace_file(path.with_name(path.name + ".bak"), before)
    _replace_file(path, text)
    return config


def _refuse_code(before: str, after: str, path: FilePath) -> None:
    old, new = parse(before, str(path), []), parse(after, str(path), [])
    places = Places(str(path), old)
    for pattern in CODE_KEYS:
        was, wanted = dict(_matches(old.data, pattern)), dict(_matches(new.data, pattern))
        for key in was.keys() | wanted.keys():
            if was.get(key) != wanted.get(key):
                line, _ = places.locate(key, at_key=True)
                what = f"{dotted(key)} names a program or code and changes only in the file"
                raise RequestError("FORBIDDEN", f"{what}: edit {path}, line {line}")


def _matches(data: Any, pattern: tuple[str, ...], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if not pattern:
        yield path, data
        return
    names = list(data) if pattern[0] == "*" and isinstance(data, dict) else [pattern[0]]
    for name in names:
        if isinstance(data, dict) and name in data:
            yield from _matches(data[name], pattern[1:], (*path, name))


def _replace_file(path: FilePath, text: str) -> None:
    """Write beside and rename: a reader sees the old file or the new one, whole."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, path)  # noqa: PTH105  # atomic, and mkstemp made the file 0600
    except BaseException:
        with contextlib.suppress(OSError):
            FilePath(name).unlink()
        raise
