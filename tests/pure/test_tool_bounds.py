"""What tools answer is bounded, storable and free of images, whatever they answer."""

import base64
from typing import Any

import pytest

from bot.tools.bounds import MAX_RESULT, bounded, fit, shown_args
from bot.tools.repeats import Repeats
from bot.types import Entry, ToolCall, ToolResult

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40).decode()


@pytest.mark.parametrize("size", [0, 1, MAX_RESULT - 1, MAX_RESULT])
def test_what_fits_stays_as_it_is(size: int):
    assert bounded("x" * size) == "x" * size


@pytest.mark.parametrize("size", [MAX_RESULT + 1, 60_000, 199_999, 200_001, 10_000_000])
def test_135_head_and_tail_stay_and_the_mark_says_how_much_is_cut(size: int):
    text = "HEAD" + "x" * (size - 8) + "TAIL"
    short = bounded(text)
    assert len(short) <= MAX_RESULT
    head, mark, tail = short.partition("\n[... ")
    count, _, tail = tail.partition(" characters were cut here ...]\n")
    assert (head[:4], tail[-4:], bool(mark)) == ("HEAD", "TAIL", True)
    assert int(count.replace(",", "")) == size - len(head) - len(tail)


@pytest.mark.parametrize(
    "text",
    [
        f"see ![x](data:image/png;base64,{PNG}) there",
        f'{{"image": "{PNG}"}}',
        f"{PNG}\n" * 3,
        "x" * 600_000 + f" data:image/jpeg;base64,{PNG} " + "x" * 600_000,
    ],
)
def test_135_an_image_as_text_becomes_a_placeholder(text: str):
    assert PNG[:60] not in bounded(text)
    assert bounded(text).startswith(text[:4]) or "not shown]" in bounded(text)


@pytest.mark.parametrize(
    "text", ["iVBOR", "a /9j/ path", "data:image/png;base64 is a scheme", PNG[5:99]]
)
def test_other_words_are_no_images(text: str):
    assert bounded(text) == text


@pytest.mark.parametrize("answer", [None, 5, b"bytes", ["x"], {}, ToolResult(5), object()])  # type: ignore[arg-type]
def test_an_answer_that_is_no_text_is_an_error(answer: Any):
    result = fit(answer, "odd")
    assert (result.is_error, result.text) == (
        True,
        "The tool odd answered something that is no text.",
    )


def test_an_answer_can_be_stored():
    result = fit("a\0b\ud800c", "x")
    assert result.text == "a\ufffdb\ufffdc"
    result.text.encode()


def test_only_the_place_of_an_image_is_kept():
    row = {"kind": "image", "name": "a.png", "mime": "image/png", "path": "a.png"}
    odd = [{**row, "data": PNG, "url": f"data:{PNG}"}, {**row, "path": 5}, {"kind": "file"}]
    assert fit(ToolResult("x", attachments=tuple(odd)), "x").attachments == (row,)


def test_arguments_are_shown_short():
    deep: Any = "x"
    for _ in range(50):
        deep = {"in": deep, "list": [deep] * 60 if _ < 1 else []}
    shown = shown_args(
        {"content": "y" * 100_000, "image": f"data:image/png;base64,{PNG}", "deep": deep}
    )
    assert len(str(shown)) < 10_000
    assert PNG[:60] not in str(shown)
    assert shown_args(None) == {}


def test_the_same_call_is_counted_whatever_the_order_of_its_arguments():
    repeats = Repeats()
    one = ToolCall("1", "read", "{}", {"a": 1, "b": [2]})
    same = ToolCall("2", "read", "", {"b": [2], "a": 1})
    assert [repeats.count(one), repeats.count(same)] == [1, 2]
    assert repeats.count(ToolCall("3", "write", "{}", {"a": 1, "b": [2]})) == 1
    assert repeats.count(ToolCall("4", "read", "{bad", None)) == 1
    assert repeats.count(ToolCall("5", "read", "{bad", None)) == 2


def test_an_interrupted_run_goes_on_counting():
    def asked(id: str) -> Entry:
        call = ToolCall(id, "read", "{}", {})
        return Entry("assistant", "", 0.0, calls=(call,), run="r")

    def told(id: str) -> Entry:
        return Entry("tool", "x", 0.0, call_id=id, name="read", run="r")

    other = Entry("assistant", "", 0.0, calls=(ToolCall("c1", "read", "{}", {}),), run="other")
    history = [other, asked("c1"), told("c1"), asked("c1"), told("c1"), asked("c2")]
    repeats = Repeats.of(history, "r")
    assert repeats.count(ToolCall("c2", "read", "{}", {})) == 3
