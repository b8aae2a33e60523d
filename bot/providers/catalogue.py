"""The models there are: references and aliases, readiness with its reason, providers kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from bot.clock import Clock
from bot.config.agents import Agent, ModelCard
from bot.config.agents import Provider as ProviderSettings
from bot.config.settings import Config
from bot.engine.port import Engine
from bot.errors import RunError
from bot.providers import APIS, PROGRAMS, build, split_ref
from bot.providers.acp_agent import Permit
from bot.providers.command import installed
from bot.providers.cooldown import REFUSED, reason
from bot.providers.found import Found
from bot.providers.http import Refused
from bot.providers.login import SignIn
from bot.providers.presets import preset_of
from bot.providers.probe import Measures, discover
from bot.providers.profiles import Keeper, Keyed, Profile, Rotating, of_key
from bot.types import Provider, Usage

DEFAULT_WINDOW = 128_000
_OFFICIAL_KEY = "set its api_key, or the environment variable the configuration names"
_LOGINS = {"authorization", "x-api-key"}


class Catalogue:
    """Models by reference. One provider object serves all calls with the same credentials.

    `folder` gives the folder of an agent, where programs behind a provider work; `permit` decides
    what such a program may do of its own, without it nothing. `engine` remembers which credentials
    rest, and `state` is the folder where sign-ins are kept; without it there are none.
    """

    def __init__(
        self,
        config: Config,
        clock: Clock,
        folder: Callable[[str], Path] | None = None,
        permit: Permit | None = None,
        *,
        engine: Engine | None = None,
        state: Path | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._state = state
        self._keeper = Keeper(clock, engine)
        self._folder = folder
        self._permit = permit
        self._found: dict[str, Found] = {}
        self._providers: dict[tuple[str, str], Rotating] = {}
        self._former: list[Rotating] = []
        self._sign_ins: dict[str, SignIn] = {}
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

    def provider(self, agent: Agent, name: str) -> Rotating:
        """The provider for an agent, with its own credentials where it has some."""
        settings = self.settings(name)
        own = name in agent.providers
        key = (name, agent.id if own or settings.api in PROGRAMS else "")
        if key not in self._providers:
            if own:
                given = agent.providers[name]
                changes = {one: getattr(given, one) for one in given.model_fields_set}
                settings = settings.model_copy(update=changes)
            self._providers[key] = self.build(name, settings, agent.id)
        return self._providers[key]

    def build(self, name: str, settings: ProviderSettings, agent: str) -> Rotating:
        """A provider that nobody keeps: whoever asks for it closes it. Raises RunError."""
        program = (settings.api or name) in PROGRAMS
        folder = self._folder(agent) if self._folder and program else None
        base = build(name, settings, clock=self._clock, folder=folder, permit=self._permit)
        return Rotating(base, self._profiles(name, settings, base), self._keeper)

    def _profiles(self, name: str, settings: ProviderSettings, base: Provider) -> list[Profile]:
        """The credentials as they are asked: a sign-in, then the keys as written."""
        if not isinstance(base, Keyed):
            return [Profile(name)]
        found = []
        if sign_in := self.sign_in(name, settings):
            found.append(Profile(f"{name}:sign-in", sign_in.token, sign_in.renew))
        keys = [key.reveal() for key in (settings.api_key, *settings.api_keys) if key]
        return [*found, *(of_key(name, key) for key in keys)] or [Profile(name)]

    def sign_in(self, name: str, settings: ProviderSettings) -> SignIn | None:
        """The sign-in of a provider that has one."""
        if settings.oauth is None or self._state is None:
            return None
        if name not in self._sign_ins:
            self._sign_ins[name] = SignIn(name, settings.oauth, self._state, self._clock)
        return self._sign_ins[name]

    def use(self, config: Config) -> None:
        """Go on with other providers; runs that are under way keep those they have."""
        before, self._config = self._config.providers, config
        changed = {
            name
            for name in before.keys() | config.providers.keys()
            if before.get(name) != config.providers.get(name)
        }
        gone = [key for key in self._providers if key[0] in changed]
        for name in changed:
            self._sign_ins.pop(name, None)
        self._former += [self._providers.pop(key) for key in gone]

    def settings(self, name: str) -> ProviderSettings:
        """A provider's settings. Raises RunError NO_MODEL."""
        settings = self._config.providers.get(name)
        if settings is None:
            raise RunError("NO_MODEL", f"There is no provider {name} in the configuration")
        return settings

    async def discover(self, agent: Agent, name: str) -> list[Found]:
        """What a provider offers; its windows count from now on. Raises RunError, Refused."""
        models = await discover(self.provider(agent, name))
        self._found |= {f"{name}/{model.id}": model for model in models}
        return models

    def card(self, ref: str) -> ModelCard | None:
        provider, model = split_ref(ref)
        settings = self._config.providers.get(provider)
        cards = settings.models if settings else ()
        return next((card for card in cards if card.id == model), None)

    def window(self, agent: Agent, ref: str) -> int:
        """How many tokens the agent may fill with this model."""
        window = self._known_window(ref, agent) or DEFAULT_WINDOW
        return min(window, agent.context_tokens or window)

    def _known_window(self, ref: str, agent: Agent | None = None) -> int | None:
        """By the configuration, by what the server said when it was asked, else None."""
        card, found = self.card(ref), self._found.get(ref)
        if card is not None and card.context_window:
            return card.context_window
        name, model = split_ref(ref)
        own = agent.id if agent is not None and name in agent.providers else ""
        provider = self._providers.get((name, own))
        learnt = _learnt(provider, model) if provider is not None else None
        return learnt or (found.window if found else None)

    def cost(self, ref: str, usage: Usage) -> float | None:
        """What a call cost in US dollars, None when the price is not known.

        What a cache gave or took costs as other input does where it has no price of its own.
        """
        card = self.card(ref)
        if card is None or not card.cost:
            return None
        prices = card.cost
        plain = prices.get("input", 0.0)
        fresh = max(0, usage.input - usage.cache_read - usage.cache_write)
        return (
            fresh * plain
            + usage.cache_read * prices.get("cache_read", plain)
            + usage.cache_write * prices.get("cache_write", plain)
            + usage.output * prices.get("output", 0.0)
        ) / 1_000_000

    def unready(self, ref: str) -> str | None:
        """Why a model cannot answer now; None when nothing is known against it."""
        return self.unready_provider(split_ref(ref)[0])

    def unready_provider(self, name: str) -> str | None:
        """Why a provider cannot be asked now; None when nothing is known against it."""
        settings = self._config.providers.get(name)
        if settings is None:
            return f"there is no provider {name}"
        sign_in = self.sign_in(name, settings)
        return unready(name, settings, signed_in=sign_in is None or sign_in.known)

    async def resting(self, agent: Agent, ref: str) -> str | None:
        """Why a model cannot be asked now: it is not ready, or its credentials rest; else None."""
        if wrong := self.unready(ref):
            return wrong
        name, model = split_ref(ref)
        rest = await self.provider(agent, name).rest(model)
        return reason(rest.code) if rest else None

    def _refused(self, agent: Agent, ref: str) -> str | None:
        """Why every credential for a model was refused, while that counts."""
        name, model = split_ref(ref)
        settings = self._config.providers.get(name)
        if settings is None or settings.api in PROGRAMS:
            return None
        rest = self.provider(agent, name).known_rest(model)
        return reason(rest.code) if rest and rest.code in REFUSED else None

    def rows(self, agent: Agent) -> list[dict[str, Any]]:
        """What `models.list` answers for an agent."""
        return [self._row(agent, ref) for ref in self._refs(agent) if self.permitted(agent, ref)]

    async def begin(self) -> None:
        """Remember which credentials rest."""
        await self._keeper.load()

    async def close(self) -> None:
        for provider in (*self._providers.values(), *self._former):
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
            offered = [ref for ref in self._found if split_ref(ref)[0] in self._config.providers]
            named = [*chosen, *cards, *offered, "demo/demo"]
        return list(dict.fromkeys(self.resolve(ref) for ref in named))

    def _row(self, agent: Agent, ref: str) -> dict[str, Any]:
        card = self.card(ref)
        entry = self._config.models.get(ref)
        against = self.unready(ref) or self._refused(agent, ref)
        cost: Mapping[str, float] | None = card.cost if card and card.cost else None
        return {
            "ref": ref,
            "alias": entry.alias if entry else None,
            "provider": split_ref(ref)[0],
            "ready": against is None,
            "reason": against,
            "contextWindow": self._known_window(ref) or DEFAULT_WINDOW,
            "maxTokens": card.max_tokens if card else None,
            "reasoning": bool(card and card.reasoning),
            "tools": card.tools if card else True,
            "input": list(card.input) if card else ["text"],
            "cost": dict(cost) if cost else None,
        }


