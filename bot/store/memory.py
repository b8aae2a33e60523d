"""Scripts over the index of memory files: pieces, their words, their vectors.

`memory_words` is an FTS5 table of SQLite, with the numbers of `memory_chunks` as its own.
PostgreSQL has no such thing: there it is a plain table with a `tsvector` column and a GIN index,
and `by_words` has a statement of its own. All else is shared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.engine.port import Row, Script, Sql, q

_FIELDS = "c.id, c.path, c.first_line, c.last_line, c.text, c.hash"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a file: its lines from 1, its text, and the text as it is indexed."""

    first: int
    last: int
    text: str
    words: str
    hash: str


def files(agent: str) -> Script[dict[str, str]]:
    """The stamps of an agent's indexed files, by path."""
    rows = yield q("SELECT path, stamp FROM memory_files WHERE agent = ?", agent)
    return {row["path"]: row["stamp"] for row in rows}


def keep(
    agent: str, path: str, folder: str, stamp: str, pieces: Sequence[Piece], now: float
) -> Script[None]:
    """A file as it is now takes the place of what was known of it."""
    yield from forget(agent, path)
    yield q(
        "INSERT INTO memory_files(agent, path, folder, stamp, indexed_at) VALUES(?, ?, ?, ?, ?)",
        agent,
        path,
        folder,
        stamp,
        now,
    )
    for piece in pieces:
        rows = yield q(
            "INSERT INTO memory_chunks(agent, path, folder, first_line, last_line, text, hash) "
            "VALUES(?, ?, ?, ?, ?, ?, ?) RETURNING id",
            agent,
            path,
            folder,
            piece.first,
            piece.last,
            piece.text,
            piece.hash,
        )
        yield q("INSERT INTO memory_words(rowid, words) VALUES(?, ?)", rows[0]["id"], piece.words)


def forget(agent: str, path: str) -> Script[None]:
    """A file is not there any more, and neither is anything of it."""
    yield q(
        "DELETE FROM memory_words WHERE rowid IN "
        "(SELECT id FROM memory_chunks WHERE agent = ? AND path = ?)",
        agent,
        path,
    )
    yield q("DELETE FROM memory_chunks WHERE agent = ? AND path = ?", agent, path)
    yield q("DELETE FROM memory_files WHERE agent = ? AND path = ?", agent, path)


def prune() -> Script[None]:
    """No vector outlives the text it was made from."""
    yield q("DELETE FROM memory_vectors WHERE hash NOT IN (SELECT hash FROM memory_chunks)")


def by_words(agent: str, folders: Sequence[str], match: str, limit: int) -> Script[list[Row]]:
    """The pieces with any of these words, best first; `score` is larger for better ones."""
    own = f"c.agent = ? AND c.folder IN ({_marks(folders)})"
    return (
        yield Sql(
            f"SELECT {_FIELDS}, -bm25(memory_words) AS score FROM memory_words "
            "JOIN memory_chunks c ON c.id = memory_words.rowid "
            f"WHERE memory_words MATCH ? AND {own} ORDER BY bm25(memory_words), c.id LIMIT ?",
            (match, agent, *folders, limit),
            f"SELECT {_FIELDS}, ts_rank_cd(w.terms, asked, 1) AS score "
            "FROM websearch_to_tsquery('english', ?) asked "
            "JOIN memory_words w ON w.terms @@ asked JOIN memory_chunks c ON c.id = w.rowid "
            f"WHERE {own} ORDER BY score DESC, c.id LIMIT ?",
        )
    )


def vectors(agent: str, folders: Sequence[str], model: str) -> Script[list[Row]]:
    """Every piece with its vector by a model, None where there is none yet."""
    return (
        yield q(
            f"SELECT {_FIELDS}, v.vector FROM memory_chunks c "
            "LEFT JOIN memory_vectors v ON v.hash = c.hash AND v.model = ? "
            f"WHERE c.agent = ? AND c.folder IN ({_marks(folders)}) ORDER BY c.id",
            model,
            agent,
            *folders,
        )
    )


def keep_vectors(model: str, made: Mapping[str, str]) -> Script[None]:
    """Vectors by the hash of their text, each as text."""
    for hash, vector in made.items():
        yield q(
            "INSERT INTO memory_vectors(model, hash, vector) VALUES(?, ?, ?) "
            "ON CONFLICT(model, hash) DO UPDATE SET vector = excluded.vector",
            model,
            hash,
            vector,
        )


def counts(agent: str, model: str) -> Script[Row]:
    """How many files and pieces an agent has, and how many pieces have a vector by a model."""
    rows = yield q(
        "SELECT (SELECT count(*) FROM memory_files WHERE agent = ?) AS files, "
        "(SELECT count(*) FROM memory_chunks WHERE agent = ?) AS chunks, "
        "(SELECT count(*) FROM memory_chunks c JOIN memory_vectors v ON v.hash = c.hash "
        "AND v.model = ? WHERE c.agent = ?) AS vectors, "
        "(SELECT max(indexed_at) FROM memory_files WHERE agent = ?) AS indexed_at",
        agent,
        agent,
        model,
        agent,
        agent,
    )
    return rows[0]


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
