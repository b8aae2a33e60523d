"""`approvals.*`: what waits for a yes or no, and the decision."""

from __future__ import annotations

from typing import Literal

from bot.gateway.frames import Params
from bot.gateway.params import Id, Key
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core
from bot.tools.approval import OPERATOR


class ListParams(Params):
    """Which approvals: `all` with the decided ones, `sessionKey` those of one session."""

    all: bool = False
    session_key: Key | None = None


class ResolveParams(Params):
    """An approval by its id or code, and what is decided."""

    id: Id
    decision: Literal["allow-once", "allow-session", "allow-always", "deny"]


@method("approvals.list", ListParams, help="What waits for approval, newest first.")
async def approvals_list(core: Core, client: Client, params: ListParams) -> Json:
    rows = await core.approvals.listed(pending=not params.all)
    if params.session_key is not None:
        key = core.sessions.key(params.session_key).text
        rows = [row for row in rows if row["sessionKey"] == key]
    return {"approvals": rows}


@method(
    "approvals.resolve",
    ResolveParams,
    help="Decide an approval; the first decision counts, a second is CONFLICT.",
)
async def approvals_resolve(core: Core, client: Client, params: ResolveParams) -> Json:
    return await core.approvals.resolve(params.id, params.decision, OPERATOR)


METHODS: tuple[Method, ...] = (approvals_list, approvals_resolve)
