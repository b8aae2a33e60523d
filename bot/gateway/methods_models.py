"""`models.test` and `providers.*`: what can be asked, what it offers, and whether it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from pydantic import Field

from bot.config.agents import Agent
from bot.config.agents import Provider as ProviderSettings
from bot.config.kinds import Secret
from bot.errors import RequestError, RunError
from bot.gateway.frames import Params
from bot.gateway.params import Id, Key, Nothing, ProviderId
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core
from bot.providers import PROGRAMS, split_ref
from bot.providers.http import Refused
from bot.providers.presets import PRESETS, preset_of
from bot.providers.probe import discover, live_test, verdict
from bot.types import Provider

_PROGRAM = "a program is named in the configuration file only: providers.{}.command"


class TestParams(Params):
    """A model by its reference or alias; `agentId`: with that agent's credentials."""

    ref: Id
    agent_id: Id | None = None


class Endpoint(Params):
    """A provider of the configuration by its name, or one to try before it is saved.

    With any of `api`, `base_url`, `api_key` or `headers` it is the one described; what is not
    given comes from the configuration, but never a key for another address. Keys are not kept.
    """

    provider: ProviderId
    api: Literal["openai", "anthropic", "ollama", "demo"] | None = None
    base_url: Annotated[Key | None, Field(alias="base_url")] = None
    api_key: Annotated[Key | None, Field(alias="api_key")] = None
    headers: Annotated[dict[str, str], Field(default_factory=dict, max_length=50)]
    agent_id: Id | None = None


class ProviderTest(Endpoint):
    """`model` is the one to ask; without it, the provider's list is enough."""

    model: Id | None = None


@method(
    "models.test",
    TestParams,
    help="Ask a model one short question: does it answer, and if not, why. It may cost a little.",
    waits=True,
)
async def models_test(core: Core, client: Client, params: TestParams) -> Json:
    agent = _agent(core, params.agent_id)
    try:
        ref = core.catalogue.resolve(params.ref)
        name, model = split_ref(ref)
        if reason := core.catalogue.unready(ref):
            kind = "auth" if "API key" in reason else "model"
            return {"ok": False, "reason": kind, "message": reason}
        provider = core.catalogue.provider(agent, name)
    except RunError as error:
        return {"ok": False, "reason": "model", "message": str(error)}
    return await live_test(provider, model)


@method("providers.list", Nothing, help="The providers, how they are reached, and the presets.")
async def providers_list(core: Core, client: Client, params: Nothing) -> Json:
    rows = [provider_row(core, name, settings) for name, settings in core.config.providers.items()]
    return {"providers": rows, "presets": [preset.row() for preset in PRESETS]}


def provider_row(core: Core, name: str, settings: ProviderSettings) -> dict[str, Any]:
    """A provider without its secrets: how many keys there are, and the names of its headers."""
    reason = core.catalogue.unready_provider(name)
    api = settings.api or name
    preset = preset_of(name, api)
    shown = settings.model_dump(mode="json", include={"base_url"})["base_url"]
    return {
        "id": name,
        "api": api,
        "base_url": shown or (preset.usable_url if preset else None),
        "keys": sum(map(bool, (settings.api_key, *settings.api_keys))),
        "headers": list(settings.headers),
        "models": [card.id for card in settings.models],
        "sign_in": settings.oauth is not None,
        "ready": reason is None,
        "reason": reason,
    }


@method(
    "providers.discover",
    Endpoint,
    help="The models that a provider offers, as it says itself; no model is called.",
    waits=True,
)
async def providers_discover(core: Core, client: Client, params: Endpoint) -> Json:
    agent = _agent(core, params.agent_id)
    try:
        if _described(params):
            async with _opened(core, agent, params) as provider:
                models = await discover(provider)
        else:
            models = await core.catalogue.discover(agent, params.provider.lower())
    except Refused as refused:
        return {**verdict(refused.failure), "models": []}
    return {"ok": True, "models": [model.row() for model in models]}


@method(
    "providers.test",
    ProviderTest,
    help="Try a provider, also before it is saved: its list of models, or one model's answer.",
    waits=True,
)
async def providers_test(core: Core, client: Client, params: ProviderTest) -> Json:
    agent = _agent(core, params.agent_id)
    async with _opened(core, agent, params) as provider:
        if params.model:
            return await live_test(provider, params.model)
        try:
            models = await discover(provider)
        except Refused as refused:
            return verdict(refused.failure)
        return {"ok": True, "models": [model.row() for model in models]}


def _agent(core: Core, name: str | None) -> Agent:
    return core.world.agent(name.lower(), off=True) if name else core.config.default_agent


def _described(params: Endpoint) -> bool:
    return bool(params.api or params.base_url or params.api_key or params.headers)


@asynccontextmanager
async def _opened(core: Core, agent: Agent, params: Endpoint) -> AsyncIterator[Provider]:
    """The provider asked for, closed behind the call unless the catalogue keeps it."""
    name = params.provider.lower()
    if not _described(params):
        yield core.catalogue.provider(agent, name)
        return
    provider = _described_provider(core, agent, name, params)
    try:
        yield provider
    finally:
        await provider.close()


def _described_provider(core: Core, agent: Agent, name: str, params: Endpoint) -> Provider:
    """Keys and headers of the configuration are for the address they were given for, no other."""
    saved = core.config.providers.get(name, ProviderSettings())
    api = params.api or saved.api or name
    if api in PROGRAMS:
        raise RequestError("FORBIDDEN", _PROGRAM.format(name))
    if params.base_url not in (None, saved.base_url):
        saved = ProviderSettings(models=saved.models)
    changes: dict[str, Any] = {"api": api}
    if params.base_url:
        changes["base_url"] = params.base_url
    if params.api_key:
        changes |= {"api_key": Secret(params.api_key), "api_keys": ()}
    if params.headers:
        changes["headers"] = {key: Secret(value) for key, value in params.headers.items()}
    return core.catalogue.build(name, saved.model_copy(update=changes), agent.id)


METHODS: tuple[Method, ...] = (models_test, providers_list, providers_discover, providers_test)
