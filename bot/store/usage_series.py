"""Scripts over the rows that plots are made of: usage is kept for good, the rest for a week."""

from __future__ import annotations

from bot.engine.port import Row, Script, Sql, q

_HOUR_LITE = "CAST(accepted_at / 3600 AS INTEGER)"
_HOUR_POSTGRES = "CAST(floor(accepted_at / 3600) AS BIGINT)"
_CAME = (
    "SELECT address, {hour} AS hour, count(*) AS n FROM inbox WHERE accepted_at >= ? "
    "AND kind IN ('prompt', 'command', 'refused') GROUP BY address, {hour}"
)


def by_day(day: str) -> Script[list[Row]]:
    """Tokens and cost from a day on, by day, agent and model."""
    return (
        yield q(
            "SELECT day, agent, model, sum(runs) AS runs, sum(input_tokens) AS input_tokens, "
            "sum(output_tokens) AS output_tokens, sum(cost) AS cost, sum(unpriced) AS unpriced "
            "FROM usage WHERE day >= ? GROUP BY day, agent, model ORDER BY day, agent, model",
            day,
        )
    )


def runs_since(since: float, most: int) -> Script[list[Row]]:
    """The latest runs that ended since then, without those that another one answered."""
    return (
        yield q(
            "SELECT accepted_at, started_at, first_at, ended_at, state, error FROM runs "
            "WHERE ended_at >= ? AND joined IS NULL ORDER BY ended_at DESC LIMIT ?",
            since,
            most,
        )
    )


def messages_since(since: float) -> Script[list[Row]]:
    """How many messages came, by address and hour (hours since the epoch)."""
    lite, postgres = (_CAME.format(hour=one) for one in (_HOUR_LITE, _HOUR_POSTGRES))
    return (yield Sql(lite, (since,), postgres))


def calls_since(since: float) -> Script[list[Row]]:
    """How many calls of each tool ended, and how many of them failed."""
    return (
        yield q(
            "SELECT name, count(*) AS calls, sum(coalesce(failed, 0)) AS failed FROM calls "
            "WHERE ended_at >= ? GROUP BY name ORDER BY name",
            since,
        )
    )


def sent_again(since: float) -> Script[list[Row]]:
    """How many parts were sent, and how many of them needed more than one attempt, by address."""
    return (
        yield q(
            "SELECT address, count(*) AS parts, "
            "sum(CASE WHEN attempts > 1 THEN 1 ELSE 0 END) AS again FROM outbox "
            "WHERE sent_at >= ? GROUP BY address",
            since,
        )
    )
