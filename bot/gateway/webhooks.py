"""`POST /hooks/…`: another program starts a run or wakes a session; its words are of others.

The caller has the token, but what it passes on was often written by strangers: the message carries
a source, so that its run does nothing that lasts, leaves or reaches further without a person's yes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import uuid4

from aiohttp import web
from pydantic import Field

from bot.contract import Address
from bot.errors import RequestError
from bot.gateway.answers import json_answer
from bot.gateway.auth import Auth, bearer
from bot.gateway.frames import Params
from bot.gateway.methods_runs import AgentParams, start
from bot.gateway.params import Id, Key, Said
from bot.gateway.rpc import Client, Json, Methods, method
from bot.gateway.services import Core
from bot.gateway.uploads_http import pieces_of
from bot.jsonio import dumps, loads
from bot.keys import fold, main_key

MAX_HOOK = 256 << 10
MAX_QUOTED = 32_000  # characters of a webhook's body that its run reads
WOKEN = "Another program has woken this session; what it says stands above."


class Program:
    """A program that has shown the token (`bot.gateway.rpc.Client`)."""

    role = "operator"
    caps: frozenset[str] = frozenset()
    by_token = True
    node = None


class WakeParams(Params):
    """What happened, and which session is to hear of it: the default agent's main one."""

    text: Said
    idempotency_key: Id
    agent_id: Id | None = None
    session_key: Key | None = None
    exact: bool = False


class NamedParams(Params):
    """A webhook of the configuration, the caller's key for this request, and the request."""

    name: Id
    key: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$")]
    text: str


@method("agent", AgentParams, help="Run an agent once, in a session of its own unless named.")
async def hook_agent(core: Core, client: Client, params: AgentParams) -> Json:
    if params.session_key is None and params.session_id is None:
        agent = params.agent_id or core.config.default_agent.id
        key = f"agent:{fold(agent)}:hook:{fold(params.idempotency_key)}"
        params = params.model_copy(update={"session_key": key})
    return await start(core, params, {"hook": "agent"})


@method("wake", WakeParams, help="Tell a session that something happened.")
async def hook_wake(core: Core, client: Client, params: WakeParams) -> Json:
    key = params.session_key or main_key(params.agent_id or core.config.default_agent.id)
    asked = AgentParams.model_validate(
        {
            "message": WOKEN,
            "idempotencyKey": params.idempotency_key,
            "sessionKey": key,
            "agentId": params.agent_id,
            "exact": params.exact,
        }
    )
    return await start(core, asked, {"hook": "wake", "text": params.text})


@method("named", NamedParams, help="Do what the configuration says of this webhook.")
async def hook_named(core: Core, client: Client, params: NamedParams) -> Json:
    hook = core.config.hooks.webhooks[params.name]
    agent = (hook.agent or core.config.default_agent.id).lower()
    # The caller's keys are its own: they name no run of somebody else.
    run = f"hook-{params.name}-{params.key}"
    asked: dict[str, Any] = {
        "message": hook.message,
        "idempotencyKey": run,
        "agentId": agent,
        "sessionKey": _session(hook.session, agent) or f"agent:{fold(agent)}:hook:{fold(run)}",
    }
    if hook.deliver_to:
        to = Address.parse(hook.deliver_to)
        asked |= {"deliver": True, "channel": to.account, "to": to.conversation}
        asked |= {"threadId": to.thread} if to.thread else {}
    return await start(
        core, AgentParams.model_validate(asked), {"hook": params.name, "text": params.text}
    )


def _session(session: str | None, agent: str) -> str | None:
    return main_key(agent) if session == "main" else session


class _Hooks:
    def __init__(self, core: Core, auth: Auth) -> None:
        self._core = core
        self._auth = auth
        self._methods = Methods(core, [hook_agent, hook_wake, hook_named])

    async def take(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        hook = self._core.config.hooks.webhooks.get(name)
        own = hook.token.reveal() if hook is not None else ""
        await self._auth.check_token(request, bearer(request), own)
        if hook is None and name not in ("agent", "wake"):
            what = "there is no such hook; use /hooks/agent, /hooks/wake or one of hooks.webhooks"
            raise RequestError("NOT_FOUND", what)
        body = await _body(request)
        key = request.headers.get("Idempotency-Key")
        if hook is not None:
            given = {"name": name, "key": key or str(uuid4()), "text": _quoted(body)}
            return json_answer(await self._methods.call(Program(), "named", given), 202)
        body.setdefault("idempotencyKey", key if key is not None else f"hook-{uuid4()}")
        return json_answer(await self._methods.call(Program(), name, body), 202)


def _quoted(body: Mapping[str, Any]) -> str:
    """A request's body as the model reads it, without its end where it is long."""
    text = dumps(body)
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]} [cut off here]"


async def _body(request: web.Request) -> dict[str, Any]:
    data = b"".join([piece async for piece in pieces_of(request, MAX_HOOK)])
    try:
        body = loads(data)
    except ValueError as error:
        raise RequestError("INVALID_PARAMS", str(error)) from None
    if not isinstance(body, Mapping):
        raise RequestError("INVALID_PARAMS", "send a JSON object")
    return dict(body)


def add(app: web.Application, core: Core, auth: Auth) -> None:
    """Register the hooks."""
    app.router.add_post("/hooks/{name:.+}", _Hooks(core, auth).take)
