"""A half-written Markdown text made fit to be looked at. For previews only, never for an answer."""

from __future__ import annotations

import re

_FENCE = re.compile(r"^( *)(`{3,}|~{3,})(.*)$", re.M)
_HALF_FENCE = re.compile(r"\n? {0,3}[`~]{1,2}\Z")
_HALF_LINK = re.compile(r"!?\[[^\[\]\n]*(?:\]\([^()\n]*)?\Z|<[^<>\s]*\Z")
_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)+\|?\s*|\s*\|\s*:?-+:?\s*\|\s*")
_CODE = re.compile(r"(`+)(?!`)(.*?)(?<!`)\1(?!`)", re.S)


def heal(text: str) -> str:
    """Close what is open (fence, inline code, bold) and drop half links and half tables."""
    open_fence, edge = None, 0
    for found in _FENCE.finditer(text):
        if open_fence is None:
            open_fence = found
        elif found[2].startswith(open_fence[2]) and not found[3].strip():
            open_fence, edge = None, found.end()
    if open_fence is not None:
        inside = _HALF_FENCE.sub("", text) if text.endswith(("`", "~")) else text
        if len(inside.rstrip()) <= open_fence.end():
            return text[: open_fence.start()].rstrip()
        return f"{inside.rstrip()}\n{open_fence[1]}{open_fence[2]}"
    edge = max(edge, text.rfind("\n\n") + 1)
    return (text[:edge] + _close(_drop_half_table(text[edge:]))).rstrip()


def _drop_half_table(block: str) -> str:
    """A table shows once its rule is there, and then row by row."""
    lines = block.split("\n")
    first = len(lines)
    while first and lines[first - 1].lstrip().startswith("|"):
        first -= 1
    table = lines[first:]
    if not table:
        return block
    if len(table) < 2 or not _RULE.fullmatch(table[1]) or not table[1].rstrip().endswith("|"):
        return "\n".join(lines[:first])
    rows = table if table[-1].rstrip().endswith("|") else table[:-1]
    return "\n".join([*lines[:first], *rows])


def _close(block: str) -> str:
    plain = _CODE.sub(lambda found: "x" * len(found[0]), block)
    start = plain.rfind("`")
    if start >= 0:
        run = len(plain) - len(plain.rstrip("`"))
        if run:
            return _close(block[:-run])
        opener = re.search(r"`+", plain)
        assert opener is not None
        return _close_bold(plain[: opener.start()], block).rstrip() + opener[0]
    kept = _HALF_LINK.sub("", plain)
    return _close_bold(plain[: len(kept)], block[: len(kept)])


def _close_bold(plain: str, block: str) -> str:
    """`plain` is the part of the block that counts: without code."""
    for mark in ("**", "~~"):
        if plain.count(mark) % 2 == 0:
            continue
        if block.endswith(mark):
            block = block[: -len(mark)]
        elif block.endswith(mark[0]):
            block += mark[0]
        else:
            block = block.rstrip() + mark
    return block
