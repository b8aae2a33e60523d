"""`setup.*`: how far this Trunkline is set up, and a first model that has passed a live test."""

from __future__ import annotations

import asyncio
from typing import Any

from bot.config.agents import Provider as ProviderSettings
from bot.config.document import parse
from bot.config.kinds import Secret
from bot.engine.port import Script, q
from bot.errors import RequestError, RunError
from bot.gateway.frames import Params
from bot.gateway.methods_channels import channel_rows
from bot.gateway.params import Id, Nothing
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core
from bot.providers.http import Refused
from bot.providers.presets import PRESETS, Preset
from bot.providers.probe import discover, live_test, verdict

DEMO = "demo/"
_LOOK = 5.0
_OFFERED = 200


class SetupModel(Params):
    """A server that setup.find told of, by its preset, and one of its models."""

    preset: Id
    model: Id


@method("setup.state", Nothing, help="What is set up: a model, a channel, a task, the demo.")
async def setup_state(core: Core, client: Client, params: Nothing) -> Json:
    real = real_models(core)
    accounts = [one for one in core.config.channels.values() if one.settings.enabled]
    up = [row["account"] for row in await channel_rows(core) if row["state"] == "up"]
    tasks, demo = await core.engine.read(_counts())
    primary = core.catalogue.resolve(core.config.default_agent.model.primary)
    return {
        "model": {"done": bool(real), "ready": real, "primary": primary},
        "channel": {"done": bool(up), "accounts": [one.name for one in accounts], "up": up},
        "task": {"done": tasks > 0, "tasks": tasks},
        "demo": {"done": demo},
        "agentId": core.config.default_agent.id,
    }


def real_models(core: Core) -> list[str]:
    """The models of the default agent that could answer now, without the demo's."""
    rows = core.world.models(core.config.default_agent.id)
    return [row["ref"] for row in rows if row["ready"] and not row["ref"].startswith(DEMO)]


def _counts() -> Script[tuple[int, bool]]:
    """How many tasks there are, and whether the demo model has answered."""
    [tasks] = yield q("SELECT count(*) AS n FROM tasks")
    demo = yield q("SELECT 1 AS used FROM usage WHERE model LIKE 'demo/%' LIMIT 1")
    return int(tasks["n"]), bool(demo)


@method(
    "setup.find",
    Nothing,
    help="Servers on this machine and keys in its environment, and the models they offer.",
    waits=True,
)
async def setup_find(core: Core, client: Client, params: Nothing) -> Json:
    asked = [preset for preset in PRESETS if _settings(core, preset) is not None]
    found = await asyncio.gather(*(_looked(core, preset) for preset in asked))
    return {"found": [row for row in found if row["ok"] or row["env"]]}


def _settings(core: Core, preset: Preset) -> ProviderSettings | None:
    """How a preset would be reached: by a key of the environment, or on this machine."""
    key = core.file.variable(preset.env) if preset.env else None
    if preset.usable_url is None or not (key or preset.local):
        return None
    return ProviderSettings(
        api=preset.api, base_url=preset.usable_url, api_key=Secret(key or "", "env")
    )


async def _looked(core: Core, preset: Preset) -> dict[str, Any]:
    settings = _settings(core, preset)
    assert settings is not None
    row: dict[str, Any] = {
        "preset": preset.id,
        "title": preset.title,
        "env": preset.env if settings.api_key else None,
        "local": preset.local,
        "saved": preset.id in core.config.providers,
    }
    try:
        provider = core.catalogue.build(preset.id, settings, core.config.default_agent.id)
        try:
            async with asyncio.timeout(_LOOK):
                models = await discover(provider)
        finally:
            await provider.close()
    except Refused as refused:
        return row | verdict(refused.failure) | {"models": []}
    except (TimeoutError, RunError) as error:
        said = str(error) or f"no answer within {_LOOK:g} seconds"
        return row | {"ok": False, "reason": "unreachable", "message": said, "models": []}
    return row | {"ok": True, "models": [one.id for one in models[:_OFFERED]]}


@method(
    "setup.model",
    SetupModel,
    help="Ask a found model one question; when it answers, save it, and use it for the demo's.",
    waits=True,
)
async def setup_model(core: Core, client: Client, params: SetupModel) -> Json:
    preset = next((one for one in PRESETS if one.id == params.preset), None)
    settings = _settings(core, preset) if preset else None
    if preset is None or settings is None:
        raise RequestError("NOT_FOUND", f"{params.preset} was not found here; look again")
    provider = core.catalogue.build(preset.id, settings, core.config.default_agent.id)
    try:
        tested = await live_test(provider, params.model)
    finally:
        await provider.close()
    if not tested["ok"]:
        return {**tested, "changed": []}
    changed = await _save(core, preset, bool(settings.api_key), f"{preset.id}/{params.model}")
    return {**tested, "changed": changed, "model": f"{preset.id}/{params.model}"}


async def _save(core: Core, preset: Preset, keyed: bool, ref: str) -> list[str]:
    """Put the provider and, where the demo answers, the model into the file; what was changed."""
    file = core.file
    async with file.lock:
        before = file.read()
        config = file.load(before.text, "CONFLICT")
        text, changed = before.text, []
        if preset.id not in config.providers:
            wanted = {"api": preset.api} | ({"api_key": f"${{{preset.env}}}"} if keyed else {})
            if preset.local:
                wanted["base_url"] = str(preset.usable_url)
            text = file.set(text, ("providers", preset.id), wanted)
            changed.append(f"providers.{preset.id}")
        agent = config.default_agent
        if core.catalogue.resolve(agent.model.primary).startswith(DEMO):
            text = _with_model(core, text, agent.id, ref)
            changed.append(f"agents.{agent.id}.model")
        listed = file.offering(text, [ref])
        if listed != text:
            text = listed
            changed.append(f"models.{ref}")
        if not changed:
            return []
        loaded = file.load(text)
        file.write(text, before)
        update = {name: getattr(loaded, name) for name in ("providers", "agents", "models")}
        await core.adopt(core.config.model_copy(update=update))
    return changed


def _with_model(core: Core, text: str, agent: str, ref: str) -> str:
    file = core.file
    text = file.with_agents(text)
    now = parse(text, str(file.path), []).data["agents"]
    shape = next(one.get("model") for one in now if str(one["id"]).lower() == agent)
    deeper = ("primary",) if isinstance(shape, dict) else ()
    return file.set(text, ("agents", agent, "model", *deeper), ref)


METHODS: tuple[Method, ...] = (setup_state, setup_find, setup_model)
