"""Gateway frames and interactions to messages: pure, and without the library.

Names and meanings are those of discord.com/developers/docs/events/gateway-events and
/resources/message. An event names its channel only by id: the adapter adds the object `channel` (as
interactions have it), from which threads are told apart. What cannot be understood raises BadEvent;
what is not meant for a bot to answer gives [].
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.discord import attachments
from adapters.discord.ids import made_at, optional, several, snowflake, stamp
from adapters.discord.markup import behind_mention, decoded
from adapters.fields import Event, item, items, line, number
from bot.contract import (
    Action,
    Address,
    Attachment,
    Author,
    Change,
    Command,
    Kind,
    Message,
    Quote,
    Ref,
)
from bot.errors import BadEvent

CHANNEL = "discord"

# discord.com/developers/docs/resources/channel#channel-object-channel-types
GROUP_DM = 3
THREADS = (10, 11, 12)
# discord.com/developers/docs/resources/message#message-object-message-types: what people say; the
# rest is told by the platform itself (somebody joined, a message was pinned).
_SAID = (0, 19, 20, 23)
_FORWARD = 1
_IS_CROSSPOST = 1 << 1
_COMMAND = re.compile(r"/([a-z0-9_-]{1,64}):?(?:\s+(.*)|$)", re.I | re.S)


@dataclass(frozen=True, slots=True)
class Me:
    """The bot as it must know itself: `ids` are its user and the roles that only it has."""

    account: str
    ids: Sequence[str] = ()
    name: str = ""


def said(event: Event, me: Me, frame: Event, change: Change = "new") -> list[Message]:
    """A message that was written, or is new to the bot."""
    identifier, place = snowflake(event), address(event, me)
    at = stamp(event, "timestamp") or made_at(identifier)
    if is_group_dm(event) or number(event, "type") not in (*_SAID, None):
        return []
    author = _author(event, me)
    body = _body(event, me, author.is_bot)
    files = _files(event, place, identifier)
    if author.is_self or not (body.text or files or body.mentioned):
        return []
    return [
        Message(
            ref=Ref(place, identifier),
            author=author,
            text=body.text,
            at=at,
            kind=kind(event),
            mentioned=body.mentioned,
            attachments=files,
            reply_to=body.quote,
            change=change,
            version=line(event, "edited_timestamp") if change == "edited" else "0",
            command=body.command,
            forwarded_from=_forwarded_from(event, author),
            guild=optional(event, "guild_id"),
            roles=several(item(event, "member") or {}, "roles"),
            raw=frame,
        )
    ]


def edited(event: Event, me: Me, frame: Event) -> list[Message]:
    """A message that its author changed.

    A link that unfolds, a pin and a publication update it as well; only an edit sets the stamp.
    """
    if stamp(event, "edited_timestamp") is None:
        snowflake(event)
        return []
    return said(event, me, frame, "edited")


def deleted(event: Event, me: Me, frame: Event) -> list[Message]:
    """Messages that were taken away; nobody says by whom, nor when."""
    ids = several(event, "ids") or (snowflake(event),)
    if is_group_dm(event):
        return []
    return [
        Message(
            ref=Ref(address(event, me), identifier),
            author=Author(id=""),
            text="",
            at=made_at(identifier),
            kind=kind(event),
            change="deleted",
            guild=optional(event, "guild_id"),
            raw=frame,
        )
        for identifier in ids
    ]


def reacted(event: Event, me: Me, frame: Event) -> list[Message]:
    """A reaction put under a message; its time is that of the message it hangs on."""
    identifier, who = snowflake(event, "message_id"), snowflake(event, "user_id")
    emoji = _emoji(item(event, "emoji") or {})
    if who in me.ids or is_group_dm(event):
        return []
    member = item(event, "member") or {}
    author = user(item(member, "user") or {"id": who}, member, me)
    return [
        Message(
            ref=Ref(address(event, me), identifier),
            author=author,
            text="",
            at=made_at(identifier),
            kind=kind(event),
            change="reaction",
            # The number of the frame tells a reaction from one put there again.
            version=f"{number(frame, 's') or 0}:{who}:{emoji}",
            action=Action("reaction", emoji, emoji),
            guild=optional(event, "guild_id"),
            roles=several(member, "roles"),
            raw=frame,
        )
    ]


def address(event: Event, me: Me) -> Address:
    """Where an event happened. A thread is a place of its own inside its parent channel."""
    here = snowflake(event, "channel_id")
    place = item(event, "channel") or {}
    parent = optional(place, "parent_id")
    if number(place, "type") in THREADS and parent is not None:
        return Address(CHANNEL, me.account, parent, here)
    return Address(CHANNEL, me.account, here)


def kind(event: Event) -> Kind:
    """Direct chats have no guild."""
    return "direct" if optional(event, "guild_id") is None else "channel"


def is_group_dm(event: Event) -> bool:
    """Bots cannot take part in these."""
    return number(item(event, "channel") or {}, "type") == GROUP_DM


def user(found: Event, member: Event, me: Me) -> Author:
    """A person or a program, under the name that the guild shows."""
    identifier = snowflake(found)
    names = (line(member, "nick"), line(found, "global_name"), line(found, "username"))
    return Author(
        id=identifier,
        name=next(filter(None, names), ""),
        username=line(found, "username") or None,
        is_bot=found.get("bot") is True,
        is_self=identifier in me.ids,
    )


def _author(event: Event, me: Me) -> Author:
    """Who speaks. A webhook is a program, unless it carries the bot's own words."""
    author = item(event, "author")
    if author is None:
        raise BadEvent("author is missing")
    found = user(author, item(event, "member") or {}, me)
    if optional(event, "webhook_id") is None:
        return found
    mine = found.is_self or optional(event, "application_id") in me.ids
    return Author(found.id, found.name, found.username, is_bot=True, is_self=mine)


