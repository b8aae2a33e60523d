"""`usage.*`: what models have used and cost, and the figures that plots are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bot.engine.port import Row
from bot.gateway import figures
from bot.gateway.frames import Params
from bot.gateway.params import Key
from bot.gateway.rows import when
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core
from bot.store import slowdowns
from bot.store import usage as sums
from bot.store import usage_series as series
from bot.store.upkeep import KEPT

MOST_RUNS = 50_000
Days = Annotated[int, Field(ge=1, le=366)]


class UsageParams(Params):
    """How many days back, today included; a session that is summed up apart, since it began."""

    days: Days = 30
    session_key: Key | None = None


class SeriesParams(Params):
    """How many days back, today included; what is kept for a week goes back no further."""

    days: Days = 30


@method("usage.summary", UsageParams, help="Tokens and cost, by day, agent and model.")
async def usage_summary(core: Core, client: Client, params: UsageParams) -> Json:
    key = core.sessions.key(params.session_key).text if params.session_key else None
    return dict(await core.world.usage(key, params.days))


@method(
    "usage.series",
    SeriesParams,
    help="Figures for plots, from stored rows: usage by day, times, messages, tools, refusals.",
)
async def usage_series(core: Core, client: Client, params: SeriesParams) -> Json:
    now, read = core.clock.now(), core.engine.read
    since = max(now - KEPT, now - params.days * 86400.0)
    used = await read(series.by_day(sums.day_of(now, params.days - 1)))
    runs = await read(series.runs_since(since, MOST_RUNS))
    calls = await read(series.calls_since(since))
    return {
        "days": params.days,
        "since": when(since),
        "cut": len(runs) == MOST_RUNS,
        "usage": [_used(row) for row in used],
        **figures.times(runs),
        "runs": figures.limited(runs),
        "messages": figures.by_channel(await read(series.messages_since(since))),
        "tools": [
            {"name": row["name"], "calls": row["calls"], "failed": row["failed"] or 0}
            for row in calls
        ],
        "deliveries": figures.again(await read(series.sent_again(since))),
        "waits": figures.waits(await read(slowdowns.between(since, now))),
    }


def _used(row: Row) -> dict[str, object]:
    return {
        "day": row["day"],
        "agent": row["agent"],
        "model": row["model"],
        "runs": row["runs"],
        "inputTokens": row["input_tokens"],
        "outputTokens": row["output_tokens"],
        "cost": row["cost"],
        "unpriced": row["unpriced"],
    }


METHODS: tuple[Method, ...] = (usage_summary, usage_series)
