"""The decisions of a run: call the model, call its tools, stop. A generator; `turn` performs it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.types import Entry, Final, ToolCall, Usage

MAX_ROUNDS = 50


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
class Outcome:
    """How the run ended. `entry` is the model's last word, `error` a code and a sentence."""

    status: Literal["ok", "error"]
    entry: Entry | None
    usage: Usage
    context: int
    error: tuple[str, str] | None = None
    tool_error: str | None = None


Ask = CallModel | CallTools
Told = Final | Sequence[Entry]


def agent_loop(transcript: list[Entry]) -> Generator[Ask, Told, Outcome]:
    """Run from a transcript (changed in place) until the model has no more calls.

    A transcript that ends with unanswered calls, as after a crash, is answered first.
    """
    usage, context, tool_error = Usage(), 0, None
    if pending := unanswered(transcript):
        transcript.extend(_entries((yield pending)))
    for _ in range(MAX_ROUNDS):
        final = _final((yield CallModel(transcript)))
        spent = final.entry.usage or Usage()
        usage, context = usage + spent, spent.input + spent.output
        if final.failure is not None:
            error = (final.failure.code, final.failure.message)
            return Outcome("error", final.entry, usage, context, error, tool_error)
        if final.entry.stop != "tools":
            return Outcome("ok", final.entry, usage, context, None, tool_error)
        transcript.append(final.entry)
        results = _entries((yield CallTools(final.entry.calls, final.entry.seq)))
        transcript.extend(results)
        tool_error = next((one.text for one in reversed(results) if one.is_error), None)
    error = ("MODEL_BAD_REQUEST", f"The model called tools {MAX_ROUNDS} times without an answer")
    return Outcome("error", None, usage, context, error, tool_error)


def unanswered(transcript: Sequence[Entry]) -> CallTools | None:
    """The calls at the end of a transcript that have no result yet."""
    answered: set[str] = set()
    for entry in reversed(transcript):
        if entry.role == "tool" and entry.call_id is not None:
            answered.add(entry.call_id)
        elif entry.role == "assistant":
            calls = [call for call in entry.calls if call.id not in answered]
            return CallTools(calls, entry.seq) if calls else None
        elif entry.role == "user":
            return None
    return None


def _final(told: Told) -> Final:
    assert isinstance(told, Final)
    return told


def _entries(told: Told) -> Sequence[Entry]:
    assert not isinstance(told, Final)
    return told
