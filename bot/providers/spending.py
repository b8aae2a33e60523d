"""What models may cost: looked up before each call, counted with each run's end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bot.clock import Clock
from bot.config.settings import Limits
from bot.engine.port import Engine, Row
from bot.store import usage
from bot.types import Entry, Errand, Failure, Turn, Usage

_EVER = "0000-00-00"


def refusal(limits: Limits, today: float, session: float) -> Failure | None:
    """Why no model is asked any more, by the US dollars spent; None while there is something left.

    What has no known price is not in these sums.
    """
    if limits.session_cost is not None and session >= limits.session_cost:
        left = "go on in a new one with /new, or raise limits.session_cost"
        return Failure("BUDGET", _sentence("session", session, limits.session_cost, left))
    if limits.daily_cost is not None and today >= limits.daily_cost:
        left = "it begins anew at midnight UTC; limits.daily_cost raises it"
        return Failure("BUDGET", _sentence("day", today, limits.daily_cost, left))
    return None


def run_refusal(errand: Errand, used: Usage) -> Failure | None:
    """Why a scheduled run asks its model no more, by its own limits."""
    tokens, cost = used.input + used.output, used.cost or 0.0
    if errand.max_tokens is not None and tokens >= errand.max_tokens:
        said = f"{tokens:,} of {errand.max_tokens:,} tokens"
        return Failure("BUDGET", f"The limit of this run is reached: {said}")
    if errand.max_cost is not None and cost > 0 and cost >= errand.max_cost:
        said = f"${cost:.2f} of ${errand.max_cost:.2f}"
        return Failure("BUDGET", f"The limit of this run is reached: {said}")
    return None


def _sentence(what: str, spent: float, limit: float, left: str) -> str:
    return f"The budget of this {what} is spent: ${spent:.2f} of ${limit:.2f}; {left}"


class Spending:
    """Asks the store what was spent, where there is a limit."""

    def __init__(self, engine: Engine, clock: Clock, limits: Callable[[], Limits]) -> None:
        self._engine = engine
        self._clock = clock
        self._limits = limits

    async def refusal(self, turn: Turn, transcript: Sequence[Entry]) -> Failure | None:
        """Why a run may not ask its model now. Its own calls so far count, those of others that
        are under way when they end."""
        limits, errand = self._limits(), turn.errand
        unlimited = limits.daily_cost is None and limits.session_cost is None
        if unlimited and errand is None:
            return None
        own = (one.usage for one in transcript if one.run == turn.id and one.usage is not None)
        used = sum(own, Usage())
        if errand is not None and (wrong := run_refusal(errand, used)) is not None:
            return wrong
        if unlimited or (errand is not None and errand.call is not None):
            return None
        run = used.cost or 0.0
        today = await self._engine.read(usage.spent_today(self._clock.now()))
        session = await self._engine.read(usage.spent_in(turn.session.id))
        return refusal(limits, today + run, session + run)

    async def report(self, session_key: str | None = None, days: int = 30) -> dict[str, Any]:
        """What was used: today, in so many days, by day, agent and model; and in one session.

        Days are days in UTC. `unpriced` counts the runs whose cost nobody knows.
        """
        now, read = self._clock.now(), self._engine.read
        first, limits = usage.day_of(now, days - 1), self._limits()
        [total] = await read(usage.since(first))
        [today] = await read(usage.since(usage.day_of(now)))
        answer: dict[str, Any] = {"days": days, "total": _row(total), "today": _row(today)}
        for name, by in (("byDay", "day"), ("byAgent", "agent"), ("byModel", "model")):
            rows = await read(usage.since(first, by))
            answer[name] = [{"name": row["name"], **_row(row)} for row in rows]
        if session_key is not None:
            [session] = await read(usage.since(_EVER, session_key=session_key))
            answer["session"] = {"sessionKey": session_key, **_row(session)}
        limited = {"dailyCost": limits.daily_cost, "sessionCost": limits.session_cost}
        return answer | {"limits": limited}


def _row(row: Row) -> dict[str, Any]:
    return {
        "runs": row["runs"] or 0,
        "inputTokens": row["input_tokens"] or 0,
        "outputTokens": row["output_tokens"] or 0,
        "cost": row["cost"],
        "unpriced": row["unpriced"] or 0,
    }
