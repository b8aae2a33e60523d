"""Markdown for Telegram: entities in UTF-16 units, parts that fit, and nothing lost in between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import text as tree
from adapters.fakes.telegram_chats import units
from adapters.telegram.render import LIMIT, render
from adapters.text_table import lines


def one(markdown: str) -> dict:
    (payload,) = render(markdown)
    return payload


def pieces(payload: dict) -> list[tuple[str, str]]:
    """Each entity's type and the text it covers, cut as the platform cuts."""
    wide = payload["text"].encode("utf-16-le")
    return [
        (e["type"], wide[2 * e["offset"] : 2 * (e["offset"] + e["length"])].decode("utf-16-le"))
        for e in payload.get("entities", [])
    ]


@pytest.mark.parametrize(
    ("markdown", "text", "marks"),
    [
        ("hello", "hello", []),
        ("**b** _i_ ~~s~~ ||h|| `c`", "b i s h c", ["bold b", "italic i", "strikethrough s",
                                                    "spoiler h", "code c"]),
        ("😀 **😀b** x", "😀 😀b x", ["bold 😀b"]),
        ("# Title\n\ntext", "Title\n\ntext", ["bold Title"]),
        ("```py\nx = 1\n```", "x = 1", ["pre x = 1"]),
        ("**a `b` c**", "a b c", ["bold a ", "code b", "bold  c"]),
        ("> said\n> so", "said\nso", ["blockquote said\nso"]),
        ("- a\n- b\n  - c", "• a\n• b\n   ◦ c", []),
        ("3. a\n4. b", "3. a\n4. b", []),
        ("[x](https://e.org)", "x", ["text_link x"]),
        ("[`x`](https://e.org)", "x", ["text_link x"]),
        ("[me](mailto:a@e.org)", "me (a@e.org)", []),
        ("<https://e.org>", "https://e.org", []),
        ("![alt](https://e.org/i.png)", "alt", ["text_link alt"]),
        ("<b>html</b> & co", "<b>html</b> & co", []),
        ("a || b || c", "a || b || c", []),
        ("one\ntwo", "one\ntwo", []),
        ("---", "———", []),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name", []),
        ("[bad](javascript:alert(1))", "[bad](javascript:alert(1))", []),
    ],
)  # fmt: skip
def test_markdown_becomes_text_and_entities(markdown, text, marks):
    payload = one(markdown)
    assert (payload["text"], [" ".join(piece) for piece in pieces(payload)]) == (text, marks)
    assert payload["link_preview_options"] == {"is_disabled": True}


def test_a_table_is_an_aligned_code_block():
    payload = one("| name | n |\n|---|--:|\n| 漢字 | 1 |\n| b | 22 |")
    assert payload["text"] == "name |  n\n-----|---\n漢字 |  1\nb    | 22"
    assert [kind for kind, _ in pieces(payload)] == ["pre"]


def test_a_wide_table_is_not_padded():
    wide = tree.parse(f"| a | b |\n|---|---|\n| {'x' * 200} | y |")[0]
    assert lines(wide).splitlines()[0] == "a | b"


@pytest.mark.parametrize("blank", ["", "  \n ", "\n"])
def test_nothing_to_say_is_no_message(blank):
    assert render(blank) == []


def test_a_lone_surrogate_can_be_sent():
    assert one("a\ud83d")["text"] == "a\ufffd"


def test_an_empty_fence_is_shown_as_written():
    assert one("```\n```")["text"] == "```\n```"


def test_a_long_fence_is_closed_and_opened_again():
    lines = "".join(f"{'x' * 180} line {n}\n" for n in range(40))
    parts = render(f"```py\n{lines}```")
    assert len(parts) > 1
    for part in parts:
        assert [(e["type"], e["language"]) for e in part["entities"]] == [("pre", "py")]
    assert "\n".join(part["text"] for part in parts) == lines.strip()


def test_a_long_list_counts_on_and_a_long_table_repeats_its_header():
    numbered = render("".join(f"{n}. item {n}\n" for n in range(1, 1000)))
    assert all(f"{part['text'].split()[0]}" == f"{part['text'].split()[2]}." for part in numbered)
    table = render("|a|b|\n|-|-|\n" + f"|{'some words' * 6}|2|\n" * 90)
    assert len(table) > 1
    assert all(part["text"].startswith(f"a{' ' * 59} | b\n") for part in table)


def test_a_link_is_never_cut():
    parts = render("word " * 797 + "[a link of some words](https://e.org) " + "word " * 50)
    assert [("text_link", "a link of some words")] in [pieces(part) for part in parts]


@pytest.mark.parametrize("cluster", ["👩‍👩‍👧", "é", "🇩🇪", "👍🏽"])
def test_what_belongs_to_one_character_stays_together(cluster):
    parts = render("x" * (LIMIT - 3) + cluster * 30)
    texts = [part["text"] for part in parts]
    assert sum(text.count(cluster) for text in texts) == 30


def test_sentences_are_preferred_to_words_and_lines_to_sentences():
    parts = render(("A sentence of words. " * 150 + "\n") + "B sentence of words. " * 150)
    assert parts[0]["text"].endswith("words.")
    assert parts[1]["text"].startswith("B")


blocks = st.lists(
    st.sampled_from(
        ["# head", "para **bold** 😀 text", "- a\n- b", "```js\ncode\n\nmore\n```", "> quoted",
         "|a|b|\n|-|-|\n|1|2|", "1. x\n2. y", "[l](https://e.org) `c`", "w" * 700, "s. " * 300]
    ),
    max_size=30,
)  # fmt: skip


@given(blocks)
def test_every_part_fits_and_every_word_arrives(written):
    markdown = "\n\n".join(written)
    parts = render(markdown)
    assert all(0 < units(part["text"]) <= LIMIT for part in parts)
    for part in parts:
        ends = [e["offset"] + e["length"] for e in part.get("entities", [])]
        assert all(end <= units(part["text"]) for end in ends)
    whole = "".join("".join(part["text"].split()) for part in parts)
    assert whole.count("w") == markdown.count("w")
    assert whole.count("code") == markdown.count("code")


@given(st.text(max_size=60))
def test_any_text_renders_and_none_is_dropped_whole(text):
    parts = render(text)
    assert all(part["text"].strip() for part in parts)
    assert bool(parts) == bool(text.strip())


@given(st.text(alphabet="ab1 .)-+=#>|*_`~[]<&\\\n\t\0é😀:!?", max_size=24))
def test_the_short_way_for_plain_text_gives_what_the_parser_gives(text):
    """Most texts skip the parser; it must not be noticed."""
    if tree._PLAIN.fullmatch(text):
        tokens = tree._Tokens(tree._parser().parse(text))
        assert tree.parse(text) == tuple(tree._blocks(tokens))
