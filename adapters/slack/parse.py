"""Events API bodies, interactive payloads and slash commands to messages: pure.

Names and meanings are those of docs.slack.dev/reference/events. What cannot be understood raises
BadEvent; what is not meant for a bot to answer gives [].
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from adapters.fields import Event, item, line
from adapters.slack import attachments, emoji, interactions
from adapters.slack.fields import decoded, identifier, moment, optional_id, stamp, within
from adapters.slack.identity import Me, address, kind_of
from adapters.slack.markup import markdown, mentions, without_leading
from bot.contract import Action, Author, Change, Command, Message, Quote, Ref
from bot.errors import BadEvent

# docs.slack.dev/reference/events/message: the subtypes in which somebody says something.
_SPOKEN = frozenset({"", "file_share", "thread_broadcast", "me_message", "bot_message"})
# `/name` and `!name` alone or before arguments; `/etc/passwd` is text.
_COMMAND = re.compile(r"[/!]([a-z][a-z0-9_-]{0,63}):?(?:\s+(.*)|$)", re.I | re.S)


def parse(event: object, me: Me) -> list[Message]:
    """One raw event to the messages in it. Raises BadEvent.

    A slash command tells no time: its `at` is the epoch.
    """
    if not isinstance(event, dict):
        raise BadEvent("an event is an object")
    body = unwrapped(event)
    if "command" in body:
        return [interactions.command(body, me)]
    kind = line(body, "type")
    if not kind:
        raise BadEvent("type is missing")
    if kind != "event_callback":
        return interactions.parse(kind, body, me)
    inner = within(body, "event")
    read = _READERS.get(line(inner, "type"))
    return read(inner, me.in_body(body), body) if read else []


def unwrapped(event: Event) -> Event:
    """The body in a socket mode envelope or in a form's `payload` field. Raises BadEvent."""
    payload = event.get("payload")
    if isinstance(payload, str):
        return decoded(payload, "payload")
    if "envelope_id" in event:
        return within(event, "payload")
    return event


def _message(event: Event, me: Me, body: Event) -> list[Message]:
    subtype = line(event, "subtype")
    if subtype == "message_changed":
        return _changed(event, me, body)
    if subtype == "message_deleted":
        return _deleted(event, me, body)
    return _Said(event, me, body).messages(event) if subtype in _SPOKEN else []


def _mention(event: Event, me: Me, body: Event) -> list[Message]:
    """The same message also comes as a message event; both must give the same."""
    if line(event, "subtype") not in _SPOKEN:
        return []
    return [replace(found, mentioned=True) for found in _Said(event, me, body).messages(event)]


def _changed(event: Event, me: Me, body: Event) -> list[Message]:
    """An edit by its author; an unfurl or a new reply below also changes a message."""
    message, before = within(event, "message"), item(event, "previous_message")
    if line(message, "subtype") == "tombstone":
        return _gone(stamp(message, "ts"), before or {}, event, me, body)
    edited = item(message, "edited")
    same = before is not None and line(before, "text") == line(message, "text")
    if edited is None or same:
        return []
    said = _Said(event, me, body, "edited", stamp(edited, "ts"))
    return said.messages(message)


def _deleted(event: Event, me: Me, body: Event) -> list[Message]:
    before = item(event, "previous_message") or {}
    return _gone(stamp(event, "deleted_ts"), before, event, me, body)


def _gone(ts: str, before: Event, event: Event, me: Me, body: Event) -> list[Message]:
    """A message that is no more; who took it away is not told."""
    author = _author(before, me) or Author("")
    if author.is_self:
        return []
    place = address(event, me, _thread(before, ts))
    return [
        Message(
            ref=Ref(place, ts),
            author=author,
            text="",
            at=moment(stamp(event, "ts" if event.get("ts") else "event_ts")),
            kind=kind_of(place.conversation, line(event, "channel_type")),
            change="deleted",
            mentioned=mentions(line(before, "text"), me.ids),
            team=optional_id(body, "team_id") or None,
            raw=body,
        )
    ]


