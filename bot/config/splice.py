"""Changes to a YAML text that leave every other character as it is: comments, order and style."""

from __future__ import annotations

import json
import re
from typing import Any

from bot.config.document import Entry, Node, parse, scalar
from bot.config.problems import Path, dotted

# Narrower than YAML: no sign in front that means something, no colon before a space or at the end.
_PLAIN = re.compile(r"(?![.]{3})[A-Za-z0-9_./](?:[A-Za-z0-9_./@+= -]|:(?=[^ ]))*(?<! )")

# What YAML refuses or breaks lines at; JSON's own escapes cover the rest.
_HIDDEN = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


class EditError(ValueError):
    """The text cannot be changed so by program; the sentence says what a person can do."""


def render(value: Any) -> str:
    """A value on one line: plain where that is safe, else as JSON, which YAML 1.2 contains."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{render(str(k))}: {render(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(render(item) for item in value) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and scalar(value) == value:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def put(text: str, root: Node, path: Path, value: Any) -> str:
    """Set one value in a text whose tree is `root`, changing as little as possible."""
    found = root.find(path)
    if found is None:
        return _add(text, root, path, value)
    node = found.value if isinstance(found, Entry) else found
    if isinstance(value, dict) and node.kind == "mapping" and value:
        return _merge(text, path, node.data, value)
    if isinstance(value, (list, tuple)) and node.kind == "sequence" and value:
        return _align(text, path, node.data, list(value))
    return text if _same(node.data, value) else _replace(text, node, value)


def _same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and left == right


def _merge(text: str, path: Path, old: dict[str, Any], new: dict[str, Any]) -> str:
    for key, item in new.items():
        text = put(text, parse(text, "the text", []), (*path, str(key)), item)
    for key in old:
        if key not in new:
            text = cut(text, (*path, key))
    return text


def _align(text: str, path: Path, old: list[Any], new: list[Any]) -> str:
    for index in reversed(range(len(new), len(old))):
        text = cut(text, (*path, index))
    for index, item in enumerate(new):
        text = put(text, parse(text, "the text", []), (*path, index), item)
    return text


def _replace(text: str, node: Node, value: Any) -> str:
    gap = " " if node.start and text[node.start - 1] in ":-" else ""
    tail = "\n" if text[node.start : node.end].endswith("\n") else ""
    return text[: node.start] + gap + render(value) + tail + text[node.end :]


def _add(text: str, root: Node, path: Path, value: Any) -> str:
    """Add a key or item, and the sections above it that are not there yet."""
    parent = root.find(path[:-1])
    if parent is None:
        below = [value] if path[-1] == 0 else {str(path[-1]): value}
        return _add(text, root, path[:-1], below)
    node = parent.value if isinstance(parent, Entry) else parent
    last = path[-1]
    if node.kind == "mapping":
        return _add_entry(text, node, str(last), value)
    if node.kind == "sequence" and str(last) == str(len(node.items)):
        return _add_item(text, node, value)
    if node.kind == "scalar" and node.data is None:
        if isinstance(parent, Entry) and last != 0 and not _in_flow(root, path[:-1]):
            column = parent.key.column + 1
            return _new_line(text, node.end, column, _block(str(last), value, column), column - 1)
        return _replace(text, node, [value] if last == 0 else {str(last): value})
    raise EditError(f"{dotted(path)} has no place: {dotted(path[:-1])} is no mapping or shorter")


def _in_flow(root: Node, path: Path) -> bool:
    """Whether the entry at a path stands inside { } or [ ]."""
    above = root.find(path[:-1])
    node = above.value if isinstance(above, Entry) else above
    return node is not None and node.flow


def _add_entry(text: str, node: Node, key: str, value: Any) -> str:
    if node.flow:
        last = node.entries[-1].value if node.entries else None
        return _into_flow(text, node, last, f"{render(key)}: {render(value)}")
    if not node.entries:
        return _new_line(text, len(text), 0, _block(key, value, 0))
    column = node.entries[0].key.column - 1
    return _new_line(text, node.entries[-1].value.end, column, _block(key, value, column))


def _add_item(text: str, node: Node, value: Any) -> str:
    if node.flow:
        return _into_flow(text, node, node.items[-1] if node.items else None, render(value))
    return _new_line(text, node.items[-1].end, node.column - 1, f"- {render(value)}")


def _block(key: str, value: Any, column: int) -> str:
    """A new section gets lines of its own, one per key, so that comments can join them."""
    if not isinstance(value, dict) or not value:
        return f"{render(key)}: {render(value)}"
    deeper = " " * (column + 2)
    lines = [deeper + _block(str(k), v, column + 2) for k, v in value.items()]
    return "\n".join([f"{render(key)}:", *lines])


def _into_flow(text: str, node: Node, last: Node | None, piece: str) -> str:
    at = last.end if last else node.start + 1
    return text[:at] + (", " if last else "") + piece + text[at:]


def _new_line(text: str, after: int, column: int, piece: str, floor: int | None = None) -> str:
    """Put lines below the one that ends at `after`, and below the comments that belong to it.

    Those are the comment lines next to it that stand further right than `floor` (or `column`).
    """
    at = _line_end(text, after)
    deeper = re.compile(rf" {{{(column if floor is None else floor) + 1},}}#.*(\n|$)")
    while found := deeper.match(text, at):
        at = found.end()
    head = text[:at]
    if head and not head.endswith("\n"):
        head += "\n"
    return f"{head}{' ' * column}{piece}\n{text[at:]}"


def _line_end(text: str, at: int) -> int:
    """The offset behind the line end at or after `at`; a block text's end is behind one already."""
    if at and text[at - 1] == "\n":
        return at
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def cut(text: str, path: Path) -> str:
    """Take a key or item away, with its own lines; comments around it stay."""
    root = parse(text, "the text", [])
    found, above = root.find(path), root.find(path[:-1])
    if found is None or above is None:
        return text
    parent = above.value if isinstance(above, Entry) else above
    parts: list[tuple[int, int]] = [(e.key.start, e.value.end) for e in parent.entries]
    parts = parts or [(item.start, item.end) for item in parent.items]
    start = found.key.start if isinstance(found, Entry) else found.start
    index = next(i for i, part in enumerate(parts) if part[0] == start)
    if len(parts) == 1:
        empty = "{}" if parent.kind == "mapping" else "[]"
        return _emptied(text, parent, empty, is_root=not path[:-1])
    if parent.flow:
        return _cut_flow(text, parts, index)
    return _cut_block(text, parent, parts, index)


def _emptied(text: str, parent: Node, empty: str, is_root: bool) -> str:
    if is_root and not parent.flow:
        return text[: parent.start] + text[_line_end(text, parent.end) :]
    tail = "\n" if text[parent.start : parent.end].endswith("\n") else ""
    return text[: parent.start] + empty + tail + text[parent.end :]


def _cut_flow(text: str, parts: list[tuple[int, int]], index: int) -> str:
    if index + 1 < len(parts):
        return text[: parts[index][0]] + text[parts[index + 1][0] :]
    return text[: parts[index - 1][1]] + text[parts[index][1] :]


def _cut_block(text: str, parent: Node, parts: list[tuple[int, int]], index: int) -> str:
    start, end = parts[index]
    begin = text.rfind("\n", 0, start) + 1
    lead = text[begin:start]
    stop = _line_end(text, end)
    if not lead.strip() or (parent.kind == "sequence" and lead.strip() == "-"):
        return text[:begin] + text[stop:]
    following = parts[index + 1][0]
    return text[:start] + text[following:]
