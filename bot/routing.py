"""What a message is and whom it is for: drop, pair, command, click, revision or prompt.

It runs inside the transaction that accepts the message, so it only looks at what it is handed: the
rules, what the store knows of this conversation, and a function that judges the sender.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Protocol

from bot.config.channels import Binding, ChannelSettings
from bot.contract import Action, Message
from bot.contract import Command as Typed
from bot.keys import Scope, SessionKey, conversation_key
from bot.types import CommandInfo, CommandTable

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

# `/name args`, `/name@bot args`, `/name: args`; a path or an address is no command.
_COMMAND = re.compile(
    r"[/!]([^\W\d_][\w-]{0,63})(?:@([\w.-]{1,64}))?(?:(?=\s|\Z)|:(?![/\d]))\s*(.*)", re.S
)
_AT_SOMEONE = re.compile(r"^@\S+\s+|\s+@\S+$")
_STOP_WORD = re.compile(
    r"stop|abort|esc|wait|exit|interrupt|halt|stop (?:it|now|the run|run|the agent|agent|please)"
    r"|please stop|stop action|stop current action|stop doing anything"
    r"|anhalten|aufhören|hör auf|stopp|bitte stopp|detente|detén|deten|para|alto|pare|parar"
    r"|arr[eê]te|arrêter|arrêtez|ferma|fermati|basta|стоп|остановись|останови|остановить|прекрати"
    r"|зупинись|zatrzymaj|dur|durdur|berhenti|dừng lại|停止|停下|停|止|住手|やめて|止めて|ストップ"
    r"|멈춰|중지|정지|रुको|बंद करो|توقف|قف|หยุด"
)
_SENTENCE_ENDS = ".!?,;:\u2026\u3002\uff01\uff1f\uff0c\u0964\u061f "
_LONGEST_STOP = 100


class Judgement(Protocol):
    """What admission says: `admit`, `pair` or `drop`, and by which rule."""

    @property
    def outcome(self) -> str: ...

    @property
    def rule(self) -> str: ...


Judge = Callable[[Message, bool], Judgement]


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


@dataclass(frozen=True, slots=True)
class Facts:
    """What the configuration and the store know when a message comes.

    `switched`: the agent stored by `/agent switch` for this conversation. `named`: the session the
    sender chose, on surfaces that let them. `owner`: the author may do what only owners may.
    `bang`: `!name` is a command too. `text_commands`: typed commands count, not only native ones.
    `bot_names`: the bot's own names behind `@`; empty: any name is taken for its own.
    `called`: what counts as a mention beside the platform's own, by the agent's id.
    `links`: `<channel or account>:<author id>` to the one name of that person.
    """

    channel: ChannelSettings
    agents: Agents
    commands: CommandTable
    rules: Sequence[Rule] = ()
    switched: str | None = None
    named: SessionKey | None = None
    owner: bool = False
    bang: bool = False
    text_commands: bool = True
    bot_names: Collection[str] = ()
    called: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    dm_scope: Scope = "account-channel-peer"
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drop:
    """Nothing happens; the rule says why."""

    rule: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Tell the sender how to be let in."""

    rule: str


@dataclass(frozen=True, slots=True)
class Command:
    """Run a command; an unknown one comes with the name that was probably meant."""

    name: str
    args: str
    known: bool
    nearest: str | None
    route: Route
    base_key: str
    rule: str
    owner: bool


@dataclass(frozen=True, slots=True)
class Click:
    """A button, menu entry, shortcut or form of ours was used."""

    action: Action
    route: Route
    base_key: str
    rule: str
    owner: bool


@dataclass(frozen=True, slots=True)
class Revise:
    """An earlier message has new text, or None when it was deleted. It is never run again."""

    text: str | None
    route: Route
    base_key: str
    rule: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Text for the agent. `mentioned`: it was called, by the platform's mention or by a word."""

    text: str
    route: Route
    base_key: str
    rule: str
    owner: bool
    mentioned: bool


Decision = Drop | Pair | Command | Click | Revise | Prompt


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


def command_of(
    message: Message, bang: bool, text: bool = True, bot_names: Collection[str] = ()
) -> Typed | None:
    """The command that a message is, or None. What the adapter found wins over the text.

    `/name`, with `bang` also `!name`, a word for stopping alone; never `//x`, a path, or a part of
    a message. What was forwarded or is about an older message was not said to the bot.
    """
    # Where `!name` is a command, too, native ones come as events of their own.
    native = message.change == "command" or not bang
    if message.command is not None and (text or native):
        return Typed(message.command.name.lower(), message.command.args)
    if message.action is not None:  # a button of ours may stand for a command
        return _typed(message.action.value, False, ())
    if message.change not in ("new", "command") or message.forwarded_from is not None:
        return None
    typed = _typed(message.text.strip(), bang, bot_names) if text else None
    return typed or (Typed("stop") if _is_stop_word(message) else None)


