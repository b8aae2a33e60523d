"""config.example.yaml, the schema and the reference page name every key, and say the truth."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from adapters import option_types
from bot.config.document import Entry, Node, parse
from bot.config.load import load_text
from bot.config.problems import dotted
from bot.config.schema import json_schema
from bot.config.show import default_config_text, keys, reference

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
ADAPTERS = option_types()
KEYS = list(keys(ADAPTERS))
# What cannot stand at its default in a file that names everything and starts nothing.
NOT_DEFAULT = {"agents.0.name", "channels.*.adapter", "channels.*.enabled", "providers.*.api"}
NOT_DEFAULT |= {f"bindings.0.match.{name}" for name in ("channel", "conversation", "guild")}
NOT_DEFAULT |= {"mcp.servers.*.url"}


def switched_on(text: str) -> str:
    """The example with the lines that are switched off switched on."""
    lines: list[str] = []
    was_off = False
    for line in text.splitlines():
        if line.startswith("#  ") and not was_off:
            lines[-1] = re.sub(r": (\{\}|\[\])(\s+#.*)?$", ":", lines[-1])
        was_off = line.startswith("#  ")
        lines.append(line[1:] if was_off else line)
    return "\n".join(lines) + "\n"


FULL = switched_on(TEXT)


def nodes(root: Node, path: tuple[str | int, ...]) -> list[Entry | Node]:
    """Every place of the document that a key with wildcards means."""
    found: list[Entry | Node] = [root]
    for part in path:
        below: list[Entry | Node] = []
        for place in found:
            node = place.value if isinstance(place, Entry) else place
            if part == "*":
                below += node.entries
            elif (child := node.child(part)) is not None:
                below.append(child)
        found = below
    return found


@pytest.mark.parametrize("text", [TEXT, FULL], ids=["as it is", "switched on"])
def test_the_example_loads_without_any_variable(text: str) -> None:
    config = load_text(text, "config.example.yaml", {}, ADAPTERS)
    assert not config.warnings
    assert not [c for c in config.channels.values() if c.settings.enabled]


def test_as_it_is_the_example_is_the_defaults() -> None:
    example, plain = load_text(TEXT, "f", {}, ADAPTERS), load_text("", "f", {}, ADAPTERS)
    assert example.with_channels({}) == plain.with_channels({})


def test_the_example_names_every_key() -> None:
    root = parse(FULL, "f", [])
    assert not [dotted(key.path) for key in KEYS if not nodes(root, key.path)]


def test_what_the_example_gives_is_the_default() -> None:
    root = parse(FULL, "f", [])
    strange = {}
    for key in KEYS:
        values = [p.value.data if isinstance(p, Entry) else p.data for p in nodes(root, key.path)]
        default = parse(f"v: {key.default}", "f", []).data["v"]
        section = any(isinstance(value, (dict, list)) and value for value in values)
        if key.default in {"", "required"} or default in values or section or "${" in str(values):
            continue
        strange[dotted(key.path)] = (values, default)
    assert set(strange) == NOT_DEFAULT, strange


def test_every_key_has_one_line_of_help() -> None:
    assert not [dotted(k.path) for k in KEYS if not 0 < len(k.help) <= 100 or "\n" in k.help]


def test_every_line_with_a_key_has_a_comment() -> None:
    """A section's own line needs none; the keys of later channels repeat what was said."""
    bare = [
        line
        for line in TEXT.splitlines()
        if re.search(r"^(#  )?\s*(- )?[\w\"/-]+: +[^\s#]", line) and " # " not in line
    ]
    assert {line.strip("# ") for line in bare} <= {"enabled: false", "api: command"}


@pytest.mark.parametrize("text", [TEXT, FULL, default_config_text(ADAPTERS), "channels:\n"])
def test_the_schema_accepts_what_the_loader_accepts(text: str) -> None:
    schema = json_schema(ADAPTERS)
    Draft202012Validator.check_schema(schema)
    errors = list(Draft202012Validator(schema).iter_errors(parse(text, "f", []).data))
    assert not errors, errors


@pytest.mark.parametrize(
    "text",
    [
        "gateway: {prot: 1}",
        "gateway: {port: text}",
        "channels: {telegram: {}}",
        "channels: {home: {token: x}}",
        "channels: {telegram: {token: x, url: y}}",
        "channels: {telegram: {token: x, dm_policy: opne}}",
        "channels: {telegram: {adapter: slack, token: x}}",
        "agents: [{name: x}]",
        "messages: {queue: 3}",
        "tasks: {min_interval: 10 minutes}",
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(text: str) -> None:
    schema = json_schema(ADAPTERS)
    assert list(Draft202012Validator(schema).iter_errors(parse(text, "f", []).data))


@pytest.mark.parametrize(
    "text",
    [
        'gateway: {port: "${PORT}", openai_api: "${X:-false}"}',
        "owners: ${OWNERS}",
        "messages: {queue: interrupt}",
        "agents: [{id: a, model: demo/demo}]",
        "channels: {home: {adapter: telegram, token: x, allow_from: [1, -2]}}",
        "tasks: {timezone: ${TZ:-UTC}}",
    ],
)
def test_the_schema_admits_references_and_short_forms(text: str) -> None:
    schema = json_schema(ADAPTERS)
    text = text.replace("${TZ:-UTC}", '"${TZ:-UTC}"')
    assert not list(Draft202012Validator(schema).iter_errors(parse(text, "f", []).data))


def test_the_schema_carries_help_and_defaults() -> None:
    gateway = json_schema(ADAPTERS)["$defs"]["Gateway"]["properties"]
    assert gateway["port"]["default"] == 7440
    assert gateway["port"]["description"].startswith("0: a free one")
    assert "default" not in gateway["token"]


def test_the_schema_has_no_loose_parts() -> None:
    schema = json_schema(ADAPTERS)
    used = set(re.findall(r"#/\$defs/([\w.-]+)", str(schema)))
    assert set(schema["$defs"]) == used


def test_the_reference_page_is_fresh() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    _, _, tables = page.partition("<!-- generated from the settings tree -->\n")
    assert tables == reference(ADAPTERS), "run: python -m tests.rules.test_config_example"


if __name__ == "__main__":
    page = ROOT / "docs" / "configuration.md"
    head, mark, _ = page.read_text(encoding="utf-8").partition(
        "<!-- generated from the settings tree -->\n"
    )
    page.write_text(head + mark + reference(ADAPTERS), encoding="utf-8")
