"""Options in a sentence about a task: `--mode cheap`, `--objective "keep it up"`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from bot import jsonio
from bot.schedule.terms import CHOICES, MOST, Policy, Stop, checked, refuse

_LONGEST = 4000
_ON = {**dict.fromkeys(("on", "true", "yes"), True), **dict.fromkeys(("off", "false", "no"), False)}
_SAME = {
    **dict.fromkeys(("cheap-check", "cheap-model"), "cheap"),
    **dict.fromkeys(("strong-model",), "strong"),
    **dict.fromkeys(("agent-turn", "agent-default", "default"), "agent"),
    **dict.fromkeys(("skill-only", "tool"), "skill"),
    **dict.fromkeys(("no-model", "reminder"), "text"),
}
_PAIRS = {"\N{LEFT DOUBLE QUOTATION MARK}": "\N{RIGHT DOUBLE QUOTATION MARK}", '"': '"', "'": "'"}
# Phones turn two hyphens into a dash.
_FLAG = re.compile(r"(?<!\S)(--|\u2013|\u2014)([A-Za-z][A-Za-z-]*)(?=[=\s]|$)")
_SEPARATOR = re.compile(r"(?<!\S)--(?!\S)")
_KEPT = re.compile(r"`[^`]*`|(?<![^\s=(])(?:\"[^\"]*\"|\u201c[^\u201d]*\u201d)")
_NAMES = re.compile(r"[\w.:-]+(?:\s*,\s*[\w.:-]+)*")
_ABSENT = frozenset(
    (
        *("coordinate", "ask-agent", "max-coordination-agents", "coordination-approval"),
        *("auto-repair", "auto-stop-optional", "max-auto-repairs", "primary-source-approval"),
    )
)


@dataclass(frozen=True, slots=True)
class Flags:
    """What options ask for. Mappings hold only what was said.

    `policy` and `stop` are by the field names of `Policy` and `Stop`; `delivery` is a delivery of
    the wire (`mode`, `channel`, `to`, `url`), empty if nothing was said.
    """

    objective: str | None = None
    success: str | None = None
    policy: Mapping[str, Any] = field(default_factory=dict)
    stop: Mapping[str, Any] = field(default_factory=dict)
    delivery: Mapping[str, Any] = field(default_factory=dict)
    best_effort: bool | None = None

    def __bool__(self) -> bool:
        return self != Flags()


def split_flags(text: str) -> tuple[str, Flags]:
    """A text without its options, and the options.

    A value is quoted or goes on to the next ` --`; options that take one word and stand before
    all else may be followed by the text. What stands in backticks or double quotes is text, and so
    is an option that nobody knows, unless it looks like a slip. Raises RequestError INVALID_PARAMS.
    """
    found = [match for match in _outside(_FLAG, text) if _known(match)]
    rest = text[: found[0].start()].strip() if found else text.strip()
    said: dict[str, Any] = {}
    for match, after in zip_longest(found, found[1:]):
        name = match[2].lower()
        if name in said:
            refuse(f"--{name} is given twice")
        raw = text[match.end() : after.start() if after else len(text)]
        raw, more = _cut(raw.removeprefix("=").strip())
        value, left = _read(name, raw)
        if left and rest:
            refuse(f"--{name} has {left!r} after its value; put a value of several words in quotes")
        said[name] = value
        rest = " ".join(part for part in (rest, left, more) if part)
    return rest, _gathered(said)


def _outside(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    """What is found outside code and quotes."""
    kept = [match.span() for match in _KEPT.finditer(text)]
    return [
        match
        for match in pattern.finditer(text)
        if not any(start <= match.start() < end for start, end in kept)
    ]


def _known(match: re.Match[str]) -> bool:
    name = match[2].lower()
    if name in _ABSENT:
        refuse(f"This version has no --{name}; leave it out")
    if name in _OPTIONS:
        return True
    near = difflib.get_close_matches(name, _OPTIONS, 1, 0.75) if match[1] == "--" else []
    if near:
        refuse(f"There is no option --{name}; did you mean --{near[0]}?")
    return False


def _cut(raw: str) -> tuple[str, str]:
    """A value, and what a lone ` -- ` begins behind it."""
    ends = _outside(_SEPARATOR, raw)
    return (raw[: ends[0].start()].strip(), raw[ends[0].start() :]) if ends else (raw, "")


def _read(name: str, raw: str) -> tuple[Any, str]:
    """The value of an option and what is left behind it."""
    read = _OPTIONS[name]
    if read is _switch:
        first, _, left = raw.partition(" ")
        known = first.lower() in _ON
        return (_ON[first.lower()], left.strip()) if known else (True, raw)
    if not raw:
        refuse(f"--{name} needs a value")
    if (end := _PAIRS.get(raw[0])) and end in raw[1:]:
        value, _, left = raw[1:].partition(end)
    elif read in (_text, _texts):
        value, left = raw, ""
    elif read is _object:
        return _json(raw)
    else:
        listed = _NAMES.match(raw) if read is _names else None
        word = listed[0] if listed else raw.split(None, 1)[0]
        value, left = word, raw[len(word) :]
    if not value.strip():
        refuse(f"--{name} needs a value")
    return read(name, value.strip()), left.strip()


def _json(raw: str) -> tuple[Any, str]:
    """The JSON object at the beginning of a text."""
    for end in [at.end() for at in re.finditer(r"\}", raw)][:200]:
        try:
            value = jsonio.loads(raw[:end])
        except ValueError:
            continue
        if isinstance(value, dict):
            return value, raw[end:].strip()
        break
    refuse('--input must be a JSON object such as {"city": "Bonn"}')


def _switch(name: str, value: str) -> bool:
    return _ON[value.lower()]


def _text(name: str, value: str) -> str:
    if len(value) > _LONGEST:
        refuse(f"--{name} is longer than {_LONGEST} characters")
    return value


def _texts(name: str, value: str) -> tuple[str, ...]:
    parts = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    return parts or refuse(f"--{name} needs a value")


def _names(name: str, value: str) -> tuple[str, ...]:
    return () if value.lower() == "none" else _texts(name, value)


def _choice(name: str, value: str) -> str:
    word = value.lower()
    word = _SAME.get(word, word) if name == "mode" else word
    if name == "memory" and word in ("summary", "session"):
        word = "session-summary"
    choices = ("none", "announce", "webhook") if name == "delivery" else CHOICES[name]
    if word not in choices:
        refuse(f"--{name} takes {', '.join(choices[:-1])} or {choices[-1]}, not {value!r}")
    return word


def _word(name: str, value: str) -> str:
    if len(value.split()) > 1 or len(value) > 300:
        refuse(f"--{name} takes one word, not {value!r}")
    return value


def _model(name: str, value: str) -> str | None:
    return None if value.lower() in ("default", "auto") else _word(name, value)


def _escalation(name: str, value: str) -> bool | str:
    return _ON[value.lower()] if value.lower() in _ON else _word(name, value)


def _object(name: str, value: str) -> Any:
    return _json(value)[0]


def _count(least: int) -> Callable[[str, str], int]:
    def read(name: str, value: str) -> int:
        plain = value.replace(",", "").replace("_", "")
        if not re.fullmatch(r"[0-9]{1,10}", plain) or not least <= int(plain) <= MOST:
            refuse(f"--{name} takes a whole number from {least}, not {value!r}")
        return int(plain)

    return read


def _cost(name: str, value: str) -> float:
    if not re.fullmatch(r"\$?[0-9]{1,9}(?:\.[0-9]{1,9})?", value):
        refuse(f"--{name} takes an amount of US dollars such as 0.50, not {value!r}")
    return float(value.removeprefix("$"))


def _address(name: str, value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+\S*", value, re.IGNORECASE):
        refuse(f"--{name} takes an address that begins with https:// or http://, not {value!r}")
    return value


_OPTIONS: Mapping[str, Callable[[str, str], Any]] = {
    "objective": _text,
    "success": _text,
    **dict.fromkeys(("mode", "memory", "missed", "overlap", "target", "quiet"), _choice),
    "skills": _names,
    "tool": _word,
    "input": _object,
    "model": _model,
    "escalate": _escalation,
    **dict.fromkeys(("max-tokens", "max-successes", "max-total-runs"), _count(1)),
    "max-escalations": _count(0),
    "max-runs-hour": _count(0),
    "max-cost": _cost,
    **dict.fromkeys(("stop-on-success", "best-effort"), _switch),
    "stop-text": _texts,
    "delivery": _choice,
    "channel": _word,
    "to": _word,
    "webhook": _address,
}
_OF_POLICY = {
    **{name: name for name in ("mode", "memory", "missed", "overlap", "target", "quiet")},
    **{name: name for name in ("skills", "tool", "model")},
    "input": "tool_input",
    "max-tokens": "max_tokens",
    "max-cost": "max_cost",
    "max-runs-hour": "max_runs_per_hour",
    "max-escalations": "max_escalations",
}
_OF_STOP = {
    "stop-on-success": "on_success",
    "stop-text": "output_includes",
    "max-successes": "max_successes",
    "max-total-runs": "max_runs",
}


def _gathered(said: Mapping[str, Any]) -> Flags:
    policy = {_OF_POLICY[name]: value for name, value in said.items() if name in _OF_POLICY}
    wish = said.get("escalate")
    if isinstance(wish, bool):
        policy["escalate"] = wish
    elif wish is not None:
        policy |= {"escalate": True, "escalation_model": wish}
    return Flags(
        said.get("objective"),
        said.get("success"),
        policy,
        {_OF_STOP[name]: value for name, value in said.items() if name in _OF_STOP},
        _delivery(said),
        said.get("best-effort"),
    )


def _delivery(said: Mapping[str, Any]) -> dict[str, Any]:
    mode, url = said.get("delivery"), said.get("webhook")
    place = {key: said[key] for key in ("channel", "to") if key in said}
    if url is not None:
        if place or mode not in (None, "webhook"):
            refuse("A task delivers to one place: --webhook, or --channel and --to, or none")
        return {"mode": "webhook", "url": url}
    if mode == "webhook":
        refuse("A webhook needs its address: --webhook URL")
    if mode == "none" and place:
        refuse("--delivery none goes to no channel; leave out --channel and --to")
    if mode or place:
        return {"mode": mode or "announce", **place}
    return {}


def apply(flags: Flags, policy: Policy) -> Policy:
    """A policy with what the options change in it; `planner.plan` decides the rest afterwards.

    Raises RequestError INVALID_PARAMS where the parts do not fit together.
    """
    changes, chosen = dict(flags.policy), set(policy.chosen) | set(flags.policy)
    mode = changes.get("mode")
    if mode is None and changes.get("tool"):
        mode = "skill"
    if mode is None and changes.get("escalate") and policy.mode != "cheap":
        mode = "cheap"
    if mode is None and changes.get("model"):
        # Another model for what runs already; what asks no model is planned anew.
        mode = policy.mode if policy.mode in ("cheap", "strong", "agent") else "auto"
    if mode is not None:
        changes["mode"] = mode
        chosen.add("mode")
        if mode != "skill" and not flags.policy.get("tool"):
            changes |= {"tool": None, "tool_input": changes.get("tool_input")}
            chosen -= {"tool", "tool_input"}
        if mode == "text" and not flags.policy.get("model"):
            changes["model"] = None
    if changes.get("mode") == "auto":
        chosen.discard("mode")
    made = replace(policy, **changes)
    stop: Stop = replace(policy.stop, **flags.stop)
    if flags.stop:
        chosen.add("stop")
    chosen -= {name for name in ("model", "tool") if getattr(made, name) is None}
    return checked(replace(made, stop=stop, chosen=frozenset(chosen)))
