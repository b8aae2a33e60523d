"""Which agent answers: the most specific rule that holds, and in words why it is this one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter

from bot.config.channels import Binding, ChannelSettings
from bot.contract import Message

DEFAULT = "fallback: default agent"
SWITCHED = "/agent switch"

_THREAD, _PLACE, _ROLES, _GUILD, _TEAM, _ACCOUNT, _CHANNEL = range(7)
_SWITCH, _BINDINGS, _GROUPS, _CHANNELS = range(4)
_TIERS = {
    "thread": _THREAD,
    "peer": _PLACE,
    "conversation": _PLACE,
    "roles": _ROLES,
    "guild": _GUILD,
    "team": _TEAM,
    "account": _ACCOUNT,
    "channel": _CHANNEL,
    "kind": _CHANNEL,
}


@dataclass(frozen=True, slots=True)
class Route:
    """The agent that answers, and in words why it is this one."""

    agent: str
    matched_by: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A binding made ready to be tried."""

    tier: int
    agent: str
    words: str
    fields: tuple[tuple[str, str], ...]
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class Agents:
    """The agents that may answer: the ids of the enabled ones, and the default."""

    default: str
    enabled: Collection[str]


def compile_rules(bindings: Iterable[Binding]) -> tuple[Rule, ...]:
    """Bindings in the order they are tried: most specific first, then as written."""
    rules = [_rule(number, binding) for number, binding in enumerate(bindings, 1)]
    return tuple(sorted(rules, key=lambda rule: rule.tier))


def _rule(number: int, binding: Binding) -> Rule:
    given = {name: getattr(binding.match, name) for name in _TIERS if getattr(binding.match, name)}
    tier = min((_TIERS[name] for name in given), default=_CHANNEL)
    roles = frozenset(given.pop("roles", ()))
    words = [f"{name} {value}" for name, value in given.items()]
    words += [f"roles {', '.join(sorted(roles))}"] if roles else []
    says = f"binding {number}: {', '.join(words) or 'everything'}"
    return Rule(tier, binding.agent, says, tuple(given.items()), roles)


def link_table(links: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """`identity_links` turned round: each identity to the name it belongs to."""
    return {identity: name for name, identities in links.items() for identity in identities}


def match_agent(
    message: Message,
    rules: Iterable[Rule],
    switched: str | None,
    channel: ChannelSettings,
    agents: Agents,
) -> Route:
    """Who answers: the most specific rule; in a tier `/agent switch`, bindings, groups, channels.

    An agent that is unknown or disabled is replaced by the default, and `matched_by` says so.
    """
    found = _configured(message, switched, channel)
    rule = next((rule for rule in rules if _holds(rule, message)), None)
    if rule is not None:
        found.append((rule.tier, _BINDINGS, Route(rule.agent, rule.words)))
    if not found:
        return Route(agents.default, DEFAULT)
    best = min(found, key=itemgetter(0, 1))[2]
    if best.agent in agents.enabled:
        return best
    because = f"{best.matched_by}, but agent {best.agent} is unknown or disabled; {DEFAULT}"
    return Route(agents.default, because)


def _configured(
    message: Message, switched: str | None, channel: ChannelSettings
) -> list[tuple[int, int, Route]]:
    """What is set for the place itself: tier, rank within it, route."""
    found: list[tuple[int, int, Route]] = []
    if switched:
        found.append((_PLACE, _SWITCH, Route(switched, SWITCHED)))
    if message.kind != "direct" and channel.groups:
        for name, tier in ((message.address.conversation, _PLACE), ("*", _ACCOUNT)):
            group = channel.groups.get(name)
            if group is not None and group.agent:
                found.append((tier, _GROUPS, Route(group.agent, f"groups.{name}.agent")))
    if channel.agent:
        says = f"channels.{message.address.account}.agent"
        found.append((_ACCOUNT, _CHANNELS, Route(channel.agent, says)))
    return found


def _holds(rule: Rule, message: Message) -> bool:
    address = message.address
    for name, wanted in rule.fields:
        if name == "channel":
            if wanted not in (address.channel, address.account):
                return False
        elif name == "peer":
            if message.kind != "direct" or message.author.id != wanted:
                return False
        elif name in ("account", "conversation", "thread"):
            if getattr(address, name) != wanted:
                return False
        elif getattr(message, name) != wanted:
            return False
    return not rule.roles or not rule.roles.isdisjoint(message.roles)
