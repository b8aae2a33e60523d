"""Markdown to Mattermost posts: passed on as it is, but for what would call a whole room or fetch.

A text that fits into one post is not taken apart. `@all`, `@channel` and `@here` notify nobody, and
an image is a link: showing one would fetch an address that the model made up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from adapters.fields import storable
from adapters.mattermost.markdown import markdown
from adapters.text import Block, parse
from adapters.text_files import set_aside
from adapters.text_split import split

# A post holds 16383 characters (docs.mattermost.com, "Message length"); the rest is room to grow.
LIMIT = 16000
_PART = 15000

# A word that stands for many people, and the beginning of an image; an unseen character parts them.
_DANGER = re.compile(r"@(?=(?:all|channel|here)(?![^\W_]))|!(?=\[)", re.IGNORECASE)
_PARTED = "\u200b"
_OPENS = re.compile(r"(`{3,})[^`]*")
# Fences that readers of Markdown may disagree about: indented, in a list or quote, or of tildes.
_UNSURE = re.compile(r"^(?:[ \t>*+\-\d.)]+[`~]{3}|~{3})|\r", re.M)


def render(text: str) -> list[dict[str, Any]]:
    """Markdown to the posts' own part of the payload, in order. [] for blank text.

    What is too long for a chat comes behind them as `{"file": name, "mime", "text"}`.
    """
    source, files = set_aside(_clean(text))
    aside = [{"file": name, "mime": mime, "text": whole} for name, mime, whole in files]
    return [*({"message": page} for page in _pages(source)), *aside]


def in_place(text: str) -> str | None:
    """Markdown for a post that is there already, nothing set aside; None when it does not fit."""
    pages = _pages(_clean(text))
    return pages[0] if len(pages) == 1 else None


def _clean(text: str) -> str:
    # The server's database takes no NUL.
    return storable(text).replace("\0", "")


def _pages(text: str) -> list[str]:
    if not text.strip():
        return []
    shown = _defused(text)
    if len(shown) <= LIMIT:
        return [shown]
    pages = [_defused(markdown(part)) for part in split(parse(text), _PART, _measure)]
    return [page for page in pages if page.strip()]


def _measure(block: Block) -> int:
    return len(_defused(markdown((block,))))


def _defused(text: str) -> str:
    """The text with nothing in it that notifies a room or fetches."""
    if not _DANGER.search(text):
        return text
    lines = text.split("\n")
    code = set() if _UNSURE.search(text) else _code(lines)
    return "\n".join(
        line if at in code else _DANGER.sub(rf"\g<0>{_PARTED}", line)
        for at, line in enumerate(lines)
    )


def _code(lines: Sequence[str]) -> set[int]:
    """The lines that are surely code, which notifies nobody and is there to be copied."""
    code: set[int] = set()
    fence = ""
    for at, line in enumerate(lines):
        if not fence:
            opened = _OPENS.fullmatch(line)
            fence = opened[1] if opened else ""
        elif not line.startswith("```"):
            code.add(at)
        elif not line.rstrip(" \t").strip("`"):
            fence = fence if len(line.rstrip(" \t")) < len(fence) else ""
        else:
            return set()
    return code
