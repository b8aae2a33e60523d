"""What is broken towards others: the running gateway, the models, the platforms. Over network."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.cli.client import Client, connect, running
from bot.cli.finding import Finding, Severity
from bot.cli.health import Sign, sign
from bot.cli.place import Place
from bot.config.settings import Config
from bot.errors import TrunklineError
from bot.opening import is_there, shared
from bot.providers.catalogue import unready

_PATIENCE = 4.0


async def of_gateway(here: Place) -> list[Sign] | None:
    """What the running gateway says of itself; None when none is running."""
    try:
        async with asyncio.timeout(_PATIENCE), running(here) as client:
            status = await client.request("status", {})
    except TimeoutError:
        fix = "look at its log, and start it again: trunkline logs"
        return [sign("gateway.silent", "critical", "the gateway does not answer", fix)]
    except TrunklineError as error:
        if str(error).startswith("no gateway"):
            return None
        return [sign("gateway.refused", "critical", str(error), "stop it and start it again")]
    if status["ready"]:
        return []
    return [sign("gateway.unready", "warn", "it is not ready", "see: trunkline status --deep")]


async def of_edges(config: Config, here: Place, deep: bool) -> list[Sign]:
    """Models and platforms, all asked at once. `deep` lets every agent's model answer a word."""
    signs = list(_unready(config))
    broken = {sign.finding.place for sign in signs}
    refs = {one.model.primary: one.id for one in config.agents if one.enabled}
    used = {ref.partition("/")[0] for ref in refs} - broken
    asked = [
        _asked("models.refused", f"providers.{name}", "providers.test", {"provider": name})
        for name, one in config.providers.items()
        if name in used and (one.api or name) not in ("demo", "command", "acp") and not deep
    ]
    if deep:
        asked += [
            _asked("models.refused", ref, "models.test", {"ref": ref, "agentId": agent})
            for ref, agent in refs.items()
            if ref.partition("/")[0] not in broken
        ]
    asked += [
        _asked("channels.refused", f"channels.{name}", "channels.test", {"account": name})
        for name, one in config.channels.items()
        if one.settings.enabled
    ]
    if not asked:
        return signs
    if not shared(config) and not is_there(config, here.state):
        what = f"{len(asked)} models and platforms were not asked: there is no store yet"
        return [*signs, sign("gateway.first", "info", what, "start it once: trunkline up")]
    try:
        async with connect(here, changes=False) as client:
            found = await asyncio.gather(*(ask(client) for ask in asked))
    except TrunklineError as error:
        return [*signs, sign("gateway.refused", "critical", str(error), "stop it, start it again")]
    return signs + [sign for sign in found if sign is not None]


def _unready(config: Config) -> list[Sign]:
    """Providers of agents that lack a key, a program or an address."""
    signs: list[Sign] = []
    for agent in config.agents:
        for ref in (agent.model.primary, *agent.model.fallbacks):
            name = ref.partition("/")[0]
            settings = config.providers.get(name)
            why = settings and unready(name, settings)
            if agent.enabled and why and name not in {sign.finding.place for sign in signs}:
                severity: Severity = "critical" if ref == agent.model.primary else "warn"
                what = f"{agent.id} cannot ask {ref}: {why}"
                fix = "see: trunkline models list"
                signs.append(Sign(Finding("models.unready", severity, what, fix, name)))
    return signs


def _asked(id: str, place: str, method: str, params: Mapping[str, Any]) -> Any:
    """A question to put to a client; its answer is a sign, or None when all is well."""

    async def ask(client: Client) -> Sign | None:
        try:
            async with asyncio.timeout(_PATIENCE):
                told = await client.request(method, params)
        except TimeoutError:
            told = {"ok": False, "message": "no answer in time", "reason": "unreachable"}
        except TrunklineError as error:
            told = {"ok": False, "message": str(error), "reason": None}
        if told["ok"] or told.get("reason") == "unsupported":
            return None
        what = f"{told.get('message') or told.get('reason')}"
        if told.get("reason") == "unreachable":
            away = f"{id.partition('.')[0]}.unreachable"
            fix = "is the network up, and the address right?"
            return Sign(Finding(away, "warn", what, fix, place))
        return Sign(Finding(id, "critical", what, f"mend {place} in the configuration", place))

    return ask
