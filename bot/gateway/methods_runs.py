"""`agent` and `agent.wait`: one run, and its end."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from bot.errors import RequestError
from bot.gateway import runs
from bot.gateway.frames import Params
from bot.gateway.params import Id, Key, Said
from bot.gateway.rows import when
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core
from bot.gateway.targets import page_of, session_key, target
from bot.gateway.uploads import Files
from bot.keys import SessionKey, main_key
from bot.store.inbox import SOURCE
from bot.types import Thinking

_DAY_MS = 86_400_000
Milliseconds = Annotated[int, Field(ge=0, le=_DAY_MS)]


class AgentParams(Params):
    """What one run is to do, where it belongs, and where its answer goes.

    `lane` is taken for compatibility: a session's runs share the session's lane.
    """

    message: Said
    idempotency_key: Id
    agent_id: Id | None = None
    session_key: Key | None = None
    session_id: Id | None = None
    exact: bool = False
    thinking: Thinking | None = None
    timeout_ms: Milliseconds | None = None
    attachments: Files | None = None
    deliver: bool = False
    channel: Id | None = None
    to: Id | None = None
    thread_id: Id | None = None
    extra_system_prompt: Annotated[str, Field(max_length=100_000)] | None = None
    lane: Id | None = None
    label: Id | None = None


class WaitParams(Params):
    """Which run, and how long to wait for its end."""

    run_id: Id
    timeout_ms: Milliseconds = 30_000


@method("agent", AgentParams, help="Run an agent once; the idempotency key is the run's id.")
async def agent(core: Core, client: Client, params: AgentParams) -> Json:
    return await start(core, params)


async def start(core: Core, params: AgentParams, source: Json | None = None) -> Json:
    """Store what an agent is to do; `source` says whose words these are, if not the operator's.

    Raises RequestError.
    """
    key = await _session(core, params)
    to = None
    if params.deliver:
        to = await target(core, key, params.channel, params.to, params.thread_id)
    accepted = await runs.submit(
        core,
        key,
        params.idempotency_key,
        params.message,
        seen_at=page_of(key),
        deliver_to=to,
        commands=False,
        options=_options(params) | ({SOURCE: source} if source else {}),
        files=params.attachments,
    )
    if params.label is not None and accepted.state == "new":
        await core.sessions.rename(key.text, params.label)
    row = await runs.find(core, params.idempotency_key)
    return {
        "runId": row["id"],
        "status": "accepted",
        "acceptedAt": when(row["accepted_at"]),
        "sessionKey": row["session_key"],
    }


@method(
    "agent.wait",
    WaitParams,
    help="Wait for a run's end; a wait that ends stops nothing.",
    waits=True,
)
async def agent_wait(core: Core, client: Client, params: WaitParams) -> Json:
    return await runs.wait(core, params.run_id, params.timeout_ms / 1000)


async def _session(core: Core, params: AgentParams) -> SessionKey:
    """The session of a run; key, id and agent must not contradict each other."""
    text = params.session_key
    if params.session_id is not None:
        row = await core.sessions.by_id(params.session_id)
        if row is None or row["archived_at"] is not None:
            raise RequestError("NOT_FOUND", f"there is no session with id {params.session_id}")
        if text is not None and core.sessions.key(text).text != row["key"]:
            raise RequestError("INVALID_PARAMS", "sessionId and sessionKey are of two sessions")
        key = await session_key(core, row["key"], True)
    else:
        default = params.agent_id or core.config.default_agent.id
        key = await session_key(core, text or main_key(default), params.exact)
    if params.agent_id is not None and params.agent_id.lower() != key.agent:
        raise RequestError(
            "INVALID_PARAMS", f"agentId {params.agent_id} does not own the session {key.text}"
        )
    return key


def _options(params: AgentParams) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if params.thinking is not None:
        options["thinking"] = params.thinking
    if params.timeout_ms is not None:
        options["timeout"] = params.timeout_ms / 1000
    if params.extra_system_prompt is not None:
        options["extraPrompt"] = params.extra_system_prompt
    return options


METHODS: tuple[Method, ...] = (agent, agent_wait)
