"""SKILL.md files: what they may say, and what strangers write into them instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.context.skillfile import BadSkill, read_skill

GOOD = """\
---
name: release-notes
description: Writes release notes from a list of changes.
homepage: https://example.org
user-invocable: true
disable-model-invocation: false
command-dispatch: tool
command-tool: exec
metadata: {"trunkline": {"emoji": "N", "os": ["linux"], "always": false, "skillKey": "notes",
  "requires": {"bins": ["git"], "anyBins": ["gh", "glab"], "env": ["TOKEN"], "config": ["a.b"]}}}
---
Run {baseDir}/notes.sh and tidy its output.
"""


def head(*lines: str, name: str = "name: x", about: str = "description: y") -> str:
    return "\n".join(("---", name, about, *lines, "---", "Body."))


def test_everything_that_a_file_may_say_is_read():
    file = read_skill(GOOD)
    assert (file.name, file.key, file.tool, file.emoji) == ("release-notes", "notes", "exec", "N")
    assert file.needs.bins == ("git",) and file.needs.any_bins == ("gh", "glab")
    assert file.needs.env == ("TOKEN",) and file.needs.config == ("a.b",)
    assert file.needs.os == ("linux",) and file.for_people and file.for_model
    assert "{baseDir}" in file.text


@pytest.mark.parametrize(
    "metadata",
    [
        '{"trunkline": {"emoji": "N"}}',
        '{"somebody": {"emoji": "N"}}',
        """'{"trunkline": {"emoji": "N"}}'""",
        "\n  trunkline:\n    emoji: N",
    ],
)
def test_metadata_may_be_json_text_or_yaml_and_of_its_only_product(metadata: str):
    assert read_skill(head(f"metadata: {metadata}")).emoji == "N"


def test_a_number_is_a_name_and_lines_of_a_description_become_one():
    file = read_skill("---\nname: 42\ndescription: >\n  first\n  second\n---\n")
    assert (file.name, file.description) == ("42", "first second")


BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
)
MERGES = "a: &a {k: 1}\n" + "".join(
    f"m{n}: &m{n}\n  <<: [*{'a' if not n else f'm{n - 1}'}, *{'a' if not n else f'm{n - 1}'}]\n"
    for n in range(60)
)
HOSTILE = {
    "empty": "",
    "no front matter": "# Just a text",
    "not closed": "---\nname: x\ndescription: y\n",
    "closed by a longer line": "---\nname: x\ndescription: y\n----\n",
    "empty front matter": "---\n---\n",
    "a list": "---\n- name\n- description\n---\n",
    "a word": "---\nhello\n---\n",
    "no name": "---\ndescription: y\n---\n",
    "no description": "---\nname: x\n---\n",
    "null name": head(name="name: null"),
    "empty name": head(name='name: ""'),
    "a list as name": head(name="name: [a]"),
    "an object as name": head(name="name: {a: b}"),
    "a path as name": head(name="name: ../../etc/passwd"),
    "a slash in the name": head(name="name: a/b"),
    "markup as name": head(name="name: </skill><skill>"),
    "a newline in the name": head(name='name: "a\\nb"'),
    "a long name": head(name=f"name: {'n' * 65}"),
    "a dot as name": head(name="name: ."),
    "a dash as name": head(name='name: "-rf"'),
    "another script's letters as name": head(name="name: раypal"),
    "a right-to-left sign": head(about='description: "a\\u202Eb"'),
    "a zero-width sign": head(about='description: "a\\u200Bb"'),
    "tag characters": head(about='description: "a\\U000E0041b"'),
    "an escape": head(about='description: "a\\x1B[2Jb"'),
    "a NUL": head(about='description: "a\\0b"'),
    "a bell": head(about='description: "a\\ab"'),
    "a long description": head(about=f"description: {'d' * 1025}"),
    "a list as description": head(about="description: [a, b]"),
    "an open quote": head(about='description: "y'),
    "an open bracket": head(about="description: [y"),
    "a colon in a plain text": head(about="description: Use when: always"),
    "a tab": "---\nname:\tx\n\tdescription: y\n---\n",
    "a tag": head("x: !!python/object/apply:os.system ['id']"),
    "another tag": head("x: !ruby/object:Gem {}"),
    "a key twice": head("name: z"),
    "two documents": "---\nname: x\n...\n---\ndescription: y\n---\n",
    "nested too deeply": head(f"x: {'[' * 3000}"),
    "nested objects": head("x: " + "{a: " * 2000 + "1" + "}" * 2000),
    "a bomb of aliases": "---\nname: x\ndescription: *u\n" + BOMB + "---\n",
    "merge keys": "---\nname: *m59\ndescription: y\n" + MERGES + "---\n",
    "an alias to itself": head("x: &x [*x]", "metadata: *x"),
    "an unknown alias": head("metadata: *nowhere"),
    "a long front matter": head(f"x: {'y' * 20_000}"),
    "metadata as a list": head("metadata: [1]"),
    "metadata as a word": head("metadata: hello"),
    "metadata as broken JSON": head("""metadata: '{"a": '"""),
    "metadata as deep JSON": head(f"metadata: '{'[' * 5000}'"),
    "our metadata as a word": head('metadata: {"trunkline": "x"}'),
    "requires as a list": head('metadata: {"trunkline": {"requires": ["git"]}}'),
    "bins as an object": head('metadata: {"trunkline": {"requires": {"bins": {"a": 1}}}}'),
    "a path as a program": head('metadata: {"trunkline": {"requires": {"bins": ["/bin/sh"]}}}'),
    "many programs": head(f'metadata: {{"trunkline": {{"requires": {{"bins": {["a"] * 51}}}}}}}'),
    "a bad variable": head('metadata: {"trunkline": {"requires": {"env": ["A=B"]}}}'),
    "always as a number": head('metadata: {"trunkline": {"always": 3}}'),
    "a flag as a word": head("user-invocable: perhaps"),
    "an unknown dispatch": head("command-dispatch: shell"),
    "dispatch without a tool": head("command-dispatch: tool"),
    "an unknown mode": head("command-dispatch: tool", "command-tool: x", "command-arg-mode: sh"),
    "a huge number": head(f"user-invocable: {'9' * 6000}"),
    "a date": head("user-invocable: 2026-99-99"),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_cannot_be_used_is_refused_with_one_sentence(text: str):
    with pytest.raises(BadSkill) as refused:
        read_skill(text)
    said = str(refused.value)
    assert 10 < len(said) < 500 and "\n" not in said and "Traceback" not in said


def test_there_are_enough_of_them():
    assert len(HOSTILE) > 50


@given(st.text(max_size=300), st.text(alphabet="{}[]&*!|>-:#'\"\\ \n\tab", max_size=200))
def test_nothing_that_can_be_written_breaks_the_reader(free: str, marks: str):
    for text in (free, f"---\n{free}\n---\n", head(marks), head(f"metadata: {marks}")):
        try:
            file = read_skill(text)
        except BadSkill:
            continue
        assert file.name and "\n" not in file.name + file.description
