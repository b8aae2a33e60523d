"""Mattermost events to messages: pure. A socket frame, or a callback's fields as an object.

Frames are those of developers.mattermost.com/api-documentation (WebSocket, Events); `known` beside
`data` holds what a frame leaves out and the adapter looked up: `user`, `channel`, `root`,
`root_user`. What cannot be understood raises BadEvent; what is not meant for a bot gives [].
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from adapters.fields import Event, items, line
from adapters.mattermost import files
from adapters.mattermost.emoji import symbol_of
from adapters.mattermost.fields import embedded, identifier, item, moment, truth, whole
from bot.contract import Action, Address, Author, Change, Command, Kind, Message, Quote, Ref
from bot.errors import BadEvent

CHANNEL = "mattermost"

_KINDS: dict[str, Kind] = {"D": "direct", "G": "group", "O": "channel", "P": "channel"}
_DIRECT_NAME = re.compile(r"[a-z0-9]{26}__[a-z0-9]{26}")
_GROUP_NAME = re.compile(r"[0-9a-f]{40}")
_TRIGGER = re.compile(r"/([\w.-]{1,128})")
# The server keeps `/` for itself unless an integration, or a client that leaves it alone, sends it.
_TYPED = re.compile(r"[/!]([a-z][a-z0-9_-]{0,63}):?(?:\s+(.*)|$)", re.I | re.S)
# Long enough to say what a thread is about.
_QUOTED = 2000


@dataclass(frozen=True, slots=True)
class Me:
    """The bot as it must know itself to read a message; without ids or name it knows less."""

    account: str
    ids: Sequence[str] = ()
    name: str = ""


def parse(event: object, me: Me) -> list[Message]:
    """One event to the messages in it. Raises BadEvent."""
    if not isinstance(event, dict):
        raise BadEvent("an event is an object")
    if "context" in event:
        return _pressed(event, me)
    if "command" in event:
        return _commanded(event, me)
    reader = _READERS.get(line(event, "event"))
    return reader(event, me) if reader else []


def _reader(change: Change) -> Callable[[Event, Me], list[Message]]:
    def read(event: Event, me: Me) -> list[Message]:
        data = item(event, "data")
        post = embedded(data, "post")
        ref, at = _ref(post, me), moment(post, "create_at")
        user = item(item(event, "known"), "user")
        author = author_of(post, user, me, line(data, "sender_name"))
        # A change of pins, previews or reactions is told as an edit, too, but edits nothing.
        unchanged = change == "edited" and not whole(post, "edit_at")
        if author.is_self or unchanged or line(post, "type").startswith("system_"):
            return []
        mentioned, text = _mention(_words(post), data, me)
        attached = files.read(post)
        if change != "deleted" and not (text or attached or mentioned):
            return []
        return [
            Message(
                ref=ref,
                author=author,
                text="" if change == "deleted" else text,
                at=at,
                kind=_kind(event, data),
                mentioned=mentioned,
                attachments=attached,
                reply_to=_quote(post, item(event, "known"), me),
                change=change,
                version=_version(post, change),
                command=_typed(text.strip()) if change == "new" else None,
                team=line(data, "team_id") or _team(event),
                raw=event,
            )
        ]

    return read


def _typed(text: str) -> Command | None:
    match = _TYPED.fullmatch(text)
    return Command(match[1].lower(), (match[2] or "").strip()) if match else None


def _version(post: Event, change: Change) -> str:
    names = {"edited": "edit_at", "deleted": "delete_at"}
    return str(whole(post, names[change]) or whole(post, "update_at")) if change in names else "0"


def _ref(post: Event, me: Me) -> Ref:
    thread = identifier(post, "root_id") if post.get("root_id") else None
    address = Address(CHANNEL, me.account, identifier(post, "channel_id"), thread)
    return Ref(address, identifier(post))


def _kind(event: Event, data: Event) -> Kind:
    """What a conversation is; where nothing says so, a room, in which the bot must be named."""
    kind = line(data, "channel_type") or line(item(item(event, "known"), "channel"), "type")
    if kind and kind not in _KINDS:
        raise BadEvent("the channel has no known type")
    return _KINDS.get(kind, "channel")


def _team(event: Event) -> str | None:
    return line(item(item(event, "known"), "channel"), "team_id") or None


def author_of(post: Event, user: Event, me: Me, shown: str = "") -> Author:
    """Who wrote a post. `shown` is the name that the event gives, `user` the account if known.

    A webhook's post carries the account of whoever made the webhook, so it gets an id of its own.
    """
    user_id = identifier(post, "user_id")
    props = item(post, "props")
    if truth(props, "from_webhook"):
        name = line(props, "override_username") or line(props, "webhook_display_name")
        return Author(f"webhook:{user_id}", name or "webhook", is_bot=True)
    username = line(user, "username") or shown.removeprefix("@")
    full = " ".join(filter(None, (line(user, "first_name"), line(user, "last_name"))))
    is_bot = any(truth(props, name) for name in ("from_bot", "from_plugin", "from_oauth_app"))
    return Author(
        id=user_id,
        name=line(user, "nickname") or full or username,
        username=username or None,
        is_bot=is_bot or user.get("is_bot") is True,
        is_self=user_id in me.ids or (not me.ids and bool(me.name) and username == me.name),
    )


def _words(post: Event) -> str:
    """What a post says; programs say it in attachments, too (message attachments)."""
    parts = [line(post, "message")]
    for attachment in items(item(post, "props"), "attachments"):
        parts += [line(attachment, name) for name in ("pretext", "title", "text")]
    return "\n".join(filter(None, parts))


@cache
def _naming(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w@.-])@{re.escape(name)}(?![\w-]|\.\w)", re.IGNORECASE)


def _mention(text: str, data: Event, me: Me) -> tuple[bool, str]:
    """Is the bot named, and the text without its leading name."""
    if not me.name:
        told = line(data, "mentions")
        return any(f'"{one}"' in told for one in me.ids), text
    found = _naming(me.name).search(text)
    if found is None:
        return False, text
    leads = not text[: found.start()].strip()
    return True, text[found.end() :].lstrip(" \t\r\n,:") if leads else text


def _quote(post: Event, known: Event, me: Me) -> Quote | None:
    """The thread's first post, or the post that this one forwards."""
    if post.get("root_id"):
        root_id = identifier(post, "root_id")
        root = item(known, "root")
        author = author_of(root, item(known, "root_user"), me) if root else None
        return Quote(root_id, _words(root)[:_QUOTED] if root else "", author)
    for embed in items(item(post, "metadata"), "embeds"):
        if line(embed, "type") == "permalink" and (data := item(embed, "data")):
            other = item(data, "post")
            author = author_of(other, {}, me) if other else None
            return Quote(identifier(data, "post_id"), _words(other)[:_QUOTED], author)
    return None


