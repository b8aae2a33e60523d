"""`memory.*` and `skills.list`: what agents know, as the operator sees it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bot.context.memory import FOLDER, PEOPLE, Scope
from bot.context.recall import MAX_QUERY, MAX_RESULTS, RESULTS
from bot.errors import RequestError
from bot.gateway.frames import Params
from bot.gateway.params import Id, Said
from bot.gateway.rows import when
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core


class SkillsParams(Params):
    """An agent's skills; without one, the default agent's."""

    agent_id: Id | None = None


class SearchParams(Params):
    """A question to an agent's memory; `person` names one of memory/people instead."""

    query: Annotated[Said, Field(max_length=MAX_QUERY)]
    agent_id: Id | None = None
    person: Id | None = None
    max_results: Annotated[int, Field(ge=1, le=MAX_RESULTS)] = RESULTS


class IndexParams(Params):
    """An agent's memory, or everybody's; `again`: files that have not changed too."""

    agent_id: Id | None = None
    again: bool = False


@method("skills.list", SkillsParams, help="Every skill that was found, and why one is not offered.")
async def skills_list(core: Core, client: Client, params: SkillsParams) -> Json:
    return {"skills": await core.world.skills(_agent(core, params.agent_id))}


@method("memory.search", SearchParams, help="Search an agent's memory.", waits=True)
async def memory_search(core: Core, client: Client, params: SearchParams) -> Json:
    agent = _agent(core, params.agent_id)
    scope = Scope(FOLDER, True)
    if params.person is not None:
        if "/" in params.person or params.person.startswith("."):
            raise RequestError("INVALID_PARAMS", f"person is the name of a folder in {PEOPLE}")
        scope = Scope(f"{PEOPLE}/{params.person}")
    hits = await core.memory.search(agent, scope, params.query, params.max_results)
    return {"results": [hit.row for hit in hits]}


@method("memory.index", IndexParams, help="Take changed memory files into the index.", waits=True)
async def memory_index(core: Core, client: Client, params: IndexParams) -> Json:
    changed = {
        agent: await core.memory.index(agent, again=params.again)
        for agent in _agents(core, params.agent_id)
    }
    return {"indexed": [{"agentId": agent, "files": count} for agent, count in changed.items()]}


@method("memory.status", SkillsParams, help="What is indexed, and how memory is searched.")
async def memory_status(core: Core, client: Client, params: SkillsParams) -> Json:
    rows = [await core.memory.status(agent) for agent in _agents(core, params.agent_id)]
    return {"agents": [{**row, "indexedAt": when(row["indexedAt"])} for row in rows]}


def _agent(core: Core, name: str | None) -> str:
    return core.world.agent((name or core.config.default_agent.id).lower(), off=True).id


def _agents(core: Core, name: str | None) -> list[str]:
    if name is not None:
        return [_agent(core, name)]
    return [agent.id for agent in core.config.agents if agent.enabled]


METHODS: tuple[Method, ...] = (skills_list, memory_search, memory_index, memory_status)
