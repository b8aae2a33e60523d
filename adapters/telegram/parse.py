"""Telegram updates to messages: pure, and without the library, whose parser takes no junk.

Field names and meanings are those of core.telegram.org/bots/api#update and #message. What cannot be
understood raises BadEvent; what is not meant for a bot to answer gives [].
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.fields import Event, item, items, line, number, string
from adapters.telegram import attachments, entities
from adapters.telegram.entities import Entity
from adapters.telegram.fields import identifier
from bot.contract import Action, Address, Author, Change, Command, Kind, Message, Quote, Ref
from bot.errors import BadEvent

CHANNEL = "telegram"

_KINDS: dict[str, Kind] = {
    "private": "direct",
    "group": "group",
    "supergroup": "group",
    "channel": "channel",
}
# `/name`, `/name@bot` and `/name:` alone or before arguments; `/etc/passwd` is text.
_COMMAND = re.compile(r"/([a-z0-9_-]{1,64})(?:@([a-z0-9_]{1,64}))?:?(?:\s+(.*)|$)", re.I | re.S)
_YEAR_10000 = 253402300800


@dataclass(frozen=True, slots=True)
class Me:
    """The bot as it must know itself to read a message; without ids or name it knows less."""

    account: str
    ids: Sequence[str] = ()
    name: str = ""

    def is_name(self, name: str) -> bool:
        return bool(self.name) and name.lower() == self.name.lower().lstrip("@")


def parse(update: object, me: Me) -> list[Message]:
    """One update to the messages in it. Raises BadEvent.

    A press of a button tells no time of its own: its `at` is that of the message it hangs on.
    """
    if not isinstance(update, dict):
        raise BadEvent("an update is an object")
    for name, read in _READERS.items():
        if event := item(update, name):
            return read(event, me, update)
    return []


def moved(update: object, me: Me) -> tuple[Address, Address] | None:
    """The group's old and new address, where it became a supergroup. Raises BadEvent.

    Both groups are told, in either order (core.telegram.org/bots/api#message, migrate_to_chat_id).
    """
    event = item(update, "message") if isinstance(update, dict) else None
    if event is None:
        return None
    here = identifier(item(event, "chat") or {})
    to, origin = number(event, "migrate_to_chat_id"), number(event, "migrate_from_chat_id")
    if to is None and origin is None:
        return None
    old, new = (here, str(to)) if to is not None else (str(origin), here)
    return Address(CHANNEL, me.account, old), Address(CHANNEL, me.account, new)


def _reader(change: Change) -> Callable[[Event, Me, Event], list[Message]]:
    def read(event: Event, me: Me, update: Event) -> list[Message]:
        author = _author(event, me)
        if author is None:
            raise BadEvent("the message has no author")
        files, words = attachments.read(event)
        said = string(event, "text") or string(event, "caption")
        # Somebody joined, a title changed: nothing was said.
        if author.is_self or not (said or files or words):
            return []
        body = _body(event, me, said)
        return [
            Message(
                ref=_ref(event, me),
                author=author,
                text="\n".join(filter(None, (body.text, words))),
                at=_time(event, "date"),
                kind=_kind(event),
                mentioned=body.mentioned or _answers_me(event, me),
                attachments=files,
                reply_to=_quote(event, me),
                change=change,
                version=str(number(event, "edit_date") or "0"),
                command=body.command,
                forwarded_from=_forwarded_from(event),
                raw=update,
            )
        ]

    return read


def _ref(event: Event, me: Me) -> Ref:
    chat = item(event, "chat") or {}
    thread = None
    # Plain replies in a group also carry a thread id; only in a topic it is a place of its own.
    if event.get("is_topic_message") is True and number(event, "message_thread_id"):
        thread = identifier(event, "message_thread_id")
    address = Address(CHANNEL, me.account, identifier(chat), thread)
    return Ref(address, identifier(event, "message_id"))


def _kind(event: Event) -> Kind:
    kind = line(item(event, "chat") or {}, "type")
    if kind not in _KINDS:
        raise BadEvent("chat has no known type")
    return _KINDS[kind]


def _time(event: Event, name: str) -> datetime:
    seconds = number(event, name)
    if seconds is None or not 0 <= seconds < _YEAR_10000:
        raise BadEvent(f"{name} is not a time")
    return datetime.fromtimestamp(seconds, UTC)


def _author(event: Event, me: Me) -> Author | None:
    """Who speaks: for posts, anonymous administrators and linked channels it is the chat.

    Beside `sender_chat`, `from` is a stand-in account for old programs.
    """
    if chat := item(event, "sender_chat"):
        return _chat_author(chat)
    if user := item(event, "from"):
        return _user(user, me)
    if line(item(event, "chat") or {}, "type") == "channel":
        return _chat_author(item(event, "chat") or {})
    return None


def _user(user: Event, me: Me) -> Author:
    name = " ".join(filter(None, (line(user, "first_name"), line(user, "last_name"))))
    username = line(user, "username") or None
    is_bot = user.get("is_bot") is True
    return Author(
        id=identifier(user),
        name=name,
        username=username,
        is_bot=is_bot,
        is_self=identifier(user) in me.ids or (is_bot and me.is_name(username or "")),
    )


def _chat_author(chat: Event) -> Author:
    name = line(chat, "title") or line(chat, "first_name")
    return Author(id=identifier(chat), name=name, username=line(chat, "username") or None)


@dataclass(frozen=True, slots=True)
class _Body:
    text: str
    mentioned: bool
    command: Command | None


def _body(event: Event, me: Me, said: str) -> _Body:
    """What was said, as Markdown; the bot's own name is taken off where it leads."""
    marks = "entities" if event.get("text") else "caption_entities"
    found = entities.read(said, items(event, marks))
    mentioned, start = _mention(said, found, me)
    text = entities.markdown(said, found, start)
    match = _COMMAND.fullmatch(text)
    if not match:
        return _Body(text, mentioned, None)
    name, target, args = match.groups()
    if target and me.name and not me.is_name(target):
        return _Body(text, mentioned, None)
    command = Command(name.lower(), (args or "").strip())
    shown = text.replace(f"@{target}", "", 1) if target else text
    return _Body(shown, mentioned or bool(target), command)


def _mention(said: str, found: list[Entity], me: Me) -> tuple[bool, int]:
    """Is the bot named, and where does the text begin behind its leading name."""
    mine = [entity for entity in found if _names_me(said, entity, me)]
    if not mine:
        return False, 0
    first = mine[0]
    if said[: first.start].strip():
        return True, 0
    rest = said[first.end :]
    return True, len(said) - len(rest.lstrip(" \t\r\n,:"))


def _names_me(said: str, entity: Entity, me: Me) -> bool:
    if entity.kind == "text_mention":
        return entity.value in me.ids
    name = said[entity.start : entity.end]
    return entity.kind == "mention" and me.is_name(name.lstrip("@"))


def _answers_me(event: Event, me: Me) -> bool:
    quote = _quote(event, me)
    return quote is not None and quote.author is not None and quote.author.is_self


def _quote(event: Event, me: Me) -> Quote | None:
    part = line(item(event, "quote") or {}, "text")
    if (answered := item(event, "reply_to_message")) and not _opens_topic(event, answered):
        said = string(answered, "text") or string(answered, "caption")
        marks = "entities" if answered.get("text") else "caption_entities"
        whole = entities.markdown(said, entities.read(said, items(answered, marks)))
        return Quote(identifier(answered, "message_id"), part or whole, _author(answered, me))
    if elsewhere := item(event, "external_reply"):
        author = _origin(item(elsewhere, "origin") or {}, me)
        return Quote(str(number(elsewhere, "message_id") or ""), part, author)
    return None


def _opens_topic(event: Event, answered: Event) -> bool:
    """In a topic, a message that answers nothing seems to answer the one that opened the topic."""
    return answered.get("forum_topic_created") is not None and number(
        answered, "message_id"
    ) == number(event, "message_thread_id")


def _origin(origin: Event, me: Me) -> Author | None:
    """Who first said something (core.telegram.org/bots/api#messageorigin); some hide their id."""
    if user := item(origin, "sender_user"):
        return _user(user, me)
    if chat := item(origin, "sender_chat") or item(origin, "chat"):
        return _chat_author(chat)
    name = line(origin, "sender_user_name")
    return Author(id="", name=name) if name else None


def _forwarded_from(event: Event) -> str | None:
    author = _origin(item(event, "forward_origin") or {}, Me(""))
    return (author.name or author.username or author.id) if author else None


def _pressed(event: Event, me: Me, update: Event) -> list[Message]:
    """A button under a message (core.telegram.org/bots/api#callbackquery).

    Games have no data, and messages sent inline no place to answer in: both give [].
    """
    message, value = item(event, "message"), line(event, "data")
    if not message or not value:
        return []
    return [
        Message(
            ref=_ref(message, me),
            author=_user(item(event, "from") or {}, me),
            text="",
            at=_time(message, "date"),
            kind=_kind(message),
            change="action",
            version=line(event, "id"),
            action=Action("button", value, value),
            raw=update,
        )
    ]


def _reacted(event: Event, me: Me, update: Event) -> list[Message]:
    """Reactions put under a message; those taken away are not told."""
    author = _reactor(event, me)
    at = _time(event, "date")
    before = {_emoji(reaction) for reaction in items(event, "old_reaction")}
    now = {_emoji(reaction): None for reaction in items(event, "new_reaction")}
    return [
        Message(
            ref=_ref(event, me),
            author=author,
            text="",
            at=at,
            kind=_kind(event),
            change="reaction",
            version=f"{int(at.timestamp())}:{author.id}:{emoji}",
            action=Action("reaction", emoji, emoji),
            raw=update,
        )
        for emoji in now
        if emoji and emoji not in before and not author.is_self
    ]


def _reactor(event: Event, me: Me) -> Author:
    if user := item(event, "user"):
        return _user(user, me)
    return _chat_author(item(event, "actor_chat") or {})


def _emoji(reaction: Event) -> str:
    paid = "⭐" if line(reaction, "type") == "paid" else ""
    return line(reaction, "emoji") or line(reaction, "custom_emoji_id") or paid


_READERS = {
    "message": _reader("new"),
    "edited_message": _reader("edited"),
    "channel_post": _reader("new"),
    "edited_channel_post": _reader("edited"),
    "callback_query": _pressed,
    "message_reaction": _reacted,
}
WANTED = tuple(_READERS)
