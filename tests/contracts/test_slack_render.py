"""Markdown for Slack: rich text in which nothing is parsed, parts that fit, nothing lost."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.fakes.slack_workspace import _check
from adapters.slack.render import LIMIT, MOST_BLOCKS, render

GOLDEN = Path(__file__).parents[1] / "recordings" / "slack" / "rendered" / "golden.json"


def one(markdown: str) -> dict[str, Any]:
    (payload,) = render(markdown)
    return payload


def pieces(value: Any) -> list[str]:
    """Every piece of text in blocks with its look, in order, as people read them."""
    if isinstance(value, list):
        return [piece for part in value for piece in pieces(part)]
    if not isinstance(value, dict):
        return []
    if value.get("type") in ("text", "link", "raw_text"):
        look = "+".join(value.get("style", {}))
        address = f" -> {value['url']}" if "url" in value else ""
        return [f"{look}|{value.get('text', '')}{address}"]
    return pieces([child for child in value.values() if isinstance(child, list)])


def words(payload: dict[str, Any]) -> str:
    """All that a payload's blocks say, without looks."""
    return " ".join(piece.partition("|")[2] for piece in pieces(payload.get("blocks", [])))


def kinds(payload: dict[str, Any]) -> list[str]:
    return [
        f"{element['type'].removeprefix('rich_text_')}{element.get('indent', '')}"
        for block in payload["blocks"]
        for element in (block["elements"] if block["type"] == "rich_text" else [block])
    ]


@pytest.mark.parametrize(
    ("markdown", "text", "seen"),
    [
        ("hello", "hello", ["|hello"]),
        ("**b** _i_ ~~s~~ `c`", "*b* _i_ ~s~ `c`", ["bold|b", "| ", "italic|i", "| ", "strike|s",
                                                    "| ", "code|c"]),
        ("||hidden||", "hidden", ["|hidden"]),
        ("# Title\n\ntext", "*Title*\n\ntext", ["bold|Title", "|\n\n", "|text"]),
        ("```py\nx < 1\n```", "```\nx &lt; 1\n```", ["|x < 1"]),
        ("> said\n> so", "> said\n> so", ["|said\nso"]),
        ("- a\n- b\n  - c", "• a\n• b\n    • c", ["|a", "|b", "|c"]),
        ("3. a\n4. b", "3. a\n4. b", ["|a", "|b"]),
        ("[x](https://e.org/a|b)", "<https://e.org/a%7Cb|x>", ["|x -> https://e.org/a%7Cb"]),
        ("see https://e.org/x.", "see https://e.org/x.", ["|see ", "| -> https://e.org/x", "|."]),
        ("[me](mailto:a@e.org)", "me (a@e.org)", ["|me (a@e.org)"]),
        ("[bad](javascript:alert(1))", "[bad](javascript:alert(1))",
         ["|[bad](javascript:alert(1))"]),
        ("a & b < c > d", "a &amp; b &lt; c &gt; d", ["|a & b < c > d"]),
        ("**a `b`**", "*a* `b`", ["bold|a ", "bold+code|b"]),
        ("2 * 3 * 4 and snake_case", "2 * 3 * 4 and snake_case", ["|2 * 3 * 4 and snake_case"]),
        ("one\ntwo", "one\ntwo", ["|one\ntwo"]),
    ],
)  # fmt: skip
def test_markdown_becomes_blocks_and_a_text(markdown, text, seen):
    payload = one(markdown)
    assert (payload["text"], pieces(payload["blocks"])) == (
        text,
        seen,
    )
    quiet = [payload[name] for name in ("unfurl_links", "unfurl_media", "link_names")]
    assert quiet == [False, False, False]


def test_code_keeps_its_language():
    (block,) = one("```py\nx\n```")["blocks"]
    assert block["elements"][0]["language"] == "py"


def test_lists_in_lists_keep_their_depth_and_the_outer_one_goes_on():
    payload = one("1. a\n   - b\n     - c\n2. d\n\n   ```\n   e\n   ```\n3. f")
    assert kinds(payload) == ["list0", "list1", "list2", "list0", "preformatted", "list0"]
    offsets = [e.get("offset") for e in payload["blocks"][0]["elements"] if e.get("indent") == 0]
    assert offsets == [None, 1, 2]


def test_a_table_is_one_with_a_text_beside_it():
    payload = one("| name | n |\n|---|--:|\n| **漢字** | 1 |\n| | 22 |")
    (table,) = payload["blocks"]
    assert [[pieces(cell)[0] for cell in row] for row in table["rows"]] == [
        ["|name", "|n"],
        ["bold|漢字", "|1"],
        ["|\u00a0", "|22"],
    ]
    assert [column["align"] for column in table["column_settings"]] == ["left", "right"]
    assert payload["text"].startswith("```\nname |  n\n")


def test_a_second_table_and_a_wide_one_are_text_in_columns():
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n"
    assert kinds(one(f"{table}\nand\n\n{table}")) == ["table", "section", "preformatted"]
    wide = ["|" + "x|" * 21, "|-" * 21 + "|", "|" + "x|" * 21]
    assert kinds(one("- in a list\n\n  " + "\n  ".join(wide))) == ["list0", "preformatted"]


def test_a_message_of_too_many_blocks_is_its_text():
    assert "blocks" not in one("a\n\n---\n\n" * 40)
    assert "———" in one("a\n\n---\n\n" * 40)["text"]


