"""`providers.set/remove/login`: providers in the file, in use at once, and signing in to them.

Keys and tokens go in and never come out.
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from bot.config.agents import Provider as ProviderSettings
from bot.errors import RequestError
from bot.gateway.frames import Params
from bot.gateway.methods_models import provider_row
from bot.gateway.params import Id, ProviderId
from bot.gateway.rpc import Client, Json, Method, method
from bot.gateway.services import Core
from bot.providers.http import Refused
from bot.providers.login import SignIn

_CREDENTIALS = ("api_key", "api_keys", "headers", "oauth")


class ProviderSet(Params):
    """A provider (or `id`), and what is to stand below it in the file; null takes a key away.

    `base` refuses the change when the file is not the one it names.
    """

    model_config = ConfigDict(extra="allow")

    provider: ProviderId
    base: Id | None = None


class OneProvider(Params):
    """A provider by its name; `base` as for providers.set."""

    provider: ProviderId
    base: Id | None = None


class LoginParams(Params):
    """A provider that has `oauth` in the configuration."""

    provider: ProviderId


@method("providers.set", ProviderSet, help="Add or change a provider in the file, and use it.")
async def providers_set(core: Core, client: Client, params: ProviderSet) -> Json:
    name, keys, file = params.provider.lower(), dict(params.model_extra or {}), core.file
    async with file.lock:
        before = file.read(params.base)
        now = file.load(before.text, "CONFLICT").providers.get(name)
        text = before.text
        given = {key: value for key, value in keys.items() if value is not None}
        if file.has(text, ("providers", name)):
            _refuse_other_address(name, now, keys)
            for key, value in given.items():
                text = file.set(text, ("providers", name, key), value)
            for key in keys.keys() - given.keys():
                if file.has(text, ("providers", name, key)):
                    text = file.remove(text, ("providers", name, key))
        else:
            text = file.set(text, ("providers", name), given)
            text = file.offering(text, _named(name, given.get("models")))
        loaded = file.load(text)
        settings = loaded.providers[name]
        base = file.write(text, before)
        providers = {**core.config.providers, name: settings}
        update = {"providers": providers, "models": loaded.models}
        await core.adopt(core.config.model_copy(update=update))
    row = provider_row(core, name, settings)
    return {"provider": row, "changed": sorted(keys), "file": str(file.path), "base": base}


def _named(name: str, cards: Any) -> list[str]:
    """The references of the models that are given with a provider; it is not checked yet."""
    ids = [one.get("id") for one in cards if isinstance(one, dict)] if type(cards) is list else []
    return [f"{name}/{id}" for id in ids if isinstance(id, str)]


def _refuse_other_address(name: str, now: ProviderSettings | None, keys: dict[str, Any]) -> None:
    """A saved key is for the address it was saved for: with another one it is given anew."""
    if now is None or "base_url" not in keys or keys["base_url"] == now.base_url:
        return
    kept = [one for one in _CREDENTIALS if getattr(now, one) and one not in keys]
    if kept:
        what = f"providers.{name}: with another base_url also give {', '.join(kept)}, or null"
        raise RequestError("INVALID_PARAMS", what, {"field": "base_url"})


@method("providers.remove", OneProvider, help="Take a provider out of the file and out of use.")
async def providers_remove(core: Core, client: Client, params: OneProvider) -> Json:
    name, file = params.provider.lower(), core.file
    async with file.lock:
        before = file.read(params.base)
        file.load(before.text, "CONFLICT")
        if not file.has(before.text, ("providers", name)):
            raise RequestError("NOT_FOUND", f"there is no provider {name} in {file.path}")
        text = file.remove(before.text, ("providers", name))
        left = file.load(text).providers
        base = file.write(text, before)
        providers = {key: one for key, one in core.config.providers.items() if key != name}
        await _adopt(core, providers | ({name: left[name]} if name in left else {}))
    return {"provider": name, "file": str(file.path), "base": base}


@method(
    "providers.login",
    LoginParams,
    help="Begin to sign in to a provider: the code that a person confirms at an address.",
    waits=True,
)
async def providers_login(core: Core, client: Client, params: LoginParams) -> Json:
    name, sign_in = _sign_in(core, params.provider)
    try:
        device = await sign_in.begin()
    except Refused as refused:
        raise RequestError("UNAVAILABLE", refused.failure.message) from None
    return {
        "provider": name,
        "url": device.url,
        "wholeUrl": device.whole_url,
        "userCode": device.user_code,
        "expiresInMs": round(device.expires_in * 1000),
    }


@method(
    "providers.loginWait",
    LoginParams,
    help="Wait until the code that was given last is confirmed; the provider as it is then.",
    waits=True,
)
async def providers_login_wait(core: Core, client: Client, params: LoginParams) -> Json:
    name, sign_in = _sign_in(core, params.provider)
    if sign_in.device is None:
        raise RequestError("CONFLICT", f"nobody is signing in to {name}; begin anew")
    try:
        await sign_in.finish(sign_in.device)
    except Refused as refused:
        raise RequestError("FORBIDDEN", refused.failure.message) from None
    return {"provider": provider_row(core, name, core.config.providers[name])}


def _sign_in(core: Core, provider: str) -> tuple[str, SignIn]:
    """A provider's name and its sign-in. Raises RequestError where there is none."""
    name = provider.lower()
    settings = core.config.providers.get(name)
    sign_in = core.catalogue.sign_in(name, settings) if settings else None
    if sign_in is None:
        say = f"providers.{name}.oauth is not configured; see docs/models.md"
        raise RequestError("NOT_FOUND", say)
    return name, sign_in


async def _adopt(core: Core, providers: dict[str, ProviderSettings]) -> None:
    await core.adopt(core.config.model_copy(update={"providers": providers}))


METHODS: tuple[Method, ...] = (
    providers_set,
    providers_remove,
    providers_login,
    providers_login_wait,
)
