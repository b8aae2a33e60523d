"""A table as lines of text in a fixed-width font, for platforms without tables."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from adapters.text import Table, with_addresses

# Beyond this a line wraps even on a wide screen, and alignment only costs room.
WIDEST = 100


def lines(table: Table) -> str:
    """The table with aligned columns; too wide for that, its cells stand one beside the other."""
    rows = [
        [with_addresses(cell).replace("\n", " ") for cell in row]
        for row in (table.header, *table.rows)
    ]
    widths = [max(_width(row[at]) for row in rows) for at in range(len(table.header))]
    if sum(widths) + 3 * len(widths) > WIDEST:
        return "\n".join(" | ".join(row) for row in rows)
    aligned = [_row(row, widths, table.align) for row in rows]
    ruler = "-|-".join("-" * width for width in widths)
    return "\n".join([aligned[0], ruler, *aligned[1:]])


def _row(cells: Sequence[str], widths: Sequence[int], align: Sequence[str]) -> str:
    padded = [_pad(*column) for column in zip(cells, widths, align, strict=True)]
    return " | ".join(padded).rstrip()


def _pad(cell: str, width: int, align: str) -> str:
    space = width - _width(cell)
    left = {"left": 0, "right": space}.get(align, space // 2)
    return " " * left + cell + " " * (space - left)


def _width(text: str) -> int:
    """Columns on the screen: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
