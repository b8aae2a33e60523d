"""`approvals.*`: what waits for a yes or no, and the decision."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from bot.engine.port import Row
from bot.errors import RequestError
from bot.events import Signal
from bot.gateway.frames import Params
from bot.gateway.params import Id, Key, Nothing
from bot.gateway.rows import when
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core
from bot.store import approvals as scripts
from bot.tools.approval import OPERATOR


class ListParams(Params):
    """Which approvals: `all` with the decided ones, `sessionKey` those of one session."""

    all: bool = False
    session_key: Key | None = None


class ResolveParams(Params):
    """An approval by its id or code, and what is decided."""

    id: Id
    decision: Literal["allow-once", "allow-session", "allow-always", "deny"]


class GrantParams(Params):
    """Something that was allowed for always, by its id."""

    id: Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]


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


@method("approvals.granted", Nothing, help="What agents may run because somebody said always.")
async def approvals_granted(core: Core, client: Client, params: Nothing) -> Json:
    return {"grants": [_grant(row) for row in await core.engine.read(scripts.standing())]}


@method("approvals.revoke", GrantParams, help="Take an always back: the next call is asked about.")
async def approvals_revoke(core: Core, client: Client, params: GrantParams) -> Json:
    row = await core.engine.tx(scripts.take_back(int(params.id)))
    if row is None:
        raise RequestError("NOT_FOUND", f"there is no grant {params.id}; it may be gone already")
    core.hub.publish(Signal("agents.changed", {"agentId": row["agent"]}))
    return _grant(row)


def _grant(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "agentId": row["agent"],
        "program": row["program"],
        "script": row["script"],
        "setBy": row["set_by"],
        "createdAt": when(row["created_at"]),
        "usedAt": when(row["used_at"]),
    }


METHODS: tuple[Method, ...] = (
    approvals_list,
    approvals_resolve,
    approvals_granted,
    approvals_revoke,
)