@dataclass(frozen=True, slots=True)
class _Said:
    """Reads what somebody said; `event` tells where, `body` in which workspace."""

    event: Event
    me: Me
    body: Event
    change: Change = "new"
    version: str = "0"

    def messages(self, message: Event) -> list[Message]:
        """The message as one, [] when the bot said it or when it is empty. Raises BadEvent."""
        author = _author(message, self.me)
        if author is None:
            raise BadEvent("the message has no author")
        raw, files = line(message, "text"), attachments.read(message)
        quote, words = attachments.shared(message, self.me)
        if author.is_self or not (raw or files or words):
            return []
        ts = stamp(message, "ts")
        place = address(self.event, self.me, _thread(message, ts))
        kind = kind_of(place.conversation, line(self.event, "channel_type"))
        text = markdown(without_leading(raw, self.me.ids)).strip() or words
        return [
            Message(
                ref=Ref(place, ts),
                author=author,
                text=text,
                at=moment(ts),
                kind=kind,
                mentioned=mentions(raw, self.me.ids) or _below_mine(message, self.me.ids),
                attachments=files,
                reply_to=quote if raw else None,
                change=self.change,
                version=self.version,
                command=_typed(text),
                forwarded_from=_name(quote),
                team=optional_id(self.body, "team_id") or None,
                raw=self.body,
            )
        ]


def _thread(message: Event, ts: str) -> str | None:
    """The thread a message hangs in; the one a thread hangs on stands in the room itself."""
    if not message.get("thread_ts"):
        return None
    thread = stamp(message, "thread_ts")
    return None if thread == ts else thread


def _below_mine(message: Event, ids: Collection[str]) -> bool:
    """Is it in a thread below a message of the bot."""
    return optional_id(message, "parent_user_id") in ids


def _typed(text: str) -> Command | None:
    match = _COMMAND.fullmatch(text)
    return Command(match[1].lower(), (match[2] or "").strip()) if match else None


def _name(quote: Quote | None) -> str | None:
    author = quote.author if quote else None
    return (author.name or author.id) if author else None


def _author(message: Event, me: Me) -> Author | None:
    """Who speaks: a person, or a bot, which may have a user, a bot id or both."""
    user, bot = optional_id(message, "user"), optional_id(message, "bot_id")
    profile = item(message, "bot_profile") or {}
    app = optional_id(message, "app_id") or optional_id(profile, "app_id")
    if not (user or bot):
        return None
    person = item(message, "user_profile") or {}
    names = (line(person, "display_name"), line(person, "real_name"), line(profile, "name"))
    return Author(
        id=user or bot,
        name=next((name for name in (*names, line(message, "username")) if name), ""),
        username=line(person, "name") or None,
        is_bot=bool(bot),
        is_self=me.is_me(user, bot, app),
    )


def _reacted(event: Event, me: Me, body: Event) -> list[Message]:
    """A reaction put under a message (docs.slack.dev/reference/events/reaction_added)."""
    target, user = within(event, "item"), identifier(event, "user")
    if line(target, "type") != "message" or me.is_me(user):
        return []
    name, at = line(event, "reaction"), stamp(event, "event_ts")
    if not name:
        raise BadEvent("reaction is missing")
    place = address(target, me)
    return [
        Message(
            ref=Ref(place, stamp(target, "ts")),
            author=Author(user),
            text="",
            at=moment(at),
            kind=kind_of(place.conversation, ""),
            change="reaction",
            version=f"{at}:{user}:{name}",
            action=Action("reaction", name, emoji.shown(name)),
            team=optional_id(body, "team_id") or None,
            raw=body,
        )
    ]


_READERS = {"message": _message, "app_mention": _mention, "reaction_added": _reacted}


def started_thread(body: Event) -> tuple[str, str] | None:
    """The conversation and thread of a newly opened assistant thread, None for other events.

    See docs.slack.dev/reference/events/assistant_thread_started. Raises BadEvent.
    """
    event = item(body, "event") or {}
    if line(event, "type") != "assistant_thread_started":
        return None
    thread = within(event, "assistant_thread")
    return identifier(thread, "channel_id"), stamp(thread, "thread_ts")