def _reacted(event: Event, me: Me) -> list[Message]:
    """A reaction was put under a post; one that was taken away is not told."""
    reaction = embedded(item(event, "data"), "reaction")
    author = author_of(reaction, item(item(event, "known"), "user"), me)
    channel = {**item(event, "broadcast"), **{k: v for k, v in reaction.items() if v}}
    emoji = symbol_of(line(reaction, "emoji_name"))
    at = moment(reaction, "create_at")
    if author.is_self or not emoji:
        return []
    address = Address(CHANNEL, me.account, identifier(channel, "channel_id"))
    return [
        Message(
            ref=Ref(address, identifier(reaction, "post_id")),
            author=author,
            text="",
            at=at,
            kind=_kind(event, item(event, "data")),
            change="reaction",
            version=f"{int(at.timestamp() * 1000)}:{author.id}:{emoji}",
            action=Action("reaction", emoji, emoji),
            team=_team(event),
            raw=event,
        )
    ]


def _pressed(event: Event, me: Me) -> list[Message]:
    """A button under a post of ours (developers.mattermost.com, interactive messages)."""
    context = item(event, "context")
    value = line(context, "value")
    if not value:
        raise BadEvent("the button has no value")
    thread = identifier(context, "thread") if context.get("thread") else None
    address = Address(CHANNEL, me.account, identifier(event, "channel_id"), thread)
    return [
        Message(
            ref=Ref(address, identifier(event, "post_id")),
            author=_caller(event, me),
            text="",
            at=asked_at(event),
            kind=_called_kind(event),
            change="action",
            version=_call_id(event),
            action=Action("button", value, value),
            team=line(event, "team_id") or None,
            raw=event,
        )
    ]


def _commanded(event: Event, me: Me) -> list[Message]:
    """A slash command (developers.mattermost.com, custom slash commands); it is not a post."""
    found = _TRIGGER.fullmatch(line(event, "command"))
    if not found:
        raise BadEvent("command is not a slash and a word")
    name = found[1].lower()
    if me.name:
        name = name.removeprefix(f"{me.name.lower()}-")
    args = line(event, "text").strip()
    thread = identifier(event, "root_id") if event.get("root_id") else None
    address = Address(CHANNEL, me.account, identifier(event, "channel_id"), thread)
    return [
        Message(
            ref=Ref(address, f"command-{_call_id(event)}"),
            author=_caller(event, me),
            text=f"/{name} {args}".rstrip(),
            at=asked_at(event),
            kind=_called_kind(event),
            mentioned=True,
            change="command",
            version=_call_id(event),
            command=Command(name, args),
            team=line(event, "team_id") or None,
            raw=event,
        )
    ]


def _caller(event: Event, me: Me) -> Author:
    return author_of({"user_id": event.get("user_id")}, _account(event), me)


def _account(event: Event) -> Event:
    known = item(item(event, "known"), "user")
    return known or {"username": line(event, "user_name")}


def _called_kind(event: Event) -> Kind:
    """A callback names its channel, and the names of direct and group chats have a form."""
    if item(event, "known"):
        return _kind(event, {})
    name = line(event, "channel_name")
    if _DIRECT_NAME.fullmatch(name):
        return "direct"
    return "group" if _GROUP_NAME.fullmatch(name) else "channel"


def _call_id(event: Event) -> str:
    """What names one press or command, however often it is told: its trigger id, shortened."""
    trigger = line(event, "trigger_id")
    if not trigger:
        raise BadEvent("trigger_id is missing")
    return hashlib.sha256(trigger.encode()).hexdigest()[:26]


def asked_at(event: Event) -> datetime:
    """When it happened: a trigger id holds `<id>:<user>:<milliseconds>:<signature>` in base64.

    1970 when it does not.
    """
    try:
        stamp = base64.b64decode(line(event, "trigger_id"), validate=True).split(b":")[2]
        return moment({"at": int(stamp[:15])}, "at")
    except (ValueError, IndexError, BadEvent):
        return datetime.fromtimestamp(0, UTC)


_READERS: dict[str, Callable[[Event, Me], list[Message]]] = {
    "posted": _reader("new"),
    "post_edited": _reader("edited"),
    "post_deleted": _reader("deleted"),
    "reaction_added": _reacted,
}
WANTED = frozenset(_READERS)
