"""Ways to reach models: the registry of wire formats, and references such as `provider/model`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.clock import Clock
from bot.config.agents import Provider as ProviderSettings
from bot.errors import RunError
from bot.providers.acp import Acp
from bot.providers.acp_agent import Permit
from bot.providers.anthropic import Anthropic
from bot.providers.command import Command
from bot.providers.demo import Demo
from bot.providers.ollama import Ollama
from bot.providers.openai import OpenAI
from bot.providers.presets import preset_of
from bot.types import Provider

__all__ = ["APIS", "PROGRAMS", "Factory", "build", "offer", "split_ref"]

Factory = Callable[[str, ProviderSettings, Clock, Path | None, Permit | None], Provider]

# The wire formats behind which a program runs, in a folder.
PROGRAMS = ("command", "acp")


def build(
    name: str,
    settings: ProviderSettings,
    *,
    clock: Clock,
    folder: Path | None = None,
    permit: Permit | None = None,
) -> Provider:
    """The provider behind a name of the configuration; nothing is opened yet.

    `folder` is where a program works, and `permit` decides what an agent of its own may do there;
    without it, nothing. Raises RunError NO_MODEL for a wire format that this version does not
    speak.
    """
    api = settings.api or name
    factory = APIS.get(api)
    if factory is None:
        known = ", ".join(sorted(APIS))
        raise RunError(
            "NO_MODEL", f"provider {name}: api {api} is not available in this version, use {known}"
        )
    return factory(name, settings, clock, folder, permit)


def offer(api: str, factory: Factory) -> None:
    """Let providers name a wire format of another package. Raises ValueError for one of our own."""
    if api in _OWN:
        raise ValueError(f"there is a built-in wire format named {api}")
    APIS[api] = factory


def split_ref(ref: str) -> tuple[str, str]:
    """A model reference as (provider, model), split at the first slash.

    Raises RunError NO_MODEL when it is not one.
    """
    provider, slash, model = ref.strip().partition("/")
    if not (provider and slash and model):
        raise RunError("NO_MODEL", f"{ref!r} is not a model; write provider/model")
    return provider.lower(), model


def _demo(
    name: str, settings: ProviderSettings, clock: Clock, folder: Path | None, permit: Permit | None
) -> Provider:
    return Demo(clock, name)


def _served(
    kind: type[OpenAI] | type[Anthropic] | type[Ollama], thinking: str, api: str
) -> Factory:
    """The factory of a wire format on HTTP; `thinking` is its parameter for reasoning."""

    def make(
        name: str,
        settings: ProviderSettings,
        clock: Clock,
        folder: Path | None,
        permit: Permit | None,
    ) -> Provider:
        preset = preset_of(name, api)
        more: dict[str, Any] = {}
        if kind is OpenAI and preset is not None:
            more["models_path"] = preset.models_path
        if kind is Ollama:
            cards = settings.models
            more["windows"] = {one.id: one.context_window for one in cards if one.context_window}
        return kind(
            name,
            settings.base_url or (preset.usable_url if preset else None),
            [key.reveal() for key in (settings.api_key, *settings.api_keys) if key],
            headers={header: value.reveal() for header, value in settings.headers.items()},
            clock=clock,
            idle_timeout=settings.idle_timeout,
            max_concurrent=settings.max_concurrent,
            without={
                card.id: (set() if card.reasoning else {thinking})
                | (set() if card.tools else {"tools"})
                for card in settings.models
            },
            **more,
        )

    return make


def _command(
    name: str, settings: ProviderSettings, clock: Clock, folder: Path | None, permit: Permit | None
) -> Provider:
    return Command(
        name,
        settings.command,
        cwd=folder,
        clock=clock,
        idle_timeout=settings.idle_timeout,
        max_concurrent=settings.max_concurrent,
    )


def _acp(
    name: str, settings: ProviderSettings, clock: Clock, folder: Path | None, permit: Permit | None
) -> Provider:
    return Acp(
        name,
        settings.command,
        cwd=folder,
        clock=clock,
        idle_timeout=settings.idle_timeout,
        max_concurrent=settings.max_concurrent,
        permit=permit,
    )


APIS: dict[str, Factory] = {
    "demo": _demo,
    "openai": _served(OpenAI, "reasoning_effort", "openai"),
    "anthropic": _served(Anthropic, "thinking", "anthropic"),
    "ollama": _served(Ollama, "think", "ollama"),
    "command": _command,
    "acp": _acp,
}
_OWN = frozenset(APIS)
