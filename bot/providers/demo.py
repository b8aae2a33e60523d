"""The demo model: offline and deterministic. Directives in a message make it show every path.

`[[demo VERB ...]]`, several in order: `text ANY TEXT`, `tool NAME {json}`, `stream N MS`,
`think TEXT`, `error 500|429|overflow|stall|cut`, `markdown`, `long N`. After a tool it goes on
where it was, at the next call, or answers with the tool's result.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

from bot import jsonio
from bot.clock import Clock
from bot.types import (
    Entry,
    Failure,
    Final,
    ModelEvent,
    ModelRequest,
    TextDelta,
    ThinkDelta,
    ToolCall,
    Usage,
)

VERBS = "text, tool, stream, think, error, markdown or long"
MAX_WORDS = 100_000
MAX_LONG = 1_000_000

_BEGIN = re.compile(r"\[\[demo\s+(\w+)[ \t]?")
_END = re.compile(r"\]\](?!\])")
_TOOL_NAME = re.compile(r"\s*([^\s\]{]+)\s*")
_SIZES = (3, 5, 8, 4, 7, 6)
_GROWS = 2000
_EARLIER = "Summary of what came before:"
_GLIMPSE = 200
# The event loop gets its turn after so many deltas that nothing paces.
_BREATHE = 64

_FAILURES = {
    "500": Failure("MODEL_OVERLOADED", "demo answered 500: asked to", 500, None, True),
    "429": Failure("MODEL_RATE_LIMIT", "demo answered 429: asked to", 429, 1.0, True),
    "overflow": Failure("CONTEXT_OVERFLOW", "demo answered 400: the context is too long", 400),
    "stall": Failure("MODEL_STALL", "demo stopped sending, as asked to", None, None, True),
    "cut": Failure(
        "MODEL_CUT", "demo ended its answer in the middle, as asked to", None, None, True
    ),
}

_MARKDOWN = """\
# A demo document

