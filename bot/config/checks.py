"""What is wrong although every value is of its kind: names that lead nowhere, unsafe mixtures.

These look at the plain data, so that they all run also when other keys are wrong.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from bot.config.places import Places
from bot.config.problems import Path, suggest
from bot.config.references import FromEnv

_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_PERSON = re.compile(r"[^:\s]+:\S+")
RESERVED_ACCOUNT = "webchat"


def check(
    data: Mapping[str, Any], places: Places, adapters: Collection[str], apis: Collection[str]
) -> None:
    """Report every such problem to `places`."""
    checker = _Checker(data, places, adapters)
    checker.agents()
    checker.agent_names()
    checker.providers(apis)
    checker.model_refs()
    checker.gateway()
    checker.accounts()
    checker.bindings()
    checker.people()
    checker.tool_servers()
    checker.store()


def is_loopback(host: str) -> bool:
    """Only programs of this machine can reach it."""
    if host.strip("[]").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    if isinstance(value, FromEnv):
        return [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list):
        return []
    whole = len(value) == 1 and getattr(value[0], "whole", False)
    return _list(value[0]) if whole else value


class _Checker:
    def __init__(self, data: Mapping[str, Any], places: Places, adapters: Collection[str]) -> None:
        self.data = data
        self.places = places
        self.adapters = adapters
        self.agent_list = [_mapping(agent) for agent in _list(data.get("agents"))]
        self.ids = [str(agent.get("id", "")).lower() for agent in self.agent_list] or ["main"]
        self.provider_names = {"demo", *(str(n) for n in _mapping(data.get("providers")))}
        self.channel_map = {k: _mapping(v) for k, v in _mapping(data.get("channels")).items()}

    def agents(self) -> None:
        seen: dict[str, int] = {}
        defaults = []
        for index, agent in enumerate(self.agent_list):
            name = self.ids[index]
            if name and name in seen:
                what = f'a second agent "{name}" (the first is agents.{seen[name]})'
                self.places.problem(("agents", index, "id"), what, "give it another id")
            seen.setdefault(name, index)
            if agent.get("default") is True:
                defaults.append(index)
        for index in defaults[1:]:
            what = f"agents.{defaults[0]} is the default already"
            path: Path = ("agents", index, "default")
            self.places.warning(path, what, "remove it: the first one counts")
        if self.agent_list and all(agent.get("enabled") is False for agent in self.agent_list):
            self.places.problem(
                ("agents",), "every agent is switched off", "enable one", at_key=True
            )

    def agent_names(self) -> None:
        for path, value in self._agent_names():
            if isinstance(value, (str, int)) and str(value).lower() not in self.ids:
                self.places.problem(
                    path,
                    f'there is no agent "{value}"',
                    suggest(str(value), dict.fromkeys(self.ids)),
                )

    def _agent_names(self) -> Iterator[tuple[Path, Any]]:
        for name, channel in self.channel_map.items():
            yield ("channels", name, "agent"), channel.get("agent")
            for group, rules in _mapping(channel.get("groups")).items():
                yield ("channels", name, "groups", group, "agent"), _mapping(rules).get("agent")
        for index, binding in enumerate(_list(self.data.get("bindings"))):
            yield ("bindings", index, "agent"), _mapping(binding).get("agent")
        for index, agent in enumerate(self.agent_list):
            helpers = _list(_mapping(agent.get("subagents")).get("allow_agents"))
            for at, name in enumerate(helpers):
                if name != "*":
                    yield ("agents", index, "subagents", "allow_agents", at), name

    def providers(self, apis: Collection[str]) -> None:
        for name, raw in _mapping(self.data.get("providers")).items():
            provider = _mapping(raw)
            api = provider.get("api", name)
            path = ("providers", name)
            if api not in apis:
                if "api" in provider:
                    what = f'there is no api "{api}"'
                    self.places.problem((*path, "api"), what, suggest(str(api), apis))
                else:
                    fix = f"add api: one of {', '.join(apis)}"
                    self.places.problem((*path, "api"), "is required", fix)
            elif api in {"command", "acp"} and not provider.get("command"):
                self.places.problem((*path, "command"), "is required", "add command: [program]")
        for index, agent in enumerate(self.agent_list):
            for name in _mapping(agent.get("providers")):
                if name not in self.provider_names:
                    what, fix = f'there is no provider "{name}"', suggest(name, self.provider_names)
                    own: Path = ("agents", index, "providers", name)
                    self.places.problem(own, what, fix, at_key=True)

    def model_refs(self) -> None:
        catalogue = _mapping(self.data.get("models"))
        aliases: dict[str, str] = {}
        for ref, entry in catalogue.items():
            self._ref(("models", ref), ref, {}, at_key=True)
            alias = _mapping(entry).get("alias")
            if isinstance(alias, str) and alias in aliases:
                what = f'the alias "{alias}" stands for {aliases[alias]} already'
                self.places.problem(("models", ref, "alias"), what, "choose another")
            elif isinstance(alias, str):
                aliases[alias] = ref
        self._ref(
            ("memory", "embeddings"), _mapping(self.data.get("memory")).get("embeddings"), aliases
        )
        for index, agent in enumerate(self.agent_list):
            for path, ref in self._refs(agent):
                self._ref(("agents", index, *path), ref, aliases)

    def _refs(self, agent: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
        model = agent.get("model")
        if isinstance(model, dict):
            yield ("model", "primary"), model.get("primary")
            for index, ref in enumerate(_list(model.get("fallbacks"))):
                yield ("model", "fallbacks", index), ref
        else:
            yield ("model",), model
        for role in ("cheap", "strong"):
            yield ("task_models", role), _mapping(agent.get("task_models")).get(role)
        for index, ref in enumerate(_list(agent.get("models"))):
            yield ("models", index), ref

    def _ref(self, path: Path, ref: Any, aliases: Mapping[str, str], at_key: bool = False) -> None:
        if not isinstance(ref, str) or ref in aliases:
            return
        provider, slash, model = ref.partition("/")
        if not slash or not provider or not model:
            near = suggest(ref, aliases) if aliases else "write provider/model"
            self.places.problem(
                path, f'"{ref}" is neither provider/model nor an alias', near, at_key
            )
        elif provider.lower() not in {name.lower() for name in self.provider_names}:
            fix = suggest(provider, sorted(self.provider_names))
            self.places.problem(path, f'there is no provider "{provider}"', fix, at_key)

    def gateway(self) -> None:
        gateway = _mapping(self.data.get("gateway"))
        host = gateway.get("host", "127.0.0.1")
        if (
            isinstance(host, str)
            and not is_loopback(host)
            and not _list(gateway.get("allowed_hosts"))
        ):
            what = f'"{host}" can be reached from outside, and no host names are allowed'
            fix = "set gateway.allowed_hosts to the names people will use, or use 127.0.0.1"
            self.places.problem(("gateway", "host"), what, fix)
        tls = _mapping(gateway.get("tls"))
        if bool(tls.get("cert")) != bool(tls.get("key")):
            absent = "key" if tls.get("cert") else "cert"
            what, fix = f"lacks its {absent}", f"add gateway.tls.{absent}"
            self.places.problem(("gateway", "tls"), what, fix, at_key=True)

    def accounts(self) -> None:
        for name, channel in self.channel_map.items():
            path = ("channels", name)
            if name == RESERVED_ACCOUNT:
                what = "is always there and has no settings"
                self.places.problem(path, what, "choose another account name", at_key=True)
            elif not _ACCOUNT.fullmatch(name):
                what = "is not an account name"
                fix = "use a-z, 0-9, dot, _ and -, at most 64 characters"
                self.places.problem(path, what, fix, at_key=True)
            if channel.get("dm_policy") == "open" and "*" not in _list(channel.get("allow_from")):
                what = "open lets everybody in, and that must be said twice"
                fix = 'add allow_from: ["*"], or use pairing'
                self.places.problem((*path, "dm_policy"), what, fix)

    def bindings(self) -> None:
        known = {RESERVED_ACCOUNT, *self.adapters, *self.channel_map}
        for index, binding in enumerate(_list(self.data.get("bindings"))):
            match = _mapping(binding).get("match")
            if isinstance(match, dict) and not any(match.values()):
                what, fix = "has no condition", "name a channel, a conversation or a person"
                self.places.problem(("bindings", index, "match"), what, fix)
            for key in ("channel", "account"):
                value = _mapping(match).get(key)
                if isinstance(value, str) and value not in known:
                    path = ("bindings", index, "match", key)
                    what = f'no channel is called "{value}"'
                    self.places.warning(path, what, suggest(value, sorted(known)))

    def people(self) -> None:
        lists: tuple[Path, ...] = (
            ("owners",),
            ("approvals", "approvers"),
            ("tools", "elevated", "allow_from"),
        )
        for path in lists:
            found: Any = self.data
            for part in path:
                found = _mapping(found).get(str(part))
            for index, person in enumerate(_list(found)):
                if isinstance(person, (str, int)) and not _PERSON.fullmatch(str(person)):
                    what = f'"{person}" does not say on which channel'
                    fix = "write the adapter or account, a colon and the author's id"
                    self.places.problem((*path, index), what, fix)

    def tool_servers(self) -> None:
        servers = _mapping(_mapping(self.data.get("mcp")).get("servers"))
        for name, raw in servers.items():
            server = _mapping(raw)
            if bool(server.get("command")) == bool(server.get("url")):
                what = "needs either a command or a url"
                path = ("mcp", "servers", name)
                self.places.problem(path, what, "give one of the two", at_key=True)

    def store(self) -> None:
        url = _mapping(self.data.get("store")).get("url")
        if not isinstance(url, str) or url == "sqlite":
            return
        if not url.startswith(("sqlite:///", "postgresql://", "postgres://")):
            fix = "write sqlite, sqlite:///abs/path.db or postgresql://user@host/db"
            self.places.problem(("store", "url"), "is not an address of a store", fix)
