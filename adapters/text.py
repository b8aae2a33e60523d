"""Markdown to a neutral tree of blocks and styled spans, which each platform renders its own way.

The source is what models write: CommonMark with tables, ~~strikethrough~~ and ||spoilers||. HTML is
text, and a line break in the source is one on the screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, TypeAlias

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

Style = Literal["bold", "italic", "strike", "spoiler", "code"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text in one look; `link` is where it leads."""

    text: str
    styles: frozenset[Style] = frozenset()
    link: str = ""


Spans: TypeAlias = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    spans: Spans


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    spans: Spans


@dataclass(frozen=True, slots=True)
class Code:
    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class QuoteBlock:
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class ListBlock:
    """`start` is the first number, None when the items are not numbered."""

    items: tuple[tuple[Block, ...], ...]
    start: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    header: tuple[Spans, ...]
    rows: tuple[tuple[Spans, ...], ...]
    align: tuple[Literal["left", "center", "right"], ...]


@dataclass(frozen=True, slots=True)
class Rule:
    pass


Block: TypeAlias = Paragraph | Heading | Code | QuoteBlock | ListBlock | Table | Rule

# Text in which no character can mean formatting needs no parser: most of what is said in a chat.
_PLAIN = re.compile(r"(?!\d{1,9}[.)])[^\s\0*_`~|<>#\\&\[\]=+-][^*_`~|<>#\\&\[\]\t\r\n\0]*")
# How deep lists and quotes may stand in each other; what is deeper the parser would drop.
_DEEPEST = 40
_CODE: tuple[Style] = ("code",)
_STYLES: dict[str, Style] = {"strong": "bold", "em": "italic", "s": "strike", "spoiler": "spoiler"}


def parse(markdown: str) -> tuple[Block, ...]:
    """Markdown to its blocks; never fails, since every text is Markdown."""
    if _PLAIN.fullmatch(markdown):
        return (Paragraph((Span(markdown.rstrip(" ")),)),)
    found = tokens(markdown)
    if any(token.level >= _DEEPEST - 1 for token in found):
        # No answer is built like this; its words are worth more than its shape.
        return (Paragraph((Span(markdown.strip()),)),)
    return tuple(_blocks(_Tokens(found)))


def tokens(markdown: str) -> list[Token]:
    """The parser's own view of a text, with the lines of the source that each block covers."""
    return _parser().parse(markdown)


def plain(spans: Sequence[Span]) -> str:
    """The words of spans alone."""
    return "".join(span.text for span in spans)


def with_addresses(spans: Sequence[Span]) -> str:
    """The words of spans, and where their links lead: for places that cannot hold a link."""
    return "".join(
        f"{span.text} ({span.link})"
        if span.link.startswith(("http://", "https://")) and span.link != span.text
        else span.text
        for span in spans
    )


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST})
    parser.enable(["table", "strikethrough"])
    # Indented text is seldom meant as code by a model, and often is a list gone wrong.
    parser.disable(["html_block", "html_inline", "code"])
    parser.inline.ruler.before("link", "spoiler", _spoiler)
    parser.inline.add_terminator_char("|")
    return parser


def _spoiler(state: StateInline, silent: bool) -> bool:
    """Inline rule for `||hidden||`; the marks touch what they hide."""
    start, source = state.pos + 2, state.src
    if not source.startswith("||", state.pos) or source[start : start + 1].isspace():
        return False
    end = source.find("||", start, state.posMax)
    if end <= start or source[end - 1].isspace():
        return False
    if not silent:
        last, state.pos, state.posMax = state.posMax, start, end
        state.push("spoiler_open", "", 1)
        state.md.inline.tokenize(state)
        state.push("spoiler_close", "", -1)
        state.posMax = last
    state.pos = end + 2
    return True


class _Tokens:
    """The parser's flat list of tokens, read one after the other."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def next(self) -> Token | None:
        """The next token; None at the end."""
        if self._at == len(self._tokens):
            return None
        self._at += 1
        return self._tokens[self._at - 1]

    def until(self, kind: str) -> Iterator[Token]:
        """The tokens up to the next of this kind, which is passed over."""
        while (token := self.next()) and token.type != kind:
            yield token


def _blocks(tokens: _Tokens, closing: str = "") -> Iterator[Block]:
    for token in tokens.until(closing):
        if token.type == "inline":
            if spans := _spans(token.children or []):
                yield Paragraph(spans)
        elif token.type == "heading_open":
            inline = next(tokens.until("heading_close"), None)
            yield Heading(int(token.tag[1:]), _spans((inline and inline.children) or []))
            tokens.next()
        elif token.type in ("fence", "code_block"):
            words = token.info.split()
            yield Code(token.content.removesuffix("\n"), words[0] if words else "")
        elif token.type == "blockquote_open":
            yield QuoteBlock(tuple(_blocks(tokens, "blockquote_close")))
        elif token.type == "bullet_list_open":
            yield ListBlock(tuple(_items(tokens, "bullet_list_close")))
        elif token.type == "ordered_list_open":
            start = int(token.attrs.get("start", 1))
            yield ListBlock(tuple(_items(tokens, "ordered_list_close")), start)
        elif token.type == "table_open":
            yield _table(tokens)
        elif token.type == "hr":
            yield Rule()


def _items(tokens: _Tokens, closing: str) -> Iterator[tuple[Block, ...]]:
    for token in tokens.until(closing):
        if token.type == "list_item_open":
            yield tuple(_blocks(tokens, "list_item_close"))


def _table(tokens: _Tokens) -> Table:
    rows: list[list[Spans]] = []
    align: list[Literal["left", "center", "right"]] = []
    for token in tokens.until("table_close"):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_spans(token.children or []))
        elif token.type == "th_open":
            style = str(token.attrGet("style") or "")
            align.append("right" if "right" in style else "center" if "center" in style else "left")
    return Table(tuple(rows[0]), tuple(map(tuple, rows[1:])), tuple(align))


def _spans(tokens: Sequence[Token]) -> Spans:
    """Inline tokens as spans; neighbours of one look are joined."""
    styles: list[Style] = []
    links: list[str] = []
    spans: list[Span] = []
    for token in tokens:
        name, _, edge = token.type.rpartition("_")
        if token.type == "link_open":
            links.append(str(token.attrGet("href") or ""))
        elif token.type == "link_close":
            links.pop()
        elif name in _STYLES and edge == "open":
            styles.append(_STYLES[name])
        elif name in _STYLES:
            styles.pop()
        elif text := _text(token):
            look = frozenset([*styles, *_CODE] if token.type == "code_inline" else styles)
            link = str(token.attrGet("src") or "") if token.type == "image" else "".join(links[-1:])
            _append(spans, Span(text, look, link))
    return tuple(spans)


def _text(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    return token.content or (str(token.attrGet("src") or "") if token.type == "image" else "")


def _append(spans: list[Span], span: Span) -> None:
    last = spans[-1] if spans else None
    if last and last.styles == span.styles and last.link == span.link:
        spans[-1] = replace(last, text=last.text + span.text)
    else:
        spans.append(span)
