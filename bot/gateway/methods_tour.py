"""`setup.tour*` and `setup.dismiss`: the guided run on the demo model, and where `/` leads.

The tour has a session of its own on the demo model. Its steps are done by what stands in the store,
so a restart or another browser goes on where it was. Leaving removes the session and its tasks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.engine.port import Row, Script, q
from bot.gateway.frames import Params
from bot.gateway.methods_setup import real_models
from bot.gateway.methods_tasks import asker
from bot.gateway.params import Nothing
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core
from bot.keys import main_key
from bot.store import entries, task_lists, upkeep
from bot.store import sessions as scripts

DEMO = "demo/demo"
_TOUR, _DISMISSED = "tour", "start.dismissed"
_LABEL = "Demo tour"
_LOOKED_AT = 500  # lines of the tour's session
_TOOL = "session_status"
# The address has a name that never answers: a yes sends nothing, even if nobody leaves the tour.
_TASK = {
    "action": "add",
    "name": _LABEL,
    "text": "tomorrow at 8am",
    "prompt": "Say good morning.",
    "delivery": {"mode": "webhook", "url": "https://tour.invalid/"},
}
# What is said to the demo model in each step; the last one is a person's own.
_SAYS = {
    "stream": "[[demo stream 60 40]]",
    "tool": f"[[demo tool {_TOOL} {{}}]]",
    "approval": f"[[demo tool task {json.dumps(_TASK)}]]",
}


class TourParams(Params):
    """`begin` makes the tour's session where there is none."""

    begin: bool = False


async def is_new(core: Core) -> bool:
    """Is nothing set up: no account, no model but the demo's? Not new once it was dismissed."""
    if core.config.channels or real_models(core):
        return False
    return await core.engine.read(upkeep.marked(_DISMISSED)) is None


@method("setup.dismiss", Nothing, help="Let / lead to the chat although nothing is set up.")
async def setup_dismiss(core: Core, client: Client, params: Nothing) -> Json:
    await core.engine.tx(upkeep.mark(_DISMISSED, "yes"))
    return {"dismissed": True}


@method("setup.tour", TourParams, help="The demo tour that is on, and which of its steps are done.")
async def setup_tour(core: Core, client: Client, params: TourParams) -> Json:
    row = await core.engine.read(_session())
    if row is None and params.begin:
        row = await _begin(core)
    return {"tour": None if row is None else await core.engine.read(_state(row))}


async def _begin(core: Core) -> Row:
    agent = core.config.default_agent.id
    model = core.world.check_model(agent, DEMO)
    made = await core.sessions.create(main_key(agent), _LABEL)
    row = await core.sessions.patch(made["key"], model=model)
    await core.engine.tx(upkeep.mark(_TOUR, row["id"]))
    return row


@method("setup.tourEnd", Nothing, help="Leave the demo tour: its session and its tasks go.")
async def setup_tour_end(core: Core, client: Client, params: Nothing) -> Json:
    row = await core.engine.read(_session())
    if row is None:
        return {"session": None, "tasks": []}
    tasks = await core.engine.read(task_lists.listing(session=row["key"]))
    await core.lanes.stop(row["key"])
    for task in tasks:
        await core.tasks.remove(asker(core), task.id)
    await core.sessions.delete(row["key"])
    return {"session": row["label"], "tasks": [task.name for task in tasks]}


def _session() -> Script[Row | None]:
    """The tour's session, None where there is none, or it was reset or deleted."""
    id = yield from upkeep.marked(_TOUR)
    row = (yield from scripts.by_id(id)) if id else None
    return row if row is not None and row["archived_at"] is None else None


def _state(row: Row) -> Script[Mapping[str, Any]]:
    """`{sessionKey, label, tasks, says, steps}`; a step is done by what is stored."""
    lines = yield from entries.tail(row["id"], _LOOKED_AT)
    asked = {line.run for line in lines if line.role == "user" and line.text == _SAYS["stream"]}
    tasks = yield from task_lists.listing(session=row["key"])
    decided = yield q(
        "SELECT 1 AS yes FROM approvals WHERE session = ? AND decided_by IS NOT NULL LIMIT 1",
        row["id"],
    )
    answered = (line for line in lines if line.role == "assistant" and line.run in asked)
    results = (line for line in lines if line.role == "tool" and line.name == _TOOL)
    return {
        "sessionKey": row["key"],
        "label": row["label"],
        "tasks": [task.name for task in tasks],
        "says": _SAYS,
        "steps": {
            "stream": any(line.text and line.stop == "end" for line in answered),
            "tool": any(not line.is_error for line in results),
            "approval": bool(decided),
            "schedule": any(task.author == "person" for task in tasks),
        },
    }


METHODS: tuple[Method, ...] = (setup_dismiss, setup_tour, setup_tour_end)
