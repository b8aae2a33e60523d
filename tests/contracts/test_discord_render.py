"""Markdown for Discord: what shows is what was meant, in parts that fit, and nothing is lost."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord.adapter import Discord
from adapters.discord.render import LIMIT, render

GOLDEN = Path(__file__).parents[1] / "recordings" / "discord" / "rendered" / "golden.json"


def one(markdown: str) -> str:
    (payload,) = render(markdown)
    return payload["content"]


@pytest.mark.parametrize(
    ("markdown", "content"),
    [
        ("hello", "hello"),
        ("**b** _i_ ~~s~~ ||h|| `c`", "**b** *i* ~~s~~ ||h|| `c`"),
        ("***both***", "**_both_**"),
        ("**a *b* c**", "**a *b* c**"),
        ("**a***b*", "**a**_b_"),
        ("**a `b` c**", "**a `b` c**"),
        ("# One\n\n### Three\n\n##### Five", "# One\n\n### Three\n\n**Five**"),
        ("```py\nx = 1\n```", "```py\nx = 1\n```"),
        ("````\n```\n````", "```\n`\u200b`\u200b`\n```"),
        ("`` a`b ``", "`` a`b ``"),
        ("> said\n> so", "> said\n> so"),
        ("- a\n- b\n  - c", "- a\n- b\n  - c"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("[x](https://e.org)", "[x](https://e.org)"),
        ("[x](https://e.org/a_(b))", "[x](<https://e.org/a_(b)>)"),
        ("[a] b](https://e.org)", "[a] b](https://e.org)"),
        ("[https://a.org](https://b.org)", "https://a.org (<https://b.org>)"),
        ("[me](mailto:a@e.org)", "me (a@e.org)"),
        ("<https://e.org>", "https://e.org"),
        ("https://e.org/a_b_c*d", "https://e.org/a_b_c*d"),
        ("![alt](https://e.org/i.png)", "[alt](https://e.org/i.png)"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
        ("\\*not bold\\* \\_not\\_", "\\*not bold\\* \\_not\\_"),
        ("\\# no heading\n\\> no quote", "\\# no heading\n\\> no quote"),
        ("\\- no list\n1\\. nor this", "\\- no list\n1\\. nor this"),
        ("C:\\Users\\ada", "C:\\Users\\ada"),
        ("a \\|\\| b", "a \\|| b"),
        ("@everyone and @here", "@\u200beveryone and @\u200bhere"),
        ("`@everyone`", "`@everyone`"),
        ("<@&123> <#1> <@123> <@!123>", "\\<@&123> \\<#1> <@123> <@!123>"),
        ("</task:1> <:x:1> <t:1:R>", "\\</task:1> \\<:x:1> \\<t:1:R>"),
        ("one\ntwo", "one\ntwo"),
        ("---", "———"),
        ("a\ud83d", "a\ufffd"),
        ("```\n```", "```\n\n```"),
    ],
)
def test_markdown_becomes_the_platforms_own(markdown, content):
    assert one(markdown) == content


def test_every_payload_unfolds_no_link_and_calls_nobody():
    payload = Discord.render("x")[0]
    assert payload == {"content": "x", "flags": 4, "allowed_mentions": {"parse": []}}


@pytest.mark.parametrize("blank", ["", "  \n ", "\n"])
def test_nothing_to_say_is_no_message(blank):
    assert render(blank) == []


def test_a_table_is_an_aligned_code_block():
    table = "| name | n |\n|---|--:|\n| 漢字 | 1 |\n| b | 22 |"
    assert one(table) == "```\nname |  n\n-----|---\n漢字 |  1\nb    | 22\n```"


def test_a_long_fence_is_closed_and_opened_again():
    lines = [f"line {n} " + "x" * 150 for n in range(40)]
    parts = render("```py\n" + "\n".join(lines) + "\n```")
    assert len(parts) > 1
    assert all(p["content"].startswith("```py\nline") for p in parts)
    assert all(p["content"].endswith("\n```") for p in parts)
    assert "\n".join(p["content"][6:-4] for p in parts) == "\n".join(lines)


def test_code_too_long_for_a_chat_is_a_file():
    code = "".join(f"line {n}\n" for n in range(900))
    first, file = render(f"Here:\n\n```py\n{code}```\n\nDone.")
    assert "line 3\n" in first["content"]
    assert "line 300" not in first["content"]
    assert (file["mime"], file["text"]) == ("text/plain", code)


def test_a_long_list_counts_on_and_a_long_table_repeats_its_header():
    numbered = render("".join(f"{n}. item {n}\n" for n in range(1, 600)))
    assert all(p["content"].split()[0] == f"{p['content'].split()[2]}." for p in numbered)
    table = render("|a|b|\n|-|-|\n" + "|some words and a few more|2|\n" * 95)
    assert len(table) > 1
    assert all(p["content"].startswith("```\na                         | b\n") for p in table)


def test_a_link_and_a_mention_are_never_cut():
    link = "[a link of some words](https://e.org)"
    parts = render("word " * 396 + link + " <@123456789012345678> " + "word " * 50)
    assert sum(link in p["content"] for p in parts) == 1
    assert sum("<@123456789012345678>" in p["content"] for p in parts) == 1


def test_thirty_kilobytes_arrive_whole_and_in_order():
    block = "## Part {n}\n\n" + "A sentence of words. " * 30 + "\n\n```js\nlet x = {n}\n```\n\n"
    text = "".join((block + "|a|b|\n|-|-|\n|{n}|2|\n\n").replace("{n}", str(n)) for n in range(44))
    parts = [p["content"] for p in render(text)]
    assert len(text) > 28_000
    assert all(len(part) <= 2000 and part.count("```") % 2 == 0 for part in parts)
    whole = "\n".join(parts)
    assert [int(n) for n in re.findall(r"## Part (\d+)", whole)] == list(range(44))
    assert [int(n) for n in re.findall(r"let x = (\d+)", whole)] == list(range(44))


blocks = st.lists(
    st.sampled_from(
        ["# head", "para **bold** 😀 text", "- a\n- b", "```js\ncode\n\nmore\n```", "> quoted",
         "|a|b|\n|-|-|\n|1|2|", "1. x\n2. y", "[l](https://e.org) `c`", "w" * 700, "s. " * 300,
         "*" * 3 + "x" + "*" * 3, "@everyone"]
    ),
    max_size=30,
)  # fmt: skip


@given(blocks)
def test_every_part_fits_and_every_word_arrives(written):
    markdown = "\n\n".join(written)
    parts = [p["content"] for p in render(markdown)]
    assert all(0 < len(part) <= LIMIT and part.count("```") % 2 == 0 for part in parts)
    assert not any("@everyone" in part for part in parts)
    whole = "".join("".join(part.split()) for part in parts)
    assert whole.count("w") == markdown.count("w")
    assert whole.count("code") == markdown.count("code")


@given(st.text(max_size=80))
def test_any_text_renders_and_none_is_dropped_whole(text):
    parts = [p["content"] for p in render(text)]
    assert all(part.strip() and len(part) <= 2000 for part in parts)
    assert bool(parts) == bool(text.strip())


@given(st.text(alphabet="ab .)-+#>|*_~\\\n\té😀!?", max_size=40))
def test_letters_and_their_order_survive_every_mark(text):
    whole = "".join(p["content"] for p in render(text))
    assert re.sub(r"[^abé😀]", "", whole) == re.sub(r"[^abé😀]", "", text)


@pytest.mark.parametrize("case", json.loads(GOLDEN.read_text("utf-8")), ids=lambda c: c["name"])
def test_a_document_of_the_golden_corpus(case):
    parts = [payload.get("content") or payload["text"] for payload in render(case["markdown"])]
    assert parts == case["parts"]


def test_the_golden_corpus_is_large():
    assert len(json.loads(GOLDEN.read_text("utf-8"))) >= 120
