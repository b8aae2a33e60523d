"""Searches an agent's memory files: by words always, by meaning where an endpoint makes vectors.

The files are the truth. Before each search those that have changed are indexed again, so a note is
found as soon as it is written, by whomever.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from bot.clock import Clock
from bot.config.settings import Config
from bot.context.bootstrap import MEMORY
from bot.context.chunks import VERSION, Chunk, chunks, snippet, spaced, words
from bot.context.embeddings import Embedder, NoVectors, Vector, embedder_of, likeness

from bot.context.embeddings import packed, unpacked  # isort: skip
from bot.context.memory import FOLDER, PEOPLE, Scope, holds
from bot.context.reading import Text, read_text
from bot.engine.port import Engine, Row
from bot.errors import RequestError
from bot.store import memory as scripts

log = structlog.get_logger("memory")

RESULTS = 6
MAX_RESULTS = 50
MIN_SCORE = 0.35
BY_MEANING, BY_WORDS = 0.7, 0.3
CANDIDATES = 4
MAX_FILE = 1 << 20
MAX_FILES = 5000
MAX_QUERY = 2000
MAX_NEW_VECTORS = 512
# How long an endpoint that failed is left alone, in seconds.
PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class Hit:
    """A place in a memory file; `score` is from 0 to 1."""

    path: str
    chunk: Chunk
    score: float

    @property
    def row(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "startLine": self.chunk.first,
            "endLine": self.chunk.last,
            "score": round(self.score, 4),
            "text": self.chunk.text,
        }


class Memory:
    """The memory of all agents. `folder` gives an agent's folder."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        config: Callable[[], Config],
        folder: Callable[[str], Path],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._config = config
        self._folder = folder
        self._embedder: Embedder | None = None
        self._silent_until = 0.0
        self._problem: str | None = None

    async def search(self, agent: str, scope: Scope, query: str, limit: int = RESULTS) -> list[Hit]:
        """The best places for a question, best first; none outside the scope. Raises StoreError."""
        query, limit = query[:MAX_QUERY], max(1, min(limit, MAX_RESULTS))
        if not scope.folders or not query.strip():
            return []
        await self.index(agent, scope)
        asked = words(query)
        texts = await self._by_words(agent, scope, asked, limit * CANDIDATES)
        vectors = await self._by_meaning(agent, scope, query)
        found = _merged(texts, vectors)
        best = sorted(found.values(), key=lambda one: (-one[1], one[0]["id"]))[:limit]
        return [
            Hit(row["path"], snippet(_chunk(row), asked), score)
            for row, score in best
            if score >= MIN_SCORE
        ]

    async def read(
        self, agent: str, scope: Scope, path: str, first: int = 1, lines: int | None = None
    ) -> str:
        """Lines of a memory file. Raises RequestError for what is not in the scope."""
        if not holds(scope, path):
            raise RequestError("NOT_FOUND", "that is no memory file of this conversation")
        text = await asyncio.to_thread(_read, self._folder(agent), path)
        if text.problem is not None:
            raise RequestError("NOT_FOUND", f"{path} was not read: {text.problem}")
        shown = text.text.split("\n")[first - 1 :]
        return "\n".join(shown if lines is None else shown[:lines])

    async def index(self, agent: str, scope: Scope | None = None, *, again: bool = False) -> int:
        """Take in what has changed in a scope, or everywhere; how many files. `again`: all."""
        known = await self._engine.read(scripts.files(agent))
        root = await asyncio.to_thread(self._folder, agent)
        folders = scope.folders if scope else await asyncio.to_thread(_all_folders, root)
        present = await asyncio.to_thread(_present, root, folders)
        stale = [path for path, stamp in present.items() if again or known.get(path) != stamp]
        for path in stale:
            await self._take(agent, root, path, present[path])
        gone = [
            path
            for path in known
            if path not in present and (scope is None or path.rpartition("/")[0] in folders)
        ]
        for path in gone:
            await self._engine.tx(scripts.forget(agent, path))
        if gone or stale:
            await self._engine.tx(scripts.prune())
        return len(stale)

    async def status(self, agent: str) -> dict[str, Any]:
        """How much is indexed, and whether meaning counts."""
        ref = self._config().memory.embeddings
        row = await self._engine.read(scripts.counts(agent, ref or ""))
        return {
            "agentId": agent,
            "files": row["files"],
            "chunks": row["chunks"],
            "indexedAt": row["indexed_at"],
            "embeddings": ref,
            "vectors": row["vectors"],
            "problem": self._problem,
        }

    async def close(self) -> None:
        if self._embedder is not None:
            await self._embedder.close()

    async def _take(self, agent: str, root: Path, path: str, stamp: str) -> None:
        text = await asyncio.to_thread(_read, root, path)
        if text.problem is not None:
            log.warning("memory file not indexed", agent=agent, path=path, reason=text.problem)
        pieces = [
            scripts.Piece(one.first, one.last, one.text, spaced(one.text), one.hash)
            for one in chunks(text.text)
        ]
        folder = path.rpartition("/")[0]
        await self._engine.tx(scripts.keep(agent, path, folder, stamp, pieces, self._clock.now()))

    async def _by_words(
        self, agent: str, scope: Scope, asked: Sequence[str], limit: int
    ) -> list[tuple[Row, float]]:
        if not asked:
            return []
        match = " OR ".join(f'"{word}"' for word in asked)
        rows = await self._engine.read(scripts.by_words(agent, scope.folders, match, limit))
        best = max((row["score"] for row in rows), default=0.0) or 1.0
        return [(row, max(0.0, row["score"] / best)) for row in rows]

    async def _by_meaning(
        self, agent: str, scope: Scope, query: str
    ) -> list[tuple[Row, float]] | None:
        """Every piece with its likeness to the question; None without vectors."""
        if self._clock.now() < self._silent_until:
            return None
        try:
            embedder = await self._endpoint()
            if embedder is None:
                return None
            asked = (await embedder.embed([query]))[0]
            rows = await self._with_vectors(agent, scope, embedder)
        except NoVectors as error:
            self._fail(str(error))
            return None
        self._problem = None
        return await asyncio.to_thread(_compared, rows, asked)

    async def _with_vectors(self, agent: str, scope: Scope, embedder: Embedder) -> list[Row]:
        rows = await self._engine.read(scripts.vectors(agent, scope.folders, embedder.ref))
        new = {row["hash"]: row["text"] for row in rows if row["vector"] is None}
        if not new:
            return rows
        texts = dict(list(new.items())[:MAX_NEW_VECTORS])
        made = await embedder.embed(list(texts.values()))
        vectors = {hash: packed(one) for hash, one in zip(texts, made, strict=True)}
        await self._engine.tx(scripts.keep_vectors(embedder.ref, vectors))
        return await self._engine.read(scripts.vectors(agent, scope.folders, embedder.ref))

    async def _endpoint(self) -> Embedder | None:
        config = self._config()
        if self._embedder is not None and self._embedder.ref == config.memory.embeddings:
            return self._embedder
        await self.close()
        self._embedder = embedder_of(config, self._clock)
        return self._embedder

    def _fail(self, reason: str) -> None:
        log.warning("memory is searched by words alone", reason=reason)
        self._problem = reason
        self._silent_until = self._clock.now() + PAUSE


