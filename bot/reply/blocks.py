"""Which part of a growing answer is sent already: neither crumbs nor walls of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.reply.parts import layout, piece, size


@dataclass(frozen=True, slots=True)
class Pace:
    """Sizes of blocks in letters, and how long a text must rest (seconds) to be taken as it is.

    `at`: blocks are sent while a text is written (`text_end`), or when it is whole (`message_end`).
    """

    at: Literal["text_end", "message_end"] = "text_end"
    least: int = 800
    most: int = 1200
    idle: float = 1.0


def next_block(
    text: str, at: int, pace: Pace, utf16: bool, *, rests: bool, whole: bool
) -> tuple[str, int] | None:
    """The next block behind a place and where it ends; None while it should still grow.

    `rests`: nothing has come for a while; `whole`: nothing more comes for now.
    """
    length = size(text[at:], utf16)
    if not text[at:].strip() or (length < pace.least and not whole):
        return None
    part, end = piece(text, at, pace.most, utf16)
    if end < len(text):
        return part, end
    if whole:
        return part, len(text)
    if rests and layout(text).block(len(text)) is None:
        return part, len(text)
    cut = text.rfind("\n\n", at + pace.least)
    if cut < 0 or layout(text).block(cut) is not None:
        return None
    return text[at:cut].rstrip(), cut


def unsent(text: str, blocks: Sequence[str]) -> int:
    """How much of an answer its blocks have shown; one that is no part of it any more is passed."""
    at = 0
    for block in blocks:
        begin = at + len(text[at:]) - len(text[at:].lstrip())
        if text.startswith(block.strip(), begin):
            at = begin + len(block.strip())
    return at


@dataclass(frozen=True, slots=True)
class Match:
    """How a text that is written again meets the blocks that were sent before.

    `at`: how much of it they have shown; `left`: blocks of which nothing is known yet.
    """

    at: int
    left: tuple[str, ...]


def matched(text: str, blocks: Sequence[str]) -> Match:
    """Follow the sent blocks through a growing text, until it goes another way."""
    at = 0
    for number, block in enumerate(blocks):
        begin = at + len(text[at:]) - len(text[at:].lstrip())
        rest, wanted = text[begin:], block.strip()
        if rest.startswith(wanted):
            at = begin + len(wanted)
        elif wanted.startswith(rest.rstrip()):
            return Match(at, tuple(blocks[number:]))
        else:
            break
    return Match(at, ())
