"""Turns what the type checker says into the words of the file."""

from __future__ import annotations

import re

from pydantic_core import ErrorDetails

from bot.config.kinds import Section, named
from bot.config.places import Places
from bot.config.problems import Path, dotted, nearest, suggest
from bot.config.references import FromEnv
from bot.config.walk import keys_at, walk


def explain(error: ErrorDetails, model: type[Section], root: Path, places: Places) -> None:
    """Report one error of `model`, which stands at `root` in the file."""
    inside: Path = tuple(error["loc"])
    path = (*root, *inside)
    kind, value, facts = error["type"], error["input"], error.get("ctx", {})
    if kind == "extra_forbidden":
        places.problem(path, "unknown key", _meant(inside, model), at_key=True)
    elif kind == "missing":
        places.problem(path, "is required", f"add {inside[-1]} here")
    elif kind == "wrong":
        places.problem(path, str(facts["what"]), str(facts["fix"]))
    elif kind == "literal_error":
        options = re.findall(r"'([^']*)'", str(facts["expected"]))
        places.problem(path, f"{_quoted(value)} is not a choice here", _choice(value, options))
    elif kind in {"greater_than_equal", "less_than_equal"}:
        bound = facts.get("ge", facts.get("le"))
        side = "at least" if "ge" in facts else "at most"
        places.problem(path, f"{value} is out of range", f"write {side} {bound}")
    else:
        places.problem(path, *_shape(kind, value))


def _shape(kind: str, value: object) -> tuple[str, str]:
    if kind in {"model_type", "model_attributes_type", "mapping_type", "dict_type"}:
        return f"must be a mapping, but is {named(value)}", _mapping_fix(value)
    if kind in {"tuple_type", "list_type"}:
        return f"must be a list, but is {named(value)}", "begin each item with a dash, or use [ ]"
    if kind == "string_unicode":
        return "is not valid text", "remove the broken character"
    return f"is not valid here (it is {named(value)})", "see docs/configuration.md"


def _mapping_fix(value: object) -> str:
    if isinstance(value, str) and re.match(r"\w+:\S", value):
        return "put a space after the colon"
    return "write key: value on lines below it, indented by two spaces"


def _quoted(value: object) -> str:
    if isinstance(value, FromEnv):
        return f"what {value.names[0]} holds"
    if isinstance(value, str):
        return f'"{value[:40]}"'
    return named(value)


def _choice(value: object, options: list[str]) -> str:
    """`false` for a choice that has `off`, a near word, or the list."""
    if isinstance(value, bool):
        word = next((o for o in options if o == ("on" if value else "off")), None)
        return f'did you mean "{word}"?' if word else f"use one of: {', '.join(options)}"
    fix = suggest(str(value), options) if isinstance(value, str) else ""
    return fix or f"use one of: {', '.join(options)}"


def _meant(inside: Path, model: type[Section]) -> str:
    """The key that was probably meant: beside it, or where it belongs."""
    word = str(inside[-1])
    if word == "<<":
        return "repeat the keys: merging is not part of YAML 1.2"
    beside = list(keys_at(model, inside[:-1]))
    near = nearest(word, beside)
    if near is None:
        elsewhere = [path for path, _, _ in walk(model) if path[-1] == word and len(path) > 1]
        if elsewhere:
            return f'did you mean "{dotted(min(elsewhere, key=len))}"?'
    return f'did you mean "{near}"?' if near else f"the keys here are: {', '.join(beside)}"
