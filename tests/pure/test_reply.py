"""What people may see of a model's text, however it is cut on its way."""

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reply import (
    Release,
    draft,
    error_line,
    final_text,
    heal,
    releasable,
    reply_tag,
    size,
    split,
    visible,
)

SEEN = {
    # Silence, however it is dressed.
    "NO_REPLY": "",
    " no_reply \n": "",
    "**NO_REPLY**": "",
    "_NO_REPLY_": "",
    "`NO_REPLY`.": "",
    "“NO_REPLY”": "",
    "> NO_REPLY": "",
    "<b>NO_REPLY</b>": "",
    "```\nNO_REPLY\n```": "",
    "NO_REPLY\n\nNO_REPLY": "",
    "NO_REPLY" + " " * 90: "",
    "<think>nothing to say</think>\n\nNO_REPLY": "",
    "NO_REPLY<think>done": "",
    "[[reply_to_current]] NO_REPLY": "",
    # At the very start or end it goes, the rest stays.
    "NO_REPLY\nHello": "Hello",
    "NO_REPLY hello": "hello",
    "NO_REPLY: hello": "hello",
    "**NO_REPLY**\n\nHello": "Hello",
    "Hello NO_REPLY": "Hello",
    "Hello.\n\nNO_REPLY\n": "Hello.",
    "Done. **NO_REPLY**": "Done.",
    "Done.\n`NO_REPLY`": "Done.",
    "Done. NO_REPLY NO_REPLY": "Done.",
    # Other words, and talk about it.
    "NO problem": "NO problem",
    "NO": "NO",
    "no_repl": "no_repl",
    "NO_REPLY_NEEDED": "NO_REPLY_NEEDED",
    "Say NO_REPLY to be silent": "Say NO_REPLY to be silent",
    "The word is **NO_REPLY**": "The word is **NO_REPLY**",
    "`NO_REPLY` means silence": "`NO_REPLY` means silence",
    "Use it so:\n```\nNO_REPLY\n```": "Use it so:\n```\nNO_REPLY\n```",
    "XNO_REPLY": "XNO_REPLY",
    # Reasoning, tags, calls.
    "<think>a</think>Hello": "Hello",
    "<THINKING mode=x>a\n\nb</Thinking> Hello": "Hello",
    "<reasoning>a</reasoning><final>Hello</final>": "Hello",
    "Hello <think>never closed": "Hello",
    "a</think>b": "ab",
    "Hello <|im_end|>": "Hello",
    "[[reply_to: 77 ]]Hello [[audio_as_voice]]": "Hello",
    'Yes\n<tool_call>{"name": "x"}</tool_call>': "Yes",
    # Text that only looks like it.
    "Use `<think>` for that": "Use `<think>` for that",
    "```html\n<think>x</think>\n```\nend": "```html\n<think>x</think>\n```\nend",
    "```\n~~~\n<think>x\n```\nend <think>y</think>": "```\n~~~\n<think>x\n```\nend",
    "1 < 2 and <b>bold</b>": "1 < 2 and <b>bold</b>",
    "a [link](x) and [[wiki]]": "a [link](x) and [[wiki]]",
    "ends in <thin": "ends in <thin",
    "ends in [[reply_to": "ends in [[reply_to",
    "<thinkable>": "<thinkable>",
    "tab\tand\r\nbell\x07\x00": "tab\tand\nbell",
    "": "",
    "...": "...",
}
PIECES = st.sampled_from(
    [
        *("NO_REPLY", "no_", "REPLY", "NO", "N", "_", "*", "**", "`", "```", "\n", " ", ".", "x"),
        *("<think>", "</think>", "<", ">", "/", "think", "<final>", "</final>", "[", "[[", "]]"),
        *(
            "[[reply_to_current]]",
            "[[reply_to:7]]",
            "reply_to",
            "~~~",
            "- ",
            "<|im_end|>",
            "é",
            "b",
        ),
        *("<tool_call>", "</tool_call>", "Hello", "\x07", "|", "a NO_REPLY b", "   ", "\n\n"),
    ]
)
TEXTS = st.lists(PIECES, max_size=24).map("".join)
WORDS = st.lists(
    st.sampled_from(
        [
            *(
                "word",
                "a sentence. ",
                " ",
                "\n",
                "\n\n",
                "\n```py\n",
                "\n```\n",
                "x = 1\n",
                "- item\n",
            ),
            *(
                "\n\n| a | b |\n|---|---|\n",
                "\n| 1 | 2 |\n",
                "[link](http://e.x/a)",
                "@someone",
                "👩‍👩‍👧",
                "e\u0301",
            ),
            *(
                "**bold**",
                "`code`",
                "# Head\n\n",
                "🇩🇪🇫🇷",
                "y" * 70,
                "  indented\n",
                "~~~\n",
                "<@123>",
            ),
        ]
    ),
    max_size=60,
).map("".join)


