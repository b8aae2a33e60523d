"""Edits by program: comments and order stay, nothing broken or foreign is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import option_types
from bot.config.document import parse
from bot.config.edit import base_of, remove_value, set_value, write
from bot.config.splice import EditError
from bot.errors import ConfigError, RequestError

ADAPTERS = option_types()
EXAMPLE = (Path(__file__).parents[2] / "config.example.yaml").read_text(encoding="utf-8")
TEXT = """\
# top
gateway:          # the gateway
  port: 7440      # the port
  # before host
  host: 127.0.0.1
# between
agents:
  - id: main   # first
    model: {primary: demo/demo, fallbacks: []}   # or a bare string
  # second
  - id: b
    name: "x"
channels:
  # one per account
# end
"""


def comments(text: str) -> list[str]:
    return re.findall(r"(?:^|\s)(#.*)$", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("key", "value", "piece"),
    [
        ("gateway.port", 80, "  port: 80      # the port\n"),
        ("gateway.token", "${T}", '  host: 127.0.0.1\n  token: "${T}"\n# between\n'),
        ("gateway.tls.cert", "/a", "  tls:\n    cert: /a\n# between\n"),
        ("agents.main.model.fallbacks", ["a/b", "c"], "fallbacks: [a/b, c]}   # or"),
        ("agents.0.model", "demo/x", "    model: demo/x   # or a bare string\n"),
        ("agents.b.prompt", "a: b\n#c", '    name: "x"\n    prompt: "a: b\\n#c"\n'),
        ("agents.2", {"id": "c"}, '    name: "x"\n  - {id: c}\nchannels:'),
        ("channels.t", {"token": "x"}, "  # one per account\n  t:\n    token: x\n# end"),
        (
            "session.reset.mode",
            "idle",
            "# one per account\nsession:\n  reset:\n    mode: idle\n# end",
        ),
        ('models."demo/m.1".alias', "off", "models:\n  demo/m.1:\n    alias: off\n"),
        ("agents.b.name", "true", '    name: "true"\n'),
        ("agents.b.name", None, "    name: null\n"),
    ],
)
def test_a_value_is_set_in_place(key: str, value: Any, piece: str) -> None:
    changed = set_value(TEXT, key, value)
    assert piece in changed
    assert comments(changed) == comments(TEXT)


def test_an_empty_file_takes_a_first_key() -> None:
    assert set_value("", "gateway.port", 1) == "gateway:\n  port: 1\n"
    assert set_value("# c", "gateway.port", 1) == "# c\ngateway:\n  port: 1\n"
    assert set_value("{}", "gateway.port", 1) == "{gateway: {port: 1}}"


def test_a_whole_section_is_set_key_by_key() -> None:
    changed = set_value(TEXT, "gateway", {"host": "::1", "port": 7440, "openai_api": True})
    assert "  port: 7440      # the port\n  # before host\n" in changed
    assert parse(changed, "c", []).data["gateway"] == {
        "host": "::1",
        "port": 7440,
        "openai_api": True,
    }
    assert "port" not in parse(set_value(TEXT, "gateway", {"host": "x"}), "c", []).data["gateway"]


@pytest.mark.parametrize(
    ("key", "left"),
    [
        ("gateway.port", "gateway:          # the gateway\n  # before host\n  host: 127.0.0.1\n"),
        ("agents.0.model.fallbacks", "{primary: demo/demo}   # or"),
        ("agents.main.model.primary", "{fallbacks: []}   # or"),
        ("agents.b", "  # second\nchannels:"),
        ("gateway", "# top\n# between\n"),
    ],
)
def test_a_value_is_removed_with_its_line(key: str, left: str) -> None:
    assert left in remove_value(TEXT, key)


@pytest.mark.parametrize("key", ["gateway.nope", "agents.zed", "agents.9", "", "a..b"])
def test_what_is_not_there_cannot_be_removed(key: str) -> None:
    with pytest.raises(EditError):
        remove_value(TEXT, key)


def test_a_key_below_a_plain_value_has_no_place() -> None:
    with pytest.raises(EditError, match="has no place"):
        set_value(TEXT, "gateway.port.x", 1)


def test_what_an_alias_shares_is_not_changed_by_program() -> None:
    text = "a: &x {b: 1}\nc: *x\n"
    with pytest.raises(EditError, match="by hand"):
        set_value(text, "c.b", 2)


def leaves(data: Any, path: tuple[str, ...] = ()) -> list[str]:
    if isinstance(data, dict) and data:
        return [leaf for key, item in data.items() for leaf in leaves(item, (*path, key))]
    if isinstance(data, list) and data:
        return [leaf for i, item in enumerate(data) for leaf in leaves(item, (*path, str(i)))]
    return [".".join(path)]


TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXTS
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(TEXTS, SCALARS, max_size=3)
LONGER = EXAMPLE[EXAMPLE.index("session:") : EXAMPLE.index("tasks:")] + TEXT
LEAVES = leaves(parse(LONGER, "c", []).data)
EDITS = st.lists(st.tuples(st.sampled_from(LEAVES), VALUES), min_size=1, max_size=3)


def edited(text: str, edits: list[tuple[str, Any]]) -> None:
    """Sets values, then checks that only their lines changed, and no comment anywhere."""
    changed = text
    for key, value in edits:
        changed = set_value(changed, key, value)
    root, before = parse(changed, "c", []), parse(text, "c", [])
    assert [e.key.text for e in root.entries] == [e.key.text for e in before.entries]
    lines = changed.splitlines()
    different = [line for line in text.splitlines() if line not in lines]
    assert len(different) <= len(edits)
    for line in different:
        assert all(comment in changed for comment in comments(line))


@settings(max_examples=200, deadline=None)
@given(EDITS)
def test_random_edits_keep_every_comment_and_the_order(edits: list[tuple[str, Any]]) -> None:
    edited(LONGER, edits)


def test_two_hundred_edits_of_the_whole_example_keep_every_comment() -> None:
    keys = leaves(parse(EXAMPLE, "c", []).data)
    edited(EXAMPLE, [(key, f"value {number}") for number, key in enumerate(keys)][:200])


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(LEAVES), VALUES, st.sampled_from(["new", "other.deep", '"x y".z']))
def test_what_is_added_and_removed_leaves_the_text_as_it_was(
    key: str, value: Any, name: str
) -> None:
    parent = key.rpartition(".")[0]
    beside = f"{parent}." if parent and not key[-1].isdecimal() else ""
    added = set_value(LONGER, beside + name, value)
    assert remove_value(added, beside + name.partition(".")[0]) == LONGER


def test_a_write_is_checked_private_and_keeps_the_version_before(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(TEXT, encoding="utf-8")
    changed = set_value(TEXT, "gateway.port", 80)
    config = write(path, changed, base_of(TEXT), {}, ADAPTERS)
    assert config.gateway.port == 80
    assert path.read_text(encoding="utf-8") == changed
    assert (tmp_path / "config.yaml.bak").read_text(encoding="utf-8") == TEXT
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.yaml", "config.yaml.bak"]


def test_a_broken_text_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(TEXT, encoding="utf-8")
    with pytest.raises(ConfigError, match="did you mean"):
        write(path, set_value(TEXT, "gateway.prot", 80), base_of(TEXT), {}, ADAPTERS)
    assert [p.name for p in tmp_path.iterdir()] == ["config.yaml"]


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(TEXT + "# by hand\n", encoding="utf-8")
    with pytest.raises(RequestError, match="has changed") as caught:
        write(path, set_value(TEXT, "gateway.port", 80), base_of(TEXT), {}, ADAPTERS)
    assert caught.value.code == "CONFLICT"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("plugins", ["x"]),
        ("hooks.dirs", ["/x"]),
        ("hooks", {"dirs": ["/x"]}),
        ("skills.dirs", ["/x"]),
        ("tools.sandbox.backend", "/x"),
        ("providers.x", {"api": "command", "command": ["/x"]}),
        ("mcp.servers.a", {"command": ["/x"]}),
    ],
)
def test_an_interface_may_not_name_code(tmp_path: Path, key: str, value: Any) -> None:
    path = tmp_path / "config.yaml"
    text = TEXT + "plugins: []\n"
    path.write_text(text, encoding="utf-8")
    changed = set_value(text, key, value)
    with pytest.raises(
        RequestError, match=r"changes only in the file: edit .*, line \d+"
    ) as caught:
        write(path, changed, base_of(text), {}, ADAPTERS, allow_code=False)
    assert caught.value.code == "FORBIDDEN"
    write(path, changed, base_of(text), {}, ADAPTERS)
