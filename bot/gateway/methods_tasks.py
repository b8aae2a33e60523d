"""`tasks.*`: scheduled work as the operator makes, sees and changes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

from pydantic import Field

from bot.acceptance import OPERATOR
from bot.contract import Address, Author, Message, Ref
from bot.errors import RequestError
from bot.gateway.frames import Params
from bot.gateway.params import Id, Key, Said
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core
from bot.gateway.targets import session_key
from bot.gateway.webchat import WebChat
from bot.keys import main_key
from bot.schedule.asking import Asker
from bot.schedule.drafts import Wanted

Document = dict[str, Any]
Text = Annotated[str, Field(min_length=1, max_length=4000)]


class ListParams(Params):
    """All tasks, an agent's, or a session's; `all` with the inactive ones."""

    agent_id: Id | None = None
    session_key: Key | None = None
    all: bool = False


class TaskKeys(Params):
    """What a task is made of: a schedule in natural words or as a document, and the rest."""

    text: Text | None = None
    schedule: Document | None = None
    name: Id | None = None
    prompt: Said | None = None
    delivery: Document | None = None
    policy: Document | None = None


class WhenParams(TaskKeys):
    """A schedule in natural words or as a document, for an agent's session."""

    agent_id: Id | None = None
    session_key: Key | None = None


class AddParams(WhenParams):
    """A new task; with the same key again it is the same one."""

    idempotency_key: Id


class OneTask(Params):
    """A task by its id."""

    id: Id


class UpdateParams(TaskKeys, OneTask):
    """What changes; `edit` are words as behind `/task edit`."""

    enabled: bool | None = None
    edit: Text | None = None


class RunParams(OneTask):
    """A task to run now; `wait` false answers at once."""

    wait: bool = True
    idempotency_key: Id | None = None


class RunsParams(OneTask):
    """The last runs of a task, newest first."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 50


class OneRun(Params):
    """A run of a task by its id."""

    run_id: Id


def asker(core: Core, name: str | None = None) -> Asker:
    """The operator, outside of all sessions. What is asked for under one name is done once."""
    name, now = name or str(uuid4()), core.clock.now()
    place = Address(WebChat.channel, WebChat.channel, OPERATOR)
    at = datetime.fromtimestamp(now, UTC)
    said = Message(Ref(place, name), Author(OPERATOR, "Operator"), "", at, "direct")
    return Asker(OPERATOR, True, said, f"tasks:{name}", now)


async def _wanted(core: Core, params: WhenParams) -> Wanted:
    """What to make, for the session that is named or the agent's main one. Raises RequestError."""
    agent = params.agent_id.lower() if params.agent_id else None
    if params.session_key is None and agent is None:
        raise RequestError("INVALID_PARAMS", "name the sessionKey or the agentId of the task")
    if agent is not None:
        core.world.agent(agent)
    named = params.session_key or main_key(agent or "")
    key = await session_key(core, named, exact=True)
    if agent is not None and key.agent != agent:
        say = f"the session {key.text} belongs to the agent {key.agent}, not to {agent}"
        raise RequestError("INVALID_PARAMS", say)
    if params.text is not None and params.schedule is not None:
        raise RequestError("INVALID_PARAMS", "give text or schedule, not both")
    return Wanted(
        params.text,
        params.schedule,
        params.name,
        params.prompt,
        params.delivery,
        params.policy,
        key.text,
    )


@method("tasks.list", ListParams, help="Tasks, the next one first; `all` with the inactive ones.")
async def tasks_list(core: Core, client: Client, params: ListParams) -> Json:
    session = params.session_key and core.sessions.key(params.session_key).text
    agent = params.agent_id.lower() if params.agent_id else None
    rows = await core.tasks.mine(asker(core), session=session, agent=agent, everything=params.all)
    return {"tasks": rows}


@method("tasks.add", AddParams, help="Make a task of natural words or of a schedule.")
async def tasks_add(core: Core, client: Client, params: AddParams) -> Json:
    wanted = await _wanted(core, params)
    return (await core.tasks.add(asker(core, params.idempotency_key), [wanted]))[0]


@method("tasks.preview", WhenParams, help="What `tasks.add` would make; makes nothing.")
async def tasks_preview(core: Core, client: Client, params: WhenParams) -> Json:
    return await core.tasks.preview(asker(core), await _wanted(core, params))


@method("tasks.get", OneTask, help="One task, with its schedule in words and its next runs.")
async def tasks_get(core: Core, client: Client, params: OneTask) -> Json:
    return await core.tasks.get(asker(core), params.id)


@method("tasks.update", UpdateParams, help="Change a task; its id, owner and history stay.")
async def tasks_update(core: Core, client: Client, params: UpdateParams) -> Json:
    changes = params.model_dump(exclude_unset=True, exclude={"id", "edit"})
    if params.edit is not None:
        if changes:
            raise RequestError("INVALID_PARAMS", "give edit alone, or the parts that change")
        return await core.tasks.edit(asker(core), params.id, params.edit)
    if not changes:
        raise RequestError("INVALID_PARAMS", "name something to change, such as text or delivery")
    return await core.tasks.update(asker(core), params.id, changes)


@method("tasks.remove", OneTask, help="Delete a task with its history; stop what runs of it.")
async def tasks_remove(core: Core, client: Client, params: OneTask) -> Json:
    return await core.tasks.remove(asker(core), params.id)


@method(
    "tasks.run",
    RunParams,
    help="Run a task now, enabled or not; waits up to two minutes for its end.",
    waits=True,
)
async def tasks_run(core: Core, client: Client, params: RunParams) -> Json:
    return await core.tasks.run(
        asker(core, params.idempotency_key), params.id, patience=None if params.wait else 0.0
    )


@method("tasks.pause", OneTask, help="Let a task rest.")
async def tasks_pause(core: Core, client: Client, params: OneTask) -> Json:
    return await core.tasks.pause(asker(core), params.id)


@method("tasks.resume", OneTask, help="Let a task go on; what blocked it is looked at first.")
async def tasks_resume(core: Core, client: Client, params: OneTask) -> Json:
    return await core.tasks.resume(asker(core), params.id)


@method("tasks.runs", RunsParams, help="The last runs of a task, newest first.")
async def tasks_runs(core: Core, client: Client, params: RunsParams) -> Json:
    return {"runs": await core.tasks.runs(asker(core), params.id, params.limit)}


@method("tasks.cancelRun", OneRun, help="Stop a run of a task that is on.", waits=True)
async def tasks_cancel_run(core: Core, client: Client, params: OneRun) -> Json:
    return await core.tasks.cancel_run(asker(core), params.run_id)


@method("tasks.retryRun", OneRun, help="Do a run that is over once more; the new run.")
async def tasks_retry_run(core: Core, client: Client, params: OneRun) -> Json:
    return await core.tasks.retry_run(asker(core), params.run_id)


METHODS: tuple[Method, ...] = (
    tasks_list,
    tasks_add,
    tasks_preview,
    tasks_get,
    tasks_update,
    tasks_remove,
    tasks_run,
    tasks_pause,
    tasks_resume,
    tasks_runs,
    tasks_cancel_run,
    tasks_retry_run,
)
