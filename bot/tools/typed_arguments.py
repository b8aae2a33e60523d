"""Arguments as types: one model gives the schema that is offered, and reads what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from bot.types import ToolResult


class Arguments(BaseModel):
    """Arguments of one tool: camelCase on the wire, nothing unknown; "5" passes for 5."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
        defer_build=True,
    )


A = TypeVar("A", bound=Arguments)


def schema(model: type[Arguments]) -> Mapping[str, Any]:
    """The JSON Schema of arguments as models of every maker take it, without titles."""
    plain = _untitled(model.model_json_schema(by_alias=True))
    plain.pop("description", None)
    return {"properties": {}, **plain}


def checked(model: type[A], args: Mapping[str, Any]) -> A | ToolResult:
    """The arguments, or what to tell the model that made them wrong."""
    try:
        return model.model_validate(dict(args))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
    said = [f"{_place(one['loc'])}: {one['msg']}" for one in problems[:5]]
    return ToolResult(f"The arguments are wrong: {'; '.join(said)}.", is_error=True)


def _place(place: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:60] for part in place) or "arguments"


def _untitled(node: Any) -> Any:
    """Without titles; `X | None` becomes X, since leaving an argument out says the same."""
    if isinstance(node, list):
        return [_untitled(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {
        key: {name: _untitled(one) for name, one in value.items()}
        if key == "properties"
        else _untitled(value)
        for key, value in node.items()
        if key != "title" and not (key == "default" and value is None)
    }
    choices = [one for one in plain.get("anyOf", ()) if one != {"type": "null"}]
    if len(choices) == 1:
        del plain["anyOf"]
        plain = {**choices[0], **plain}
    return plain
