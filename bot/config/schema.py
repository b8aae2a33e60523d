"""The configuration's JSON Schema (draft 2020-12): for editors, forms and the reference."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core.core_schema import WithDefaultSchema

from bot.config.channels import channel_model
from bot.config.kinds import Section
from bot.config.settings import Config
from bot.config.walk import walk

_REFERENCE = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}"}
_CASES = ("anyOf", "oneOf", "allOf")


def json_schema(adapters: Mapping[str, type]) -> dict[str, Any]:
    """The schema of the whole file, with the options of these adapters."""
    models = {name: channel_model(options) for name, options in adapters.items()}
    every: list[type[Section]] = [Config, *models.values()]
    pairs, found = models_json_schema(
        [(model, "validation") for model in every],
        ref_template="#/$defs/{model}",
        schema_generator=_WithoutDefaults,
    )
    refs = {model: schema["$ref"] for (model, _), schema in pairs.items()}
    definitions = found["$defs"]
    for model in every:
        _set_defaults(model, definitions)
    definitions = {name: _open(schema) for name, schema in definitions.items()}
    root = definitions.pop(_name(refs[Config]))
    channels = {name: refs[model] for name, model in models.items()}
    help_text = root["properties"]["channels"]["description"]
    root["properties"]["channels"] = {
        "description": help_text,
        "default": {},
        **_channels(channels, definitions),
    }
    _drop_unused(root, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Trunkline configuration",
        **{key: value for key, value in root.items() if key != "title"},
        "$defs": definitions,
    }


def _drop_unused(root: dict[str, Any], definitions: dict[str, Any]) -> None:
    """Keep only the definitions that the root leads to."""
    reached: set[str] = set()
    fresh = _references(root)
    while fresh:
        reached |= fresh
        fresh = {name for ref in fresh for name in _references(definitions[ref])} - reached
    for name in set(definitions) - reached:
        del definitions[name]


def _references(schema: Any) -> set[str]:
    return set(re.findall(r"'#/\$defs/([^']+)'", repr(schema)))


class _WithoutDefaults(GenerateJsonSchema):
    """Defaults are set afterwards, as the file writes them (`10m`, not 600.0)."""

    def default_schema(self, schema: WithDefaultSchema) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])


def _set_defaults(model: type[Section], definitions: dict[str, Any]) -> None:
    for section in {section for _, section, _ in walk(model)}:
        schema = definitions.get(section.__name__, {})
        properties = schema.get("properties") or schema["anyOf"][-1]["properties"]
        for name, value in section.defaults().items():
            properties[name]["default"] = value


def _name(ref: str) -> str:
    return ref.rpartition("/")[2]


def _channels(refs: Mapping[str, str], definitions: dict[str, Any]) -> dict[str, Any]:
    """An account named like an adapter may leave `adapter` out; any other must say it."""
    stated = []
    named: dict[str, Any] = {}
    for adapter, ref in refs.items():
        schema = definitions[_name(ref)]
        schema["properties"]["adapter"] |= {"const": adapter, "default": adapter}
        required = sorted({*schema.pop("required", ()), "adapter"} - {"adapter"})
        on = {"required": required, "properties": {"enabled": {"not": {"const": False}}}}
        off = {"required": ["enabled"], "properties": {"enabled": {"const": False}}}
        schema["anyOf"] = [on, off]
        stated.append({"allOf": [{"$ref": ref}], "required": ["adapter"]})
    for adapter, ref in refs.items():
        named[adapter] = {"anyOf": [{"$ref": ref}, *stated]}
    return {
        "type": ["object", "null"],
        "properties": named,
        "additionalProperties": {"anyOf": stated} if stated else False,
    }


def _open(schema: dict[str, Any]) -> dict[str, Any]:
    """One section: references may stand for values, empty sections and lists for their defaults."""
    for name, value in schema.get("properties", {}).items():
        schema["properties"][name] = _property(value)
    return schema


def _property(value: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {k: value.pop(k) for k in ("description", "default") if k in value}
    value.pop("title", None)
    if _is_secret(value):
        kept.pop("default", None)
    shape = _values(value)
    cases = [_REFERENCE] if _wants_reference(shape) else []
    if _is_collection(shape, kept):
        cases.append({"type": "null"})
    return {**kept, "anyOf": [shape, *cases]} if cases else {**kept, **shape}


def _values(schema: dict[str, Any]) -> dict[str, Any]:
    """References also for what stands in lists and in mappings."""
    for key in ("items", "additionalProperties"):
        inner = schema.get(key)
        if isinstance(inner, dict) and inner:
            schema[key] = _property(inner)
    for key in _CASES:
        for case in schema.get(key, ()):
            _values(case)
    return schema


def _is_secret(schema: dict[str, Any]) -> bool:
    return bool(schema.get("writeOnly")) or any(_is_secret(c) for c in schema.get("anyOf", ()))


def _wants_reference(schema: dict[str, Any]) -> bool:
    """Whether a text such as ${NAME} would be refused although the loader takes it."""
    if any(_wants_reference(case) for case in schema.get("anyOf", ())):
        return True
    kind = schema.get("type")
    if isinstance(kind, list):
        return False
    plain = kind in {"integer", "number", "boolean", "array"}
    return (
        plain or "const" in schema or "enum" in schema or (kind == "string" and "pattern" in schema)
    )


def _is_collection(schema: dict[str, Any], kept: dict[str, Any]) -> bool:
    default = kept.get("default")
    return isinstance(default, (dict, list))
