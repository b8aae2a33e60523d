"""Markdown to Slack messages: rich text blocks, in which nothing is parsed, and a text beside them.

See docs.slack.dev/reference/block-kit/blocks/rich-text-block and .../table-block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from adapters.fields import storable
from adapters.slack.mrkdwn import LINKS, defused, escaped, mrkdwn
from adapters.text import (
    Block,
    Code,
    Heading,
    ListBlock,
    Paragraph,
    QuoteBlock,
    Rule,
    Span,
    Spans,
    Table,
    parse,
)
from adapters.text_files import set_aside
from adapters.text_split import split
from adapters.text_table import lines

Piece: TypeAlias = dict[str, Any]

# chat.update takes 4000 characters of text (docs.slack.dev/reference/methods/chat.update#errors).
LIMIT = 3900
# docs.slack.dev/reference/block-kit/blocks: so many in a message; two are left for buttons.
MOST_BLOCKS = 48
_MOST_ROWS, _MOST_COLUMNS = 100, 20
# An address in running text, without the punctuation behind it.
_ADDRESS = re.compile(r"https?://[^\s<>\"'`|]{1,2000}(?<![.,;:!?)\]}*_~])")
# An address would be fetched for a preview, data in it included.
_QUIET = {"unfurl_links": False, "unfurl_media": False, "link_names": False}


def render(text: str) -> list[Piece]:
    """Markdown to the payloads of chat.postMessage, in order, without target. [] for blank text.

    What is too long for a chat comes behind them as `{"document": name, "mime", "content"}`.
    """
    text = storable(text).replace("\0", "")
    if not text.strip():
        return []
    text, files = set_aside(text)
    parts = split(parse(text), LIMIT, lambda block: len(mrkdwn((block,))))
    payloads = [_payload(part) for part in parts if mrkdwn(part).strip()]
    # Something that is all marks, such as an empty link, is shown as written.
    shown = payloads or [{"text": escaped(defused(text.strip()))[:LIMIT], **_QUIET}]
    return [*shown, *({"document": n, "mime": mime, "content": body} for n, mime, body in files)]


def _payload(blocks: Sequence[Block]) -> Piece:
    page = _Page()
    page.add(blocks)
    shown = page.blocks()
    extra = {"blocks": shown} if 0 < len(shown) <= MOST_BLOCKS else {}
    return {"text": mrkdwn(blocks), **extra, **_QUIET}


class _Page:
    """Builds the blocks of one message: rich text, with tables and rules between."""

    def __init__(self) -> None:
        self._done: list[Piece] = []
        self._rich: list[Piece] = []
        self._tables = 0

    def blocks(self) -> list[Piece]:
        self._close()
        return self._done

    def add(self, blocks: Sequence[Block]) -> None:
        for block in blocks:
            if isinstance(block, Paragraph):
                self._section(_elements(block.spans))
            elif isinstance(block, Heading):
                self._section(_elements(block.spans, {"bold": True}))
            elif isinstance(block, Code):
                self._rich.append(_code(block.text, block.language))
            elif isinstance(block, QuoteBlock):
                self._rich.append({"type": "rich_text_quote", "elements": _inline(block.blocks)})
            elif isinstance(block, ListBlock):
                self._list(block, 0)
            elif isinstance(block, Table):
                self._table(block)
            else:
                self._close()
                self._done.append({"type": "divider"})

    def _close(self) -> None:
        if self._rich:
            self._done.append({"type": "rich_text", "elements": self._rich})
            self._rich = []

    def _section(self, elements: list[Piece]) -> None:
        """Two paragraphs in a row become one section: sections have no space between them."""
        if self._rich and self._rich[-1]["type"] == "rich_text_section":
            self._rich[-1]["elements"] += [_text("\n\n"), *elements]
        else:
            self._rich.append({"type": "rich_text_section", "elements": elements})

    def _list(self, block: ListBlock, depth: int) -> None:
        """Lists in lists follow one another with a deeper indent; the outer one then goes on."""
        for at, item in enumerate(block.items):
            said = [part for part in item if isinstance(part, Paragraph | Heading)]
            self._item(block, at, depth, _inline(said))
            for part in item:
                if isinstance(part, ListBlock):
                    self._list(part, depth + 1)
                elif not isinstance(part, Paragraph | Heading):
                    self.add((part,))

    def _item(self, block: ListBlock, at: int, depth: int, elements: list[Piece]) -> None:
        section = {"type": "rich_text_section", "elements": elements}
        style = "bullet" if block.start is None else "ordered"
        last = self._rich[-1] if self._rich else {}
        same = (last.get("type"), last.get("style"), last.get("indent"))
        if at and same == ("rich_text_list", style, depth):
            last["elements"].append(section)
            return
        begun: Piece = {"type": "rich_text_list", "style": style, "indent": depth, "border": 0}
        if block.start is not None and block.start + at > 1:
            begun["offset"] = block.start + at - 1
        self._rich.append({**begun, "elements": [section]})

    def _table(self, block: Table) -> None:
        """A message holds one table; others, and those too large, are text in columns."""
        fits = len(block.rows) < _MOST_ROWS and len(block.header) <= _MOST_COLUMNS
        if self._tables or not fits:
            self._rich.append(_code(defused(lines(block))))
            return
        self._tables += 1
        self._close()
        rows = [[_cell(cell) for cell in row] for row in (block.header, *block.rows)]
        columns = [{"align": align, "is_wrapped": True} for align in block.align]
        self._done.append({"type": "table", "rows": rows, "column_settings": columns})


def _code(text: str, language: str = "") -> Piece:
    code = {"type": "rich_text_preformatted", "elements": [_text(text or " ")], "border": 0}
    return {**code, "language": language} if language else code


def _cell(spans: Spans) -> Piece:
    """A cell must hold something."""
    elements = _elements(spans)
    if all(set(element) == {"type", "text"} for element in elements):
        words = "".join(element["text"] for element in elements)
        return {"type": "raw_text", "text": words if words.strip() else "\u00a0"}
    section = {"type": "rich_text_section", "elements": elements}
    return {"type": "rich_text", "elements": [section]}


def _inline(blocks: Sequence[Block]) -> list[Piece]:
    """Blocks where only running text may stand, such as in a quote."""
    found: list[Piece] = []
    for at, block in enumerate(blocks):
        if at:
            found.append(_text("\n"))
        found += _flat(block)
    return found or [_text(" ")]


def _flat(block: Block) -> list[Piece]:
    if isinstance(block, Paragraph):
        return _elements(block.spans)
    if isinstance(block, Heading):
        return _elements(block.spans, {"bold": True})
    if isinstance(block, Code):
        return [{**_text(block.text or " "), "style": {"code": True}}]
    if isinstance(block, Table):
        return [{**_text(defused(lines(block))), "style": {"code": True}}]
    if isinstance(block, Rule):
        return [_text("———")]
    if isinstance(block, QuoteBlock):
        return [_text("> "), *_inline(block.blocks)]
    found: list[Piece] = []
    for at, item in enumerate(block.items):
        bullet = "•" if block.start is None else f"{block.start + at}."
        found += [_text(f"{chr(10) if at else ''}{bullet} "), *_inline(item)]
    return found


def _elements(spans: Spans, style: dict[str, bool] | None = None) -> list[Piece]:
    found = [piece for span in spans for piece in _span(span, style or {})]
    return found or [_text(" ")]


def _span(span: Span, more: dict[str, bool]) -> Iterator[Piece]:
    style = {**more, **{str(name): True for name in sorted(span.styles - {"spoiler"})}}
    dressed = {"style": style} if style else {}
    if span.link.startswith(LINKS):
        yield {"type": "link", "url": span.link[:3000], **_label(span), **dressed}
    elif "code" in span.styles:
        yield {**_text(span.text), **dressed}
    else:
        for piece in _with_addresses(_words(span)):
            yield {**piece, **dressed}


def _label(span: Span) -> Piece:
    return {} if span.text == span.link else {"text": defused(span.text)}


def _words(span: Span) -> str:
    """A span's text; an address that Slack opens no link to stands behind it."""
    address = span.link.removeprefix("mailto:")
    return span.text if address in span.text else f"{span.text} ({address})"


def _with_addresses(text: str) -> Iterator[Piece]:
    """Running text with its addresses as links: in rich text Slack does not look for them."""
    at = 0
    for match in _ADDRESS.finditer(text):
        if match.start() > at:
            yield _text(defused(text[at : match.start()]))
        yield {"type": "link", "url": match[0]}
        at = match.end()
    if at < len(text):
        yield _text(defused(text[at:]))


def _text(text: str) -> Piece:
    return {"type": "text", "text": text}