def _learnt(provider: Provider, model: str) -> int | None:
    return cast(Measures, provider).window(model) if _measures(type(provider)) else None


@lru_cache
def _measures(kind: type) -> bool:
    """Asked with every run; a protocol takes long to say so."""
    return issubclass(kind, Measures)


def unready(name: str, settings: ProviderSettings, *, signed_in: bool = True) -> str | None:
    """Why a provider with these settings cannot be asked; nothing is called.

    `signed_in`: somebody has signed in, where it has a sign-in.
    """
    api = settings.api or name
    if api not in APIS:
        return f"api {api} is not available in this version"
    if api in PROGRAMS:
        try:
            installed(name, settings.command)
        except Refused as refused:
            return refused.failure.message
        return None
    preset = preset_of(name, api) or preset_of(api, api)
    keyed = bool(settings.api_key) or bool(settings.api_keys)
    if settings.oauth is not None and not keyed and not signed_in:
        return f"no API key and nobody has signed in; run: trunkline models login {name}"
    keyed = keyed or settings.oauth is not None
    keyed = keyed or any(header.lower() in _LOGINS for header in settings.headers)
    if preset is not None and preset.key == "needed" and not settings.base_url and not keyed:
        return f"no API key; {_OFFICIAL_KEY}"
    if preset is not None and not settings.base_url and preset.usable_url is None:
        return f"no base_url; it looks like {preset.base_url}"
    return None
