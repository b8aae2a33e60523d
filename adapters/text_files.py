"""Code and tables too long for a chat: their beginning stays in the text, the whole is a file.

Works on the source, so that what goes on to the splitter and the renderer is Markdown again.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from markdown_it.token import Token

from adapters.text import Table, parse, tokens, with_addresses

# What a chat can bear, in lines, characters, rows and columns.
CODE_LINES = 40
CODE_SIZE = 8000
TABLE_ROWS = 100
TABLE_COLUMNS = 20

_HEAD_LINES = 10
_HEAD_SIZE = 1500

_EXTENSIONS = {
    "bash": "sh",
    "c#": "cs",
    "c++": "cpp",
    "csharp": "cs",
    "javascript": "js",
    "kotlin": "kt",
    "markdown": "md",
    "python": "py",
    "ruby": "rb",
    "rust": "rs",
    "shell": "sh",
    "text": "txt",
    "typescript": "ts",
}


class TextFile(NamedTuple):
    """A file of text to send beside a message."""

    name: str
    mime: str
    text: str


class _Cut(NamedTuple):
    """Lines of the source, `start` to `end`, and what stands there instead."""

    start: int
    end: int
    source: str
    file: TextFile


def set_aside(markdown: str) -> tuple[str, list[TextFile]]:
    """The text with the beginnings only of long code and tables, and those whole as files.

    What comes out once goes through unchanged. Code and tables inside a list or a quote stay.
    """
    if not _may_hold_any(markdown):
        return markdown, []
    cuts = list(_cuts(markdown))
    # The parser's lines: it reads other line ends as these, too.
    lines = re.split(r"\r\n|\r|\n", markdown)
    for cut in reversed(cuts):
        lines[cut.start : cut.end] = cut.source.split("\n")
    return ("\n".join(lines) if cuts else markdown), [cut.file for cut in cuts]


def _may_hold_any(markdown: str) -> bool:
    """Saves most texts the parser."""
    lines = markdown.count("\n") + markdown.count("\r")
    return len(markdown) > CODE_SIZE or lines > CODE_LINES or markdown.count("|") > TABLE_COLUMNS


def _cuts(markdown: str) -> Iterator[_Cut]:
    codes, tables = 0, 0
    lines = re.split(r"\r\n|\r|\n", markdown)
    for token in tokens(markdown):
        if token.level or token.map is None:
            continue
        start, end = token.map
        if token.type == "fence" and _is_long(token.content):
            codes += 1
            yield _Cut(start, end, *_code(token, codes))
        elif token.type == "table_open":
            (table,) = parse("\n".join(lines[start:end]))
            if isinstance(table, Table) and _is_large(table):
                tables += 1
                yield _Cut(start, end, *_table(table, lines[start:end], tables))


def _is_long(code: str) -> bool:
    return code.rstrip("\n").count("\n") >= CODE_LINES or len(code) > CODE_SIZE


def _is_large(table: Table) -> bool:
    return len(table.rows) > TABLE_ROWS or len(table.header) > TABLE_COLUMNS


def _code(token: Token, number: int) -> tuple[str, TextFile]:
    language = (token.info.split() or [""])[0].lower()
    extension = _EXTENSIONS.get(language, language)
    if not re.fullmatch(r"[a-z0-9]{1,8}", extension):
        extension = "txt"
    file = TextFile(f"code-{number}.{extension}", "text/plain", token.content)
    head = "\n".join(token.content.split("\n")[:_HEAD_LINES])[:_HEAD_SIZE]
    count = token.content.rstrip("\n").count("\n") + 1
    shown = f"{token.markup}{token.info}\n{head}\n{token.markup}"
    return f"{shown}\n\nAll {_counted(count, 'line')} are in {file.name}.\n", file


def _table(table: Table, source: list[str], number: int) -> tuple[str, TextFile]:
    rows = [[with_addresses(cell) for cell in row] for row in (table.header, *table.rows)]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    file = TextFile(f"table-{number}.csv", "text/csv", out.getvalue())
    if len(table.header) > TABLE_COLUMNS:
        shown = _few_columns(rows[: _HEAD_LINES + 1])
    else:
        shown = "\n".join(source[: _HEAD_LINES + 2])
    size = f"{_counted(len(table.rows), 'row')}, {_counted(len(table.header), 'column')}"
    return f"{shown}\n\nThe whole table ({size}) is in {file.name}.\n", file


def _few_columns(rows: list[list[str]]) -> str:
    """The first columns as a table in Markdown, with the words of the cells alone."""
    cells = [[re.sub(r"([\\|*_`~\[\]<>])", r"\\\1", cell) for cell in row[:5]] for row in rows]
    lines = [f"| {' | '.join(row)} | … |" for row in cells]
    return "\n".join([lines[0], "|---" * 6 + "|", *lines[1:]])


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
