"""What there is and how it is: agents, models, pairing, health, status, sign-in links."""

from __future__ import annotations

import json
from typing import Any

from bot import __version__
from bot.engine.port import Row
from bot.errors import RequestError, RunError
from bot.gateway.frames import Params
from bot.gateway.methods_channels import channel_rows
from bot.gateway.params import Id, Nothing
from bot.gateway.processes import problem, process_rows
from bot.gateway.rows import when
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core
from bot.gateway.why import why as story_of
from bot.store import people, upkeep


class AgentChoice(Params):
    """An agent; without one, the default."""

    agent_id: Id | None = None


class Request(Params):
    """A pairing request, by the code that the person was told or by its id."""

    code: Id | None = None
    id: Id | None = None


class Person(Params):
    """Somebody on an account, by the platform's id."""

    account: Id
    author: Id


class WhyParams(Params):
    """A platform's message id, an inbox id or a run id."""

    id: Id


@method("agents.list", Nothing, help="Every agent of the configuration.")
async def agents_list(core: Core, client: Client, params: Nothing) -> Json:
    return {"agents": core.world.agents()}


@method("models.list", AgentChoice, help="The models an agent may use, and which are ready.")
async def models_list(core: Core, client: Client, params: AgentChoice) -> Json:
    agent = params.agent_id.lower() if params.agent_id else core.config.default_agent.id
    return {"models": core.world.models(agent)}


@method("pairing.list", Nothing, help="People who asked to be let in.")
async def pairing_list(core: Core, client: Client, params: Nothing) -> Json:
    rows = await core.engine.read(people.pending_pairings(core.clock.now()))
    return {"pairings": [_pairing_row(row) for row in rows]}


@method("pairing.approve", Request, help="Let the person in who was told this code.")
async def pairing_approve(core: Core, client: Client, params: Request) -> Json:
    return await _decide(core, params, True)


@method("pairing.deny", Request, help="Turn the person away who was told this code.")
async def pairing_deny(core: Core, client: Client, params: Request) -> Json:
    return await _decide(core, params, False)


async def _decide(core: Core, params: Request, approve: bool) -> Json:
    wanted = params.code or params.id
    if wanted is None or (params.code and params.id):
        raise RequestError("INVALID_PARAMS", "name the request by its code, or by its id")
    row = await core.engine.tx(people.decide_pairing(wanted, approve, core.clock.now()))
    if row is None:
        raise RequestError("NOT_FOUND", "no open request has this code; codes last an hour")
    if row["kind"] == "node":
        await core.nodes.refresh()
    return _pairing_row(row)


def _pairing_row(row: Json) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name != "address"}
    return shown | {"createdAt": when(row["createdAt"]), "expiresAt": when(row["expiresAt"])}


@method("pairing.people", Nothing, help="People who were let in.")
async def pairing_people(core: Core, client: Client, params: Nothing) -> Json:
    rows = await core.engine.read(people.everyone())
    return {"people": [_person_row(row) for row in rows]}


def _person_row(row: Row) -> dict[str, Any]:
    person = json.loads(row["person"])
    return {"account": row["account"], "author": person, "since": when(row["granted_at"])}


@method("pairing.revoke", Person, help="Put a person out again who was let in.")
async def pairing_revoke(core: Core, client: Client, params: Person) -> Json:
    if not await core.engine.tx(people.revoke(params.account, params.author)):
        who = f"{params.account}:{params.author}"
        raise RequestError("NOT_FOUND", f"{who} was not let in by pairing")
    return {"account": params.account, "author": params.author}


@method("health", Nothing, help="Whether everything is up.")
async def health(core: Core, client: Client, params: Nothing) -> Json:
    rows = await channel_rows(core)
    ready = await core.ready()
    return {
        "ok": ready,
        "version": __version__,
        "channels": {row["account"]: row["state"] for row in rows},
    }


@method("status", Nothing, help="What runs here, what waits, and how the channels are.")
async def status(core: Core, client: Client, params: Nothing) -> Json:
    now = core.clock.now()
    default = core.config.default_agent
    members = await core.engine.members()
    return {
        "version": __version__,
        "startedAt": when(core.started_at),
        "uptimeSeconds": round(now - core.started_at),
        "ready": await core.ready(),
        "waiting": await core.engine.read(upkeep.counts()),
        "agents": core.world.agents(),
        "channels": await channel_rows(core),
        "processes": process_rows(members),
        "problem": problem(members),
        "model": {
            "ref": default.model.primary,
            "reason": _unready(core, default.model.primary),
        },
    }


def _unready(core: Core, ref: str) -> str | None:
    try:
        return core.catalogue.unready(core.catalogue.resolve(ref))
    except RunError as error:
        return str(error)


@method("why", WhyParams, help="One message's whole story.")
async def why(core: Core, client: Client, params: WhyParams) -> Json:
    return await story_of(core.engine, params.id)


@method("login.link", Nothing, help="A link that signs a browser in: once, within a minute.")
async def login_link(core: Core, client: Client, params: Nothing) -> Json:
    if not client.by_token:
        raise RequestError("FORBIDDEN", "only who knows the token may make sign-in links")
    return {"url": core.link()}


METHODS: tuple[Method, ...] = (
    agents_list,
    models_list,
    pairing_list,
    pairing_approve,
    pairing_deny,
    pairing_people,
    pairing_revoke,
    health,
    status,
    why,
    login_link,
)
