"""Scripts over what models have cost: by day, agent, session and model, kept for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.engine.port import Row, Script, q
from bot.types import Usage

_SUMS = (
    "sum(runs) AS runs, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, "
    "sum(cost) AS cost, sum(unpriced) AS unpriced"
)


def day_of(now: float, before: int = 0) -> str:
    """The day of a time in seconds since the epoch, in UTC; `before` counts days back."""
    return (datetime.fromtimestamp(now, UTC) - timedelta(days=before)).date().isoformat()


def add(
    session_key: str, agent: str, model: str | None, usage: Usage, now: float, runs: int = 1
) -> Script[None]:
    """Count what a run used; one that asked no model counts nothing."""
    if not (usage.input or usage.output):
        return
    yield q(
        "INSERT INTO usage(day, session_key, agent, model, runs, input_tokens, output_tokens, "
        "cost, unpriced) VALUES(?, ?, ?, ?, ?, ?, ?, CAST(? AS DOUBLE PRECISION), ?) "
        "ON CONFLICT(day, session_key, agent, model) DO UPDATE SET "
        "runs = usage.runs + excluded.runs, "
        "input_tokens = usage.input_tokens + excluded.input_tokens, "
        "output_tokens = usage.output_tokens + excluded.output_tokens, "
        "cost = CASE WHEN excluded.cost IS NULL THEN usage.cost "
        "ELSE coalesce(usage.cost, 0) + excluded.cost END, "
        "unpriced = usage.unpriced + excluded.unpriced",
        day_of(now),
        session_key,
        agent,
        model or "",
        runs,
        usage.input,
        usage.output,
        usage.cost,
        runs if usage.cost is None else 0,
    )


def since(day: str, by: str | None = None, session_key: str | None = None) -> Script[list[Row]]:
    """Sums from a day on, one for each `day`, `agent`, `model` or `session_key`, or all in one.

    `unpriced` counts the runs whose cost nobody knows; `cost` is None where that is all of them.
    """
    assert by in (None, "day", "agent", "model", "session_key")
    name = f"{by} AS name, " if by else ""
    where = "day >= ?" + (" AND session_key = ?" if session_key is not None else "")
    group = f" GROUP BY {by} ORDER BY {by}" if by else ""
    given = (day,) if session_key is None else (day, session_key)
    return (yield q(f"SELECT {name}{_SUMS} FROM usage WHERE {where}{group}", *given))


def spent_today(now: float) -> Script[float]:
    """US dollars since midnight UTC, as far as prices are known."""
    [row] = yield q("SELECT coalesce(sum(cost), 0.0) AS cost FROM usage WHERE day = ?", day_of(now))
    return float(row["cost"])


def spent_in(session: str) -> Script[float]:
    """US dollars of a session since it began or was reset."""
    rows = yield q("SELECT cost FROM sessions WHERE id = ?", session)
    return float(rows[0]["cost"] or 0.0) if rows else 0.0
