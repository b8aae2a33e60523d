"""The demo model does what its directives say, in order, and nothing else."""

import itertools
import json

import pytest

from bot.providers.demo import Demo
from bot.types import Entry, Final, ModelEvent, ModelRequest, TextDelta, ThinkDelta


class Paces:
    """A clock that notes how long it was asked to wait."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def now(self) -> float:
        return 1000.0 + sum(self.waits)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


async def ask(*entries: Entry | str, clock: Paces | None = None) -> list[ModelEvent]:
    transcript = [one if isinstance(one, Entry) else Entry("user", one, 1.0) for one in entries]
    demo = Demo(clock or Paces())
    events = [event async for event in demo.stream(ModelRequest("demo", "system", transcript))]
    await demo.close()
    deltas = "".join(event.text for event in events if isinstance(event, TextDelta))
    thoughts = "".join(event.text for event in events if isinstance(event, ThinkDelta))
    entry = last(events).entry
    assert (deltas, thoughts) == (entry.text, entry.thinking)
    assert sum(isinstance(event, Final) for event in events) == 1
    return events


def last(events: list[ModelEvent]) -> Final:
    assert isinstance(events[-1], Final)
    return events[-1]


async def answer(*entries: Entry | str) -> str:
    return last(await ask(*entries)).entry.text


async def test_without_a_directive_it_says_what_it_is_and_repeats_the_message():
    entry = last(await ask("How are  *you*?")).entry
    assert "demo model" in entry.text
    assert "How are  *you*?" in entry.text
    assert "\n" not in entry.text
    assert (entry.stop, entry.model, entry.usage is not None) == ("end", "demo/demo", True)


async def test_it_streams_in_small_deltas():
    events = await ask("a message of some length, for several deltas")
    sizes = [len(event.text) for event in events if isinstance(event, TextDelta)]
    assert len(sizes) > 5
    assert all(3 <= size <= 8 for size in sizes[:-1])


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("[[demo text NO_REPLY]]", "NO_REPLY"),
        ("[[demo text  spaces kept ]]", " spaces kept "),
        ("[[demo text a list [1, [2]]]]", "a list [1, [2]]"),
        ("before [[demo text one]] between [[demo text two]] after", "one\ntwo"),
        ("> quoted\n> context\n\n[[demo text found]]", "found"),
        ("[[demo text two\nlines]]", "two\nlines"),
        ("[[demo long 12]]", "word1 word2 "),
        ("[[demo long 0]]", ""),
        ("[[demo stream 3 0]]", "word1 word2 word3"),
    ],
)
async def test_it_shows_what_it_is_told(message: str, text: str):
    assert await answer(message) == text


@pytest.mark.parametrize(
    "message", ["[[demo dance]]", "[[demo stream many 5]]", "[[demo error 418]]", "[[demo tool]]"]
)
async def test_what_it_does_not_know_is_said(message: str):
    assert "The demo model knows text, tool, stream" in await answer(message)


async def test_a_long_answer_has_exactly_that_many_characters():
    text = await answer("[[demo long 10000]]")
    assert len(text) == 10_000
    assert text.startswith("word1 word2 word3 ")


async def test_markdown_has_all_that_a_renderer_can_break():
    text = await answer("[[demo markdown]]")
    assert all(mark in text for mark in ("|---|", "```python", "- first", "](https://", "1. one"))


async def test_only_stream_is_paced():
    clock = Paces()
    await ask("[[demo think x]][[demo stream 4 250]][[demo long 500]]", clock=clock)
    assert clock.waits == [0.25] * 3


async def test_thinking_comes_first_and_apart():
    events = await ask("[[demo think what could it mean]][[demo text that]]")
    kinds = [type(event) for event in events]
    assert kinds.index(ThinkDelta) < kinds.index(TextDelta)
    entry = last(events).entry
    assert (entry.thinking, entry.text) == ("what could it mean", "that")


@pytest.mark.parametrize(
    ("kind", "code", "stop"),
    [
        ("500", "MODEL_OVERLOADED", "error"),
        ("429", "MODEL_RATE_LIMIT", "error"),
        ("overflow", "CONTEXT_OVERFLOW", "overflow"),
        ("stall", "MODEL_STALL", "error"),
        ("cut", "MODEL_CUT", "error"),
    ],
)
async def test_errors_come_after_what_was_said(kind: str, code: str, stop: str):
    final = last(await ask(f"[[demo text partly]][[demo error {kind}]][[demo text never]]"))
    assert final.failure is not None
    assert (final.failure.code, final.entry.stop, final.entry.text) == (code, stop, "partly")
    assert final.entry.error == {"code": code, "message": final.failure.message}


async def test_tools_are_called_one_after_the_other_and_it_goes_on():
    """Each call ends an answer; the next one begins behind it."""
    message = Entry("user", "[[demo tool one]][[demo text mid]][[demo tool two {}]]", 1.0)
    first = last(await ask("old", message)).entry
    assert (first.stop, first.text, first.calls[0].name) == ("tools", "", "one")
    result = Entry("tool", "first result", 2.0, call_id=first.calls[0].id)
    second = last(await ask("old", message, first, result)).entry
    assert (second.stop, second.text, second.calls[0].name) == ("tools", "mid", "two")
    assert second.calls[0].id != first.calls[0].id
    done = Entry("tool", "second result", 3.0, call_id=second.calls[0].id)
    assert await answer("old", message, first, result, second, done) == "second result"


async def test_after_the_last_tool_what_follows_is_said_instead_of_the_result():
    message = Entry("user", "[[demo tool one]][[demo text done]]", 1.0)
    first = last(await ask(message)).entry
    assert await answer(message, first, Entry("tool", "result", 2.0)) == "done"


@pytest.mark.parametrize(
    ("json_text", "args"),
    [
        ("", {}),
        ("{}", {}),
        ('{"a": [[1], [2]], "b": "]] }"}', {"a": [[1], [2]], "b": "]] }"}),
        ('{"a": {"b": [["c"]]}}', {"a": {"b": [["c"]]}}),
        ('{"a": 1', None),
        ("[1]", None),
        ("words", None),
    ],
)
async def test_arguments_may_have_brackets_and_may_be_broken(json_text: str, args: object):
    call = last(await ask(f"[[demo tool thing {json_text}]]")).entry.calls[0]
    assert (call.name, call.args) == ("thing", args)
    if args is not None:
        assert json.loads(call.arguments) == args


async def test_the_pieces_of_a_long_answer_grow():
    """All that watchers are told, each piece with what came before, stays some megabytes."""
    events = await ask("[[demo long 64000]]")
    lengths = [len(one.text) for one in events if isinstance(one, TextDelta)]
    assert sum(lengths) == 64000 and max(lengths[:300]) <= 8
    assert sum(itertools.accumulate(lengths)) < 40_000_000
