"""`agents.create/update/delete`: agents of the file; `agents.files.*`: their folders."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, ConfigDict, Field

from bot.config.document import parse
from bot.errors import PathError, RequestError
from bot.folder import MAX_FILE, Change, Folder, Names
from bot.gateway.frames import Params
from bot.gateway.params import AgentId, Id, Key
from bot.gateway.rows import when
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core

MAX_TEXT = 1 << 20
# What no two agents share.
_OWN = ("id", "name", "default", "workspace")


# By either word: clients of other gateways say name and content.
FileName = Annotated[Key, Field(validation_alias=AliasChoices("path", "name"))]


class AgentKeys(Params):
    """An agent (or `id`), and what is to stand below it in the file; null takes a key away.

    `base` refuses the change when the file is not the one it names.
    """

    model_config = ConfigDict(extra="allow")

    agent_id: AgentId
    base: Id | None = None


class NewAgent(AgentKeys):
    """A new agent. `copy` is another one whose keys in the file it gets where none are given.

    Its own id, name, folder and rank as the default are not copied.
    """

    copy_of: Annotated[Id | None, Field(alias="copy")] = None


class OneAgent(Params):
    """An agent by `agentId` or `id`; `base` as for agents.update."""

    agent_id: AgentId
    base: Id | None = None


class FilesParams(Params):
    """A folder of an agent's workspace; without one, its top."""

    agent_id: Id
    path: Key = "."


class FileParams(Params):
    """A file of an agent's workspace by `path` or `name`."""

    agent_id: Id
    path: FileName


class FileSetParams(Params):
    """What a file of an agent's workspace (`path` or `name`) shall hold, null to take it away.

    `content` says the same as `text`.

    `base` is the one that agents.files.get told; the change is refused when the file is another
    now. Without it, the file must not exist yet.
    """

    agent_id: Id
    path: FileName
    text: Annotated[
        str | None,
        Field(max_length=MAX_TEXT, validation_alias=AliasChoices("text", "content")),
    ]
    base: Id | None = None


@method("agents.create", NewAgent, help="Add an agent to the file, and use it.")
async def agents_create(core: Core, client: Client, params: NewAgent) -> Json:
    name, file = params.agent_id.lower(), core.file
    async with file.lock:
        before = file.read(params.base)
        if file.load(before.text, "CONFLICT").agent(name) is not None:
            raise RequestError("CONFLICT", f"there is an agent {name} already")
        given = {
            key: value
            for key, value in (params.model_extra or {}).items()
            if value not in (None, "")
        }
        text = file.with_agents(before.text)
        listed = parse(text, str(file.path), []).data["agents"]
        agent = {"id": name} | _copied(listed, params.copy_of) | given
        text = file.set(text, ("agents", str(len(listed))), agent)
        return await _adopted(core, text, before, name)


def _copied(listed: list[dict[str, Any]], name: str | None) -> dict[str, Any]:
    """What an agent's duplicate takes from the file. Raises RequestError NOT_FOUND."""
    if name is None:
        return {}
    found = next((one for one in listed if str(one["id"]).lower() == name.lower()), None)
    if found is None:
        raise RequestError("NOT_FOUND", f"there is no agent {name}")
    return {key: value for key, value in found.items() if key not in _OWN}


@method("agents.update", AgentKeys, help="Change an agent in the file, and use it as it is then.")
async def agents_update(core: Core, client: Client, params: AgentKeys) -> Json:
    name, file, keys = params.agent_id.lower(), core.file, dict(params.model_extra or {})
    if "id" in keys:
        say = "id: an agent keeps its id; its sessions and its folder are named after it"
        raise RequestError("INVALID_PARAMS", say, {"field": "id"})
    async with file.lock:
        before = file.read(params.base)
        if file.load(before.text, "CONFLICT").agent(name) is None:
            raise RequestError("NOT_FOUND", f"there is no agent {name}")
        text = file.with_agents(before.text)
        for key, value in keys.items():
            if value is not None:
                text = file.set(text, ("agents", name, key), value)
            elif file.has(text, ("agents", name, key)):
                text = file.remove(text, ("agents", name, key))
        return await _adopted(core, text, before, name)


