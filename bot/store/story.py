"""Scripts that find one message's whole story: by a platform's id, an inbox id or a run id."""

from __future__ import annotations

from bot.engine.port import Row, Script, q

_SOME = 20


def find(id: str) -> Script[list[Row]]:
    """The inbox rows that an id may mean, newest first."""
    number = int(id) if id.isascii() and id.isdecimal() and len(id) < 18 else -1
    tail = "%/" + id.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return (
        yield q(
            "SELECT * FROM inbox WHERE run = ? OR id = ? OR ref LIKE ? ESCAPE '\\' "
            "OR run IN (SELECT run FROM outbox WHERE ref = ?) ORDER BY id DESC LIMIT ?",
            id,
            number,
            tail,
            id,
            _SOME,
        )
    )


def last(session_key: str) -> Script[str | None]:
    """The run of the newest prompt in a session; None when nobody has asked anything."""
    rows = yield q(
        "SELECT run FROM inbox WHERE session_key = ? AND kind = 'prompt' AND run IS NOT NULL "
        "ORDER BY id DESC LIMIT 1",
        session_key,
    )
    return rows[0]["run"] if rows else None


def calls(run: str) -> Script[list[Row]]:
    """The journal of a run's tool calls, in order."""
    return (yield q("SELECT * FROM calls WHERE run = ? ORDER BY started_at", run))
