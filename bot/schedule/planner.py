"""What a task should run, judged by its words, and the same said in words.

Plain rules and no model: what is cheap to decide must not cost a call, and a person who reads the
plan can see which words made it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.schedule.terms import Mode, Policy, Stop, checked, document_of_policy, policy_of

__all__ = [
    "Action",
    "Policy",
    "Roles",
    "Stop",
    "document_of_policy",
    "in_words",
    "models_for",
    "plan",
    "policy_of",
]


@dataclass(frozen=True, slots=True)
class Action:
    """One call of a tool that answers a question by itself."""

    tool: str
    input: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Roles:
    """The models of an agent: its own, and those for checks and for what checks find."""

    primary: str
    cheap: str | None = None
    strong: str | None = None


def _any(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)


_REMINDER = _any(
    "remind(?:ers?|s|ing)?", "don'?t forget", "don\N{RIGHT SINGLE QUOTATION MARK}t forget"
)
_WORK = _any(
    *("check(?:s|ing)?", "monitor(?:s|ing)?", "watch(?:es|ing)?", "search(?:es|ing)?", "find"),
    *("look up", "fetch(?:es)?", "research(?:es)?", "summari[sz]e", "summary", "analy[sz]e"),
    *("compare", "status", "investigate", "report on", "draft", "debug", "review"),
)
_CHANGES = _any(
    *("send", "transfer", "pay", "buy", "sell", "swap", "claim", "accept", "create", "add"),
    *("delete", "remove", "update", "change", "set", "switch", "rotate", "restart", "fix"),
    *("repair", "enable", "disable", "approve", "sign", "deploy", "install", "write", "post"),
)
_DOMAINS: Mapping[str, re.Pattern[str]] = {
    "wallet": _any("wallets?", "wallet balances?"),
    "health": re.compile(
        r"\b(?:provider|auth|catalog(?:ue)?|gateway)s?\s+(?:\w+\s+)?(?:health|status)\b"
        r"|\b(?:health|status)\s+of\s+(?:\w+\s+){0,2}(?:provider|auth|catalog(?:ue)?|gateway)s?\b",
        re.IGNORECASE,
    ),
    "offers": _any("offers"),
}
_LIGHT = r"(?:cheap(?:er|ly)?|quick(?:er|ly)?|light[- ]?weight)"
_DEEPER = r"(?:escalat\w*|follow(?:s|ed|ing)?[- ]?up|deep(?:er|ly)?|strong(?:er)?)"
_CHEAP_FIRST = (
    re.compile(rf"\b{_LIGHT}\s+(?:\w+\s+){{0,2}}(?:check|pass|scan)\s+first\b", re.IGNORECASE),
    re.compile(rf"\bfirst\s+(?:\w+\s+){{0,3}}{_LIGHT}\s+(?:check|pass|scan)\b", re.IGNORECASE),
    re.compile(r"\bstart(?:s|ing)?\s+(?:out\s+)?cheap(?:ly)?\b", re.IGNORECASE),
    re.compile(
        r"\b(?:escalate|follow[- ]?up|deep(?:er)?[- ]dive)\s+(?:\w+\s+){0,3}(?:if|when)\b",
        re.IGNORECASE,
    ),
    re.compile(rf"\b{_LIGHT}\b.*\b{_DEEPER}\b|\b{_DEEPER}\b.*\b{_LIGHT}\b", re.I | re.DOTALL),
)
_REASONING = _any(
    *("deep(?:er|ly)?", "research(?:es)?", "analy[sz](?:e|es|is|ing)", "compare(?:s)?"),
    *("comparison", "strateg(?:y|ies|ic)", "debug(?:s|ging)?", "security", "design(?:s)?"),
    *("plan(?:s|ning)?", "code", "write(?:s)?", "draft(?:s)?", "investigate(?:s)?", "reason"),
    *("evaluate(?:s)?", "explain(?:s)?", "refactor", "audit(?:s)?", "brainstorm", "essay"),
)
_MONITORING = _any(
    *("check(?:s|ing)?", "monitor(?:s|ing)?", "watch(?:es|ing)?", "status", "fetch(?:es)?"),
    *("headlines?", "prices?", "availability", "available", "quick(?:ly)?", "simple", "news"),
    *("uptime", "alert me", "tell me (?:if|when)", "let me know (?:if|when)", "weather"),
)
_PINNED = _any("pinned (?:memory|notes?|facts?)")
_REMEMBER = _any("search (?:your |my |the )?memory", "(?:from|in) (?:your|my) memory")
_TOOLS = (
    ("web_fetch", re.compile(r"\bhttps?://\S", re.IGNORECASE)),
    ("web_search", _any("live", "latest", "news", "headlines?", "prices?", "weather")),
)


def plan(
    name: str,
    objective: str,
    success: str,
    prompt: str,
    given: Policy,
    actions: Mapping[str, Action] | None = None,
) -> Policy:
    """What runs for these words, with everything kept that a person fixed in `given`.

    `actions`: what answers a question about a `wallet`, about the `health` of services or about
    `offers` without a model; a question that nothing answers goes to a model. Raises RequestError
    INVALID_PARAMS for a policy whose parts do not fit together.
    """
    text = "\n".join(part for part in (name, objective, success, prompt) if part)
    if "mode" in given.chosen:
        return checked(_filled(given, given.mode, text))
    if "tool" in given.chosen:
        return checked(_filled(given, "skill", text))
    if "model" in given.chosen:
        wanted = any(pattern.search(text) for pattern in _CHEAP_FIRST)
        return checked(_filled(given, "cheap" if wanted else "agent", text))
    given = replace(given, mode="auto", tool=None, tool_input=None)
    mode, action = _judged(text, actions or {})
    made = _filled(given, mode, text)
    if action is not None:
        made = replace(made, tool=action.tool, tool_input=action.input)
    return checked(made)


def _judged(text: str, actions: Mapping[str, Action]) -> tuple[Mode, Action | None]:
    """The first rule that fits; wording that asks for a cheap check wins over its subject."""
    if _REMINDER.search(text) and not _WORK.search(text):
        return "text", None
    if any(pattern.search(text) for pattern in _CHEAP_FIRST):
        return "cheap", None
    if not _CHANGES.search(text) and not _REASONING.search(text):
        for domain, words in _DOMAINS.items():
            if domain in actions and words.search(text):
                return "skill", actions[domain]
    if _REASONING.search(text):
        return "strong", None
    return ("cheap" if _MONITORING.search(text) else "agent"), None


def _filled(given: Policy, mode: Mode, text: str) -> Policy:
    """What goes with a mode, where a person has not said otherwise."""
    fresh: dict[str, Any] = {"memory": "none", "skills": (), "escalate": False}
    if mode == "auto":
        mode = "agent"
    if mode == "cheap":
        memory = "pinned" if _PINNED.search(text) else "search" if _REMEMBER.search(text) else ""
        fresh = {"memory": memory or "none", "skills": _inferred(text), "escalate": True}
    elif mode in ("strong", "agent"):
        fresh["memory"] = "search" if mode == "strong" else "session-summary"
    kept = {name: value for name, value in fresh.items() if name not in given.chosen}
    return replace(given, mode=mode, **kept)


def _inferred(text: str) -> tuple[str, ...]:
    return tuple(tool for tool, words in _TOOLS if words.search(text))


def models_for(policy: Policy, roles: Roles) -> tuple[str | None, str | None, tuple[str, ...]]:
    """The model of the first run, that of an escalated one, and what stands in for what.

    None where no model is asked. The notes are phrases without a full stop. A reference that
    leaves the choice to a router (`auto`) is not a role: nobody could say what it costs.
    """
    if policy.mode in ("skill", "text"):
        return None, None, ()
    own, missing = roles.primary, list[str]()
    cheap, strong = _real(roles.cheap), _real(roles.strong)
    if policy.mode == "strong":
        first = _real(policy.model) or strong or own
        return first, None, _stands_in([] if _real(policy.model) or strong else ["strong"])
    if policy.mode != "cheap":
        return policy.model or own, None, ()
    first = _real(policy.model) or cheap or own
    if not (_real(policy.model) or cheap):
        missing.append("cheap")
    if not policy.escalations:
        return first, None, _stands_in(missing)
    second = _real(policy.escalation_model) or strong or own
    if not (_real(policy.escalation_model) or strong):
        missing.append("strong")
    return first, second, _stands_in(missing)


def _real(ref: str | None) -> str | None:
    return ref if ref and ref.rpartition("/")[2].lower() != "auto" else None


def _stands_in(missing: list[str]) -> tuple[str, ...]:
    return (f"no {' or '.join(missing)} model is set: the agent's own",) if missing else ()


def in_words(policy: Policy, roles: Roles) -> str:
    """What will run, as a phrase: `cheap check on demo/demo, escalates to demo/demo`."""
    first, second, notes = models_for(policy, roles)
    phrase = {
        "text": "the text as it is, without a model",
        "skill": f"the tool {policy.tool} alone, without a model",
        "cheap": f"cheap check on {first}",
        "strong": f"strong run on {first}",
    }.get(policy.mode, f"agent turn on {first}")
    if second:
        phrase += f", escalates to {second}"
    if policy.target == "main":
        phrase += ", in the session itself"
    if notes:
        phrase += f" ({'; '.join(notes)})"
    return "; ".join([phrase, *_bounds(policy)])


def _bounds(policy: Policy) -> list[str]:
    stop, said = policy.stop, []
    if policy.max_runs_per_hour is not None:
        said.append(f"at most {_times(policy.max_runs_per_hour, 'run')} an hour")
    if policy.max_tokens is not None:
        said.append(f"at most {_times(policy.max_tokens, 'token')} a run")
    if policy.max_cost is not None:
        said.append(f"at most ${policy.max_cost:g} a run")
    if stop.on_success:
        said.append("stops after success")
    if stop.output_includes:
        said.append("stops when the answer says " + " or ".join(map(repr, stop.output_includes)))
    if stop.max_successes is not None:
        said.append(f"stops after {_times(stop.max_successes, 'success', 'successes')}")
    if stop.max_runs is not None:
        said.append(f"stops after {_times(stop.max_runs, 'run')}")
    return said


def _times(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
