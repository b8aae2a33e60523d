"""What a run says to people, put together: reasoning, tool lines, what its calls said, each once.

The order is fixed: reasoning where it is wanted, one line for each tool that started where the
session is verbose, the answer, and what went wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from bot.reply.release import visible

REASONING = "Reasoning:"
_LINE = 160
_OUTPUT = 600
_WORD = re.compile(r"\{([A-Za-z][A-Za-z.]{0,30})\}")
_BREAKS = re.compile(r"[\s`]+")


def joined(texts: Iterable[str], said: Iterable[str] = ()) -> str:
    """The texts of a run's calls as one answer, each once, without what its tools have `said`."""
    known = {normal(one) for one in said}
    kept = []
    for text in texts:
        if (form := normal(text)) and form not in known:
            known.add(form)
            kept.append(text.strip())
    return "\n\n".join(kept)


def normal(text: str) -> str:
    """A text as it is compared: without differences that nobody sees."""
    return " ".join(text.casefold().split())


def reasoning_message(thinking: str) -> str:
    """The reasoning as a message of its own; "" when there is none."""
    shown = visible(thinking).strip()
    return f"{REASONING}\n\n{shown}" if shown else ""


def started_line(name: str, args: Mapping[str, Any] | None) -> str:
    """One line that says which tool begins, with what."""
    with_what = json.dumps(dict(args), ensure_ascii=False) if args else ""
    return f"Tool `{name}` {_code(with_what)}".strip()


def output_line(name: str, text: str, is_error: bool) -> str:
    """What a tool gave, cut short."""
    shown = text if len(text) <= _OUTPUT else f"{text[:_OUTPUT].rstrip()} …"
    fence = "````" if "```" in shown else "```"
    state = "failed" if is_error else "gave"
    return f"Tool `{name}` {state}:\n{fence}\n{shown}\n{fence}"


def _code(text: str) -> str:
    flat = _BREAKS.sub(" ", text).strip()
    return f"`{flat if len(flat) <= _LINE else flat[: _LINE - 2] + ' …'}`" if flat else ""


def prefix_of(template: str, words: Mapping[str, str]) -> str:
    """A response prefix with its variables filled in; unknown ones stay as they are.

    `words` are by lower-case name; `auto` is the agent's name in brackets.
    """
    if template.strip().lower() == "auto":
        template = "[{identity.name}]"
    return _WORD.sub(lambda found: words.get(found[1].lower(), found[0]), template)


def prefix_words(ref: str, thinking: str, name: str) -> dict[str, str]:
    """The variables of a response prefix; `ref` is `provider/model`, "" when there is none."""
    provider, _, model = ref.partition("/")
    known = {"model": model, "modelfull": ref, "provider": provider, "identity.name": name}
    return {**known, "thinkinglevel": thinking, "think": thinking}