@dataclass(frozen=True, slots=True)
class _Body:
    text: str
    mentioned: bool
    command: Command | None
    quote: Quote | None


def _body(event: Event, me: Me, by_program: bool) -> _Body:
    mentioned, quote = _names_me(event, me), _quote(event, me)
    own = behind_mention(line(event, "content"), me.ids) if mentioned else line(event, "content")
    text = decoded(own, _names(event))
    match = _COMMAND.fullmatch(text)
    parts = [text, *map(_snapshot, _snapshots(event)), attachments.words(event)]
    if by_program:
        parts.append(attachments.embedded(event))
    return _Body(
        text="\n".join(filter(None, [_title(event), *parts])),
        mentioned=mentioned or (quote is not None and _is_mine(quote)),
        command=Command(match[1].lower(), (match[2] or "").strip()) if match else None,
        quote=quote,
    )


def _title(event: Event) -> str:
    """The title of a forum post stands above its first message, which shares the thread's id."""
    if event.get("id") != event.get("channel_id"):
        return ""
    return line(item(event, "channel") or {}, "name")


def _names_me(event: Event, me: Me) -> bool:
    """Is the bot mentioned itself, or by the role that only it has; not by @everyone."""
    users = [snowflake(found) for found in items(event, "mentions")]
    return any(found in me.ids for found in (*users, *several(event, "mention_roles")))


def _names(event: Event) -> dict[str, str]:
    users = items(event, "mentions")
    names = {snowflake(u): line(u, "global_name") or line(u, "username") for u in users}
    rooms = {snowflake(room): line(room, "name") for room in items(event, "mention_channels")}
    return {identifier: name for identifier, name in {**names, **rooms}.items() if name}


def _is_mine(quote: Quote) -> bool:
    return quote.author is not None and quote.author.is_self


def _quote(event: Event, me: Me) -> Quote | None:
    """The message that this one answers; only its id when it cannot be loaded or is gone."""
    reference = item(event, "message_reference")
    answers = number(event, "type") == 19
    if found := item(event, "referenced_message"):
        if not answers:
            return None
        text = decoded(line(found, "content"), _names(found))
        return Quote(snowflake(found), text, _author(found, me))
    identifier = optional(reference, "message_id") if reference and answers else None
    return Quote(identifier) if identifier else None


def _snapshots(event: Event) -> list[Event]:
    """What a forward carries (#message-snapshot-object)."""
    return [item(snapshot, "message") or {} for snapshot in items(event, "message_snapshots")]


def _snapshot(message: Event) -> str:
    parts = (decoded(line(message, "content"), _names(message)), attachments.words(message))
    return "\n".join(filter(None, (*parts, attachments.embedded(message))))


def _files(event: Event, place: Address, identifier: str) -> tuple[Attachment, ...]:
    here = place.thread or place.conversation
    found = attachments.read(event, here, identifier)
    for message in _snapshots(event):
        found += attachments.read(message, here, identifier)
    return found


def _forwarded_from(event: Event, author: Author) -> str | None:
    """Where the words come from: a forward names its channel, a crosspost is signed by it."""
    reference = item(event, "message_reference") or {}
    if number(reference, "type") == _FORWARD:
        return optional(reference, "channel_id") or "another channel"
    if (number(event, "flags") or 0) & _IS_CROSSPOST:
        return author.name or author.id
    return None


def _emoji(emoji: Event) -> str:
    """A reaction's sign; an emoji of a guild in the form that the platform takes back."""
    name, identifier = line(emoji, "name"), optional(emoji, "id")
    if not name and identifier is None:
        raise BadEvent("emoji is missing")
    return f"{name or '_'}:{identifier}" if identifier else name