def stream(pieces: list[str]) -> str:
    release = Release()
    return "".join([release.feed(piece) for piece in pieces]) + release.finish()


@pytest.mark.parametrize(("text", "shown"), SEEN.items())
def test_only_what_is_meant_for_people_is_seen(text: str, shown: str):
    assert visible(text) == shown


@pytest.mark.parametrize("text", SEEN)
def test_every_split_point_shows_the_same(text: str):
    for at in range(len(text) + 1):
        assert stream([text[:at], text[at:]]) == visible(text)
    assert stream(list(text)) == visible(text)


@pytest.mark.parametrize("text", [text for text, shown in SEEN.items() if shown == ""])
def test_silence_shows_nothing_at_any_time(text: str):
    assert [releasable(text[:at]) for at in range(len(text) + 1)] == [""] * (len(text) + 1)


@given(TEXTS)
def test_what_is_shown_is_never_taken_back(text: str):
    shown = [releasable(text[:at]) for at in range(len(text) + 1)]
    assert all(later.startswith(earlier) for earlier, later in pairwise([*shown, visible(text)]))


@given(st.lists(TEXTS, max_size=6))
def test_the_pieces_joined_are_the_final_text(pieces: list[str]):
    assert stream(pieces) == visible("".join(pieces))


@given(st.text(max_size=200))
def test_any_text_survives_the_filter(text: str):
    assert stream(list(text)) == visible(text)


def test_a_long_answer_costs_little():
    """30 kB in pieces of five letters: well below a millisecond for each kilobyte."""
    text = ("The fox jumps over **it**, no one replies. [x](http://y) `c`\n\n- one\n" * 500)[
        :30_000
    ]
    pieces = [text[at : at + 5] for at in range(0, len(text), 5)]
    took = []
    for _ in range(3):
        begin = time.process_time()
        assert stream(pieces) == text.strip()
        took.append(time.process_time() - begin)
    assert min(took) < 0.06  # 0.007 s on the desk; room for a slow machine


@pytest.mark.parametrize("filler", ["*", " ", "NO_REPLY ", "<", "[[", "`", "\n", "<think>", " NO"])
def test_hostile_text_costs_in_proportion(filler: str):
    text = (filler * 30_000)[:30_000]
    begin = time.process_time()
    stream([text[at : at + 5] for at in range(0, len(text), 5)])
    assert time.process_time() - begin < 0.6
    split(text, 4000, utf16=True)
    heal(text[:4000])
    assert time.process_time() - begin < 1.5


@pytest.mark.parametrize(
    ("text", "asked"),
    [("[[reply_to_current]] a", "current"), ("a [[reply_to: 77 ]]", "77"), ("a", None)],
)
def test_the_asked_reply_target(text: str, asked: str | None):
    assert reply_tag(text) == asked


def test_final_text():
    assert final_text("NO_REPLY") == ""
    assert final_text("Hello", prefix="[bot]") == "[bot] Hello"
    assert final_text("NO_REPLY", prefix="[bot]") == ""
    assert final_text("Hello", tool_error="exec: not found") == "Hello"
    assert "exec: not found" in final_text("NO_REPLY", tool_error="exec: not found\nmore")
    assert "secret" not in final_text("", tool_error='{"key": "secret"}')
    broken = final_text("Half an ans", error=("MODEL_CUT", "reset by peer"))
    assert broken.startswith("Half an ans\n\nThe answer broke off.")
    assert final_text("", error=("MODEL_AUTH", "sk-123")).startswith("The model refused the key.")


RUN_CODES = [
    *("NO_CREDENTIALS", "NO_MODEL", "NO_TARGET", "MODEL_AUTH", "MODEL_BILLING", "MODEL_RATE_LIMIT"),
    *("MODEL_OVERLOADED", "MODEL_NOT_FOUND", "MODEL_BAD_REQUEST", "MODEL_STALL", "MODEL_CUT"),
    *("CONTEXT_OVERFLOW", "RUN_TIMEOUT", "ABORTED", "BUDGET", "HOOK_FAILED"),
]


@pytest.mark.parametrize("code", [*RUN_CODES, "INTERNAL", "SOMETHING_NEW"])
@pytest.mark.parametrize(
    "message",
    ["", "Boom!", "word " * 30, "Traceback /home/x/y.py", '{"error": "k"}', "sk-" + "a1" * 20],
)
def test_an_error_line_is_for_people(code: str, message: str):
    line = error_line(code, message)
    assert line.endswith(f"(E-{code.replace('_', '-')})") and "!" not in line and "\n" not in line
    assert all(len(sentence.split()) < 25 for sentence in line.split(". "))
    assert not re.search(r"Traceback|/home|error\"|sk-", line)
    assert len(line.split(". ")) >= 2


