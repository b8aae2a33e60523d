"""The models there are: references and aliases, readiness with its reason, providers kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.clock import Clock
from bot.config.agents import Agent, ModelCard
from bot.config.settings import Config
from bot.errors import RunError
from bot.providers import APIS, build, split_ref
from bot.types import Provider, Usage

DEFAULT_WINDOW = 128_000
_OFFICIAL_KEY = "set its api_key, or the environment variable the configuration names"


class Catalogue:
    """Models by reference. One provider object serves all calls with the same credentials."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._providers: dict[tuple[str, str], Provider] = {}
        self._aliases = {
            entry.alias.lower(): ref for ref, entry in config.models.items() if entry.alias
        }

    def resolve(self, text: str) -> str:
        """An alias or `provider/model` as a reference. Raises RunError NO_MODEL."""
        wanted = text.strip()
        if alias := self._aliases.get(wanted.lower()):
            return alias
        provider, model = split_ref(wanted)
        return f"{provider}/{model}"

    def permitted(self, agent: Agent, ref: str) -> bool:
        """May this agent use the model? A catalogue, where there is one, is an allow-list."""
        lists = [allowed for allowed in (self._config.models, agent.models) if allowed]
        return all(ref in {self.resolve(one) for one in allowed} for allowed in lists)

    def provider(self, agent: Agent, name: str) -> Provider:
        """The provider for an agent, with its own credentials where it has some."""
        own = name if name in agent.providers else ""
        key = (name, agent.id if own else "")
        if key not in self._providers:
            settings = self._config.providers.get(name)
            if settings is None:
                raise RunError("NO_MODEL", f"There is no provider {name} in the configuration")
            if own:
                given = agent.providers[name]
                changes = {one: getattr(given, one) for one in given.model_fields_set}
                settings = settings.model_copy(update=changes)
            self._providers[key] = build(name, settings, clock=self._clock)
        return self._providers[key]

    def card(self, ref: str) -> ModelCard | None:
        provider, model = split_ref(ref)
        settings = self._config.providers.get(provider)
        cards = settings.models if settings else ()
        return next((card for card in cards if card.id == model), None)

    def window(self, agent: Agent, ref: str) -> int:
        """How many tokens the agent may fill with this model."""
        card = self.card(ref)
        window = (card.context_window if card else None) or DEFAULT_WINDOW
        return min(window, agent.context_tokens or window)

    def cost(self, ref: str, usage: Usage) -> float | None:
        """What a call cost in US dollars, None when the price is not known."""
        card = self.card(ref)
        if card is None or not card.cost:
            return None
        prices = card.cost
        return (
            usage.input * prices.get("input", 0.0) + usage.output * prices.get("output", 0.0)
        ) / 1_000_000

    def unready(self, ref: str) -> str | None:
        """Why a model cannot answer now; None when nothing is known against it."""
        name, _ = split_ref(ref)
        settings = self._config.providers.get(name)
        if settings is None:
            return f"there is no provider {name}"
        if settings.api not in APIS:
            return f"api {settings.api} is not available in this version"
        keys = bool(settings.api_key) or bool(settings.api_keys)
        if settings.api == "openai" and not settings.base_url and not keys:
            return f"no API key; {_OFFICIAL_KEY}"
        return None

    def rows(self, agent: Agent) -> list[dict[str, Any]]:
        """What `models.list` answers for an agent."""
        return [self._row(ref) for ref in self._refs(agent) if self.permitted(agent, ref)]

    async def close(self) -> None:
        for provider in self._providers.values():
            await provider.close()

    def _refs(self, agent: Agent) -> list[str]:
        named = list(self._config.models)
        if not named:
            chosen = [agent.model.primary, *agent.model.fallbacks]
            cards = [
                f"{name}/{card.id}"
                for name, provider in self._config.providers.items()
                for card in provider.models
            ]
            named = [*chosen, *cards, "demo/demo"]
        return list(dict.fromkeys(self.resolve(ref) for ref in named))

    def _row(self, ref: str) -> dict[str, Any]:
        card = self.card(ref)
        entry = self._config.models.get(ref)
        reason = self.unready(ref)
        cost: Mapping[str, float] | None = card.cost if card and card.cost else None
        return {
            "ref": ref,
            "alias": entry.alias if entry else None,
            "provider": split_ref(ref)[0],
            "ready": reason is None,
            "reason": reason,
            "contextWindow": (card.context_window if card else None) or DEFAULT_WINDOW,
            "maxTokens": card.max_tokens if card else None,
            "reasoning": bool(card and card.reasoning),
            "tools": card.tools if card else True,
            "input": list(card.input) if card else ["text"],
            "cost": dict(cost) if cost else None,
        }
