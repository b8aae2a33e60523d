"""What in a configuration is dangerous: who may speak, and what is open to whom. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any
from urllib.parse import urlsplit

from bot.cli.finding import Finding
from bot.config.channels import Channel
from bot.config.checks import is_loopback
from bot.config.problems import Path
from bot.config.settings import Config
from bot.config.show import redacted

_IN_FILE = re.compile(r"set \(file, \d+ chars\)")
_ANYWHERE = ("0.0.0.0/0", "::/0", "*")
_SHORT, _WEAK = 12, 24


def hazards(config: Config) -> Iterator[Finding]:
    """Every hazard of gateway, secrets, people and channels, by the paths of their keys."""
    yield from _gateway(config)
    for key in in_file(config):
        yield Finding(
            "secrets.in_file",
            "warn",
            "a secret stands in the configuration file",
            "move it: ${NAME} takes it from the environment, file:/path from a file",
            path=key,
        )
    yield from _store(config)
    for name, channel in config.channels.items():
        if channel.settings.enabled:
            yield from _people(name, channel)
            yield from _transport(name, channel)
    yield from _deciders(config)
    yield from _limits(config)


def _gateway(config: Config) -> Iterator[Finding]:
    gateway = config.gateway
    outside = not is_loopback(gateway.host)
    safe = bool(gateway.tls.cert) or bool(gateway.trusted_proxies)
    if outside:
        yield Finding(
            "gateway.host",
            "warn" if safe else "critical",
            f"the gateway listens on {gateway.host}, which other machines can reach"
            + ("" if safe else ", without TLS"),
            "listen on 127.0.0.1 behind a proxy, or set gateway.tls or gateway.trusted_proxies",
            path=("gateway", "host"),
        )
    if outside and gateway.openai_api:
        yield Finding(
            "gateway.openai_api",
            "warn",
            "everybody with the token can run agents over /v1 from other machines",
            "set gateway.openai_api: false unless a program elsewhere needs it",
            path=("gateway", "openai_api"),
        )
    for key, given in (
        ("allowed_hosts", gateway.allowed_hosts),
        ("trusted_proxies", gateway.trusted_proxies),
    ):
        for wide in sorted(set(given) & set(_ANYWHERE)):
            yield Finding(
                f"gateway.{key}",
                "critical",
                f"{wide} takes every name or address for a known one",
                "name the hosts or addresses one by one",
                path=("gateway", key),
            )
    yield from weak_token(gateway.token.reveal(), ("gateway", "token"))


def weak_token(token: str, path: Path, place: str = "") -> Iterator[Finding]:
    """A sign-in token that could be guessed; none at all is made by the program."""
    if token and len(token) < _WEAK:
        yield Finding(
            "gateway.token",
            "critical" if len(token) < _SHORT else "warn",
            f"the sign-in token has {len(token)} characters and may be guessed",
            "leave gateway.token out: a strong one is made; or give at least 24 random characters",
            place,
            path,
        )


def in_file(config: Config) -> Iterator[Path]:
    """The keys of secrets in the file: backups, editors and repositories take them along."""
    for path, value in _leaves(redacted(config), ()):
        if isinstance(value, str) and _IN_FILE.fullmatch(value):
            yield path


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _leaves(one, (*path, str(name)))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _leaves(one, (*path, index))
    else:
        yield path, value


def _store(config: Config) -> Iterator[Finding]:
    if urlsplit(config.store.url).password:
        yield Finding(
            "secrets.in_file",
            "warn",
            "the store's password stands in its address",
            "leave it out and keep it in ~/.pgpass, or set store.url: ${STORE_URL}",
            path=("store", "url"),
        )


def _people(name: str, channel: Channel) -> Iterator[Finding]:
    settings, path = channel.settings, ("channels", name)
    if settings.dm_policy == "open":
        yield Finding(
            "people.dm_open",
            "critical",
            f"everybody on {channel.adapter} may talk to {name}",
            "set dm_policy: pairing, and approve who asks",
            path=(*path, "dm_policy"),
        )
    elif "*" in settings.allow_from:
        yield Finding(
            "people.dm_everybody",
            "warn",
            'allow_from has "*"',
            "name the people's ids, or leave it to pairing",
            path=(*path, "allow_from"),
        )
    if settings.group_policy == "open":
        yield Finding(
            "people.groups_open",
            "warn",
            f"{name} answers in every group it is put into",
            "set group_policy: allowlist, and list the groups",
            path=(*path, "group_policy"),
        )
    if "*" in settings.group_allow_from:
        yield Finding(
            "people.groups_everybody",
            "warn",
            'group_allow_from has "*": every member of a group may speak',
            "name the people's ids",
            path=(*path, "group_allow_from"),
        )
    for id, group in settings.groups.items():
        if group.allow_from and "*" in group.allow_from:
            yield Finding(
                "people.groups_everybody",
                "warn",
                f"everybody in the group {id} may speak",
                "name the people's ids",
                path=(*path, "groups", id, "allow_from"),
            )
    if settings.allow_bots:
        yield Finding(
            "people.bots",
            "warn",
            "other bots are answered; two bots may talk without end",
            "set allow_bots: false unless one bot is meant",
            path=(*path, "allow_bots"),
        )


def _transport(name: str, channel: Channel) -> Iterator[Finding]:
    path: Path = ("channels", name)
    webhook = channel.shown.get("webhook")
    if isinstance(webhook, Mapping) and webhook.get("url") and webhook.get("secret") == "not set":
        yield Finding(
            "channels.webhook_secret",
            "critical",
            "the webhook has no secret: whoever knows its address can speak as the platform",
            "set webhook.secret to random characters",
            path=(*path, "webhook", "secret"),
        )
    for key, value in channel.shown.items():
        if isinstance(value, str) and plain_http(value):
            yield Finding(
                "channels.plain_http",
                "warn",
                f"{key} is not encrypted: the token travels in the clear",
                "use https",
                path=(*path, key),
            )


def plain_http(url: str) -> bool:
    """Does this address lead over the network without encryption?"""
    parts = urlsplit(url)
    return parts.scheme in ("http", "ws") and not is_loopback(parts.hostname or "")


def _deciders(config: Config) -> Iterator[Finding]:
    for path, names, what in (
        (("owners",), config.owners, "everybody is an owner"),
        (("approvals", "approvers"), config.approvals.approvers, "everybody may approve"),
        (
            ("tools", "elevated", "allow_from"),
            config.tools.elevated.allow_from,
            "everybody may leave the sandbox",
        ),
    ):
        if any(one == "*" or one.endswith(":*") for one in names):
            yield Finding(
                "people.everybody_decides",
                "critical",
                what,
                "name the people: ADAPTER:ID",
                path=path,
            )


def _limits(config: Config) -> Iterator[Finding]:
    if config.limits.per_sender is None and config.channels:
        yield Finding(
            "limits.per_sender",
            "warn",
            "one person may send without limit",
            "set limits.per_sender: 20/min",
            path=("limits", "per_sender"),
        )
    priced = [name for name, one in config.providers.items() if one.api not in ("demo", "ollama")]
    if priced and config.limits.daily_cost is None:
        yield Finding(
            "limits.daily_cost",
            "info",
            "nothing bounds what a day may cost",
            "set limits.daily_cost in US dollars",
            path=("limits", "daily_cost"),
        )


def shared_people(config: Config, paired: int) -> Iterator[Finding]:
    """One transcript for several people. `paired` is how many were let in by pairing."""
    listed = {
        f"{channel.adapter}:{id}"
        for channel in config.channels.values()
        if channel.settings.enabled
        for id in channel.settings.allow_from
    }
    several = "*" in {one.rpartition(":")[2] for one in listed} or len(listed) + paired > 1
    if config.session.dm_scope == "main" and several:
        yield Finding(
            "memory.dm_scope",
            "critical",
            "several people share one transcript: each may be told what another said",
            "set session.dm_scope: account-channel-peer",
            path=("session", "dm_scope"),
        )
    for name, channel in config.channels.items():
        for id, group in channel.settings.groups.items():
            if group.memory:
                yield Finding(
                    "memory.group",
                    "info",
                    f"in the group {id} the memory of whoever asks is recalled before everybody",
                    "set memory: false if others should not hear it",
                    path=("channels", name, "groups", id, "memory"),
                )


def inside(path: FilePath, folders: Sequence[FilePath]) -> bool:
    """Is a path one of the folders, or in one of them?"""
    return any(path == one or one in path.parents for one in folders)
