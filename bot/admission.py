"""May this author speak here, and must they be paired first. The rule that decided is always named.

People are told apart by their stable ids, never by names. In groups the order is: the group policy,
the group, the sender, the mention.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from bot.config.channels import ChannelSettings, Group
from bot.contract import Message

EVERYONE = "*"
UNADDRESSED = "not mentioned"
Outcome = Literal["admit", "pair", "drop"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done with a message, and the rule that says so, in an operator's words.

    pair: drop the message, and tell the sender how to be let in.
    """

    outcome: Outcome
    rule: str


def admit(message: Message, channel: ChannelSettings, *, paired: bool, command: bool) -> Verdict:
    """Judge a message. `paired`: the sender was approved on this account, which opens direct chats.

    `command`: it needs no mention. Strangers' commands are dropped like anything they say.
    """
    author = message.author
    if author.is_self:
        return Verdict("drop", "own message")
    if author.is_bot and not channel.allow_bots:
        return Verdict("drop", "allow_bots: false")
    if message.kind == "direct":
        return _direct(message, channel, paired)
    refused = _group_refusal(message, channel)
    if refused:
        return Verdict("drop", refused)
    group, name = _group(message, channel)
    verdict = _group_sender(author.id, channel, group, name)
    if verdict.outcome == "admit" and not command and not _addressed(message, channel, group):
        return Verdict("drop", UNADDRESSED)
    return verdict


def call_pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    """What finds one of these words or phrases in a text, whole and in any case."""
    either = "|".join(_whole(word.split()) for word in words if word.split())
    return re.compile(either, re.I) if either else None


def _whole(parts: list[str]) -> str:
    """A phrase as a pattern; only scripts with capitals are sure to put spaces between words."""
    before = r"(?<!\w)" if _in_words(parts[0][0]) else ""
    after = r"(?!\w)" if _in_words(parts[-1][-1]) else ""
    return before + r"\s+".join(map(re.escape, parts)) + after


def _in_words(letter: str) -> bool:
    return letter.isdigit() or letter.swapcase() != letter


def is_owner(channel: str, account: str, author_id: str, owners: Iterable[str]) -> bool:
    """Is this author one of `owners`, written `<adapter or account>:<author id>`."""
    for owner in owners:
        where, colon, who = owner.partition(":")
        if colon and who == author_id and where in (channel, account):
            return True
    return False


def _direct(message: Message, channel: ChannelSettings, paired: bool) -> Verdict:
    policy = channel.dm_policy
    if policy == "disabled":
        return Verdict("drop", "dm_policy: disabled")
    if policy == "open" and EVERYONE in channel.allow_from:
        return Verdict("admit", "dm_policy: open")
    if _listed(message.author.id, channel.allow_from):
        return Verdict("admit", "allow_from")
    if policy != "pairing":
        return Verdict("drop", "not in allow_from")
    if paired:
        return Verdict("admit", "paired")
    # Two bots that tell each other how to be let in would never stop.
    if message.author.is_bot:
        return Verdict("drop", "a bot is never paired; not in allow_from")
    return Verdict("pair", "dm_policy: pairing")


def _group_refusal(message: Message, channel: ChannelSettings) -> str:
    if channel.group_policy == "disabled":
        return "group_policy: disabled"
    if channel.group_policy == "allowlist" and _group(message, channel)[0] is None:
        return "group not listed in groups"
    return ""


def _group(message: Message, channel: ChannelSettings) -> tuple[Group | None, str]:
    """The group's own settings and their name; those of `*` when it has none."""
    conversation = message.address.conversation
    for name in (conversation, EVERYONE):
        if name in channel.groups:
            return channel.groups[name], name
    return None, ""


def _group_sender(author: str, channel: ChannelSettings, group: Group | None, name: str) -> Verdict:
    if group is not None and group.allow_from is not None:
        return _by_list(author, group.allow_from, f"groups.{name}.allow_from")
    if channel.group_policy == "open":
        return Verdict("admit", "group_policy: open")
    # An empty list that was written down means nobody; one never written falls back.
    if "group_allow_from" in channel.model_fields_set:
        return _by_list(author, channel.group_allow_from, "group_allow_from")
    return _by_list(author, channel.allow_from, "allow_from")


def _by_list(author: str, people: Collection[str], rule: str) -> Verdict:
    if _listed(author, people):
        return Verdict("admit", rule)
    return Verdict("drop", f"not in {rule}")


def _listed(author: str, people: Collection[str]) -> bool:
    return EVERYONE in people or (author != "" and author in people)


def _addressed(message: Message, channel: ChannelSettings, group: Group | None) -> bool:
    """Mentioned, answering the bot, or in a group where that is not needed."""
    needed = channel.require_mention
    if group is not None and group.require_mention is not None:
        needed = group.require_mention
    quoted = message.reply_to.author if message.reply_to else None
    return not needed or message.mentioned or (quoted is not None and quoted.is_self)
