"""What somebody wants changed about a task, in their own words: `every 30m and send here`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.errors import RequestError
from bot.schedule import titles
from bot.schedule.flags import Flags, split_flags
from bot.schedule.terms import refuse

Parse = Callable[[str], Any]

_COUNTED = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS = {word: number for number, word in enumerate(_COUNTED, 1)}
_A_NUMBER = rf"([0-9]{{1,9}}|{'|'.join(_NUMBERS)})"
_REF = r"([A-Za-z][\w.-]*/[\w.:@+-]+(?:/[\w.:@+-]+)*)"
_JOINED = re.compile(r"\s*(?:[;\n]|,\s+(?:and\s+)?|\sand\s)\s*", re.IGNORECASE)
_NEAR = (
    *("send here", "no delivery", "use cheap check", "use strong model", "use no model"),
    *("skill only", "stop after success", "hourly", "daily", "weekly", "never stop"),
)


@dataclass(frozen=True, slots=True)
class Edit:
    """What changes; None and empty leave it as it is.

    `schedule` is what the schedule's parser returned, `spec` what the parser of a whole new
    sentence returned (schedule, name and prompt together). `here`: deliver to where this was said.
    """

    schedule: Any = None
    spec: Any = None
    here: bool = False
    name: str | None = None
    prompt: str | None = None
    flags: Flags = field(default_factory=Flags)


def read_edit(text: str, schedule: Parse, spec: Parse | None = None) -> Edit:
    """Read what follows `/task edit <id>`.

    `schedule` reads a schedule that stands alone, `spec` a whole sentence as for a new task; both
    return None for what is none. What nothing else fits is the new prompt. Raises RequestError
    INVALID_PARAMS: nothing is said, or it nearly is one of the known forms.
    """
    rest, flags = split_flags(text)
    if not rest:
        if not flags:
            refuse("Say what to change, for example: every 30m, send here, prompt <new text>")
        return Edit(flags=flags)
    found = _whole(rest, schedule) or _several(rest, schedule)
    if found is None:
        _ask_back(rest)
        found = _replaced(rest, spec)
    return _both(found, Edit(flags=flags))


def _whole(text: str, schedule: Parse) -> Edit | None:
    """A text that is one form, or a schedule."""
    if found := re.fullmatch(r"rename\s+(?:it\s+)?to\s+(.+)", text, re.IGNORECASE | re.DOTALL):
        return Edit(name=_name(found[1]))
    if found := re.fullmatch(r"prompt(?:\s*:\s*|\s+)(\S.*)", text, re.IGNORECASE | re.DOTALL):
        return Edit(prompt=found[1].strip())
    plain = " ".join(text.split()).rstrip(".!")
    for pattern, made in _FORMS:
        if match := pattern.fullmatch(plain):
            return made(match)
    when = schedule(text)
    return None if when is None else Edit(schedule=when)


def _several(text: str, schedule: Parse) -> Edit | None:
    """A text whose every part is a form: all of them together."""
    parts = [part for part in _JOINED.split(text) if part]
    if not 1 < len(parts) <= 8:
        return None
    made: Edit | None = Edit()
    for part in parts:
        found = _whole(part, schedule)
        # A new prompt or name may have an "and" of its own.
        if made is None or found is None or found.prompt is not None:
            return None
        made = _both(made, found)
    return made


def _both(first: Edit, second: Edit) -> Edit:
    """Two edits as one. Raises RequestError INVALID_PARAMS if they name the same thing twice."""
    for name in ("schedule", "name", "prompt"):
        if getattr(first, name) is not None and getattr(second, name) is not None:
            refuse(f"The {name} is given twice; say it once")
    one, two = first.flags, second.flags
    if {*one.policy} & {*two.policy} or {*one.stop} & {*two.stop}:
        refuse("The same thing is changed twice; say it once")
    if len([True for edit in (first, second) if edit.here or edit.flags.delivery]) > 1:
        refuse("The delivery is given twice; say it once")
    flags = Flags(
        one.objective if two.objective is None else two.objective,
        one.success if two.success is None else two.success,
        {**one.policy, **two.policy},
        {**one.stop, **two.stop},
        {**one.delivery, **two.delivery},
        one.best_effort if two.best_effort is None else two.best_effort,
    )
    return Edit(
        first.schedule if second.schedule is None else second.schedule,
        first.spec,
        first.here or second.here,
        first.name if second.name is None else second.name,
        first.prompt if second.prompt is None else second.prompt,
        flags,
    )


def _ask_back(text: str) -> None:
    """Refuse what is probably a slip: it would take the place of the prompt."""
    plain = " ".join(text.lower().split())
    if near := difflib.get_close_matches(plain, _NEAR, 1, 0.85):
        refuse(f"Did you mean {near[0]!r}? To make it the new prompt, write: prompt {plain}")


def _replaced(text: str, spec: Parse | None) -> Edit:
    """A whole new sentence, or a name and a prompt, or a prompt."""
    try:
        whole = spec(text) if spec else None
    except RequestError:
        whole = None
    if whole is not None:
        return Edit(spec=whole)
    name, prompt = titles.split(text)
    return Edit(prompt=text) if prompt == text.strip() else Edit(name=name, prompt=prompt)


def _name(text: str) -> str:
    name = " ".join(text.split()).strip("\"'`\u201c\u201d ")
    if not name or len(name) > titles.LONGEST:
        refuse(f"A name has 1 to {titles.LONGEST} characters")
    return name


def _number(word: str) -> int:
    number = _NUMBERS.get(word.lower()) or int(word)
    return number or refuse("A task that stops after 0 would never run; pause it instead")


def _policy(**changes: Any) -> Callable[[re.Match[str]], Edit]:
    return lambda _: Edit(flags=Flags(policy=changes))


def _stop(**changes: Any) -> Callable[[re.Match[str]], Edit]:
    return lambda _: Edit(flags=Flags(stop=changes))


def _delivery(changes: Mapping[str, Any]) -> Callable[[re.Match[str]], Edit]:
    return lambda _: Edit(flags=Flags(delivery=changes))


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Edit]], ...] = (
    (_form(r"(?:send|deliver)(?: it| this)? (?:to )?here"), lambda _: Edit(here=True)),
    (
        _form(r"no delivery|(?:do not|don'?t|never) (?:deliver|send)(?: it)?(?: anywhere)?"),
        _delivery({"mode": "none"}),
    ),
    (_form(r"use (?:an? |the )?cheap (?:check|model)s?"), _policy(mode="cheap", escalate=True)),
    (_form(r"use (?:an? |the )?strong(?:er)? model"), _policy(mode="strong", model=None)),
    (_form(r"(?:use )?no model|without (?:a )?model"), _policy(mode="text", model=None)),
    (
        _form(r"use (?:the )?(?:agent|default model|agent'?s (?:own )?model)"),
        _policy(mode="agent", model=None),
    ),
    (_form(r"(?:use )?(?:skill|tool)[ -]only"), _policy(mode="skill")),
    (
        _form(r"(?:use )?(?:skill|tool)[ -]only (?:with )?([\w.:-]+)"),
        lambda found: Edit(flags=Flags(policy={"mode": "skill", "tool": found[1]})),
    ),
    (
        _form(rf"(?:use )?(?:the )?(?:model )?{_REF}"),
        lambda found: Edit(flags=Flags(policy={"model": found[1]})),
    ),
    (
        _form(rf"escalate to {_REF}"),
        lambda found: Edit(flags=Flags(policy={"escalate": True, "escalation_model": found[1]})),
    ),
    (_form(r"(?:do not|don'?t|never) escalate|no escalation"), _policy(escalate=False)),
    (_form(r"stop (?:after|on)(?: the first| a)? success"), _stop(on_success=True)),
    (
        _form(rf"stop after {_A_NUMBER} runs?"),
        lambda found: Edit(flags=Flags(stop={"max_runs": _number(found[1])})),
    ),
    (
        _form(rf"stop after {_A_NUMBER} (?:success(?:es)?|successful runs?)"),
        lambda found: Edit(flags=Flags(stop={"max_successes": _number(found[1])})),
    ),
    (
        _form(r"never stop|do not stop|don'?t stop"),
        _stop(on_success=False, output_includes=(), max_runs=None, max_successes=None),
    ),
    (
        _form(rf"at most {_A_NUMBER} runs? (?:an|per) hour"),
        lambda found: Edit(flags=Flags(policy={"max_runs_per_hour": _number(found[1])})),
    ),
)