CALLS = ["<!channel>", "<!here>", "<!everyone>", "<@U0ADA>", "<#C1>", "<!subteam^S1>",
         "@channel", "@here", "@everyone", "<!date^1^{date}|x>", "&lt;!channel&gt;",
         "<@U0ADA|ada>"]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("around", ["{}", "**{}**", "- {}", "> {}", "# {}", "[{}](https://e.org)",
                                    "| {} |\n|-|\n| {} |", "x{}x", "||{}||"])  # fmt: skip
def test_nothing_that_a_model_says_calls_people(call, around):
    for payload in render(around.replace("{}", call)):
        whole = json.dumps(payload, ensure_ascii=False)
        assert not any(start in whole for start in ("<!", "<@", "<#C"))
        said = payload["text"] + words(payload)
        assert not re.search(r"@(channel|here|everyone)\b", said)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("around", ["`{}`", "```\n{}\n```", "> ```\n> {}\n> ```"])
def test_code_is_shown_as_it_is_and_calls_nobody(call, around):
    """In rich text nothing is parsed, and the text beside it is escaped."""
    (payload,) = render(around.replace("{}", call))
    assert not any(start in payload["text"] for start in ("<!", "<@", "<#"))
    assert call in words(payload)


@pytest.mark.parametrize("blank", ["", "  \n ", "\n"])
def test_nothing_to_say_is_no_message(blank):
    assert render(blank) == []


def test_a_lone_surrogate_can_be_sent():
    assert one("a\ud83d")["text"] == "a\ufffd"


def test_a_long_fence_is_closed_and_opened_again():
    parts = render("```py\n" + "".join(f"line {n}" + "x" * 190 + "\n" for n in range(39)) + "```")
    assert len(parts) > 1
    for part in parts:
        assert [e["language"] for e in part["blocks"][0]["elements"]] == ["py"]
        assert part["text"].count("```") == 2
    assert words(parts[-1]).split("\n")[-1].startswith("line 38x")


def test_a_long_list_counts_on_and_a_long_table_repeats_its_header():
    numbered = render("".join(f"{n}. item {n}\n" for n in range(1, 1000)))
    for part in numbered:
        assert part["text"].split()[0] == f"{part['text'].split()[2]}."
    starts = [part["blocks"][0]["elements"][0].get("offset", 0) + 1 for part in numbered]
    assert starts == [int(part["text"].split()[2]) for part in numbered]
    table = render("|a|b|\n|-|-|\n" + f"|{'some words ' * 8}|2|\n" * 90)
    assert len(table) > 1
    for part in table:
        assert part["text"].startswith("```\na  ")
        assert part["blocks"][0]["rows"][0][0]["text"] == "a"


def test_long_code_and_large_tables_become_files():
    parts = render("```py\n" + "x = 1\n" * 300 + "```\n\n|a|\n|-|\n" + "|b|\n" * 200)
    shown, code, table = parts
    assert (code["document"], code["content"].count("x = 1")) == ("code-1.py", 300)
    assert (table["document"], table["content"].count("b")) == ("table-1.csv", 200)
    assert "All 300 lines are in code-1.py." in shown["text"]


def test_thirty_thousand_characters_arrive_in_order():
    block = "# Part {n}\n\nsome *words* here\n\n```js\ncode({n})\n```\n\n|k|v|\n|-|-|\n|x{n}|y|\n\n"
    source = "".join(block.replace("{n}", str(n)) for n in range(450))
    assert len(source) > 30_000
    said = "".join(words(part) for part in render(source))
    at = [said.index(f"code({n})") for n in range(450)]
    assert at == sorted(at)
    assert all(f"x{n}" in said for n in range(450))


blocks = st.lists(
    st.sampled_from(
        ["# head", "para **bold** 😀 text", "- a\n- b", "```js\ncode\n\nmore\n```", "> quoted",
         "|a|b|\n|-|-|\n|1|2|", "1. x\n2. y", "[l](https://e.org) `c`", "w" * 700, "s. " * 300,
         "---", "- a\n  ```\n  code\n  ```", "> - q\n>\n> ```\n> code\n> ```", "&<>" * 300]
    ),
    max_size=30,
)  # fmt: skip


@given(blocks)
def test_every_part_fits_and_every_word_arrives(written):
    markdown = "\n\n".join(written)
    parts = render(markdown)
    for part in parts:
        assert 0 < len(part["text"]) <= LIMIT
        assert part["text"].count("```") % 2 == 0
        assert len(part.get("blocks", [])) <= MOST_BLOCKS
        _check(part.get("blocks"))
    for said in ("".join(p["text"] for p in parts), "".join(map(_said, parts))):
        assert said.count("w" * 5) == markdown.count("w" * 5)
        assert said.count("code") == markdown.count("code")


def _said(part: dict[str, Any]) -> str:
    return words(part) if "blocks" in part else part["text"]


@pytest.mark.parametrize("case", json.loads(GOLDEN.read_text("utf-8")), ids=lambda c: c["name"])
def test_a_document_of_the_golden_corpus(case):
    parts = render(case["markdown"])
    shown = [{"text": part["text"], "blocks": part.get("blocks")} for part in parts]
    assert shown == case["parts"]


def test_the_golden_corpus_is_large():
    assert len(json.loads(GOLDEN.read_text("utf-8"))) >= 120


@given(st.text(max_size=60))
def test_any_text_renders_and_none_is_dropped_whole(text):
    parts = render(text)
    assert all(part["text"].strip() for part in parts)
    assert bool(parts) == bool(text.replace("\0", "").strip())
    for part in parts:
        _check(part.get("blocks"))


@given(st.text(alphabet="<>!@#UC1|&;chanelr_*`~[]()\n ", max_size=40))
def test_no_text_makes_a_mention(text):
    for part in render(text):
        rest = part["text"].replace("<http", "")
        assert "<!" not in rest
        assert "<@" not in rest
