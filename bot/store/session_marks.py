"""Scripts over what the operator notes of sessions: pinned, put out of sight, read until when.

They belong to a key, so that a session that begins anew stays where it was in the list.
"""

from __future__ import annotations

from bot.engine.port import Script, q


def note(key: str, *, pinned: bool | None, archived: bool | None) -> Script[None]:
    """Note these of a session; None leaves one as it is."""
    yield q(
        "INSERT INTO session_marks(key, pinned, archived) VALUES(?, ?, ?) "
        "ON CONFLICT(key) DO UPDATE SET "
        "pinned = coalesce(CAST(? AS BIGINT), session_marks.pinned), "
        "archived = coalesce(CAST(? AS BIGINT), session_marks.archived)",
        key,
        int(pinned or False),
        int(archived or False),
        None if pinned is None else int(pinned),
        None if archived is None else int(archived),
    )


def read(key: str, at: float | None) -> Script[None]:
    """Note until when a session was read, never back in time; None: it was not."""
    later = "CASE WHEN CAST(? AS DOUBLE PRECISION) IS NULL THEN NULL "
    later += "WHEN session_marks.read_at > excluded.read_at THEN session_marks.read_at "
    yield q(
        "INSERT INTO session_marks(key, read_at) VALUES(?, ?) "
        f"ON CONFLICT(key) DO UPDATE SET read_at = {later}ELSE excluded.read_at END",
        key,
        at,
        at,
    )


def forget(key: str) -> Script[None]:
    yield q("DELETE FROM session_marks WHERE key = ?", key)
