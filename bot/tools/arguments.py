"""Do a call's arguments fit its tool's schema? Pure, and safe with a schema of a stranger.

Judged are kinds, names, required ones, choices and sizes, nested too. References and patterns are
not followed: a stranger's could lead anywhere, or take for ever. The tool judges the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
    "null": (type(None),),
}
_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def settled(schema: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without those that are null and may be left out, as some models send them."""
    kinds, required = _properties(schema), schema.get("required") or ()
    return {
        name: value
        for name, value in args.items()
        if value is not None or name in required or name not in kinds or _fits(kinds[name], None)
    }


def mistake(tool: str, schema: Mapping[str, Any], args: Mapping[str, Any]) -> str | None:
    """The first thing that is wrong, as a sentence that names the argument; None when all fits."""
    return next(_mistakes(tool, schema, args), None)


def _mistakes(tool: str, schema: Mapping[str, Any], args: Mapping[str, Any]) -> Iterator[str]:
    kinds = _properties(schema)
    for name in schema.get("required") or ():
        if name not in args:
            yield f"The argument `{name}` of {tool} is missing."
    for name, value in args.items():
        if name in kinds:
            for where, what in _wrong(kinds[name], value, name):
                yield f"The argument `{where}` of {tool} {what}."
        elif schema.get("additionalProperties") is False:
            takes = f"it takes {', '.join(kinds)}" if kinds else "it takes none"
            yield f"{tool} has no argument `{str(name)[:80]}`; {takes}."


def _properties(schema: Any) -> Mapping[str, Any]:
    found = schema.get("properties") if isinstance(schema, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _fits(schema: Any, value: Any) -> bool:
    return next(_wrong(schema, value, ""), None) is None


def _wrong(schema: Any, value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Where a value does not fit, and what is wrong there, as the end of a sentence."""
    if not isinstance(schema, Mapping):
        return
    if not _of_kind(schema.get("type"), value):
        yield where, f"must be {_kinds_in_words(schema['type'])}, but is {_in_words(value)}"
        return
    choices = schema.get("enum")
    if isinstance(choices, list) and value not in choices:
        yield where, f"must be one of {', '.join(map(str, choices[:20]))}"
    either = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(either, list) and either and not any(_fits(one, value) for one in either):
        yield where, "fits none of the forms it may have"
    yield from ((where, what) for what in _out_of_bounds(schema, value))
    yield from _inside(schema, value, where)


def _of_kind(kinds: Any, value: Any) -> bool:
    names = [kinds] if isinstance(kinds, str) else kinds
    if not isinstance(names, list) or not names:
        return True
    for name in names:
        known = _KINDS.get(name) if isinstance(name, str) else None
        # True and False are whole numbers only to Python.
        fits = name == "boolean" if isinstance(value, bool) else known and isinstance(value, known)
        if known is None or fits:
            return True
    return False


def _out_of_bounds(schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    size: float
    if isinstance(value, str):
        size, least, most, what = len(value), "minLength", "maxLength", " characters"
    elif isinstance(value, list | tuple):
        size, least, most, what = len(value), "minItems", "maxItems", " items"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        size, least, most, what = value, "minimum", "maximum", ""
    else:
        return
    low, high = schema.get(least), schema.get(most)
    verb = "be" if not what else "have"
    if isinstance(low, int | float) and size < low:
        yield f"must {verb} at least {low}{what}"
    if isinstance(high, int | float) and size > high:
        yield f"must {verb} at most {high}{what}"


def _inside(schema: Mapping[str, Any], value: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        kinds = _properties(schema)
        for name in schema.get("required") or ():
            if name not in value:
                yield f"{where}.{name}", "is missing"
        for name, item in value.items():
            if name in kinds:
                yield from _wrong(kinds[name], item, f"{where}.{name}")
            elif schema.get("additionalProperties") is False:
                yield f"{where}.{str(name)[:80]}", "is not known"
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _wrong(schema.get("items"), item, f"{where}.{number}")


def _kinds_in_words(kinds: Any) -> str:
    names = [kinds] if isinstance(kinds, str) else kinds
    return " or ".join(_WORDS.get(name, str(name)) for name in names)


def _in_words(value: Any) -> str:
    if isinstance(value, float):
        return "a number with a fraction"
    order = ("boolean", "integer", "string", "array", "object", "null")
    return next((_WORDS[name] for name in order if isinstance(value, _KINDS[name])), "unknown")
