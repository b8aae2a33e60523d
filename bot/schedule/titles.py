"""What a task is called and what it is asked to do, from the words beside its schedule."""

from __future__ import annotations

import re

LONGEST = 64
_SHORT = 3
_WORDS = 5
_COLON = re.compile(r":(?=\s|[A-Z])")
_POLITE = re.compile(
    r"(?:(?:please|pls|kindly|just|hey|hi)\b[\s,]*"
    r"|(?:can|could|would|will) you\b[\s,]*"
    r"|i(?:'d| would)? (?:want|like|need) you to\b[\s,]*"
    r"|remind me (?:to|that|about|of)\b[\s,]*)",
    re.IGNORECASE,
)
_CONNECTIVES = frozenset(
    (
        *("and", "or", "but", "then", "if", "when", "while", "with", "without", "that", "which"),
        *("who", "for", "from", "to", "into", "of", "on", "in", "at", "by", "as", "so", "because"),
        *("until", "unless", "before", "after", "about", "via", "using", "the", "a", "an"),
    )
)
_WORK = re.compile(
    r"\b(?:check|monitor|watch|search|find|research|summari[sz]e|analy[sz]e|status)\w*\b",
    re.IGNORECASE,
)
_REMIND = re.compile(r"(?:please\s+)?remind me\b[\s,]*(?:to\b\s*)?", re.IGNORECASE)


def split(text: str) -> tuple[str, str]:
    """The name and the prompt: what stands before a colon, or the first words of all of it.

    The colon of an address or of a clock time, or one far into a sentence, names nothing.
    """
    text = text.strip()
    if found := _COLON.search(text[: LONGEST + 1]):
        name, prompt = text[: found.start()].strip(), text[found.end() :].strip()
        if name and prompt and "://" not in name:
            return " ".join(name.split()), prompt
    return built(text), text


def built(prompt: str) -> str:
    """A name of up to five words of the prompt, without politeness."""
    rest = prompt.strip()
    while found := _POLITE.match(rest):
        rest = rest[found.end() :]
    words = (rest or prompt).split()[:_WORDS]
    for place, word in enumerate(words):
        if place >= _SHORT and word.lower().strip(",;") in _CONNECTIVES:
            words = words[:place]
            break
    name = " ".join(words)[:LONGEST].strip(" ,;:.!?-")
    return name or "Task"


def reminder(text: str) -> str:
    """The prompt of `remind me to …`: it stays a reminder unless work is asked for."""
    found = _REMIND.match(text)
    rest = text[found.end() :] if found else text
    return rest if _WORK.search(rest) or not rest else f"remind me to {rest}"
