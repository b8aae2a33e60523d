"""The one JSON decoder refuses with a sentence what the standard one trips over."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import jsonio

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner),
    max_leaves=20,
)


@given(values, st.booleans())
def test_good_json_comes_through(value, ascii_only: bool):
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert jsonio.loads(text) == value
    assert jsonio.loads(text.encode()) == value
    assert jsonio.loads(jsonio.dumps(value)) == value


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("[" * 100_000, "nested"),
        ("[" * 65 + "]" * 65, "more than 64 levels"),
        ('{"a":' * 65 + "1" + "}" * 65, "more than 64 levels"),
        ("1" * 5000, "out of range"),
        ("1e999", "out of range"),
        ("[-1e999]", "out of range"),
        ("NaN", "NaN"),
        ("[-Infinity]", "-Infinity"),
        ('{"a":1,"b":2,"a":3}', "key 'a' twice"),
        ('{"x\\ud800":1,"x\\ud801":2}', "twice"),
        (b'"\xff"', "not UTF-8 at byte 1"),
        ("", "not JSON"),
        ("{} {}", "not JSON"),
        ("{'a': 1}", "not JSON"),
        ('"\n"', "not JSON"),
        ('"' + '\\"' * 100_000, "not JSON"),
        (b" " * (jsonio.MAX_BYTES + 1), "larger than"),
    ],
)
def test_bad_json_is_refused_with_a_sentence(data: bytes | str, words: str):
    with pytest.raises(ValueError, match=words):
        jsonio.loads(data)


def test_what_is_just_allowed_is_read():
    deepest = "[" * 64 + "]" * 64
    assert jsonio.dumps(jsonio.loads(deepest)) == deepest
    brackets = jsonio.dumps({"text": "[" * 5000})
    assert jsonio.loads(brackets)["text"] == "[" * 5000
    assert len(jsonio.loads("[" + "[],{}," * 5000 + "0]")) == 10_001


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain", "plain"),
        ("emoji 🙂 and é", "emoji 🙂 and é"),
        ("a\0b", "a\ufffdb"),
        ("a\ud83db", "a\ufffdb"),
    ],
)
def test_text_is_made_storable(text: str, clean: str):
    assert jsonio.clean_text(text) == clean
    for quoted in (json.dumps([text, {text: text}]), json.dumps([text], ensure_ascii=False)):
        assert jsonio.loads(quoted)[0] == clean


def test_dumps_is_compact_and_strict():
    assert jsonio.dumps({"a": [1, "é"]}) == '{"a":[1,"é"]}'
    assert jsonio.dumps("\ud800") == '"\ufffd"'
    with pytest.raises(ValueError, match="not JSON compliant"):
        jsonio.dumps(float("nan"))


@pytest.mark.parametrize("fields", [{}, {"a": 1}, {"a": 1, "b": ["é"]}])
def test_what_is_encoded_already_stands_in_a_document(fields: dict[str, Any]):
    tools = [{"name": "\ud800", "say": 'a "word"'}]
    whole = jsonio.document({**fields, "tools": jsonio.Encoded(tools), "x": jsonio.Encoded(None)})
    assert jsonio.loads(whole) == {**fields, "tools": jsonio.loads(jsonio.dumps(tools)), "x": None}
    assert b", " not in whole and b": " not in whole
