"""The text of a configuration without the secrets in it, and back: keys go in and never come out.

A literal secret is shown as `'(kept 1: providers.x.api_key)'`. Whoever sends the text back with
that in its place keeps the secret; it does not follow to another key or another address.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from bot.config.document import Node, parse
from bot.config.problems import Path, Problem, dotted
from bot.errors import ConfigError

# Names of keys that hold secrets, wrongly spelled sections included; below the last two, any name.
_NAMES = re.compile(r"(?i)(?:token|secret|password|passwd|api[_-]?key|apikey|credential)s?")
_ABOVE = ("headers", "env")
_WITH_PASSWORD = re.compile(r"(?i)://[^/\s:@]*:[^@\s]+@|://\S*[?&][a-z_]*password=[^&\s]")
# What keys and tokens look like wherever they stand: in a prompt, an address, under another name.
_LOOKS = re.compile(
    r"\b(?:sk|rk|xox[a-z]|xapp|gh[opsu]|github_pat|glpat|gsk|hf)[-_](?=\S*\d)[\w-]{16,}"
    r"|\b(?:AKIA|AIza)[\w-]{16,}|\b\d{8,10}:[\w-]{30,}|\beyJ[\w-]{8,}\.[\w-]{8,}\."
    r"|\b(?:Bearer|Basic) +[\w+/=.~-]{12,}"
)
_LONG = 8  # characters of a secret that is known again where it stands a second time
_HARMLESS = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::-)?\}|file:.*|env:.*")
_KEPT = re.compile(r"\(kept (\d+): .*\)", re.DOTALL)
_LINE = re.compile(
    r"""(?im)^([^#\n]*?(?:token|secret|password|passwd|api[_-]?keys?|credentials?)["']?"""
    r"""[ \t]*:[ \t]*)"""
    r"""("[^"\n]*"|'[^'\n]*'|\[[^\]]*\]|[^\s,}#][^,}#\n]*)"""
)
_URL = re.compile(r"(?i)url|host|server")


@dataclass(frozen=True, slots=True)
class Kept:
    """A secret that is not shown. `path` is None in a text that is no YAML; `raw` is its source."""

    number: int
    path: Path | None
    key: str
    line: int
    raw: str
    start: int
    end: int

    @property
    def shown(self) -> str:
        """What stands in its place: as many lines as the secret has, so that lines keep numbers."""
        name = re.sub(r"['\r\n]", "", self.key)
        return f"'(kept {self.number}: {name})'" + "\n" * self.raw.count("\n")


@dataclass(frozen=True)
class Masked:
    """A text as it may be shown, and what was taken out."""

    text: str
    kept: tuple[Kept, ...]
    root: Node | None

    @cached_property
    def shown(self) -> Node:
        """The text that is shown, as a tree; of one that is YAML."""
        return parse(self.text, "", [])


@dataclass(frozen=True, slots=True)
class Restored:
    """A text with its secrets back in; `pieces` are (where in the text, source, what was shown)."""

    text: str
    shown: str
    pieces: tuple[tuple[int, str, str], ...]

    def place(self, line: int, column: int) -> tuple[int, int]:
        """A place of the text as a place of what was shown: lines are the same, columns differ."""
        lines = self.text.split("\n")
        if not 0 < line <= len(lines):
            return line, column
        begin = sum(len(one) + 1 for one in lines[: line - 1])
        at = begin + column - 1
        for start, raw, shown in self.pieces:
            if begin <= start and start + len(raw) <= at:
                column += len(shown.rstrip("\n")) - len(raw.rstrip("\n"))
        return line, max(1, column)


def masked(text: str, names: Collection[str] = ()) -> Masked:
    """The text without the secrets that stand in it; references to them are shown.

    `names` are the options of channels that hold secrets by their type, whatever they are called.
    """
    try:
        root = parse(text, "", [])
    except ConfigError:
        return _by_lines(text)
    found = list(_secrets(root, (), names))
    again = _again(root, {str(node.data) for _, node in found})
    found = sorted([*found, *again], key=lambda one: one[1].start)
    kept: list[Kept] = []
    end = 0
    for path, node in found:
        if node.start >= end:  # an alias leads to the same place again
            raw, end = text[node.start : node.end], node.end
            number = len(kept) + 1
            kept.append(Kept(number, path, dotted(path), node.line, raw, node.start, end))
    return Masked(_replaced(text, kept), tuple(kept), root)


def _by_lines(text: str) -> Masked:
    """What can be done for a text that is no YAML: whatever looks like a secret's line."""
    kept: list[Kept] = []
    for found in _LINE.finditer(text):
        raw = found[2].rstrip()
        if _HARMLESS.fullmatch(raw.strip("\"'")):
            continue
        key = re.sub(r"[^\w.-]", "", found[1].rpartition(":")[0].rpartition(",")[2])
        line = text.count("\n", 0, found.start(2)) + 1
        start = found.start(2)
        kept.append(Kept(len(kept) + 1, None, key, line, raw, start, start + len(raw)))
    return Masked(_replaced(text, kept), tuple(kept), None)


def _replaced(text: str, kept: list[Kept]) -> str:
    parts, end = [], 0
    for one in kept:
        parts += [text[end : one.start], one.shown]
        end = one.end
    return "".join([*parts, text[end:]])


def _secrets(node: Node, path: Path, names: Collection[str]) -> Iterator[tuple[Path, Node]]:
    for place, one in _values(node, path):
        if _is_secret(one, place, names):
            yield place, one


def _again(root: Node, known: Collection[str]) -> Iterator[tuple[Path, Node]]:
    """Where one of these secrets stands a second time."""
    long = [one for one in known if len(one) >= _LONG]
    for path, node in _values(root, ()):
        if isinstance(node.data, str) and any(one in node.data for one in long):
            yield path, node


def _values(node: Node, path: Path) -> Iterator[tuple[Path, Node]]:
    if node.kind == "mapping":
        for entry in node.entries:
            yield from _values(entry.value, (*path, entry.key.text))
    elif node.kind == "sequence":
        for index, item in enumerate(node.items):
            yield from _values(item, (*path, index))
    else:
        yield path, node


def _is_secret(node: Node, path: Path, names: Collection[str]) -> bool:
    value = node.data
    if not isinstance(value, str) and (node.kind != "scalar" or value is None or value is True):
        return False
    text = str(value)
    if not text or _HARMLESS.fullmatch(text) or value is False:
        return False
    if path[:1] == ("channels",) and path[-1] in names:
        return True
    return _named_secret(path) or bool(_WITH_PASSWORD.search(text) or _LOOKS.search(text))


def _named_secret(path: Path) -> bool:
    """Does a key at this path hold a secret, by its name or by the name of what it stands in?"""
    names = [str(part) for part in path if isinstance(part, str)]
    if not names:
        return False
    if any(above in names[:-1] for above in _ABOVE):
        return True
    last = names[-1]
    # `max_tokens` and the like are counts.
    return bool(_NAMES.search(last)) and not re.match(r"(?i)(max|min|context|input|output)_", last)


def restored(text: str, before: Masked) -> Restored:
    """The text with the secrets of the file back in. Raises ConfigError where one may not stand."""
    root = parse(text, "", [])
    problems: list[Problem] = []
    pieces: list[tuple[int, int, str, str]] = []
    known = {one.number: one for one in before.kept}
    for path, node in _scalars(root, ()):
        found = _KEPT.fullmatch(node.text) if node.kind == "scalar" else None
        if found is None:
            continue
        one = known.get(int(found[1]))
        if wrong := _wrong(one, path, root, before, text):
            fix = "write the secret itself, or better ${NAME} or file:/path"
            problems.append(Problem("", node.line, node.column, dotted(path), wrong, fix))
        elif one is not None:
            lines = one.raw.count("\n")
            end = node.end + (lines if text[node.end :].startswith("\n" * lines) else 0)
            pieces.append((node.start, end, one.raw, text[node.start : end]))
    if problems:
        raise ConfigError(problems)
    return _joined(text, pieces)


def _joined(text: str, pieces: list[tuple[int, int, str, str]]) -> Restored:
    parts: list[str] = []
    places: list[tuple[int, str, str]] = []
    end = length = 0
    for start, stop, raw, shown in sorted(dict.fromkeys(pieces)):
        places.append((length + start - end, raw, shown))
        parts += [text[end:start], raw]
        length += start - end + len(raw)
        end = stop
    return Restored("".join([*parts, text[end:]]), text, tuple(places))


def _scalars(node: Node, path: Path) -> Iterator[tuple[Path, Node]]:
    for entry in node.entries:
        yield from _scalars(entry.value, (*path, entry.key.text))
    for index, item in enumerate(node.items):
        yield from _scalars(item, (*path, index))
    if node.kind == "scalar":
        yield path, node


def _wrong(one: Kept | None, path: Path, root: Node, before: Masked, text: str) -> str | None:
    """Why a kept secret may not stand at this path; None when it may."""
    if one is None:
        return "stands for a secret that is not in the file"
    if one.path is None or before.root is None:
        # The file was no YAML: where its secret stood is known by its line's words alone.
        if not _named_secret(path):
            return "is a kept secret at a key that holds none"
        moved = _addresses_by_lines(before.text) != _addresses_by_lines(text)
        return "is kept for another address; mend the file first, then change it" if moved else None
    same = path == one.path
    respelled = path[:-1] == one.path[:-1] and _named_secret(path)
    if not (same or respelled):
        return f"is a secret kept for {one.key}"
    for length in range(1, len(path)):
        if _addresses(before.shown, path[:length]) != _addresses(root, path[:length]):
            return "is kept for another address"
    return None


def _addresses(root: Node, path: Path) -> dict[str, str]:
    """What names another machine in a mapping."""
    found = root.find(path)
    node = getattr(found, "value", found)
    entries = node.entries if isinstance(node, Node) else []
    named = {one.key.text: one.value for one in entries if _URL.search(one.key.text)}
    return {key: value.text for key, value in named.items() if value.kind == "scalar"}


def _addresses_by_lines(text: str) -> list[str]:
    return re.findall(r"(?im)^[^#\n]*?\b\w*(?:url|host|server)\w*[\"']?\s*:\s*(\S[^,}\n]*)", text)