@method("agents.delete", OneAgent, help="Take an agent out of the file; its sessions stay stored.")
async def agents_delete(core: Core, client: Client, params: OneAgent) -> Json:
    name, file = params.agent_id.lower(), core.file
    async with file.lock:
        before = file.read(params.base)
        config = file.load(before.text, "CONFLICT")
        if config.agent(name) is None:
            raise RequestError("NOT_FOUND", f"there is no agent {name}")
        if not [one for one in config.agents if one.enabled and one.id != name]:
            raise RequestError("CONFLICT", f"{name} is the only agent; add another one first")
        return await _adopted(core, file.remove(before.text, ("agents", name)), before, name)


async def _adopted(core: Core, text: str, before: Any, name: str) -> dict[str, Any]:
    """Write a changed list of agents and go on with it; the agent's row, None when it is gone."""
    agents = core.file.load(text).agents
    base = core.file.write(text, before)
    await core.adopt(core.config.model_copy(update={"agents": agents}))
    row = next((one for one in core.world.agents() if one["id"] == name), None)
    return {"agentId": name, "agent": row, "file": str(core.file.path), "base": base}


@method("agents.files.list", FilesParams, help="The files in a folder of an agent's workspace.")
async def files_list(core: Core, client: Client, params: FilesParams) -> Json:
    folder, names = _place(core, params.agent_id, params.path)
    try:
        rows = [_file_row(folder, names, name) for name in folder.list(names)]
    except PathError as error:
        raise RequestError("NOT_FOUND", str(error)) from None
    return {"path": "/".join(names), "files": rows}


def _file_row(folder: Folder, above: Names, name: str) -> dict[str, Any]:
    if name.endswith("/"):
        return {"name": name.rstrip("/"), "folder": True, "size": None, "changedAt": None}
    try:
        stamp = folder.stamp((*above, name))
    except PathError:
        # A link or a device: named, and never followed.
        stamp = None
    size, changed = (stamp.size, stamp.changed / 1e9) if stamp else (None, None)
    return {"name": name, "folder": False, "size": size, "changedAt": when(changed)}


@method("agents.files.get", FileParams, help="A text file of an agent's workspace.")
async def files_get(core: Core, client: Client, params: FileParams) -> Json:
    folder, names = _place(core, params.agent_id, params.path)
    try:
        content = folder.read(names, MAX_FILE)
        text = content.data.decode()
    except PathError as error:
        raise RequestError("NOT_FOUND", str(error)) from None
    except UnicodeDecodeError:
        raise RequestError("INVALID_PARAMS", f"{params.path} is no text in UTF-8") from None
    if len(text) > MAX_TEXT:
        raise RequestError("TOO_LARGE", f"{params.path} is larger than {MAX_TEXT} characters")
    return {"path": "/".join(names), "text": text, "base": _base(content.stamp)}


@method(
    "agents.files.set", FileSetParams, help="Write or take away a file of an agent's workspace."
)
async def files_set(core: Core, client: Client, params: FileSetParams) -> Json:
    folder, names = _place(core, params.agent_id, params.path)
    try:
        before = folder.stamp(names)
        if params.base != (_base(before) if before else None):
            say = f"{params.path} has changed since it was read; read it again"
            raise RequestError("CONFLICT", say, {"base": _base(before) if before else None})
        data = None if params.text is None else params.text.encode("utf-8", "replace")
        folder.change([Change(names, data, before)])
        after = folder.stamp(names)
    except PathError as error:
        raise RequestError("INVALID_PARAMS", str(error)) from None
    return {"path": "/".join(names), "base": _base(after) if after else None}


def _place(core: Core, agent: str, path: str) -> tuple[Folder, Names]:
    """A place in an agent's folder. Raises RequestError for one outside, or without an agent."""
    if core.config.agent(agent) is None:
        raise RequestError("NOT_FOUND", f"there is no agent {agent}")
    try:
        folder = core.folder(agent.lower())
        names = folder.names(path)
    except PathError as error:
        raise RequestError("INVALID_PARAMS", str(error)) from None
    if names is None:
        raise RequestError("INVALID_PARAMS", f"{path} is outside of the agent's folder")
    return folder, names


def _base(stamp: Any) -> str:
    """The name of a file's state."""
    return f"{stamp.identity[1]:x}-{stamp.size:x}-{stamp.changed:x}"


METHODS: tuple[Method, ...] = (
    agents_create,
    agents_update,
    agents_delete,
    files_list,
    files_get,
    files_set,
)
