"""For any document on any platform: it arrives whole, in order, and in parts that fit."""

import re
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.text_files import set_aside
from tests.golden.corpus import DOCUMENTS, PLATFORMS, Payload, Platform, rendered

# What renderers put between the words, to escape them or to keep names from calling people.
_BETWEEN = re.compile(r"[\s\\\u200b]")


def squeezed(text: str) -> str:
    return _BETWEEN.sub("", text)


def expect_fits(platform: Platform, payloads: list[Payload]) -> None:
    for payload in platform.messages(payloads):
        text = platform.text(payload)
        assert 0 < platform.size(text) <= platform.limit
        assert text.strip()


def expect_whole(platform: Platform, payloads: list[Payload], words: list[str]) -> None:
    said = squeezed("".join(platform.text(payload) for payload in payloads))
    at = 0
    for word in words:
        found = said.find(word, at)
        assert found >= 0, f"{word} is missing or out of place"
        at = found + len(word)


def expect_balanced(platform: Platform, payloads: list[Payload]) -> None:
    """A fence that opens in a part closes in it."""
    if platform.fences:
        for payload in platform.messages(payloads):
            marks = re.findall(r"^[>\s\d.*-]*```", platform.text(payload), re.M)
            assert len(marks) % 2 == 0


@pytest.fixture(params=PLATFORMS)
def name(request):
    return request.param


def test_every_part_of_every_document_fits(name):
    for payloads in rendered(name).values():
        expect_fits(PLATFORMS[name], payloads)


def test_every_document_says_something(name):
    assert [stem for stem, payloads in rendered(name).items() if not payloads] == []


# Words that occur once each, so that their order can be told.
_numbers = count()


def word() -> str:
    return f"w{next(_numbers):07}x"


def sentence(length: int) -> str:
    return " ".join(word() for _ in range(length)) + "."


def block(kind: str, size: int) -> str:
    lines = [sentence(1 + size % 7) for _ in range(1 + size)]
    if kind == "list":
        return "\n".join(f"- {line}" for line in lines)
    if kind == "numbers":
        return "\n".join(f"{n}. {line}" for n, line in enumerate(lines, 4))
    if kind == "nested":
        return "\n".join(f"{'  ' * (n % 4)}- {line}" for n, line in enumerate(lines))
    if kind == "quote":
        return "\n".join(f"> {line}" for line in lines)
    if kind == "fence":
        return "\n".join(["```py", *lines[:39], "```"])
    if kind == "table":
        return "\n".join([f"| {word()} | b |", "|---|---|", *(f"| {line} | y |" for line in lines)])
    if kind == "heading":
        return f"## {sentence(3)}"
    if kind == "bold":
        return f"**{sentence(1 + size * 9)}** _{sentence(3)}_ `{sentence(2)}`"
    if kind == "link":
        return " ".join(f"[{sentence(3)}](https://example.org/{n})" for n in range(1 + size))
    if kind == "emoji":
        return f"👩‍👩‍👧 {sentence(4)} 🇩🇪 " * (1 + size % 5)
    return sentence(1 + size * 20)


KINDS = [
    *("list", "numbers", "nested", "quote", "fence", "table"),
    *("heading", "bold", "link", "emoji", "paragraph"),
]
documents = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 45)), max_size=12).map(
    lambda chosen: "\n\n".join(block(kind, size) for kind, size in chosen)
)


@given(documents)
def test_whatever_is_written_arrives_whole_in_order_and_in_parts_that_fit(text):
    for platform in PLATFORMS.values():
        payloads = platform.adapter.render(text)
        expect_fits(platform, payloads)
        expect_balanced(platform, payloads)
        written = re.findall(r"w\d{7}x", text)
        # A table's header comes again with each part, so only the first time counts.
        expect_whole(platform, payloads, list(dict.fromkeys(written)))


@given(documents)
def test_what_was_set_aside_once_is_not_set_aside_again(text):
    shown, files = set_aside(text)
    assert set_aside(shown) == (shown, [])
    if not files:
        assert shown == text


@pytest.mark.parametrize("stem", DOCUMENTS)
def test_a_file_has_all_of_what_the_text_only_begins(stem):
    text = DOCUMENTS[stem]
    shown, files = set_aside(text)
    assert set_aside(shown) == (shown, [])
    words = re.findall(r"[A-Za-z]+\d+|\d{2,}", text) if files else []
    everything = shown + "".join(file.text for file in files)
    assert [word for word in words if word not in everything] == []
    assert bool(files) == (stem in WITH_FILES)


WITH_FILES = {
    "code-41-lines",
    "code-300-lines",
    "code-two-long",
    "table-101-rows",
    "table-21-columns",
}


def test_a_file_is_named_by_what_it_is():
    _, files = set_aside(DOCUMENTS["code-two-long"])
    assert [(file.name, file.mime) for file in files] == [
        ("code-1.py", "text/plain"),
        ("code-2.ts", "text/plain"),
    ]
    _, (table,) = set_aside(DOCUMENTS["table-101-rows"])
    assert (table.name, table.mime) == ("table-1.csv", "text/csv")
    assert table.text.splitlines()[0] == "n,square"
    assert table.text.splitlines()[-1] == "101,10201"


# What is no word of the text: languages of fences, titles of links, names of entities, and cells
# beyond a table's last column, which no reader of Markdown shows.
_NO_WORDS = re.compile(r"^[`~]{3,}.*$|&\w+;|https?://\S+|\]\([^)]*\)|[\"'][^\"'\n]*[\"']\)?$", re.M)


@pytest.mark.parametrize("stem", [stem for stem in DOCUMENTS if stem != "table-styled"])
def test_every_word_of_a_document_arrives(stem):
    for platform in PLATFORMS.values():
        payloads = platform.adapter.render(DOCUMENTS[stem])
        said = squeezed("".join(platform.text(payload) for payload in payloads))
        words = re.findall(r"[^\W_]{3,60}", _NO_WORDS.sub(" ", DOCUMENTS[stem]))
        assert [word for word in dict.fromkeys(words) if word not in said] == []


def test_a_heading_stays_with_what_it_is_the_heading_of():
    for name, platform in PLATFORMS.items():
        for payload in platform.messages(rendered(name)["long-30k-report"]):
            assert not platform.text(payload).splitlines()[-1].strip("#* ").startswith("Part")
