"""`usage.summary`: what models have used and cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bot.gateway.frames import Params
from bot.gateway.params import Key
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core


class UsageParams(Params):
    """How many days back, today included; a session that is summed up apart, since it began."""

    days: Annotated[int, Field(ge=1, le=366)] = 30
    session_key: Key | None = None


@method("usage.summary", UsageParams, help="Tokens and cost, by day, agent and model.")
async def usage_summary(core: Core, client: Client, params: UsageParams) -> Json:
    key = core.sessions.key(params.session_key).text if params.session_key else None
    return dict(await core.world.usage(key, params.days))


METHODS: tuple[Method, ...] = (usage_summary,)