def test_known_codes_have_words_of_their_own():
    lines = {error_line(code).partition(" (E-")[0] for code in RUN_CODES}
    assert len(lines) == len(RUN_CODES) and error_line("INTERNAL").partition(" (")[0] not in lines


def bare(text: str) -> str:
    """The text without what cutting may add or leave out: white space, fences, table heads."""
    kept = [line for line in text.split("\n") if not re.match(r"\s*(```|~~~|\|)", line)]
    return re.sub(r"\s+", "", "".join(kept))


def balanced(text: str) -> bool:
    mark = ""
    for line in text.split("\n"):
        if found := re.match(r" *(`{3,}|~{3,})(.*)", line):
            if not mark and "`" not in found[2]:
                mark = found[1]
            elif mark and found[1].startswith(mark) and not found[2].strip():
                mark = ""
    return not mark


@given(WORDS, st.integers(40, 200), st.booleans())
def test_parts_fit_and_say_everything(text: str, limit: int, utf16: bool):
    parts = split(text, limit, utf16)
    assert all(size(part, utf16) <= limit for part in parts)
    assert bare("\n".join(parts)) == bare(text)
    if balanced(text):
        assert all(balanced(part) for part in parts)


@given(st.text(max_size=300), st.integers(1, 30), st.booleans())
def test_tiny_limits_end_and_lose_nothing(text: str, limit: int, utf16: bool):
    joined = "".join(split(text, limit, utf16))
    assert set(re.sub(r"\s", "", text)) <= set(joined)


def test_blank_text_makes_an_empty_draft():
    assert draft(" " * 500, 100) == ("", True)


def test_no_limit_is_one_part():
    assert split("a " * 9000, 0) == ["a " * 9000]
    assert split("  \n", 10) == [] == split("", 0)


def test_a_fence_is_reopened_with_its_language():
    code = "".join(f"line {n}\n" for n in range(40))
    parts = split(f"Before.\n\n```python\n{code}```\n\nAfter.", 120)
    assert len(parts) > 2 and all(size(part, False) <= 120 for part in parts)
    assert all(part.startswith("```python\nline") for part in parts[1:-1])
    assert all(part.count("```") in (0, 2) for part in parts)
    assert parts[-1].endswith("After.")


def test_a_table_repeats_its_header():
    rows = "".join(f"| {n} | row |\n" for n in range(30))
    parts = split(f"| n | word |\n|---|---|\n{rows}\nAfter.", 120)
    assert all(part.startswith("| n | word |\n|---|---|\n| ") for part in parts)
    assert len(parts) > 3


@pytest.mark.parametrize(
    "whole", ["[a link](http://e.x/y)", "@somebody", "👩‍👩‍👧‍👦", "🇩🇪", "`a b c`"]
)
def test_what_belongs_together_is_never_cut(whole: str):
    for lead in range(10, 60):
        parts = split("x" * lead + " " + f"{whole} " * 6, 50)
        assert sum(part.count(whole) for part in parts) == 6


def test_the_cut_prefers_the_kinder_edge():
    words = "word " * 12
    assert split(f"{words}\n\n{words}end. {words}", 100)[0] == words.strip()
    assert split(f"One two three. Four five six seven. {'x ' * 40}", 40)[0].endswith("seven.")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a **bo", "a **bo**"),
        ("a **bold*", "a **bold**"),
        ("a **", "a"),
        ("a `co", "a `co`"),
        ("`a **b", "`a **b`"),
        ("a `b` **c", "a `b` **c**"),
        ("```py\nx = 1", "```py\nx = 1\n```"),
        ("```py\nx = 1\n``", "```py\nx = 1\n```"),
        ("text\n```p", "text"),
        ("see [li", "see"),
        ("see [li](htt", "see"),
        ("hi <@12", "hi"),
        ("t\n\n| a | b", "t"),
        ("t\n\n| a | b |\n|--", "t"),
        ("| a | b |\n|---|---|\n| 1", "| a | b |\n|---|---|"),
        ("done [x](y) **b** `c`", "done [x](y) **b** `c`"),
    ],
)
def test_a_preview_shows_nothing_half(text: str, shown: str):
    assert heal(text) == shown


@given(WORDS | st.text(max_size=200), st.integers(60, 200))
def test_a_draft_fits_and_is_balanced(text: str, limit: int):
    shown, full = draft(text, limit)
    assert size(shown, False) <= limit and (full or size(text, False) <= limit)
    assert balanced(shown)
