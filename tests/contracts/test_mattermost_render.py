"""Markdown for Mattermost: as it was written, in posts that fit, and nobody is called."""

import re
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mattermost.adapter import Mattermost
from adapters.mattermost.markdown import markdown
from adapters.mattermost.render import LIMIT, in_place, render
from adapters.text import Span, parse
from tests.golden.corpus import DOCUMENTS


def one(text: str) -> str:
    (payload,) = Mattermost.render(text)
    return payload["message"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("**b** _i_ ~~s~~ `c`\n\n| a | b |\n|---|---|\n| 1 | 2 |", None),
        ("# Title\n\n- a\n  - b\n\n> q\n\n```py\nx\n```\n\n$E = mc^2$ :tada: #tag", None),
        ("hi @all", "hi @\u200ball"),
        ("@Channel @HERE @ALL.", "@\u200bChannel @\u200bHERE @\u200bALL."),
        ("x.@all-hands **@here** _@all_", "x.@\u200ball-hands **@\u200bhere** _@\u200ball_"),
        ("@allegra @channels @hereafter @ada", None),
        ("`@all`", "`@\u200ball`"),
        ("```\n@all\n```\n@all", "```\n@all\n```\n@\u200ball"),
        ("```\n@all", "```\n@all"),
        ("````\n```\n@all\n````\n@here", "````\n```\n@all\n````\n@\u200bhere"),
        ("  ```\nx\n```\n@all\n```", "  ```\nx\n```\n@\u200ball\n```"),
        ("- ```\n@all\n```", "- ```\n@\u200ball\n```"),
        ("> ```\n@all\n```", "> ```\n@\u200ball\n```"),
        ("~~~ `x`\n```\n~~~\n@all\n```", "~~~ `x`\n```\n~~~\n@\u200ball\n```"),
        ("```\n``` \u00a0\n@all\n```", "```\n``` \u00a0\n@\u200ball\n```"),
        ("```\r\nx\r\n```\r\n@all", "```\r\nx\r\n```\r\n@\u200ball"),
        ("![alt](https://e.org/i.png)", "!\u200b[alt](https://e.org/i.png)"),
        ("![alt][r]\n\n[r]: https://e.org", "!\u200b[alt][r]\n\n[r]: https://e.org"),
        ("```rs\nvec![1]\n```", "```rs\nvec![1]\n```"),
        ("a\ud83d b\0c", "a\ufffd bc"),
    ],
)  # fmt: skip
def test_a_text_is_passed_on_but_calls_nobody_and_fetches_nothing(text, message):
    assert one(text) == (text if message is None else message)


@pytest.mark.parametrize("blank", ["", "  \n ", "\n"])
def test_nothing_to_say_is_no_post(blank):
    assert render(blank) == []


def test_a_long_fence_is_closed_and_opened_again():
    lines = [f"line {n} " + "x" * 190 for n in range(120)]
    parts = [p["message"] for p in render("> ```py\n> " + "\n> ".join(lines) + "\n> ```")]
    assert len(parts) > 1
    assert all(part.startswith("> ```py\n> line") and part.endswith("\n> ```") for part in parts)
    assert [line[2:] for part in parts for line in part.split("\n") if "line" in line] == lines


def test_code_too_long_for_a_chat_is_a_file_but_stays_where_a_post_grows():
    code = "".join(f"line {n}\n" for n in range(900))
    text = f"Here:\n\n```py\n{code}```\n\nDone."
    first, file = render(text)
    assert "line 3\n" in first["message"] and "line 300" not in first["message"]
    assert (file["mime"], file["text"]) == ("text/plain", code)
    assert in_place(text) == text


def test_thirty_kilobytes_arrive_whole_and_in_order():
    block = "## Part {n}\n\n" + "A sentence of words. " * 30 + "\n\n```js\nlet x = {n}\n```\n\n"
    text = "".join((block + "|a|b|\n|-|-|\n|{n}|2|\n\n").replace("{n}", str(n)) for n in range(44))
    parts = [payload["message"] for payload in render(text)]
    assert len(text) > 28_000
    assert all(len(part) <= LIMIT and part.count("```") % 2 == 0 for part in parts)
    whole = "\n".join(parts)
    assert [int(n) for n in re.findall(r"## Part (\d+)", whole)] == list(range(44))
    assert [int(n) for n in re.findall(r"let x = (\d+)", whole)] == list(range(44))
    assert [int(n) for n in re.findall(r"\| (\d+) \| 2 \|", whole)] == list(range(44))


blocks = st.lists(
    st.sampled_from(
        ["# head", "para **bold** 😀 text", "- a\n- b", "```js\ncode\n\nmore\n```", "> quoted",
         "|a|b|\n|-|-|\n|1|2|", "1. x\n2. y", "[l](https://e.org) `c`", "w" * 700, "s. " * 900,
         "***x***", "@all", "![i](https://e.org)"]
    ),
    max_size=60,
)  # fmt: skip


@given(blocks)
def test_every_part_fits_and_every_word_arrives(written):
    text = "\n\n".join(written)
    parts = [payload["message"] for payload in render(text)]
    assert all(0 < len(part) <= LIMIT and part.count("```") % 2 == 0 for part in parts)
    whole = "".join("".join(part.split()) for part in parts)
    assert "@all" not in whole and "![" not in whole
    for word in ("w", "code", "bold", "s."):
        assert whole.count(word) == text.count(word)


@given(st.text(max_size=80))
def test_any_text_renders_and_none_is_dropped(text):
    parts = [payload["message"] for payload in render(text)]
    assert bool(parts) == bool(text.replace("\0", "").strip())
    assert "".join(parts).replace("\u200b", "") == (
        text.replace("\0", "").replace("\u200b", "") if parts else ""
    )


def look(thing: object) -> list:
    """What can be seen: the structure, and each letter with its styles and its link."""
    if isinstance(thing, Span):
        return [(letter, thing.styles, thing.link) for letter in thing.text if letter.strip()]
    if isinstance(thing, tuple):
        return [seen for part in thing for seen in look(part)]
    if is_dataclass(thing):
        parts = [look(getattr(thing, field.name)) for field in fields(thing)]
        return [type(thing).__name__, *parts]
    return [thing]


# Quotes deeper than the parser goes are text to it, in which no escape is read either.
@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name != "quote-deep"])
def test_what_is_built_again_looks_the_same(name):
    tree = parse(DOCUMENTS[name])
    assert look(parse(markdown(tree))) == look(tree)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_goes_out_as_it_was_written(name):
    """Whatever stands in a post, the source can be read from it."""
    payloads = render(DOCUMENTS[name])
    if len(payloads) == 1:
        source = DOCUMENTS[name].replace("\0", "").replace("\u200b", "")
        assert payloads[0]["message"].replace("\u200b", "") == source
