"""Words in a message that change how it is answered: `/think high`, `/verbose on`, `/reasoning on`.

Alone they are commands and change the session; inside a text they count for this message only and
are taken out of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from bot.routing import Command, Decision, Prompt

THINKING = {
    **{level: level for level in ("off", "minimal", "low", "medium", "high")},
    **dict.fromkeys(("max", "highest", "xhigh", "x-high", "extrahigh", "extra-high"), "high"),
}
_LEVELS: Mapping[str, Mapping[str, str]] = {
    "thinking": THINKING,
    "verbose": {level: level for level in ("off", "on", "full")},
    "reasoning": {level: level for level in ("off", "on", "stream")},
}
_NAMES = {
    **dict.fromkeys(("think", "thinking", "t"), "thinking"),
    **dict.fromkeys(("verbose", "v"), "verbose"),
    **dict.fromkeys(("reasoning", "reason"), "reasoning"),
}
_DIRECTIVE = re.compile(
    rf"(?<!\S)[/!]({'|'.join(sorted(_NAMES, reverse=True))})(?:\s*:\s*|[^\S\n]+)([a-z-]+)(?!\S)"
    r"[^\S\n]*",
    re.IGNORECASE,
)
_CODE = re.compile(r"(```|~~~).*?(?:\1|\Z)|`[^`\n]*`", re.DOTALL)


def directives(text: str) -> tuple[dict[str, str], str]:
    """The settings that a text asks for, by the names of `Turn`, and what is left of it.

    A level that is not known leaves the words where they are; so does code.
    """
    code = [found.span() for found in _CODE.finditer(text)]
    asked: dict[str, str] = {}

    def taken(found: re.Match[str]) -> str:
        setting = _NAMES[found[1].lower()]
        level = _LEVELS[setting].get(found[2].lower())
        if level is None or any(start <= found.start() < end for start, end in code):
            return found[0]
        asked[setting] = level
        return ""

    rest = _DIRECTIVE.sub(taken, text)
    return (asked, rest.strip()) if asked else ({}, text)


def directed(decision: Decision) -> tuple[Decision, dict[str, str]]:
    """A decision with the directives of its text taken out, and what they ask for.

    A typed command such as `/think high why is that` is a prompt with a directive before it.
    """
    if isinstance(decision, Prompt):
        if "/" not in decision.text and "!" not in decision.text:
            return decision, {}
        asked, rest = directives(decision.text)
        return (replace(decision, text=rest), asked) if rest else (decision, {})
    if isinstance(decision, Command) and decision.known and decision.name in _NAMES:
        asked, rest = directives(f"/{decision.name} {decision.args}")
        if asked and rest:
            prompt = Prompt(
                rest, decision.route, decision.base_key, decision.rule, decision.owner, True
            )
            return prompt, asked
    return decision, {}