Some **bold**, some *italic*, some `code`, and [a link](https://example.com/).

| fruit | how many | taste |
|---|---:|---|
| apple | 3 | sweet |
| lemon | 12 | sour |

```python
def greet(name: str) -> str:
    return f"Hello, {name}!"
```

- first
- second
  - nested
- third

1. one
2. two

> A quotation, and a bare address: https://example.org/path?q=1
"""


@dataclass(frozen=True, slots=True)
class Directive:
    """One `[[demo VERB ...]]`; `name` is the tool's."""

    verb: str
    text: str
    name: str = ""


class Demo:
    """A Provider that needs nothing. `clock` paces `stream`, everything else comes at once."""

    def __init__(self, clock: Clock, name: str = "demo") -> None:
        self._clock = clock
        self._name = name

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Answer; see `bot.types.Provider`."""
        answer = _Answering(request)
        sent = 0
        for piece in answer.pieces():
            if isinstance(piece, float):
                await self._clock.sleep(piece)
                continue
            yield piece
            sent += 1
            if sent % _BREATHE == 0:
                await asyncio.sleep(0)
        yield answer.final(self._clock.now(), f"{self._name}/{request.model}")

    async def close(self) -> None:
        """Nothing is open."""


class _Answering:
    """One answer on its way: pieces out, then the final."""

    def __init__(self, request: ModelRequest) -> None:
        self._request = request
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._call: ToolCall | None = None
        self._failure: Failure | None = None

    def pieces(self) -> Iterator[TextDelta | ThinkDelta | float]:
        """Deltas, and seconds to wait between them."""
        message, called, result = last_exchange(self._request.entries)
        if self._request.purpose != "answer":
            yield from self._say(_aside(message, self._request.purpose))
            return
        steps = read_directives(message)
        if not steps:
            yield from self._say(f"Hello from the demo model! You wrote: {message}")
            return
        for step in _remaining(steps, called):
            if step.name:
                self._call = _tool_call(step, self._request.entries)
                return
            if step.verb == "error" and step.text in _FAILURES:
                self._failure = _FAILURES[step.text]
                return
            if step.verb == "think":
                self._thinking.append(step.text)
                yield from map(ThinkDelta, _small(step.text))
            else:
                yield from self._show(step)
        if result is not None and steps[-1].name:
            yield from self._say(result)

    def final(self, at: float, model: str) -> Final:
        text = "".join(self._text)
        thinking = "".join(self._thinking)
        entry = Entry(
            role="assistant",
            text=text,
            at=at,
            calls=(self._call,) if self._call else (),
            stop="tools" if self._call else "end",
            usage=self._usage(len(text) + len(thinking)),
            thinking=thinking,
            model=model,
        )
        return Final(entry) if self._failure is None else failed(entry, self._failure)

    def _show(self, step: Directive) -> Iterator[TextDelta | float]:
        if step.verb == "stream" and (numbers := _numbers(step.text, 2)):
            yield from self._paced(min(numbers[0], MAX_WORDS), numbers[1] / 1000)
        elif step.verb == "long" and (numbers := _numbers(step.text, 1)):
            yield from self._say(numbered_words(min(numbers[0], MAX_LONG)))
        elif step.verb == "markdown":
            yield from self._say(_MARKDOWN)
        elif step.verb == "text":
            yield from self._say(step.text)
        else:
            yield from self._say(f"The demo model knows {VERBS}, not: {step.verb} {step.text}")

    def _say(self, text: str) -> Iterator[TextDelta]:
        for piece in _small(self._begin(text)):
            self._text.append(piece)
            yield TextDelta(piece)

    def _paced(self, count: int, pause: float) -> Iterator[TextDelta | float]:
        for number in range(1, count + 1):
            piece = self._begin("word1") if number == 1 else f" word{number}"
            self._text.append(piece)
            yield TextDelta(piece)
            if number < count:
                yield pause

    def _begin(self, text: str) -> str:
        """What several directives show stands on lines of its own."""
        return "\n" + text if self._text and text else text

    def _usage(self, written: int) -> Usage:
        read = len(self._request.system) + sum(len(entry.text) for entry in self._request.entries)
        return Usage(max(1, read // 4), max(1, written // 4), 0.0)


def failed(entry: Entry, failure: Failure) -> Final:
    """The final of a call that failed after what `entry` has."""
    return Final(
        Entry(
            role="assistant",
            text=entry.text,
            at=entry.at,
            stop="overflow" if failure.code == "CONTEXT_OVERFLOW" else "error",
            usage=entry.usage,
            thinking=entry.thinking,
            model=entry.model,
            error={"code": failure.code, "message": failure.message},
        ),
        failure,
    )


def read_directives(text: str) -> list[Directive]:
    """The directives in a message, in order."""
    found: list[Directive] = []
    at = 0
    while begin := _BEGIN.search(text, at):
        verb, at = begin[1].lower(), begin.end()
        if verb == "tool" and (name := _TOOL_NAME.match(text, at)):
            arguments, at = _tool_arguments(text, name.end())
            found.append(Directive("tool", arguments, name[1]))
        elif end := _END.search(text, at):
            body, at = text[at : end.start()], end.end()
            found.append(Directive(verb, body if verb == "text" else body.strip()))
    return found


def last_exchange(entries: Sequence[Entry]) -> tuple[str, int, str | None]:
    """The last user entry's text, how many calls followed it, and the last tool's result."""
    called, result = 0, None
    for entry in reversed(entries):
        if entry.role == "user":
            return entry.text, called, result
        if entry.role == "assistant":
            called += len(entry.calls)
        elif entry.role == "tool" and result is None:
            result = entry.text
    return "", called, result


def numbered_words(size: int) -> str:
    """Exactly `size` characters of `word1 word2 ...`."""
    words: list[str] = []
    length, number = 0, 0
    while length < size:
        number += 1
        words.append(f"word{number} ")
        length += len(words[-1])
    return "".join(words)[:size]


def _aside(conversation: str, purpose: str) -> str:
    """A summary of a conversation: how each message of the user begins. No notes are taken."""
    if purpose == "notes":
        return "NO_REPLY"
    lines = [line for line in conversation.split("\n") if line.startswith(("User: ", _EARLIER))]
    return "\n".join(["Summary by the demo model:", *(line[:_GLIMPSE] for line in lines)])


def _remaining(steps: Sequence[Directive], called: int) -> Sequence[Directive]:
    """The steps behind those that the calls already made have used up."""
    tools = [place for place, step in enumerate(steps) if step.name]
    if not called:
        return steps
    return steps[tools[min(called, len(tools)) - 1] + 1 :] if tools else steps


def _tool_arguments(text: str, at: int) -> tuple[str, int]:
    """JSON up to its own end, brackets included; else whatever stands before the next `]]`."""
    try:
        _, stop = json.JSONDecoder().raw_decode(text, at)
    except (ValueError, RecursionError):
        stop = at
    end = _END.search(text, stop)
    if end is None:
        return text[at:].strip(), len(text)
    return text[at : end.start()].strip(), end.end()


def _tool_call(step: Directive, entries: Sequence[Entry]) -> ToolCall:
    """The call; the time of the last entry makes its id one of a kind in the session."""
    arguments = step.text or "{}"
    try:
        args = jsonio.loads(arguments)
    except ValueError:
        args = None
    id = f"demo-{int(entries[-1].at * 1000)}-{len(entries)}"
    return ToolCall(id, step.name, arguments, args if isinstance(args, dict) else None)


def _numbers(text: str, count: int) -> list[int] | None:
    words = text.split()
    if len(words) != count or not all(word.isascii() and word.isdecimal() for word in words):
        return None
    return [int(word[:9]) for word in words]


def _small(text: str) -> Iterator[str]:
    """Cut into pieces of 3 to 8 characters, as a model's tokens come.

    They grow with what is there: each is told to watchers with all that came before, and unpaced a
    long answer would be hundreds of megabytes.
    """
    at = 0
    for size in cycle(_SIZES):
        if at >= len(text):
            return
        end = at + size * (1 + at // _GROWS)
        yield text[at:end]
        at = end
