"""`tools.list` and `hooks.list`: what extends the agents of this process."""

from __future__ import annotations

from bot.errors import RunError
from bot.gateway.methods_system import AgentChoice
from bot.gateway.params import Nothing
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core
from bot.keys import main_key


@method("tools.list", AgentChoice, help="Every tool, its risk, and whether an agent may call it.")
async def tools_list(core: Core, client: Client, params: AgentChoice) -> Json:
    name = params.agent_id.lower() if params.agent_id else core.config.default_agent.id
    agent = core.world.agent(name, off=True)
    try:
        ref = core.catalogue.resolve(agent.model.primary)
    except RunError:
        ref = agent.model.primary
    policy = core.world.policy(agent.id, ref, main_key(agent.id))
    rows = [
        {
            "name": tool.name,
            "description": tool.description,
            "risk": tool.risk,
            "tags": sorted(tool.tags),
            "allowed": policy.refusal(tool.name, tool.tags) is None,
        }
        for _, tool in sorted(core.turns.tools.all().items())
    ]
    return {"tools": rows}


@method("hooks.list", Nothing, help="Every hook that was found, and why one is not used.")
async def hooks_list(core: Core, client: Client, params: Nothing) -> Json:
    return {"hooks": list(core.turns.hooks.rows)}


METHODS: tuple[Method, ...] = (tools_list, hooks_list)
