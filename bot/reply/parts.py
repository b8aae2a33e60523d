"""A long Markdown text as several messages, cut where it hurts least.

The cut is made in the source, before any platform's markup exists: at the edge of a block, else a
paragraph, a line, a sentence, a word, a letter.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field

_FENCE_LINE = re.compile(r"( *)(`{3,}|~{3,})(.*)")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
_WHOLE = re.compile(
    r"!?\[(?:[^\[\]\n]|\n(?!\n)){0,500}\]\([^()\n]{0,2000}\)|<[^<>\s]{1,2000}>"
    r"|\bhttps?://[^\s<>]{1,2000}|(?<!`)(`{1,2})(?!`)[^`\n]{1,500}\1|[@#]\w{1,100}"
)
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_LINE = re.compile(r"\n")
_SENTENCE = re.compile(r"(?<=[.!?\u2026])(?=\s)|(?<=[\u3002\uff01\uff1f])")
_WORD = re.compile(r"\s")
# Where to cut, best first: the pattern, how full the part must be then, and whether a fence or a
# table may be torn there.
_EDGES = (
    (re.compile(r"\n[ \t]*\n(?=#|[`~]{3}|\|)"), 0.6, False),
    (_PARAGRAPH, 0.3, False),
    (_LINE, 0.3, False),
    (_LINE, 0.3, True),
    (_SENTENCE, 0.3, True),
    (_WORD, 0.3, True),
    (_LINE, 0.0, True),
    (_WORD, 0.0, True),
)
_GAP = re.compile(r"(?:[ \t]*\n)+|[ \t]*")


def size(text: str, utf16: bool) -> int:
    """The length as a platform counts it: UTF-16 units, or code points."""
    return len(text) + sum(letter > "\uffff" for letter in text) if utf16 else len(text)


@dataclass(frozen=True, slots=True)
class _Block:
    """A fence or table from `start` to `end`; text cut between needs `head` again, and `tail`."""

    start: int
    body: int
    end: int
    head: str
    tail: str = ""


@dataclass(slots=True)
class Layout:
    """Where a Markdown text may be cut."""

    text: str
    blocks: list[_Block] = field(default_factory=list)
    wholes: list[tuple[int, int]] = field(default_factory=list)

    def block(self, at: int) -> _Block | None:
        """The block that a cut here would tear."""
        index = bisect_right(self.blocks, at - 1, key=lambda block: block.start) - 1
        found = self.blocks[index] if index >= 0 else None
        return found if found and found.start < at < found.end else None

    def clear(self, at: int) -> int:
        """The nearest place at or before `at` that tears no link, mention or letter."""
        index = bisect_right(self.wholes, (at - 1, len(self.text))) - 1
        if index >= 0 and self.wholes[index][0] < at < self.wholes[index][1]:
            return self.wholes[index][0]
        while 0 < at < len(self.text) and _joined(self.text, at):
            at -= 1
        return at


def _joined(text: str, at: int) -> bool:
    """Do the code points on both sides of a place make one letter or emoji."""
    left, right = text[at - 1], text[at]
    if right < "\u0300":
        return False
    if "\U0001f1e6" <= right <= "\U0001f1ff":
        start = at
        while start and "\U0001f1e6" <= text[start - 1] <= "\U0001f1ff":
            start -= 1
        return (at - start) % 2 == 1
    return (
        "\u200d" in (left, right)
        or unicodedata.category(right).startswith("M")
        or "\U0001f3fb" <= right <= "\U0001f3ff"
        or "\U000e0020" <= right <= "\U000e007f"
        or "\u1160" <= right <= "\u11ff"
    )


def layout(text: str) -> Layout:
    blocks: list[_Block] = []
    at, fence, lines = 0, None, text.split("\n")
    for number, line in enumerate(lines):
        end = at + len(line)
        found = _FENCE_LINE.fullmatch(line)
        if fence is not None:
            start, opener = fence
            mark = opener[2]
            if found and found[2].startswith(mark) and not found[3].strip():
                body = start + len(opener[0]) + 1
                blocks.append(_Block(start, body, end, opener[0] + "\n", f"\n{opener[1]}{mark}"))
                fence = None
        elif found and "`" not in found[3]:
            fence = (at, found)
        elif "|" in line:
            _add_row(blocks, lines, number, at)
        at = end + 1
    if fence is not None:
        start, opener = fence
        tail = f"\n{opener[1]}{opener[2]}"
        body = start + len(opener[0]) + 1
        blocks.append(_Block(start, body, len(text) + 1, opener[0] + "\n", tail))
    return Layout(text, blocks, [found.span() for found in _WHOLE.finditer(text)])


def _add_row(blocks: list[_Block], lines: list[str], number: int, at: int) -> None:
    """Begin a table at its rule, or make the table that ended on the line before longer."""
    line = lines[number]
    last = blocks[-1] if blocks else None
    if last and not last.tail and last.end == at - 1:
        blocks[-1] = _Block(last.start, last.body, at + len(line), last.head)
    elif number and "|" in lines[number - 1] and _TABLE_RULE.fullmatch(line):
        start = at - len(lines[number - 1]) - 1
        body = at + len(line) + 1
        blocks.append(_Block(start, body, body - 1, f"{lines[number - 1]}\n{line}\n"))


def split(text: str, limit: int, utf16: bool = False) -> list[str]:
    """Markdown as parts of at most `limit` code points, or UTF-16 units; 0 is no limit.

    Fences are closed and opened again, tables repeat their header. Between the parts only white
    space is left out.
    """
    if limit <= 0 or size(text, utf16) <= limit:
        return [text] if text.strip() else []
    known, parts, at = _tearable(text, limit, utf16), [], 0
    while at < len(text):
        part, at = _piece(known, at, limit, utf16)
        parts.append(part)
    return [part for part in parts if part.strip()]


def piece(text: str, at: int, limit: int, utf16: bool = False) -> tuple[str, int]:
    """The part of a text that begins at a place, and where the next one begins; see `split`."""
    return _piece(_tearable(text, limit, utf16), at, limit, utf16)


def _tearable(text: str, limit: int, utf16: bool) -> Layout:
    """A head that fills half of every part is not worth repeating: such a block is plain text."""
    found = layout(text)
    found.blocks = [b for b in found.blocks if size(b.head + b.tail, utf16) <= limit // 2]
    return found


def _piece(known: Layout, at: int, limit: int, utf16: bool) -> tuple[str, int]:
    text, block = known.text, known.block(at)
    head = block.head if block else ""
    room = limit - size(head, utf16)
    if size(text[at:], utf16) <= room:
        return head + text[at:].rstrip(), len(text)
    cut = _cut(known, at, room, utf16)
    torn = known.block(cut)
    body = text[at:cut]
    part = head + body + torn.tail if torn else head + body.rstrip()
    return part, _resume(text, cut, torn)


def _reach(text: str, at: int, room: int, utf16: bool) -> int:
    """The furthest place that leaves at most `room` behind `at`."""
    end = min(len(text), at + room)
    while (over := size(text[at:end], utf16) - room) > 0:
        end -= (over + 1) // 2
    return end


def _cut(layout: Layout, at: int, room: int, utf16: bool) -> int:
    text = layout.text
    end = max(_reach(text, at, room, utf16), at + 1)
    for pattern, least, tears in _EDGES:
        places = [found.start() for found in pattern.finditer(text, at + 1, end + 2)]
        for place in reversed(places):
            if place < at + least * (end - at):
                break
            place = layout.clear(place)
            block = layout.block(place)
            if place <= at or place > end or (block and not tears):
                continue
            if block is None or _fits(block, text, at, place, room, utf16):
                return place
    return _hard_cut(layout, at, end, room, utf16)


def _fits(block: _Block, text: str, at: int, place: int, room: int, utf16: bool) -> bool:
    """May a block be torn here: something of it comes before, and its end has room."""
    within = place > block.body and place > at
    return within and size(text[at:place], utf16) + size(block.tail, utf16) <= room


def _hard_cut(layout: Layout, at: int, end: int, room: int, utf16: bool) -> int:
    """Nowhere to cut: at a block's start, else between two letters, else through a long link."""
    block = layout.block(end)
    if block and block.start > at:
        return block.start
    if block:
        end = max(_reach(layout.text, at, room - size(block.tail, utf16), utf16), at + 1)
    place = layout.clear(end)
    if place > at:
        return place
    place = end
    while place > at + 1 and _joined(layout.text, place):
        place -= 1
    return place if place > at + 1 else end


def _resume(text: str, cut: int, torn: _Block | None) -> int:
    """Where the next part begins: white space is left out, but not inside a block."""
    if torn is None:
        found = _GAP.match(text, cut)
        return found.end() if found else cut
    at = cut + 1 if text[cut] == "\n" else cut
    last_line = torn.tail and text[at : torn.end].strip() == torn.tail.strip()
    return torn.end if last_line else at
