"""`channels.*` and `bindings.*`: accounts on platforms, and which agent answers where."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import ConfigDict

from bot.bindings import SWITCHED, match_agent
from bot.config.channels import Channel
from bot.config.settings import Config
from bot.contract import Address, Author, Message, Ref
from bot.engine.port import Row
from bot.errors import RequestError
from bot.gateway import processes, trial
from bot.gateway.frames import Params
from bot.gateway.params import Id, Nothing
from bot.gateway.rows import when
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core
from bot.store import people, upkeep

_USER = "user:"


class TestParams(Params):
    """An account; with `to`, a conversation's id, a message that is marked as a test goes there."""

    account: Id
    to: Id | None = None
    thread_id: Id | None = None


class SetParams(Params):
    """An account, and what is to stand below it in the file; null takes a key away.

    `base` refuses the change when the file is not the one it names.
    """

    model_config = ConfigDict(extra="allow")

    account: Id
    base: Id | None = None


class OneAccount(Params):
    """An account by its name; `base` as for channels.set."""

    account: Id
    base: Id | None = None


class BindingsParams(Params):
    """All routes as the file has them: `{agent, match}`, in order; `base` as for channels.set."""

    bindings: list[dict[str, Any]]
    base: Id | None = None


@method("channels.list", Nothing, help="Every channel account, its state and its agent.")
async def channels_list(core: Core, client: Client, params: Nothing) -> Json:
    return {"channels": await channel_rows(core)}


@method("channels.status", Nothing, help="How the channel accounts are connected.")
async def channels_status(core: Core, client: Client, params: Nothing) -> Json:
    return {"channels": await channel_rows(core)}


async def channel_rows(core: Core) -> list[dict[str, Any]]:
    """Every account of the configuration as clients see it."""
    quarantined = await core.engine.read(upkeep.quarantined())
    members = await core.engine.members()
    return [
        _channel_row(
            core,
            account,
            quarantined.get(account.name, 0),
            processes.connection(core, members, account.name),
        )
        for account in core.config.channels.values()
    ]


def _channel_row(
    core: Core, account: Channel, quarantined: int, found: processes.Connection
) -> dict[str, Any]:
    state, enabled = found.state, account.settings.enabled
    # Nobody in particular speaking: what matches is what matches the whole account.
    address = Address(account.adapter, account.name, "-")
    at = datetime.fromtimestamp(0, UTC)
    probe = Message(Ref(address, "-"), Author("-"), "", at, "direct")
    facts = core.world.facts(probe, None, None)
    route = match_agent(probe, facts.rules, None, facts.channel, facts.agents)
    return {
        "account": account.name,
        "adapter": account.adapter,
        "enabled": enabled,
        "state": state.state if enabled else "off",
        "error": state.error if enabled else None,
        "holder": processes.holder_row(found.holder, account.name),
        "agent": route.agent,
        "matchedBy": route.matched_by,
        "lastEventAt": when(state.last_event_at),
        "quarantined": quarantined,
        "access": _access(account),
    }


def _access(account: Channel) -> dict[str, Any]:
    """Who may talk there, with the file's keys."""
    rules = account.settings
    return {
        "dm_policy": rules.dm_policy,
        "allow_from": list(rules.allow_from),
        "group_policy": rules.group_policy,
        "group_allow_from": list(rules.group_allow_from),
        "require_mention": rules.require_mention,
    }


@method(
    "channels.test",
    TestParams,
    help="Ask the platform whether it takes the account's token, and send a message if you like.",
    waits=True,
)
async def channels_test(core: Core, client: Client, params: TestParams) -> Json:
    account = _configured(core.config, params.account)
    verdict = await trial.check(core.accounts, account)
    answer: dict[str, Any] = {"account": account.name, **trial.said_of(verdict, "name")}
    if params.to is None or verdict.reason in ("refused", "unreachable"):
        return answer
    conversation = params.to.removeprefix(_USER)
    to = Address(account.adapter, account.name, conversation, params.thread_id)
    sent = await trial.send(core.accounts, account, to)
    answer["sent"] = {"to": to.key, **trial.said_of(sent, "id")}
    return answer | {"ok": verdict.ok and sent.ok}


def _configured(config: Config, name: str) -> Channel:
    found = config.channels.get(name)
    if found is None:
        known = ", ".join(config.channels) or "none yet"
        raise RequestError("NOT_FOUND", f"there is no channel account {name}; there are: {known}")
    return found


@method(
    "channels.set",
    SetParams,
    help="Add or change an account in the file, if its platform takes the token, and use it.",
    waits=True,
)
async def channels_set(core: Core, client: Client, params: SetParams) -> Json:
    name, keys = params.account, dict(params.model_extra or {})
    file = core.file
    async with file.lock:
        before = file.read(params.base)
        now = file.load(before.text, "CONFLICT")
        _known_agents(now, [("agent", keys.get("agent"))])
        text = _with_keys(core, before.text, name, keys, new=name not in now.channels)
        account = file.load(text).channels[name]
        verdict = await _tried(core, account)
        base = file.write(text, before)
        channels = {**core.config.channels, name: account}
        live = await core.adopt(_running(core, channels=channels), name)
    row = next(row for row in await channel_rows(core) if row["account"] == name)
    return {
        "channel": row,
        "checked": verdict is not None and verdict.ok,
        "name": verdict.said if verdict and verdict.ok else None,
        "message": verdict.said if verdict and not verdict.ok else None,
        "changed": sorted(keys),
        "file": str(file.path),
        "base": base,
        "restart": not live or not _runs(core, [account.settings.agent]),
    }


