"""Markdown to Discord's own Markdown (discord.com/developers/docs/reference#message-formatting).

What is text in the tree is escaped, so that it looks as it was meant and calls nobody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import discord

from adapters.fields import storable
from adapters.text import (
    Block,
    Code,
    Heading,
    ListBlock,
    Paragraph,
    QuoteBlock,
    Span,
    Spans,
    Table,
    parse,
)
from adapters.text_files import set_aside
from adapters.text_split import split
from adapters.text_table import lines

# The platform takes 2000 (resources/message#create-message).
LIMIT = 1990
# A preview would fetch an address that the model made up, data in it included.
SUPPRESS_EMBEDS = 1 << 2
NOBODY = discord.AllowedMentions.none().to_dict()

_ORDER = ("spoiler", "strike", "bold", "italic")
_MARKS = {"spoiler": "||", "strike": "~~", "bold": "**", "italic": "*"}
_GAP = "\u200b"
_URL = re.compile(r"https?://[^\s<>]+")
_SPECIAL = re.compile(
    r"\\(?=[^\w\s])|\*(?!\s)|(?<!\s)\*|`|~~|\|\||(?<!\w)_|_(?!\w)"
    r"|\[(?=[^\]]*\]\()|<(?=[@#:]|a:|t:-?\d|id:|/[^\n:<>]+:\d)"
)
_LINE_START = re.compile(r"^([ \t]*)(#{1,3}(?=\s)|-#(?=\s)|>|[-+*](?=\s)|\d{1,9}(?=\.\s))", re.M)
# Nobody is called by these (see NOBODY), and nobody shall look called.
_EVERYBODY = re.compile(r"@(?=everyone|here)")
# People stay mentioned by name, though not called; roles and commands do not come from a model.
_PERSON = re.compile(r"\\<(@!?\d{1,20}>)")


def render(text: str) -> list[dict[str, Any]]:
    """Markdown to the payloads of a message, in order, without target. [] for blank text.

    What is too long for a chat comes behind them as `{"file": name, "mime", "text"}`.
    """
    if not text.strip():
        return []
    source, files = set_aside(storable(text))
    pages = [_blocks(part) for part in split(parse(source), LIMIT, _measure)]
    shown = [page.rstrip() for page in pages if page.strip()]
    # Something that is all marks, such as an empty fence, is shown as written.
    payloads = [_payload(page) for page in shown or [_escaped(source.strip())[:LIMIT]]]
    return [*payloads, *({"file": name, "mime": mime, "text": body} for name, mime, body in files)]


def _payload(content: str) -> dict[str, Any]:
    return {"content": content, "flags": SUPPRESS_EMBEDS, "allowed_mentions": dict(NOBODY)}


def _measure(block: Block) -> int:
    return len(_block(block))


def _blocks(blocks: Sequence[Block], gap: str = "\n\n") -> str:
    return gap.join(map(_block, blocks))


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return _spans(block.spans)
    if isinstance(block, Heading):
        return _heading(block)
    if isinstance(block, Code):
        return _fence(block.text, block.language)
    if isinstance(block, Table):
        return _fence(lines(block), "")
    if isinstance(block, QuoteBlock):
        return _prefixed(_blocks(block.blocks), "> ", "> ")
    if isinstance(block, ListBlock):
        return "\n".join(_items(block))
    return "———"


def _heading(block: Heading) -> str:
    words = _spans(block.spans).replace("\n", " ")
    return f"{'#' * block.level} {words}" if block.level <= 3 else f"**{words}**"


def _fence(text: str, language: str) -> str:
    """A fence cannot be longer than three marks here, so that three inside are parted."""
    inner = text.replace("```", f"`{_GAP}`{_GAP}`")
    return f"```{re.sub(r'[^A-Za-z0-9_+.#-]', '', language)}\n{inner}\n```"


def _items(block: ListBlock) -> list[str]:
    found = []
    for at, inner in enumerate(block.items):
        bullet = "- " if block.start is None else f"{block.start + at}. "
        found.append(_prefixed(_blocks(inner, "\n"), bullet, " " * len(bullet)))
    return found


def _prefixed(text: str, first: str, others: str) -> str:
    return first + text.replace("\n", "\n" + others)


def _spans(spans: Spans) -> str:
    line = _Line()
    for span in spans:
        line.add(span)
    return line.end()


class _Line:
    """Styled spans as nested marks, which stand beside a word and never beside a space."""

    def __init__(self) -> None:
        self._out = ""
        self._space = ""
        self._begun: list[tuple[str, str]] = []

    def add(self, span: Span) -> None:
        wanted = [style for style in _ORDER if style in span.styles]
        whole = "code" in span.styles or bool(span.link)
        body = _whole(span) if whole else _escaped(span.text)
        self._close_but(wanted)
        rest = body.lstrip()
        self._space += body[: len(body) - len(rest)]
        if not rest:
            return
        self._out += self._space
        for style in wanted[len(self._begun) :]:
            # Two marks of stars in a row would be read as one.
            mark = "_" if style == "italic" and self._out.endswith("*") else _MARKS[style]
            self._begun.append((style, mark))
            self._out += mark
        text = rest.rstrip()
        self._out, self._space = self._out + text, rest[len(text) :]

    def end(self) -> str:
        self._close_but([])
        return _LINE_START.sub(_defused, self._out + self._space)

    def _close_but(self, wanted: Sequence[str]) -> None:
        """Close what is open, up to the first style that goes on."""
        begun = [style for style, _ in self._begun]
        kept = 0
        while kept < min(len(begun), len(wanted)) and begun[kept] == wanted[kept]:
            kept += 1
        while len(self._begun) > kept:
            self._out += self._begun.pop()[1]


def _whole(span: Span) -> str:
    """Code, or a link; an address that is no web address stands behind its words."""
    words = _code(span.text) if "code" in span.styles else _escaped(span.text)
    text = words if not span.link or span.link == span.text else words.replace("]", "\\]")
    if not span.link or span.link == span.text:
        return text
    if not span.link.startswith(("http://", "https://")):
        address = span.link.removeprefix("mailto:")
        return text if address in span.text else f"{text} ({_escaped(address)})"
    if _URL.search(span.text):
        return f"{text} (<{span.link}>)"
    return (
        f"[{text}](<{span.link}>)" if re.search(r"[()\s]", span.link) else f"[{text}]({span.link})"
    )


def _code(text: str) -> str:
    if "`" not in text:
        return f"`{text}`"
    inner = text.replace("``", f"`{_GAP}`")
    return f"`` {inner} ``"


def _escaped(text: str) -> str:
    """Text that shows as it is; addresses stay whole, since a mark inside would break them."""
    found, at = "", 0
    for url in _URL.finditer(text):
        found += _marked(text[at : url.start()]) + url[0]
        at = url.end()
    return found + _marked(text[at:])


def _marked(text: str) -> str:
    escaped = _SPECIAL.sub(lambda found: f"\\{found[0]}", text)
    return _EVERYBODY.sub(f"@{_GAP}", _PERSON.sub(r"<\1", escaped))


def _defused(found: re.Match[str]) -> str:
    if found[2].isdigit():
        return f"{found[1]}{found[2]}\\"
    return f"{found[1]}\\{found[2]}"
