"""Directives, secrets, prefixes and blocks: however a text is cut, the same comes out."""

import random

import pytest

from bot.directives import directives
from bot.reply import Redactor, Release, Secrets, joined, prefix_of, prefix_words, visible
from bot.reply.blocks import Pace, matched, next_block, unsent
from bot.reply.parts import split
from bot.reply.shape import output_line, started_line

KEYS = ("sk-abcdefgh", "sk-abcdefghij", "12345678ab", "abZZZZZZ", "aaaaaaaa", "short")


@pytest.mark.parametrize(
    ("text", "asked", "rest"),
    [
        ("hello", {}, "hello"),
        ("/think high what is it", {"thinking": "high"}, "what is it"),
        ("what /t: MAX is it", {"thinking": "high"}, "what is it"),
        ("/v on /reasoning stream go", {"verbose": "on", "reasoning": "stream"}, "go"),
        ("/think hard about it", {}, "/think hard about it"),
        ("see /think/high and a/think high", {}, "see /think/high and a/think high"),
        ("`/think high` does what", {}, "`/think high` does what"),
        ("```\n/think high\n```\nwhat", {}, "```\n/think high\n```\nwhat"),
        ("one\n/verbose full\ntwo", {"verbose": "full"}, "one\n\ntwo"),
        ("/think low /think high so", {"thinking": "high"}, "so"),
    ],
)
def test_directives_are_taken_out_of_a_text(text: str, asked: dict[str, str], rest: str):
    assert directives(text) == (asked, rest)


def pieces(text: str, dice: random.Random) -> list[str]:
    cuts = sorted(dice.sample(range(len(text) + 1), min(len(text), dice.randint(0, 12))))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@pytest.mark.parametrize("seed", range(200))
def test_no_secret_leaves_wherever_the_text_is_cut(seed: int):
    dice, secrets = random.Random(seed), Secrets(KEYS)
    words = (*KEYS, *(key[:-1] for key in KEYS), " ", "a", "1", "sk-", "\n", "x")
    text = "".join(dice.choice(words) for _ in range(dice.randint(1, 25)))
    redactor = Redactor(secrets)
    shown = "".join(redactor.feed(piece) for piece in pieces(text, dice)) + redactor.finish()
    assert shown == secrets.clean(text)
    assert not any(key in shown for key in KEYS if len(key) >= 8)


def test_without_secrets_nothing_is_held_back():
    redactor = Redactor(Secrets(["tiny"]))
    assert redactor.feed("tin") == "tin" and redactor.feed("y") == "y"


@pytest.mark.parametrize("seed", range(100))
def test_nothing_of_ours_leaves_wherever_the_text_is_cut(seed: int):
    """Reasoning, calls, blocks of other people's words and summaries, in every order."""
    dice = random.Random(seed)
    leaks = (
        *("<think>hm</think>", '<tool_call>{"a": 1}</tool_call>', '<quoted>{"x": 1}</quoted>'),
        *("<conversation_summary>old</conversation_summary>", "[[reply_to_current]]"),
    )
    text = "".join(dice.choice((*leaks, "word ", "1 < 2 ", "\n")) for _ in range(12))
    release = Release()
    shown = "".join(release.feed(piece) for piece in pieces(text, dice)) + release.finish()
    assert shown == visible(text)
    for leak in ("hm", '"a"', '"x"', "old", "reply_to", "quoted", "summary"):
        assert leak not in shown


def test_what_was_said_is_joined_once():
    assert joined(["One.", "  one. ", "", "Two."]) == "One.\n\nTwo."
    assert joined(["The  bus\nis late.", "Bye."], ["the bus is late."]) == "Bye."


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("", ""),
        ("auto", "[Mog]"),
        ("{MODEL}/{modelfull} {Provider}", "m/x/p/m/x p"),
        ("{think} {thinkingLevel} {nothing} {", "low low {nothing} {"),
    ],
)
def test_a_prefix_is_filled_in(template: str, expected: str):
    assert prefix_of(template, prefix_words("p/m/x", "low", "Mog")) == expected


def test_a_tool_is_shown_in_one_line_and_its_output_cut_short():
    line = started_line("exec", {"command": "echo `hi`\n" + "x" * 500})
    assert "\n" not in line and len(line) < 200
    assert started_line("look", None) == "Tool `look`"
    assert len(output_line("look", "y" * 5000, False)) < 700
    assert output_line("look", "```\ncode\n```", True).count("````") == 2


def document(dice: random.Random) -> str:
    parts = (
        *("A sentence of some words. ", "word ", "\n\n", "\n", "long" * 20 + " ", "字" * 9),
        *("\n```py\nx = 1\ny = 2\n```\n", "\n| a | b |\n|---|---|\n| 1 | 2 |\n", "- item\n"),
    )
    return "".join(dice.choice(parts) for _ in range(60)).strip()


@pytest.mark.parametrize("seed", range(60))
def test_blocks_of_a_growing_text_are_the_whole_text(seed: int):
    dice, pace = random.Random(seed), Pace("text_end", 80, 200)
    text = document(dice)
    at, slices, parts = 0, list[str](), list[str]()
    for end in [*sorted(dice.sample(range(len(text)), min(40, len(text)))), len(text)]:
        whole, grown = end == len(text), text[:end]
        while found := next_block(grown, at, pace, False, rests=dice.random() < 0.2, whole=whole):
            parts.append(found[0])
            slices.append(grown[at : found[1]])
            at = found[1]
    assert "".join(slices).split() == text.split()
    assert all(part.strip() and len(part) <= 200 for part in parts)
    assert all(len(part) >= 40 for part in slices[:-1])
    assert not text[unsent(text, slices) :].strip()
    met = matched(text, slices)
    assert not text[met.at :].strip() and met.left == ()


def test_a_text_that_goes_another_way_is_followed_as_far_as_it_is_the_same():
    blocks = ["One two. ", "Three four. "]
    assert matched("One", blocks) == type(matched("", blocks))(0, tuple(blocks))
    assert matched("One two. Three", blocks).left == ("Three four. ",)
    gone = matched("One two. Never mind.", blocks)
    assert (gone.left, "One two. Never mind."[gone.at :]) == ((), " Never mind.")
    assert unsent("One two.\n\nThree four. Five.", blocks) == len("One two.\n\nThree four.")


def test_a_piece_is_what_a_split_begins_with():
    text = "A sentence. " * 100
    assert (
        split(text, 200)[0]
        == next_block(text, 0, Pace(most=200), False, rests=False, whole=False)[0]
    )  # type: ignore[index]
