"""What a message is and whom it is for: drop, pair, command, click, revision or prompt.

It runs inside the transaction that accepts the message, so it only looks at what it is handed: the
rules, what the store knows of this conversation, and a function that judges the sender.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from bot.bindings import Agents, Route, Rule, match_agent
from bot.config.channels import ChannelSettings
from bot.contract import Action, Message
from bot.contract import Command as Typed
from bot.keys import Scope, SessionKey, conversation_key
from bot.typed import command_of, nearest
from bot.types import CommandInfo, CommandTable


class Judgement(Protocol):
    """What admission says: `admit`, `pair` or `drop`, and by which rule."""

    @property
    def outcome(self) -> str: ...

    @property
    def rule(self) -> str: ...


Judge = Callable[[Message, bool], Judgement]


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