def _with_keys(core: Core, text: str, name: str, keys: dict[str, Any], *, new: bool) -> str:
    """The file's text with an account's keys set, and those that are null taken away."""
    given = {key: value for key, value in keys.items() if value is not None}
    if new:
        return core.file.set(text, ("channels", name), given)
    for key, value in given.items():
        text = core.file.set(text, ("channels", name, key), value)
    for key in keys.keys() - given.keys():
        if core.file.has(text, ("channels", name, key)):
            text = core.file.remove(text, ("channels", name, key))
    return text


async def _tried(core: Core, account: Channel) -> trial.Verdict | None:
    """What the platform says of an account; None for one that is off.

    Raises RequestError with the platform's reason when it refuses: that would never work.
    """
    if not account.settings.enabled:
        return None
    verdict = await trial.check(core.accounts, account)
    if verdict.reason == "refused":
        raise RequestError("INVALID_PARAMS", verdict.said, {"reason": "refused"})
    return verdict


def _running(core: Core, **changed: Any) -> Config:
    """The configuration that is in use, with only this changed; the file may hold more."""
    config = core.config
    if "channels" in changed:
        return config.with_channels(changed["channels"], config.warnings)
    return config.model_copy(update=changed)


def _runs(core: Core, agents: list[str | None]) -> bool:
    """Does this process know these agents? One that is new in the file waits for a new start."""
    return all(name is None or core.config.agent(name) is not None for name in agents)


@method(
    "channels.remove",
    OneAccount,
    help="Take an account out of the file and out of use; its sessions and transcripts stay.",
    waits=True,
)
async def channels_remove(core: Core, client: Client, params: OneAccount) -> Json:
    name, file = params.account, core.file
    async with file.lock:
        before = file.read(params.base)
        _configured(file.load(before.text, "CONFLICT"), name)
        text = file.remove(before.text, ("channels", name))
        file.load(text)
        base = file.write(text, before)
        channels = {key: one for key, one in core.config.channels.items() if key != name}
        live = await core.adopt(_running(core, channels=channels), name)
    return {"account": name, "file": str(file.path), "base": base, "restart": not live}


@method("bindings.list", Nothing, help="Every route: of the file, and of /agent switch.")
async def bindings_list(core: Core, client: Client, params: Nothing) -> Json:
    return await _bindings(core) | {"base": core.file.read().base if core.file.exists else None}


async def _bindings(core: Core) -> dict[str, Any]:
    rows = [
        {
            "origin": "file",
            "number": number,
            "agent": binding.agent,
            "match": binding.match.model_dump(mode="json", exclude_defaults=True),
            "setBy": None,
            "at": None,
        }
        for number, binding in enumerate(core.config.bindings, 1)
    ]
    switched = await core.engine.read(people.routes())
    return {
        "bindings": rows + [_switched_row(row) for row in switched],
        "default": core.config.default_agent.id,
    }


def _switched_row(row: Row) -> dict[str, Any]:
    place = Address.parse(row["place"])
    match = {"channel": place.channel, "account": place.account, "conversation": place.conversation}
    return {
        "origin": SWITCHED,
        "number": None,
        "agent": row["agent"],
        "match": match | ({} if place.thread is None else {"thread": place.thread}),
        "setBy": row["set_by"],
        "at": when(row["at"]),
    }


@method("bindings.set", BindingsParams, help="Put these routes in the place of the file's own.")
async def bindings_set(core: Core, client: Client, params: BindingsParams) -> Json:
    file = core.file
    async with file.lock:
        before = file.read(params.base)
        named = [(f"bindings.{i}.agent", one.get("agent")) for i, one in enumerate(params.bindings)]
        _known_agents(file.load(before.text, "CONFLICT"), named)
        text = file.set(before.text, ("bindings",), params.bindings)
        bindings = file.load(text).bindings
        base = file.write(text, before)
        await core.adopt(_running(core, bindings=bindings))
    restart = not _runs(core, [one.agent for one in bindings])
    return await _bindings(core) | {"file": str(file.path), "base": base, "restart": restart}


def _known_agents(config: Config, named: list[tuple[str, Any]]) -> None:
    """Raises RequestError that names the agents there are when a route leads to another one."""
    known = ", ".join(agent.id for agent in config.agents)
    for field, name in named:
        if isinstance(name, str) and config.agent(name) is None:
            what = f'{field}: there is no agent "{name}"; there are: {known}'
            raise RequestError("INVALID_PARAMS", what, {"field": field})


METHODS: tuple[Method, ...] = (
    channels_list,
    channels_status,
    channels_test,
    channels_set,
    channels_remove,
    bindings_list,
    bindings_set,
)