def _merged(
    texts: Sequence[tuple[Row, float]], vectors: Sequence[tuple[Row, float]] | None
) -> dict[int, tuple[Row, float]]:
    """Pieces by their number with one score; words alone count in full without vectors."""
    if vectors is None:
        return {row["id"]: (row, score) for row, score in texts}
    said = {row["id"]: score for row, score in texts}
    return {
        row["id"]: (row, BY_MEANING * near + BY_WORDS * said.get(row["id"], 0.0))
        for row, near in vectors
    }


def _compared(rows: Sequence[Row], asked: Vector) -> list[tuple[Row, float]]:
    return [
        (row, likeness(asked, unpacked(row["vector"])) if row["vector"] else 0.0) for row in rows
    ]


def _chunk(row: Row) -> Chunk:
    return Chunk(row["first_line"], row["last_line"], row["text"])


def _read(root: Path, path: str) -> Text:
    return read_text(root, path, MAX_FILE)


def _all_folders(root: Path) -> tuple[str, ...]:
    people: list[str] = []
    with suppress(OSError), os.scandir(root / PEOPLE) as entries:
        people = [f"{PEOPLE}/{one.name}" for one in entries if one.is_dir(follow_symlinks=False)]
    return ("", FOLDER, *sorted(people))


def _present(root: Path, folders: Sequence[str]) -> dict[str, str]:
    """The memory files of these folders with their stamps; links are no files of ours."""
    found: dict[str, str] = {}
    for folder in folders:
        with suppress(OSError), os.scandir(root / folder) as entries:
            for one in sorted(entries, key=lambda entry: entry.name)[:MAX_FILES]:
                if not _is_note(folder, one.name) or not one.is_file(follow_symlinks=False):
                    continue
                about = one.stat(follow_symlinks=False)
                path = f"{folder}/{one.name}" if folder else one.name
                found[path] = (
                    f"{VERSION}:{about.st_ino}:{about.st_size}:{about.st_mtime_ns}:"
                    f"{about.st_ctime_ns}"
                )
    return found


def _is_note(folder: str, name: str) -> bool:
    if not name.isprintable():
        return False
    return name.endswith(".md") if folder else name in (MEMORY, MEMORY.lower())
