"""What a cheap check says about itself: read, acted on, and kept out of what people see.

The model is asked for a fixed first line. Models dress it up, so reading is lenient about
decoration and strict about place: only the beginning of a line counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from bot.schedule.terms import Quiet

INSTRUCTION = (
    "This is a quick scheduled check. The first line of your answer must be exactly one of\n"
    "Needs deeper analysis: yes\n"
    "Needs deeper analysis: no\n"
    "Say yes only if what you found calls for a closer look by a stronger model. "
    "After that line, say in one to three sentences what you found."
)
DELAY = 2.0
HOUR = 3600.0
_LINE = 200

_DRESS = (
    r"[\s>*_`~#\"'\u00ab\u00bb\u2018\u2019\u201c\u201d\u201e\u2022\u2023\u25aa\u25cf\u25e6"
    r"\u2013\u2014\u200b\ufeff+-]"
)
_CUE = re.compile(
    rf"^(?:{_DRESS}|\d{{1,3}}[.)]|\[[ x]\])*"
    r"needs\s+deeper\s+analysis[\s*_`~\"']*[:\uff1a][\s*_`~\"']*(yes|no)(?![\w])(.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_FENCE = re.compile(r"^[ \t]*(```|~~~)[\w-]*[ \t]*\n\s*\1[ \t]*$\n?", re.MULTILINE)
_GAPS = re.compile(r"\n\s*\n\s*\n+")
_EDGE = re.compile(rf"^(?:{_DRESS}|[.,;:!()])+|(?:{_DRESS}|[,;:(])+$")
_DECODER = json.JSONDecoder()
_GROWN = ("needs deeper analysis:yes", "needs deeper analysis:no")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check signals; `reason` is one line, `rest` the text without the signal."""

    signal: Literal["yes", "no", "none"]
    reason: str = ""
    rest: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered between the runs of a task.

    `pending`: why a strong run is to come, None if none is. `strong`: when strong runs of the last
    hour were asked for, in seconds since the epoch. `signals` and `quiet` count runs in a row.
    """

    pending: str | None = None
    strong: tuple[float, ...] = ()
    signals: int = 0
    quiet: int = 0


def judge(text: str) -> Verdict:
    """The first signal of a text, a cue line or a JSON object with the key `escalate`.

    The first one counts, so that a page which a check quotes cannot overrule it.
    """
    rest = without_cues(text)
    found: list[tuple[int, bool, str]] = []
    if cue := _CUE.search(text):
        found.append((cue.start(), cue[1].lower() == "yes", cue[2]))
    for start, _, value in _objects(text):
        found.append((start, value["escalate"] is True, str(value.get("reason") or "")))
    if not found:
        return Verdict("none", "", rest)
    _, positive, said = min(found)
    return Verdict("yes" if positive else "no", _one_line(said) or _one_line(rest), rest)


def without_cues(text: str, *, growing: bool = False) -> str:
    """A text without its cue lines and JSON signals, wherever they stand.

    `growing`: the text is still being written, and an end that may become a signal is held back.
    """
    if growing:
        text = _settled(text)
    for _ in range(len(text)):
        kept = _dropped(text)
        if kept == text:
            break
        # Two halves may make a new signal when what stood between them is gone.
        text = kept
    return text.strip()


def _dropped(text: str) -> str:
    kept, at = [], 0
    for start, end, _ in _objects(text):
        kept.append(text[at:start])
        at = end
    without = "".join([*kept, text[at:]])
    lines = _CUE.sub("", without)
    if lines == text:
        return text
    return _GAPS.sub("\n\n", _FENCE.sub("", lines))


def _objects(text: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """JSON objects that carry a signal, with where they begin and end."""
    at = text.find("{") if '"escalate"' in text else -1
    while at >= 0:
        end = at + 1
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            if isinstance(value, dict) and isinstance(value.get("escalate"), bool):
                yield at, end, value
            else:
                end = at + 1
        at = text.find("{", end)


def _settled(text: str) -> str:
    """Cut off what may still become a signal."""
    opened = text.rfind("{")
    if opened >= 0 and "}" not in text[opened:]:
        text = text[:opened]
    lines = text.split("\n")
    for count in range(1, min(4, len(lines)) + 1):
        tail = _bare("\n".join(lines[-count:]))
        if tail and any(cue.startswith(tail) for cue in _GROWN):
            return "\n".join(lines[:-count])
    return text


def _bare(text: str) -> str:
    plain = re.sub(r"[*_`~\"']", "", re.sub(rf"^(?:{_DRESS}|\d{{1,3}}[.)])*", "", text))
    return re.sub(r"\s*[:\uff1a]\s*", ":", " ".join(plain.lower().split()))


def _one_line(text: str) -> str:
    line = next((line for line in text.splitlines() if _EDGE.sub("", line)), "")
    line = " ".join(_EDGE.sub("", line).split())
    return line if len(line) <= _LINE else line[: _LINE - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def escalation(
    state: State, verdict: Verdict, ok: bool, now: float, cap: int
) -> tuple[State, float | None]:
    """What a finished check changes, and when a strong run is to begin, if one is.

    `cap` is `Policy.escalations`: strong runs in any hour. `now` is the end of the check, in
    seconds since the epoch. A check that failed changes nothing.
    """
    if not ok:
        return state, None
    if verdict.signal != "yes":
        return replace(state, signals=0, quiet=state.quiet + 1), None
    strong = tuple(at for at in state.strong if now - HOUR < at)
    state = replace(state, signals=state.signals + 1, quiet=0, strong=strong)
    if state.pending is not None or len(strong) >= cap:
        return state, None
    return replace(state, pending=verdict.reason, strong=(*strong, now)), now + DELAY


def settled(state: State) -> State:
    """The strong run has ended, however it ended: the next signal asks for one of its own."""
    return replace(state, pending=None)


def preamble(reason: str) -> str:
    """What a strong run is told before the task's own prompt."""
    why = f" It said: {reason}" if reason else ""
    return (
        "A cheap check of this scheduled task signalled that deeper analysis is needed."
        f"{why}\nThe check may be wrong. Look closely and answer in full."
    )


def delivered(verdict: Verdict, *, strong_follows: bool, quiet: Quiet) -> str:
    """What of a check goes to people; empty: nothing.

    An answer without any signal is delivered: nobody knows that it is unimportant.
    """
    if verdict.signal == "none":
        return verdict.rest
    if verdict.signal == "yes":
        return "" if strong_follows else verdict.rest or verdict.reason
    return verdict.reason if quiet == "line" else ""