def _typed(text: str, bang: bool, bot_names: Collection[str]) -> Typed | None:
    if not text.startswith(("/", "!") if bang else "/"):
        return None
    found = _COMMAND.fullmatch(text)
    if found is None:
        return None
    if found[2] and bot_names and found[2].lower() not in {name.lower() for name in bot_names}:
        return None
    return Typed(found[1].lower(), found[3].strip())


def _is_stop_word(message: Message) -> bool:
    if len(message.text) > _LONGEST_STOP or message.attachments:
        return False
    said = _AT_SOMEONE.sub("", message.text.strip()).strip().rstrip(_SENTENCE_ENDS)
    return _STOP_WORD.fullmatch(" ".join(said.casefold().split())) is not None


def decide(message: Message, facts: Facts, judge: Judge) -> Decision:
    """What is to be done about a message.

    `judge` says whether the sender may speak here; it is told whether the message is a command,
    button or the like, which needs no mention. A word that calls the agent is one.
    """
    if message.change == "reaction":
        return Drop("reaction")
    if message.change == "deleted":
        # Platforms do not say who deleted; what was never let in is not found again.
        route, key = _target(message, facts)
        return Revise(None, route, key, "deleted")
    message = _called(message, facts)
    typed = None
    if facts.commands.infos:
        typed = command_of(message, facts.bang, facts.text_commands, facts.bot_names)
    info = facts.commands.resolve(typed.name) if typed else None
    spelled = message.command is not None or message.text.lstrip().startswith(("/", "!"))
    explicit = info is not None and spelled
    verdict = judge(message, explicit or message.change == "action")
    if verdict.outcome == "admit":
        return _admitted(message, facts, typed, info, verdict.rule)
    # Strangers' commands are met with silence; only a first word of theirs is answered.
    answered = verdict.outcome == "pair" and not explicit and message.change in ("new", "command")
    return Pair(verdict.rule) if answered else Drop(verdict.rule)


def _admitted(
    message: Message, facts: Facts, typed: Typed | None, info: CommandInfo | None, rule: str
) -> Decision:
    route, key = _target(message, facts)
    if message.action is not None and info is None:
        return Click(message.action, route, key, rule, facts.owner)
    if message.change == "edited":
        return Revise(message.text, route, key, rule)
    # An exclamation that is no command of ours is just one.
    if typed and (info or not message.text.lstrip().startswith("!")):
        name = info.name if info else typed.name
        meant = None if info else nearest(name, _names(facts.commands))
        return Command(name, typed.args, info is not None, meant, route, key, rule, facts.owner)
    if not (message.text.strip() or message.attachments or message.mentioned or message.reply_to):
        return Drop("empty")
    text = message.text
    literal = text.lstrip()[1:] if text.lstrip().startswith("//") else text
    return Prompt(literal, route, key, rule, facts.owner, message.mentioned)


def _called(message: Message, facts: Facts) -> Message:
    """As a mention, where the agent that would answer is called by a word of its own."""
    if message.mentioned or message.kind == "direct" or not facts.called:
        return message
    pattern = facts.called.get(_target(message, facts)[0].agent)
    named = pattern is not None and pattern.search(message.text) is not None
    return replace(message, mentioned=named)


def _target(message: Message, facts: Facts) -> tuple[Route, str]:
    """The agent and the conversation's key, before any named child."""
    if facts.named is not None:
        return Route(facts.named.agent, "session key"), facts.named.base
    route = match_agent(message, facts.rules, facts.switched, facts.channel, facts.agents)
    address, peer = message.address, message.author.id
    if facts.links:
        both = (f"{address.channel}:{peer}", f"{address.account}:{peer}")
        peer = next((facts.links[one] for one in both if one in facts.links), peer)
    return route, conversation_key(route.agent, address, message.kind, peer, facts.dm_scope)


def _names(commands: CommandTable) -> list[str]:
    return [name for info in commands.infos for name in (info.name, *info.aliases)]


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was most likely meant: one or two slips away, or begun like this."""
    wanted = name.lower()
    slips = {known: _slips(wanted, known) for known in names}
    reach = 1 if len(wanted) < 5 else 2
    near = [known for known, count in slips.items() if count <= reach]
    if near:
        return min(near, key=lambda known: (slips[known], known[:1] != wanted[:1], len(known)))
    begun = [known for known in slips if len(wanted) > 1 and known.startswith(wanted)]
    return min(begun, key=len, default=None)


def _slips(one: str, other: str) -> int:
    """How many letters were added, left out, changed or swapped with their neighbour."""
    if abs(len(one) - len(other)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row, before_that = row, [i], before
        for j, wanted in enumerate(other, 1):
            slip = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                slip = min(slip, before_that[j - 2] + 1)
            row.append(slip)
        before = above
    return row[-1]
