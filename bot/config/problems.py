"""What can be wrong with a configuration, and how it is said: place, key, what, and what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.errors import ConfigError

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `line` and `column` count from 1; 0 where it is not in a file."""

    file: str
    line: int
    column: int
    key: str
    what: str
    fix: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        subject = f"{self.key}: " if self.key else ""
        return f"{place}: {subject}{self.what}; {self.fix}"


class ConfigMissing(ConfigError):
    """There is no such file, or it cannot be read at all."""


def dotted(path: Path) -> str:
    """A path as people write it: `channels.home.token`, parts with dots in quotes."""
    return ".".join(_part(str(part)) for part in path)


def _part(part: str) -> str:
    return part if re.fullmatch(r"[^.\"\s]+", part) else f'"{part}"'


def split_key(text: str) -> list[str]:
    """The parts of a dotted key. Raises ValueError when it is not one."""
    parts = re.findall(r'"([^"]*)"|([^."]+)', text)
    names = [quoted or plain for quoted, plain in parts]
    if not names or ".".join(_part(name) for name in names) != text:
        raise ValueError(f"not a key: {text!r}; write names joined by dots, as in gateway.port")
    return names


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant, if one is near."""
    folded = {_fold(name): name for name in known}
    asked = _fold(word)
    if asked in folded:
        return folded[asked]
    found = difflib.get_close_matches(asked, folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else _contained(asked, folded)


def _fold(word: str) -> str:
    """`allowFrom` and `allow-from` are `allow_from`."""
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", word).lower().replace("-", "_")


def _contained(asked: str, folded: dict[str, str]) -> str | None:
    """`hostname` means `host`, `name` does not mean `username`: whole beginnings only."""
    near = [key for key in folded if len(key) > 2 and asked.startswith(key)]
    near += [key for key in folded if len(asked) > 2 and key.startswith(asked)]
    return folded[near[0]] if near else None


def suggest(word: str, known: Iterable[str]) -> str:
    """The fix for a word that is not one of the known ones."""
    names = list(known)
    near = nearest(word, names)
    return f'did you mean "{near}"?' if near else f"use one of: {', '.join(names)}"
