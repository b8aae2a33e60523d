"""Queue modes: which waiting messages become one turn, and when.

`collect` joins what one person said in one place while a run was on. `followup` makes a turn of
each. `steer` brings a message into the run at its next tool boundary, `steer-backlog` also gives it
a turn of its own. `interrupt` ends the run for the newest message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.config.channels import Queue
from bot.contract import Message
from bot.store.inbox import Item

# What an item's options say of its waiting: how long it lets more come, that it has its turn to
# itself, that a run may take it in, that one has.
SETTLE = "settle"
ALONE = "alone"
STEER = "steer"
STEERED = "steered"
_MANNERS = frozenset({"thinking", "verbose", "reasoning", "extraPrompt", "timeout"})


def gathered(waiting: Sequence[Item], queue: Queue) -> list[Item]:
    """The first waiting item with those that join it: the same person's, in the same place.

    Nobody's own words change their order: what cannot be joined ends the group.
    """
    first, *others = waiting
    group = [first]
    if not _joins(first, queue):
        return group
    for item in others:
        if not _same_voice(first, item):
            continue
        if not _joins(item, queue) or _answers(item.message):
            break
        group.append(item)
    return group


def begins_at(group: Sequence[Item]) -> float:
    """When a group may begin: after its newest message has let more come. Files wait for none."""
    if any(item.message.attachments for item in group):
        return group[-1].at
    return max(item.at + float(item.options.get(SETTLE, 0.0)) for item in group)


def joined(messages: Sequence[Message]) -> Message:
    """One message of several; it stands where the last one does, and answers what the first did."""
    first, last = messages[0], messages[-1]
    if first is last:
        return first
    return replace(
        first,
        ref=last.ref,
        text="\n".join(one.text for one in messages if one.text),
        attachments=tuple(file for one in messages for file in one.attachments),
        mentioned=any(one.mentioned for one in messages),
    )


def steerable(item: Item, requester: str, place: str) -> bool:
    """May a run of this person in this place take the item in?"""
    options = item.options
    return (
        item.state == "open"
        and bool(options.get(STEER))
        and not options.get(STEERED)
        and (item.requester, item.message.address.key) == (requester, place)
        and not item.message.attachments
    )


def _joins(item: Item, queue: Queue) -> bool:
    collects = queue.mode == "collect" or bool(item.options.get(SETTLE))
    return collects and item.state == "open" and not item.options.get(ALONE) and _plain(item)


def _plain(item: Item) -> bool:
    """Does it want nothing of its own answer alone?"""
    return _MANNERS.isdisjoint(item.options)


def _same_voice(first: Item, other: Item) -> bool:
    where = first.message.address.key
    return (first.requester, where) == (other.requester, other.message.address.key)


def _answers(message: Message) -> bool:
    """Is it about a message of its own?"""
    return message.reply_to is not None or message.forwarded_from is not None
