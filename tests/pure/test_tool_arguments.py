"""Arguments against schemas: a sentence that names the argument; strange schemas are safe."""

from typing import Any

import pytest

from bot.tools.arguments import mistake, settled

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "minLength": 1},
        "from": {"type": "integer", "minimum": 1},
        "all": {"type": "boolean"},
        "share": {"type": "number", "maximum": 1},
        "kind": {"enum": ["a", "b"]},
        "either": {"type": ["string", "null"]},
        "who": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "list": {
            "type": "array",
            "maxItems": 2,
            "items": {
                "type": "object",
                "properties": {"id": {"type": "string"}},
                "required": ["id"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["path"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"path": "x"}, None),
        ({"path": "x", "from": 1, "all": True, "share": 0.5, "kind": "a", "who": 3}, None),
        ({"path": "x", "share": 1, "either": None, "list": [{"id": "a"}]}, None),
        ({}, "The argument `path` of read is missing."),
        ({"path": 5}, "The argument `path` of read must be text, but is a whole number."),
        ({"path": ["x"]}, "The argument `path` of read must be text, but is a list."),
        ({"path": ""}, "The argument `path` of read must have at least 1 characters."),
        ({"path": "x", "from": "5"}, "`from` of read must be a whole number, but is text."),
        ({"path": "x", "from": 1.5}, "must be a whole number, but is a number with a fraction."),
        ({"path": "x", "from": True}, "must be a whole number, but is true or false."),
        ({"path": "x", "from": 0}, "The argument `from` of read must be at least 1."),
        ({"path": "x", "share": 2}, "The argument `share` of read must be at most 1."),
        ({"path": "x", "all": 1}, "must be true or false, but is a whole number."),
        ({"path": "x", "kind": "c"}, "The argument `kind` of read must be one of a, b."),
        ({"path": "x", "either": 1}, "must be text or null, but is a whole number."),
        ({"path": "x", "who": []}, "`who` of read fits none of the forms it may have."),
        ({"path": "x", "list": [{}]}, "The argument `list.0.id` of read is missing."),
        ({"path": "x", "list": [{"id": "a", "b": 1}]}, "`list.0.b` of read is not known."),
        ({"path": "x", "list": [{"id": "a"}] * 3}, "`list` of read must have at most 2 items."),
        ({"path": "x", "file": 1}, "read has no argument `file`; it takes path, from, all, "),
    ],
)
def test_the_wrong_argument_is_named(args: dict[str, Any], says: str | None):
    found = mistake("read", SCHEMA, args)
    if says is None:
        assert found is None
    else:
        assert found is not None and says in found and found.count("\n") == 0


def test_what_may_be_left_out_may_be_null():
    args = {"path": "x", "from": None, "all": None, "either": None, "unknown": None}
    assert settled(SCHEMA, args) == {"path": "x", "either": None, "unknown": None}
    assert settled(SCHEMA, {"path": None}) == {"path": None}, "a required one is told"


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"properties": 5, "required": None},
        {"properties": {"a": {"$ref": "http://127.0.0.1:1/x"}}},
        {"properties": {"a": {"$ref": "#"}}},
        {"properties": {"a": {"type": "string", "pattern": "(a+)+$"}}},
        {"properties": {"a": {"type": "date", "enum": "x", "anyOf": 5, "minLength": "y"}}},
        {"properties": {"a": {"type": [], "oneOf": []}, "b": True}},
    ],
)
def test_a_strange_schema_does_no_harm(schema: dict[str, Any]):
    assert mistake("x", schema, {"a": "a" * 50_000 + "!"}) is None
