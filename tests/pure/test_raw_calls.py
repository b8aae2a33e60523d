"""Tool calls that a model writes into its text: found however they are cut."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.providers import raw_calls
from bot.providers.raw_calls import RawCalls

TOOLS = {"get_weather", "search"}
ARGS = {"city": "Os{lo]"}
CALL = '{"name": "get_weather", "arguments": {"city": "Os{lo]"}}'
GHOST = '{"name": "ghost", "arguments": {"x": 1}}'
UNKNOWN = "[The model tried to call a tool that does not exist: ghost.]"
UNREADABLE = "[The model wrote a tool call that cannot be read.]"


def fed(pieces: list[str]) -> tuple[str, list[tuple[str, dict[str, object]]]]:
    raw = RawCalls(TOOLS)
    text = "".join(map(raw.feed, pieces)) + raw.end()
    return text, raw.calls


CALLS = [
    CALL,
    f"\n\n {CALL}\n",
    json.dumps({"name": "get_weather", "parameters": ARGS}, indent=2),
    json.dumps({"type": "function", "function": {"name": "get_weather", "arguments": ARGS}}),
    json.dumps({"tool_calls": [{"function": {"name": "get_weather", "arguments": ARGS}}]}),
    json.dumps({"tool": "get_weather", "input": ARGS}),
    json.dumps([{"name": "get_weather", "arguments": ARGS}]),
    json.dumps({"name": "get_weather", "arguments": json.dumps(ARGS)}),
    "{'name': 'get_weather', 'arguments': {'city': 'Os{lo]'}}",
    '{"name": "get_weather", "arguments": {"city": "Os{lo]",},}',
    f"<tool_call>\n{CALL}\n</tool_call>",
    f"<function_call>{CALL}</function_call>",
    f"<|python_tag|>{CALL}",
    f"[TOOL_CALLS] [{CALL}]",
    '<function=get_weather>{"city": "Os{lo]"}</function>',
    f"<tool_call>{CALL}",
]


@pytest.mark.parametrize("text", CALLS)
def test_a_call_is_found_wherever_it_is_cut(text: str):
    for cut in range(len(text) + 1):
        assert fed([text[:cut], text[cut:]]) == ("", [("get_weather", ARGS)]), cut
    assert fed(list(text)) == ("", [("get_weather", ARGS)])


def test_text_around_calls_is_kept():
    text, calls = fed([f"I look.\n\n{CALL}\n{CALL};{GHOST}\nDone."])
    assert text == f"I look.{UNKNOWN}\nDone."
    assert len(calls) == 2


HIDDEN = [
    (GHOST, UNKNOWN),
    (f"<tool_call>{GHOST}</tool_call>", UNKNOWN),
    ('{"name": "get_weather", "arguments": {"city": ', UNREADABLE),
    ('{"tool_calls": [{', UNREADABLE),
    ('<tool_call>{"name": nonsense}</tool_call>', UNREADABLE),
    ("<tool_call>", UNREADABLE),
    ('{"name": "get_weather"}', None),
    ('{"name": "get_weather", "arguments": "{"}', None),
    ('{"name": "get_weather", "arguments": {"a": 1, "a": 2}}', None),
    ('{"name": "get_weather", "arguments": ' + '{"a":' * 500 + "1" + "}" * 501, None),
]


@pytest.mark.parametrize(("text", "remark"), HIDDEN)
def test_what_cannot_be_called_is_never_shown_raw(text: str, remark: str | None):
    for cut in range(len(text) + 1):
        shown, calls = fed([text[:cut], text[cut:]])
        assert calls == []
        assert shown == (remark or UNREADABLE)


ORDINARY = [
    "Hello, world.",
    "",
    " \n ",
    '{"fruit": "apple", "n": [1, 2]}',
    '{"name": "Alice", "age": 30}',
    '{"name": "Alice"}',
    '[1] is a reference, {"name": "x"} too',
    '[{"id": 1, "title": "a"}]',
    '["name", "arguments"]',
    '{"tools": [\n' + GHOST + "\n]}",
    f"```json\n{GHOST}\n```\nThat is how.",
    f"~~~\n{CALL}\n~~~",
    f"As `{GHOST}` shows, or {CALL}",
    "<b>bold</b> <tool_box>",
    "{don't}\nworry",
    "a\n\n  [\n\nb",
    '{"name" is no JSON',
    "``",
    "[TOOL",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_comes_through_unchanged(text: str):
    for cut in range(len(text) + 1):
        assert fed([text[:cut], text[cut:]]) == (text, [])
    assert fed(list(text)) == (text, [])


def test_ordinary_json_is_shown_while_it_is_written():
    raw = RawCalls(TOOLS)
    assert raw.feed('{"fruit"') == '{"fruit"'
    assert raw.feed(': "apple",') == ': "apple",'
    assert raw.feed("\n```\n" + CALL) != ""


@given(
    st.lists(
        st.sampled_from(
            [
                *("name", "arguments", "```", "<tool_call>", "</tool_call>", '{"name": ', "\n\n"),
                *("{}[]\"':,\n `~<>\\;a", '"search"', CALL, GHOST),
                *"{}[]\"':,\n `~<>\\;a",
            ]
        ),
        max_size=25,
    ),
    st.lists(st.integers(0, 400), max_size=8),
)
def test_the_cuts_never_matter(parts: list[str], cuts: list[int]):
    text = "".join(parts)
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[a:b] for a, b in pairwise(places)]
    assert fed(pieces) == fed([text]) == fed(list(text))


def test_a_call_without_end_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(raw_calls, "MAX_HELD", 1000)
    assert fed(['{"name": "search", "arguments": {"a": "', *["x" * 50] * 100, '"}} ok']) == (
        UNREADABLE + " ok",
        [],
    )
    long = ['{"name": "', *["x" * 50] * 100, '"} ok']
    assert fed(long) == ("".join(long), [])
