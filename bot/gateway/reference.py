"""The method list of docs/gateway.md, made from the methods themselves.

`python -m bot.gateway.reference docs/gateway.md` writes it anew between the page's two marks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from bot.gateway.methods import METHODS
from bot.gateway.params import MAX_ID
from bot.gateway.rpc import Method
from bot.jsonio import dumps

BEGIN = "<!-- methods: made by python -m bot.gateway.reference docs/gateway.md -->"
END = "<!-- end of methods -->"

_KINDS = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "object",
    "null": "null",
}


def filled(page: str) -> str:
    """The page with the method list in it as it is now. Raises ValueError without the marks."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{methods(METHODS)}\n{END}{after}"


def methods(listed: Iterable[Method]) -> str:
    """Every method below a heading for its family: help, parameters, what those are."""
    parts = []
    for family, members in groupby(sorted(listed, key=_order), key=lambda one: _family(one.name)):
        parts.append(f"### {family}\n")
        parts += [_method(one) for one in members]
    return "\n".join(parts)


def _order(one: Method) -> tuple[str, str]:
    return _family(one.name), one.name


def _family(name: str) -> str:
    return name.partition(".")[0]


def _method(one: Method) -> str:
    schema = one.params.model_json_schema()
    lines = [f"#### {one.name}", "", one.help, ""]
    fields = [_parameter(name, about, schema) for name, about in _properties(schema)]
    if schema.get("additionalProperties"):
        fields.append("- any key that it has in the file, in snake_case as there")
    if fields:
        note = " ".join(str(schema.get("description", "")).split())
        lines += [note, "", *fields, ""]
    return "\n".join(lines)


def _properties(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from schema.get("properties", {}).items()


def _parameter(name: str, about: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    said = f"- `{name}`: {_kind(about, schema)}"
    if name in schema.get("required", ()):
        return f"{said}; required"
    default = about.get("default")
    return said if default is None else f"{said}; default `{dumps(default)}`"


def _kind(about: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """A value's kind in words."""
    if "$ref" in about:
        return _kind(schema["$defs"][about["$ref"].rpartition("/")[2]], schema)
    if "anyOf" in about:
        return " or ".join(_kind(one, schema) for one in about["anyOf"])
    choices = about.get("enum") or ([about["const"]] if "const" in about else [])
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    kind = _KINDS.get(str(about.get("type")), "anything")
    if kind == "object" and "properties" in about:
        names = [f"{name}?" if "default" in one else name for name, one in _properties(about)]
        return f"`{{{', '.join(names)}}}`"
    return " ".join([kind, *_limits(about)])


def _limits(about: Mapping[str, Any]) -> Iterator[str]:
    low, high = about.get("minimum"), about.get("maximum")
    if low is not None and high is not None:
        yield f"from {low} to {high}"
    if (longest := about.get("maxLength", 0)) > MAX_ID:
        yield f"of at most {longest:,} characters"
    if pattern := about.get("pattern"):
        yield f"like `{pattern}`"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(filled(target.read_text(encoding="utf-8")), encoding="utf-8")
