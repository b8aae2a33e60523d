"""Markdown to Telegram messages: text and entities in UTF-16 offsets, never marked-up text.

Entities cannot be broken by what the text contains (core.telegram.org/bots/api#messageentity).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

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

# The API takes 4096 (#sendmessage); the rest is room for what a count may see differently.
LIMIT = 4000

# The platform ignores what is beyond (telegram.constants.MessageLimit.MESSAGE_ENTITIES).
MOST_ENTITIES = 100

# An entity's type and what it points to: a language or an address.
Mark: TypeAlias = tuple[str, str]
Look: TypeAlias = frozenset[Mark]

_PLAIN: Look = frozenset()
_MARKS: dict[str, Mark] = {
    "bold": ("bold", ""),
    "italic": ("italic", ""),
    "strike": ("strikethrough", ""),
    "spoiler": ("spoiler", ""),
    "code": ("code", ""),
}
_QUOTE: Mark = ("blockquote", "")
_VALUES = {"text_link": "url", "pre": "language"}
# A preview would fetch an address that the model made up, data in it included.
_NO_PREVIEW = {"is_disabled": True}


def render(text: str) -> list[dict[str, Any]]:
    """Markdown to the payloads of sendMessage, in order, without target. [] for blank text.

    What is too long for a chat comes behind them as `{"document": name, "mime", "content"}`.
    """
    if not text.strip():
        return []
    text, files = set_aside(storable(text))
    pages = [_page(part) for part in split(parse(text), LIMIT, _measure)]
    payloads = [page.payload() for page in pages if page.text.strip()]
    # Something that is all marks, such as an empty fence, is shown as written.
    shown = payloads or [{"text": text.strip()[:LIMIT], "link_preview_options": _NO_PREVIEW}]
    return [*shown, *({"document": n, "mime": mime, "content": body} for n, mime, body in files)]


def utf16(text: str) -> int:
    """The length of a text as Telegram counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _measure(block: Block) -> int:
    """The length; where formatting is dense, what it takes of a message's share of entities."""
    page = _page((block,))
    return max(utf16(page.text), page.count() * (LIMIT // MOST_ENTITIES))


def _page(blocks: Sequence[Block]) -> _Page:
    page = _Page()
    page.blocks(blocks, _PLAIN, "", "\n\n")
    return page


class _Page:
    """Text in pieces, each with the marks it stands under."""

    def __init__(self) -> None:
        self._pieces: list[tuple[str, Look]] = []

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self._pieces)

    def payload(self) -> dict[str, Any]:
        text = self.text.rstrip()
        entities = self._entities(utf16(text))
        marks = {"entities": entities} if entities else {}
        return {"text": text, **marks, "link_preview_options": _NO_PREVIEW}

    def count(self) -> int:
        """How many entities there are."""
        return len(self._entities(utf16(self.text)))

    def _entities(self, last: int) -> list[dict[str, Any]]:
        found: list[tuple[int, int, Mark]] = []
        begun: dict[Mark, int] = {}
        at = 0
        for text, look in [*self._pieces, ("", _PLAIN)]:
            for mark in [mark for mark in begun if mark not in look]:
                found.append((begun.pop(mark), min(at, last), mark))
            for mark in look:
                begun.setdefault(mark, at)
            at += utf16(text)
        kept = [entry for entry in found if entry[0] < entry[1]]
        ordered = sorted(kept, key=lambda entry: (entry[0], -entry[1], entry[2]))
        return [_entity(*entry) for entry in ordered]

    def put(self, text: str, look: Look) -> None:
        if text:
            self._pieces.append((text, look))

    def blocks(self, blocks: Sequence[Block], look: Look, indent: str, gap: str) -> None:
        for at, block in enumerate(blocks):
            if at:
                self.put(gap + indent, look)
            self._block(block, look, indent)

    def _block(self, block: Block, look: Look, indent: str) -> None:
        if isinstance(block, Paragraph):
            self._spans(block.spans, look, indent)
        elif isinstance(block, Heading):
            self._spans(block.spans, look | {_MARKS["bold"]}, indent)
        elif isinstance(block, Code):
            self.put(block.text, _code(look, ("pre", block.language)))
        elif isinstance(block, Table):
            self.put(lines(block), _code(look, ("pre", "")))
        elif isinstance(block, QuoteBlock):
            self.blocks(block.blocks, look | {_QUOTE}, indent, "\n\n")
        elif isinstance(block, ListBlock):
            self._list(block, look, indent)
        else:
            self.put("———", look)

    def _list(self, block: ListBlock, look: Look, indent: str) -> None:
        bullet = "◦" if indent else "•"
        for at, item in enumerate(block.items):
            if at:
                self.put("\n" + indent, look)
            number = bullet if block.start is None else f"{block.start + at}."
            self.put(f"{number} ", look)
            self.blocks(item, look, indent + "   ", "\n")

    def _spans(self, spans: Spans, look: Look, indent: str) -> None:
        for span in spans:
            text, marks = _styled(span, look)
            self.put(text.replace("\n", "\n" + indent) if indent else text, marks)


def _code(look: Look, mark: Mark) -> Look:
    """Code takes no other entity; only a quote may stand around it."""
    return frozenset({mark, *(look & {_QUOTE})})


def _styled(span: Span, look: Look) -> tuple[str, Look]:
    marks = look | {_MARKS[style] for style in span.styles}
    if not span.link or span.link == span.text:
        return span.text, _code(look, _MARKS["code"]) if "code" in span.styles else marks
    if not span.link.startswith(("http://", "https://", "tg://")):
        address = span.link.removeprefix("mailto:")
        return span.text if address in span.text else f"{span.text} ({address})", marks
    return span.text, (marks - {_MARKS["code"]}) | {("text_link", span.link)}


def _entity(start: int, end: int, mark: Mark) -> dict[str, Any]:
    kind, value = mark
    entity: dict[str, Any] = {"type": kind, "offset": start, "length": end - start}
    return {**entity, _VALUES[kind]: value} if value else entity
