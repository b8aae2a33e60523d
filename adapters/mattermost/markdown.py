"""Blocks back to Markdown as Mattermost reads it: for texts that must be cut into several posts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise, zip_longest

from adapters.text import (
    Block,
    Code,
    Heading,
    ListBlock,
    Paragraph,
    QuoteBlock,
    Span,
    Spans,
    Style,
    Table,
)

# What could begin formatting where it stands in plain text.
_MEANING = re.compile(r"[\\`*_~\[\]|]")
_LEADING = re.compile(r"^(\s{0,3}\d{0,9})((?<!\d)(?:>|[#+-]+(?=\s))|(?<=\d)[.)](?=\s))", re.M)
# A table's cell ends at this wherever it stands, in code, too.
_BAR = re.compile(r"(?<!\\)\|")
_MARKS: tuple[tuple[Style, str], ...] = (
    ("spoiler", "||"),
    ("strike", "~~"),
    ("bold", "**"),
    ("italic", "_"),
)
_ALIGN = {"left": "---", "center": ":-:", "right": "--:"}


def markdown(blocks: Sequence[Block]) -> str:
    """Blocks as Markdown, an empty line between two."""
    shown: list[str] = []
    follows = other = False
    for block in blocks:
        # Two lists with the same marks, one behind the other, would become one.
        other = follows and isinstance(block, ListBlock) and not other
        follows = isinstance(block, ListBlock)
        shown.append(_list(block, other) if isinstance(block, ListBlock) else _block(block))
    return "\n\n".join(shown)


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return _spans(block.spans)
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_spans(block.spans)}"
    if isinstance(block, Code):
        fence = "`" * max(3, _run(block.text) + 1)
        return f"{fence}{block.language}\n{block.text}\n{fence}"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, QuoteBlock):
        return _indent(markdown(block.blocks), "> ", "> ")
    if isinstance(block, ListBlock):
        return _list(block)
    return "---"


def _run(text: str) -> int:
    """The longest run of backticks, which what surrounds it must exceed."""
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _list(block: ListBlock, other: bool = False) -> str:
    """A list; with its `other` marks it is told apart from one before."""
    lines = []
    bullet, dot = ("*", ")") if other else ("-", ".")
    for at, item in enumerate(block.items):
        mark = f"{bullet} " if block.start is None else f"{block.start + at}{dot} "
        gaps = [_gap(*pair) for pair in pairwise(item)]
        pieces = zip_longest(map(_block, item), gaps, fillvalue="")
        inner = "".join(text + gap for text, gap in pieces)
        lines.append(_indent(inner, mark, " " * len(mark)))
    return "\n".join(lines)


def _gap(before: Block, block: Block) -> str:
    """A nested list follows its line without a gap, or every item would get one."""
    return "\n\n" if isinstance(before, Paragraph) and isinstance(block, Paragraph) else "\n"


def _indent(text: str, first: str, rest: str) -> str:
    return first + text.replace("\n", "\n" + rest)


def _table(table: Table) -> str:
    rows = [table.header, *table.rows]
    lines = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    ruler = "|" + "|".join(_ALIGN[align] for align in table.align) + "|"
    return "\n".join([lines[0], ruler, *lines[1:]])


def _cell(spans: Spans) -> str:
    return _BAR.sub(r"\|", _spans(spans).replace("\n", " "))


def _spans(spans: Spans) -> str:
    edges = ["", *(span.text for span in spans), ""]
    return "".join(_span(span, edges[at][-1:] + edges[at + 2][:1]) for at, span in enumerate(spans))


def _span(span: Span, beside: str) -> str:
    """One span; marks hug the words, since they do not work beside a space.

    `beside` are the letters around it: an underscore means nothing inside a word.
    """
    text = span.text
    if span.link == text or span.link == f"mailto:{text}":
        return f"<{text}>"
    words = text.strip()
    if not words:
        return text
    before, after = text[: text.index(words)], text[text.index(words) + len(words) :]
    if "code" in span.styles:
        tick = "`" * (_run(words) + 1)
        gap = " " if words[0] == "`" or words[-1] == "`" else ""
        shown = f"{tick}{gap}{words}{gap}{tick}"
    else:
        shown = _LEADING.sub(r"\1\\\2", _MEANING.sub(r"\\\g<0>", words))
    for style, usual in _MARKS:
        if style in span.styles:
            inside = style == "italic" and any(letter.isalnum() for letter in beside)
            mark = "*" if inside else usual
            shown = f"{mark}{shown}{mark}"
    return before + (f"[{shown}]({span.link})" if span.link else shown) + after
