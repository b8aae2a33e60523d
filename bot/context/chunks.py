"""Notes cut into pieces that a search can find, and a question as words; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

SIZE = 1600  # characters, about 400 tokens
OVERLAP = 320
SNIPPET = 700
MAX_WORDS = 32
# A part of every stamp: what was cut differently is indexed again.
VERSION = "1"

# Scripts that write without spaces: each sign is a word of its own.
_ALONE = re.compile("([\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f])")
_WORD = re.compile(r"\w+")
_STOP = re.compile(
    "an?|and|are|as|at|be|but|by|did|do|does|for|from|had|has|have|how|i|in|is|it|its|me|my|of|on|"
    "or|our|so|that|the|their|they|this|to|was|we|were|what|when|where|which|who|why|will|with|"
    "you|your"
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file: lines `first` to `last`, counted from 1."""

    first: int
    last: int
    text: str

    @property
    def hash(self) -> str:
        return sha256(self.text.encode()).hexdigest()


def chunks(text: str) -> list[Chunk]:
    """The pieces of a text, each beginning with the end of the one before."""
    lines = [
        (number, part) for number, line in enumerate(text.split("\n"), 1) for part in _parts(line)
    ]
    found: list[Chunk] = []
    start = 0
    while start < len(lines):
        end, size = start, 0
        while end < len(lines) and (end == start or size + len(lines[end][1]) + 1 <= SIZE):
            size += len(lines[end][1]) + 1
            end += 1
        piece = "\n".join(part for _, part in lines[start:end])
        if piece.strip():
            found.append(Chunk(lines[start][0], lines[end - 1][0], piece))
        start = _back(lines, start, end)
    return found


def _parts(line: str) -> list[str]:
    return [line[at : at + SIZE] for at in range(0, len(line), SIZE)] or [""]


def _back(lines: list[tuple[int, str]], start: int, end: int) -> int:
    """Where the next piece begins: as many lines back as the overlap holds, and always on."""
    if end >= len(lines):
        return end
    at, size = end, 0
    while at - 1 > start and size + len(lines[at - 1][1]) + 1 <= OVERLAP:
        at -= 1
        size += len(lines[at][1]) + 1
    return at


def spaced(text: str) -> str:
    """Text as it is indexed: with spaces between signs that stand for words."""
    return _ALONE.sub(r" \1 ", text)


def words(query: str) -> list[str]:
    """The words of a question, without those that say nothing unless there are no others."""
    found = list(dict.fromkeys(_WORD.findall(spaced(query).lower())))
    telling = [word for word in found if not _STOP.fullmatch(word)]
    return (telling or found)[:MAX_WORDS]


def snippet(chunk: Chunk, asked: list[str]) -> Chunk:
    """The part of a piece that a result shows: from before the first word that was asked for."""
    if len(chunk.text) <= SNIPPET:
        return chunk
    low = chunk.text.lower()
    places = [at for word in asked if (at := low.find(word)) >= 0]
    start = max(0, min(places, default=0) - SNIPPET // 5)
    start = low.rfind("\n", 0, start) + 1 if "\n" in low[max(0, start - 200) : start] else start
    text = chunk.text[start : start + SNIPPET]
    first = chunk.first + chunk.text.count("\n", 0, start)
    return Chunk(min(first, chunk.last), min(first + text.count("\n"), chunk.last), text)
