"""Cuts a tree of blocks into parts that fit: whole blocks first, then lines, sentences, words.

Rendered text is never cut, so no mark is left open: a fence is closed and opened again with its
language, list numbers go on, a table repeats its header, a link stays whole.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

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
    plain,
)

Blocks: TypeAlias = tuple[Block, ...]
# How long a block is once rendered, in the platform's unit.
Measure: TypeAlias = Callable[[Block], int]

# What stands between two blocks: an empty line.
_GAP = 2
# Where to break, best first.
_BREAKS = (re.compile(r"\n"), re.compile(r"[.!?…。！？][\"')\]”’]*\s"), re.compile(r"\s"))  # noqa: RUF001


def split(blocks: Sequence[Block], limit: int, measure: Measure) -> list[Blocks]:
    """The blocks in parts of at most `limit` in the unit of `measure`."""
    parts: list[Blocks] = []
    rest = tuple(blocks)
    while rest:
        head, tail = _cut(rest, limit, measure)
        # Only a limit smaller than a block's own marks leaves nothing to take: then it is exceeded.
        parts.append(head or rest[:1])
        rest = tail if head else rest[1:]
    return parts


def _cut(blocks: Blocks, room: int, measure: Measure) -> tuple[Blocks, Blocks]:
    """As many blocks as fit, and the rest; a block that fits into no part is cut itself."""
    used = 0
    for at, block in enumerate(blocks):
        gap = _GAP if at else 0
        size = measure(block)
        if used + gap + size <= room:
            used += gap + size
            continue
        left = room - used - gap
        if at and (size <= room or left < room // 4):
            # A heading stays with what it is the heading of.
            at -= at > 1 and isinstance(blocks[at - 1], Heading)
            return blocks[:at], blocks[at:]
        head, tail = _halve(block, left, measure)
        return (*blocks[:at], *head), (*tail, *blocks[at + 1 :])
    return blocks, ()


def _halve(block: Block, room: int, measure: Measure) -> tuple[Blocks, Blocks]:
    if isinstance(block, Paragraph | Heading):
        return _halve_text(block, room, measure)
    if isinstance(block, Code):
        return _halve_code(block, room, measure)
    if isinstance(block, Table):
        return _halve_table(block, room, measure)
    if isinstance(block, ListBlock):
        return _halve_list(block, room, measure)
    if isinstance(block, QuoteBlock):
        frame = measure(QuoteBlock(()))
        head, tail = _cut(block.blocks, room - frame, lambda inner: measure(QuoteBlock((inner,))))
        return _whole(QuoteBlock(head), head), _whole(QuoteBlock(tail), tail)
    return (), (block,)


def _whole(block: Block, inner: Sequence[object]) -> Blocks:
    return (block,) if inner else ()


def _most(count: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to `count` that fits; more never fits when less does not."""
    return bisect_right(range(1, count + 1), 0, key=lambda number: 0 if fits(number) else 1)


def _halve_text(block: Paragraph | Heading, room: int, measure: Measure) -> tuple[Blocks, Blocks]:
    text = plain(block.spans)
    most = _most(
        len(text), lambda n: measure(replace(block, spans=_slice(block.spans, 0, n))) <= room
    )
    at = _break(text, most, block.spans)
    head = _slice(block.spans, 0, len(text[:at].rstrip()))
    tail = _slice(block.spans, at + len(text[at:]) - len(text[at:].lstrip()), len(text))
    return _whole(replace(block, spans=head), head), _whole(replace(block, spans=tail), tail)


def _slice(spans: Spans, start: int, end: int) -> Spans:
    kept: list[Span] = []
    at = 0
    for span in spans:
        piece = span.text[max(start - at, 0) : max(end - at, 0)]
        if piece:
            kept.append(replace(span, text=piece))
        at += len(span.text)
    return tuple(kept)


def _break(text: str, most: int, spans: Spans) -> int:
    """The best place to break at or before `most`; in its second half, so that parts stay large."""
    if most >= len(text):
        return most
    for pattern in _BREAKS:
        ends = [m.end() for m in pattern.finditer(text, most // 2, most + 1) if m.end() <= most]
        free = [end for end in ends if _outside_links(end, spans) == end]
        if free:
            return free[-1]
    return _grapheme(text, _outside_links(most, spans) or most)


def _outside_links(at: int, spans: Spans) -> int:
    """The place itself, or the start of the link it lies in."""
    start = 0
    for span in spans:
        end = start + len(span.text)
        if span.link and start < at < end:
            return start
        start = end
    return at


def _grapheme(text: str, at: int) -> int:
    """The last place up to `at` that does not part a character from what belongs to it."""
    while at > 1 and _joined(text, at):
        at -= 1
    return at


def _joined(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if _is_flag(after) and _is_flag(before):
        run = 0
        while run < at and _is_flag(text[at - 1 - run]):
            run += 1
        return run % 2 == 1
    joiner = "\u200d" in (before, after)
    return joiner or "\U0001f3fb" <= after <= "\U0001f3ff" or unicodedata.category(after)[0] == "M"


def _is_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _halve_code(block: Code, room: int, measure: Measure) -> tuple[Blocks, Blocks]:
    lines = block.text.split("\n")

    def head(count: int) -> Code:
        return replace(block, text="\n".join(lines[:count]))

    count = _most(len(lines), lambda n: measure(head(n)) <= room)
    if count:
        rest = "\n".join(lines[count:])
        return (head(count),), _whole(replace(block, text=rest), rest)
    most = _most(len(lines[0]), lambda n: measure(replace(block, text=lines[0][:n])) <= room)
    at = _grapheme(block.text, most) if most else 0
    if not at:
        return (), (block,)
    return (replace(block, text=block.text[:at]),), (replace(block, text=block.text[at:]),)


def _halve_table(block: Table, room: int, measure: Measure) -> tuple[Blocks, Blocks]:
    count = _most(len(block.rows), lambda n: measure(replace(block, rows=block.rows[:n])) <= room)
    if count:
        head, rest = replace(block, rows=block.rows[:count]), block.rows[count:]
        return (head,), _whole(replace(block, rows=rest), rest)
    # Not even one row fits: its words matter more than its columns.
    rows = (block.header, *block.rows)
    return _cut(tuple(Paragraph(_in_one_line(row)) for row in rows), room, measure)


def _in_one_line(row: Sequence[Spans]) -> Spans:
    parts: list[Span] = []
    for cell in row:
        parts.extend([*([Span(" | ")] if parts else []), *cell])
    return tuple(parts)


def _halve_list(block: ListBlock, room: int, measure: Measure) -> tuple[Blocks, Blocks]:
    count = _most(
        len(block.items), lambda n: measure(replace(block, items=block.items[:n])) <= room
    )
    if count:
        head, rest = replace(block, items=block.items[:count]), block.items[count:]
        return (head,), _whole(_from(block, count, rest), rest)
    first, others = block.items[0], block.items[1:]
    start, tail = _cut(first, room, lambda inner: measure(replace(block, items=((inner,),))))
    rest = (tail, *others) if tail else others
    return _whole(replace(block, items=(start,)), start), _whole(_from(block, 0, rest), rest)


def _from(block: ListBlock, done: int, items: tuple[Blocks, ...]) -> ListBlock:
    return replace(block, items=items, start=None if block.start is None else block.start + done)
