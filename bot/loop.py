"""The decisions of a run: call the model, call its tools, make room, stop.

A generator; `turn` performs it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bot.types import Entry, Failure, Final, ToolCall, Usage

MAX_ROUNDS = 50
MAX_COMPACTIONS = 3
OVERFLOW = "CONTEXT_OVERFLOW"
NOTHING_TO_COMPACT = "There is nothing to sum up yet."


@dataclass(frozen=True, slots=True)
class CallModel:
    """Ask: one model call over these entries. Answered with its Final."""

    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class CallTools:
    """Ask: run these calls of one entry. Answered with a tool entry for each, in this order."""

    calls: Sequence[ToolCall]
    asked: int


@dataclass(frozen=True, slots=True)
class Compact:
    """Ask: make the transcript shorter. Answered with what became of it.

    `attempt` counts from 1, each keeps less than the one before. `will_retry`: the model is then
    asked again.
    """

    entries: Sequence[Entry]
    attempt: int
    will_retry: bool


@dataclass(frozen=True, slots=True)
class Compaction:
    """A transcript made shorter: `entry` stands for what went, None when nothing could go.

    `before` and `after` are the tokens of a request with it, `usage` what it took.
    """

    entry: Entry | None
    before: int = 0
    after: int = 0
    usage: Usage = field(default_factory=Usage)
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the run ended. `entry` is the model's last word, `error` a code and a sentence.

    `context` is the size of the last request and its answer in tokens. `text` is for people where
    there is no entry. `crowded`: the next request would hardly fit.
    """

    status: Literal["ok", "error"]
    entry: Entry | None
    usage: Usage
    context: int
    error: tuple[str, str] | None = None
    tool_error: str | None = None
    text: str = ""
    crowded: bool = False


@dataclass(frozen=True, slots=True)
class Listen:
    """Ask: what the requester said meanwhile. Answered with user entries, or none."""


Ask = CallModel | CallTools | Compact | Listen
Told = Final | Sequence[Entry] | Compaction


def agent_loop(transcript: list[Entry]) -> Generator[Ask, Told, Outcome]:
    """Run from a transcript (changed in place) until the model has no more calls.

    A transcript that ends with unanswered calls, as after a crash, is answered first.
    """
    usage, tool_error, attempts = Usage(), None, 0
    if pending := unanswered(transcript):
        transcript.extend(_entries((yield pending)))
    for _ in range(MAX_ROUNDS):
        final = _final((yield CallModel(transcript)))
        usage += final.entry.usage or Usage()
        failure, context = final.failure, final.context
        if failure is not None and failure.code == OVERFLOW and attempts < MAX_COMPACTIONS:
            attempts += 1
            made = _compaction((yield Compact(transcript, attempts, will_retry=True)))
            usage, failure = usage + made.usage, made.failure or failure
            if made.entry is not None:
                transcript.append(made.entry)
                continue
        attempts = 0
        if failure is not None:
            error = (failure.code, failure.message)
            return Outcome("error", final.entry, usage, context, error, tool_error)
        if final.entry.stop != "tools":
            crowded = final.crowded
            return Outcome("ok", final.entry, usage, context, None, tool_error, crowded=crowded)
        transcript.append(final.entry)
        results = _entries((yield CallTools(final.entry.calls, final.entry.seq)))
        transcript.extend(results)
        transcript.extend(_entries((yield Listen())))
        tool_error = next((one.text for one in reversed(results) if one.is_error), None)
    error = ("MODEL_BAD_REQUEST", f"The model called tools {MAX_ROUNDS} times without an answer")
    return Outcome("error", None, usage, context, error, tool_error)


def compact_loop(transcript: list[Entry], run: str) -> Generator[Ask, Told, Outcome]:
    """Make a transcript shorter because somebody asked for it, or because it has grown.

    One that this run, interrupted, has made shorter already is left as it is.
    """
    if transcript and transcript[-1].role == "compaction" and transcript[-1].run == run:
        origin = transcript[-1].origin or {}
        return _summed_up(origin["tokensBefore"], origin["tokensAfter"], Usage())
    made = _compaction((yield Compact(transcript, 1, will_retry=False)))
    if made.failure is not None:
        error = (made.failure.code, made.failure.message)
        return Outcome("error", None, made.usage, made.before, error)
    if made.entry is None:
        return Outcome("ok", None, made.usage, made.before, text=NOTHING_TO_COMPACT)
    transcript.append(made.entry)
    return _summed_up(made.before, made.after, made.usage)


def _summed_up(before: int, after: int, usage: Usage) -> Outcome:
    said = f"Summed up: about {before:,} tokens became {after:,}."
    return Outcome("ok", None, usage, after, text=said)


def unanswered(transcript: Sequence[Entry]) -> CallTools | None:
    """The calls at the end of a transcript that have no result yet."""
    answered: set[str] = set()
    for entry in reversed(transcript):
        if entry.role == "tool" and entry.call_id is not None:
            answered.add(entry.call_id)
        elif entry.role == "assistant" and not entry.aside:
            calls = [call for call in entry.calls if call.id not in answered]
            return CallTools(calls, entry.seq) if calls else None
        elif entry.role == "user":
            return None
    return None


def _final(told: Told) -> Final:
    assert isinstance(told, Final)
    return told


def _entries(told: Told) -> Sequence[Entry]:
    assert not isinstance(told, Final | Compaction)
    return told


def _compaction(told: Told) -> Compaction:
    assert isinstance(told, Compaction)
    return told
