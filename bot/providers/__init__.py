"""Ways to reach models: the registry of wire formats, and references such as `provider/model`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.clock import Clock
from bot.config.agents import Provider as ProviderSettings
from bot.errors import RunError
from bot.providers.demo import Demo
from bot.providers.openai import OpenAI
from bot.types import Provider

__all__ = ["APIS", "build", "split_ref"]

Factory = Callable[[str, ProviderSettings, Clock], Provider]


def build(name: str, settings: ProviderSettings, *, clock: Clock) -> Provider:
    """The provider behind a name of the configuration; nothing is opened yet.

    Raises RunError NO_MODEL for a wire format that this version does not speak.
    """
    api = settings.api or name
    factory = APIS.get(api)
    if factory is None:
        known = ", ".join(sorted(APIS))
        raise RunError(
            "NO_MODEL", f"provider {name}: api {api} is not available in this version, use {known}"
        )
    return factory(name, settings, clock)


def split_ref(ref: str) -> tuple[str, str]:
    """A model reference as (provider, model), split at the first slash.

    Raises RunError NO_MODEL when it is not one.
    """
    provider, slash, model = ref.strip().partition("/")
    if not (provider and slash and model):
        raise RunError("NO_MODEL", f"{ref!r} is not a model; write provider/model")
    return provider.lower(), model


def _demo(name: str, settings: ProviderSettings, clock: Clock) -> Provider:
    return Demo(clock, name)


def _openai(name: str, settings: ProviderSettings, clock: Clock) -> Provider:
    keys = [key.reveal() for key in (settings.api_key, *settings.api_keys) if key]
    known: Mapping[str, set[str]] = {
        card.id: (set() if card.reasoning else {"reasoning_effort"})
        | (set() if card.tools else {"tools"})
        for card in settings.models
    }
    return OpenAI(
        name,
        settings.base_url,
        keys,
        headers={header: value.reveal() for header, value in settings.headers.items()},
        clock=clock,
        idle_timeout=settings.idle_timeout,
        max_concurrent=settings.max_concurrent,
        without=known,
    )


APIS: Mapping[str, Factory] = {"demo": _demo, "openai": _openai}
