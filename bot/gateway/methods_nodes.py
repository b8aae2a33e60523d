"""`nodes.*`: devices that were let in, and what they are asked to do."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from bot.errors import RequestError
from bot.gateway.frames import Params
from bot.gateway.params import Id, Nothing
from bot.gateway.rows import when
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core
from bot.tools.nodes import TIMEOUT, Outcome


class OneNode(Params):
    """A node by its id."""

    id: Id


class Invoke(Params):
    """A command of a node; `params` is what the command takes, `timeoutMs` how long it may take."""

    id: Id
    command: Id
    params: dict[str, Any] = Field(default_factory=dict)
    timeout_ms: Annotated[int, Field(ge=1, le=600_000)] = int(TIMEOUT * 1000)


class Result(Params):
    """A node's answer to `node.invoke`: `payload` when it is ok, else `error`, a sentence."""

    id: Id
    ok: bool
    payload: Any = None
    error: str | None = None


@method("nodes.list", Nothing, help="Devices that were let in, and those that wait for it.")
async def nodes_list(core: Core, client: Client, params: Nothing) -> Json:
    rows = await core.nodes.rows()
    return {"nodes": [{**row, "seenAt": when(row["seenAt"])} for row in rows]}


@method("nodes.approve", OneNode, help="Let a device in, by its id or by its request's id or code.")
async def nodes_approve(core: Core, client: Client, params: OneNode) -> Json:
    row = await core.nodes.approve(params.id)
    return {"id": row["author"]["id"], "name": row["author"]["name"], "paired": True}


@method("nodes.remove", OneNode, help="Put a device out again.")
async def nodes_remove(core: Core, client: Client, params: OneNode) -> Json:
    await core.nodes.remove(params.id)
    return {"id": params.id, "paired": False}


@method("nodes.invoke", Invoke, help="Have a device carry out one of its commands.", waits=True)
async def nodes_invoke(core: Core, client: Client, params: Invoke) -> Json:
    seconds = params.timeout_ms / 1000
    outcome = await core.nodes.invoke(params.id, params.command, params.params, seconds)
    answer = {"id": params.id, "command": params.command, "ok": outcome.ok}
    return answer | ({"payload": outcome.payload} if outcome.ok else {"error": outcome.error})


@method("nodes.result", Result, help="A device's answer to node.invoke.", role="node")
async def nodes_result(core: Core, client: Client, params: Result) -> Json:
    if client.node is None:
        raise RequestError("FORBIDDEN", "only a node answers")
    error = (params.error or "the command failed")[:2000]
    outcome = Outcome(params.ok, params.payload, "" if params.ok else error)
    core.nodes.result(client.node, params.id, outcome)
    return {"id": params.id}


METHODS: tuple[Method, ...] = (
    nodes_list,
    nodes_approve,
    nodes_remove,
    nodes_invoke,
    nodes_result,
)
