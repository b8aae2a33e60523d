"""How a task runs, as one value: its policy, and the same as JSON for the wire and the store."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn

from bot.errors import RequestError
from bot.jsonio import clean_text

Mode = Literal["auto", "cheap", "strong", "agent", "skill", "text"]
Target = Literal["isolated", "main"]
Memory = Literal["none", "search", "session-summary", "pinned"]
Missed = Literal["run-once", "skip", "all"]
Overlap = Literal["skip", "queue"]
Quiet = Literal["silent", "line"]

CHOICES: Mapping[str, tuple[str, ...]] = {
    "mode": ("auto", "cheap", "strong", "agent", "skill", "text"),
    "target": ("isolated", "main"),
    "memory": ("none", "search", "session-summary", "pinned"),
    "missed": ("run-once", "skip", "all"),
    "overlap": ("skip", "queue"),
    "quiet": ("silent", "line"),
}
# Enough for a watch that finds something new now and then, little enough for one that cannot stop.
ESCALATIONS = 4
MOST = 1_000_000_000
_LONGEST = 500
_MOST_WORDS = 50


@dataclass(frozen=True, slots=True)
class Stop:
    """When a task has done its work and is switched off; empty: never.

    `output_includes`: any of these texts in an answer, in upper or lower case. `max_runs` counts
    all runs, `max_successes` those that went well; both are at least 1.
    """

    on_success: bool = False
    output_includes: tuple[str, ...] = ()
    max_runs: int | None = None
    max_successes: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """How a task runs, what it may cost and when it ends.

    `mode`: a cheap check that may escalate, a run of the strong model, a turn of the agent, one
    call of a tool without a model, or the text as it is; `auto` is decided by `planner.plan`.
    `target`: a session of its own for each run, or the task's session. `model` goes before the
    model of the mode, `escalation_model` before the strong one (`provider/model` or an alias).
    `max_escalations`: strong runs in any hour. `skills`: names; empty is what the agent has.
    `missed`: what becomes of due times nobody was there for; None is `tasks.missed`.
    `max_runs_per_hour`: 0 is never, None is no limit. `max_tokens` and `max_cost` (US dollars)
    are for one run. `quiet`: what a check without a finding delivers. `chosen`: the names of the
    fields that a person decided on; the planner leaves those alone.
    """

    mode: Mode = "auto"
    target: Target = "isolated"
    model: str | None = None
    escalate: bool = False
    escalation_model: str | None = None
    max_escalations: int = ESCALATIONS
    memory: Memory = "none"
    skills: tuple[str, ...] = ()
    tool: str | None = None
    tool_input: Mapping[str, Any] | None = None
    missed: Missed | None = None
    overlap: Overlap = "skip"
    stop: Stop = Stop()
    max_runs_per_hour: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    quiet: Quiet = "silent"
    chosen: frozenset[str] = frozenset()

    @property
    def chosen_by(self) -> Literal["planner", "user"]:
        """Who decided what runs."""
        return "user" if self.chosen & {"mode", "tool", "model"} else "planner"

    @property
    def escalations(self) -> int:
        """Strong runs that cheap ones may ask for in any hour; 0: none."""
        return self.max_escalations if self.mode == "cheap" and self.escalate else 0


def checked(policy: Policy) -> Policy:
    """The policy, if its parts fit together. Raises RequestError INVALID_PARAMS."""
    if policy.mode == "skill" and not policy.tool:
        refuse("A task that runs one tool without a model needs the tool's name: --tool NAME")
    if policy.tool_input is not None and not policy.tool:
        refuse("An input needs a tool that takes it: --tool NAME")
    if policy.tool and policy.mode not in ("skill", "auto"):
        refuse(f"A tool is only fixed in the mode skill, and the mode is {policy.mode}")
    if policy.mode == "text" and policy.model:
        refuse("A task that only says its text asks no model; leave the model out")
    return policy


def policy_of(document: Any) -> Policy:
    """A policy from its JSON form; keys that are left out or null have their defaults.

    Without the key `chosen`, what is given counts as decided by a person. Raises RequestError
    INVALID_PARAMS: an unknown key, a wrong value, parts that do not fit together.
    """
    given = _object("policy", document)
    fields: dict[str, Any] = {}
    for key, value in given.items():
        if key in ("chosen", "chosenBy") or value is None:
            continue
        if key not in _READ:
            refuse(f"policy.{key} is not known; there are {', '.join(sorted(_READ))}")
        name, read = _READ[key]
        fields[name] = read(f"policy.{key}", value)
    if given.get("chosen") is None:
        chosen = {name for name, value in fields.items() if value != "auto"}
    else:
        chosen = set(_words("policy.chosen", given["chosen"])) & set(Policy.__slots__)
    return checked(replace(Policy(), **fields, chosen=frozenset(chosen)))


def document_of_policy(policy: Policy) -> dict[str, Any]:
    """The JSON form of a policy, every key named; `policy_of` reads it back."""
    document = {key: getattr(policy, name) for key, (name, _) in _READ.items()}
    stop = policy.stop
    document["stop"] = {
        "onSuccess": stop.on_success,
        "outputIncludes": list(stop.output_includes),
        "maxRuns": stop.max_runs,
        "maxSuccesses": stop.max_successes,
    }
    document["skills"] = list(policy.skills)
    document["toolInput"] = None if policy.tool_input is None else dict(policy.tool_input)
    return {**document, "chosenBy": policy.chosen_by, "chosen": sorted(policy.chosen)}


def refuse(sentence: str) -> NoReturn:
    raise RequestError("INVALID_PARAMS", sentence)


def _object(where: str, value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        refuse(f"{where} must be an object")
    return value


def _flag(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        refuse(f"{where} must be true or false")
    return value


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
        refuse(f"{where} must be a text of 1 to {_LONGEST} characters")
    return clean_text(value.strip())


def _words(where: str, value: Any) -> tuple[str, ...]:
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, list | tuple) or len(several) > _MOST_WORDS:
        refuse(f"{where} must be a list of at most {_MOST_WORDS} texts")
    return tuple(dict.fromkeys(_text(where, one) for one in several))


def _choice(where: str, value: Any) -> str:
    choices = CHOICES[where.rpartition(".")[2]]
    if value not in choices or not isinstance(value, str):
        refuse(f"{where} must be one of {', '.join(choices)}")
    return value


def _count(least: int) -> Callable[[str, Any], int]:
    def read(where: str, value: Any) -> int:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not least <= value <= MOST:
            refuse(f"{where} must be a whole number from {least}")
        return int(value)

    return read


def _cost(where: str, value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= MOST or math.isnan(value):
        refuse(f"{where} must be an amount of US dollars from 0")
    return float(value)


def _stop(where: str, value: Any) -> Stop:
    fields: dict[str, Any] = {}
    for key, one in _object(where, value).items():
        if key not in _READ_STOP:
            refuse(f"{where}.{key} is not known; there are {', '.join(sorted(_READ_STOP))}")
        if one is not None:
            name, read = _READ_STOP[key]
            fields[name] = read(f"{where}.{key}", one)
    return Stop(**fields)


_Reader = Callable[[str, Any], Any]
_READ_STOP: Mapping[str, tuple[str, _Reader]] = {
    "onSuccess": ("on_success", _flag),
    "outputIncludes": ("output_includes", _words),
    "maxRuns": ("max_runs", _count(1)),
    "maxSuccesses": ("max_successes", _count(1)),
}
_READ: Mapping[str, tuple[str, _Reader]] = {
    "mode": ("mode", _choice),
    "target": ("target", _choice),
    "model": ("model", _text),
    "escalate": ("escalate", _flag),
    "escalationModel": ("escalation_model", _text),
    "maxEscalations": ("max_escalations", _count(0)),
    "memory": ("memory", _choice),
    "skills": ("skills", _words),
    "tool": ("tool", _text),
    "toolInput": ("tool_input", _object),
    "missed": ("missed", _choice),
    "overlap": ("overlap", _choice),
    "stop": ("stop", _stop),
    "maxRunsPerHour": ("max_runs_per_hour", _count(0)),
    "maxTokens": ("max_tokens", _count(1)),
    "maxCost": ("max_cost", _cost),
    "quiet": ("quiet", _choice),
}
