"""`mcp.*`: tool servers, and the review of tools that changed."""

from __future__ import annotations

from bot.gateway.frames import Params
from bot.gateway.params import Id, Nothing
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core


class OneServer(Params):
    """A tool server by its name."""

    server: Id


class Reviewed(Params):
    """A tool server, or one tool of it by the server's own name for it."""

    server: Id
    tool: Id | None = None


@method("mcp.list", Nothing, help="Tool servers, their tools, and what waits for review.")
async def mcp_list(core: Core, client: Client, params: Nothing) -> Json:
    return {"servers": await core.servers.rows()}


@method("mcp.check", OneServer, help="Start a tool server and ask it for its tools.", waits=True)
async def mcp_check(core: Core, client: Client, params: OneServer) -> Json:
    await core.servers.check(params.server)
    return {"servers": [one for one in await core.servers.rows() if one["name"] == params.server]}


@method("mcp.review", Reviewed, help="Take new and changed tools of a server as they are now.")
async def mcp_review(core: Core, client: Client, params: Reviewed) -> Json:
    return {"reviewed": await core.servers.review(params.server, params.tool)}


METHODS: tuple[Method, ...] = (mcp_list, mcp_check, mcp_review)
