"""Scripts over runs and lanes: the epoch fence, states, results, and the journal of tool calls."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bot.engine.port import Row, Script, q
from bot.errors import Fenced
from bot.types import Usage

WITHDRAWN = {"code": "ABORTED", "message": "The message was withdrawn"}


def take_lane(lane: str) -> Script[int]:
    """Begin a drain: the lane's new epoch, which every write of this drain must still find."""
    rows = yield q(
        "INSERT INTO lanes(key, epoch) VALUES(?, 1) "
        "ON CONFLICT(key) DO UPDATE SET epoch = lanes.epoch + 1 RETURNING epoch",
        lane,
    )
    return int(rows[0]["epoch"])


def fence(lane: str, epoch: int) -> Script[None]:
    """Raises Fenced when a newer drain has the lane, so that a frozen worker changes nothing."""
    rows = yield q("SELECT epoch FROM lanes WHERE key = ?", lane)
    if not rows or rows[0]["epoch"] != epoch:
        raise Fenced(f"lane {lane} has a newer drain")


def queue(
    run: str, session_key: str, lane: str, agent: str, now: float, session: str | None = None
) -> Script[None]:
    """A run that will happen; one with a `session` begins at once."""
    yield q(
        "INSERT INTO runs(id, session_key, session, lane, agent, state, accepted_at, started_at) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO NOTHING",
        run,
        session_key,
        session,
        lane,
        agent,
        "running" if session else "queued",
        now,
        now if session else None,
    )


def move(run: str, session_key: str, agent: str) -> Script[None]:
    """A queued run goes on to another session."""
    yield q(
        "UPDATE runs SET lane = ?, session_key = ?, agent = ? WHERE id = ?",
        session_key,
        session_key,
        agent,
        run,
    )


def get(run: str) -> Script[Row | None]:
    rows = yield q("SELECT * FROM runs WHERE id = ?", run)
    return rows[0] if rows else None


def begin(run: str, session: str, now: float) -> Script[None]:
    """A run begins, or begins again: what it had come to counts no more."""
    yield q(
        "UPDATE runs SET state = 'running', session = ?, started_at = coalesce(started_at, ?), "
        "ended_at = NULL, error = NULL WHERE id = ?",
        session,
        now,
        run,
    )


def end(
    run: str,
    state: str,
    now: float,
    *,
    reply: str = "",
    error: Mapping[str, str] | None = None,
    usage: Usage | None = None,
    model: str | None = None,
    first_at: float | None = None,
) -> Script[None]:
    """Close a run as ok, error or aborted; `first_at` is when its first visible text came."""
    usage = usage or Usage()
    yield q(
        "UPDATE runs SET state = ?, ended_at = ?, reply = ?, error = ?, input_tokens = ?, "
        "output_tokens = ?, cost = ?, model = ?, first_at = ? WHERE id = ?",
        state,
        now,
        reply,
        json.dumps(error) if error else None,
        usage.input,
        usage.output,
        usage.cost,
        model,
        first_at,
        run,
    )


def join(run: str, into: str, now: float) -> Script[None]:
    """A run that will not happen by itself: its message is answered by another one."""
    yield q(
        "UPDATE runs SET state = 'joined', joined = ?, ended_at = ? WHERE id = ?", into, now, run
    )


def active(session_key: str) -> Script[list[Row]]:
    """The runs of a session that have not ended, oldest first."""
    return (
        yield q(
            "SELECT * FROM runs WHERE session_key = ? AND ended_at IS NULL ORDER BY accepted_at",
            session_key,
        )
    )


def intend_call(run: str, call: str, name: str, now: float) -> Script[None]:
    yield q(
        "INSERT INTO calls(run, call, name, state, started_at) VALUES(?, ?, ?, 'intent', ?) "
        "ON CONFLICT(run, call) DO NOTHING",
        run,
        call,
        name,
        now,
    )


def end_call(run: str, call: str, now: float, failed: bool) -> Script[None]:
    yield q(
        "UPDATE calls SET state = 'done', ended_at = ?, failed = ? WHERE run = ? AND call = ?",
        now,
        int(failed),
        run,
        call,
    )


def calls(run: str) -> Script[dict[str, str]]:
    """The journal of a run: call id -> intent or done."""
    rows = yield q("SELECT call, state FROM calls WHERE run = ?", run)
    return {row["call"]: row["state"] for row in rows}
