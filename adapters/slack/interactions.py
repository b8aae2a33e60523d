"""Buttons, menus, shortcuts, forms and slash commands (docs.slack.dev/interactivity)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, Literal

from adapters.fields import Event, item, items, line
from adapters.slack import attachments
from adapters.slack.fields import identifier, moment, optional_id, stamp, within
from adapters.slack.identity import CHANNEL, Me, kind_of
from adapters.slack.markup import markdown, unescaped
from bot.contract import Action, Address, Author, Command, Kind, Message, Quote, Ref
from bot.errors import BadEvent

_EPOCH = datetime.fromtimestamp(0, UTC)
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}", re.I)
# docs.slack.dev/reference/interaction-payloads/block_actions-payload: where elements keep a choice.
_CHOSEN = (
    "value",
    "selected_date",
    "selected_time",
    "selected_user",
    "selected_conversation",
    "selected_channel",
)


def parse(kind: str, body: Event, me: Me) -> list[Message]:
    """An interactive payload of a kind, [] for what needs no answer. Raises BadEvent."""
    if kind == "block_actions":
        return _block_actions(body, me)
    if kind == "message_action":
        return [_message_shortcut(body, me)]
    if kind == "shortcut":
        action = Action("shortcut", line(body, "callback_id"))
        return [_alone(body, me, action, stamp(body, "action_ts"))]
    if kind == "view_submission":
        view = within(body, "view")
        action = Action("modal", line(view, "callback_id"), _values(view))
        return [_alone(body, me, action, identifier(view, "id"))]
    return []


def _author(body: Event, me: Me) -> Author:
    user = within(body, "user")
    who = identifier(user, "id")
    name = line(user, "name") or line(user, "username")
    return Author(who, name, line(user, "username") or None, is_self=me.is_me(who))


def _team(body: Event) -> str | None:
    return optional_id(item(body, "team") or {}, "id") or None


def _block_actions(body: Event, me: Me) -> list[Message]:
    """What was pressed under a message; in a form only its submission counts."""
    container = item(body, "container") or {}
    channel = item(body, "channel")
    if channel is None:
        return []
    message = item(body, "message") or {}
    # A message that only one person sees comes without itself.
    ts = stamp(message, "ts") if message.get("ts") else stamp(container, "message_ts")
    source = message if message.get("thread_ts") else container
    thread = stamp(source, "thread_ts") if source.get("thread_ts") else ts
    place = _place(channel, me, None if thread == ts else thread)
    author, kind = _author(body, me), _kind(channel)
    return [
        Message(
            ref=Ref(place, ts),
            author=author,
            text="",
            at=moment(stamp(action, "action_ts")),
            kind=kind,
            change="action",
            version=f"{line(action, 'action_ts')}:{author.id}:{line(action, 'action_id')}",
            action=_pressed(action),
            team=_team(body),
            raw=body,
        )
        for action in items(body, "actions")
    ]


def _place(channel: Event, me: Me, thread: str | None) -> Address:
    return Address(CHANNEL, me.account, identifier(channel, "id"), thread)


def _kind(channel: Event) -> Kind:
    return _kind_named(identifier(channel, "id"), line(channel, "name"))


def _kind_named(conversation: str, name: str) -> Kind:
    """The kind by the name that Slack gives to conversations without one of their own."""
    types = {"directmessage": "im"}
    return kind_of(conversation, "mpim" if name.startswith("mpdm-") else types.get(name, ""))


def _pressed(action: Event) -> Action:
    kind: Literal["button", "select"] = "button" if line(action, "type") == "button" else "select"
    return Action(kind, line(action, "action_id"), _chosen(action))


def _chosen(element: Event) -> str:
    """What an element stands at, in one text."""
    for name in _CHOSEN:
        if value := line(element, name):
            return value
    if option := item(element, "selected_option"):
        return line(option, "value")
    return ",".join(line(option, "value") for option in items(element, "selected_options"))


def _values(view: Event) -> str:
    """A form's fields as JSON: the element's name and what it stands at."""
    blocks = item(item(view, "state") or {}, "values") or {}
    found: dict[str, Any] = {}
    for block in blocks.values():
        for name, element in (block if isinstance(block, dict) else {}).items():
            if not isinstance(element, dict):
                raise BadEvent(f"{name} is not an object")
            found[str(name)] = _chosen(element)
    return json.dumps(found)


def _message_shortcut(body: Event, me: Me) -> Message:
    channel, message = within(body, "channel"), within(body, "message")
    ts, at = stamp(message, "ts"), stamp(body, "action_ts")
    thread = stamp(message, "thread_ts") if message.get("thread_ts") else ts
    user = optional_id(message, "user") or optional_id(message, "bot_id")
    quoted = Author(user, is_self=me.is_me(user)) if user else None
    author = _author(body, me)
    return Message(
        ref=Ref(_place(channel, me, None if thread == ts else thread), ts),
        author=author,
        text="",
        at=moment(at),
        kind=_kind(channel),
        attachments=attachments.read(message),
        reply_to=Quote(ts, markdown(line(message, "text")), quoted),
        change="action",
        version=f"{at}:{author.id}",
        action=Action("shortcut", line(body, "callback_id")),
        team=_team(body),
        raw=body,
    )


def _alone(body: Event, me: Me, action: Action, name: str) -> Message:
    """Something done outside every conversation: it belongs to the direct chat with who did it.

    A message posted to a user's id goes to that chat (docs.slack.dev/reference/methods/
    chat.postMessage#dms). A form tells no time: its `at` is the epoch.
    """
    author = _author(body, me)
    view = item(body, "view") or {}
    return Message(
        ref=Ref(Address(CHANNEL, me.account, author.id), name),
        author=author,
        text="",
        at=moment(stamp(body, "action_ts")) if body.get("action_ts") else _EPOCH,
        kind="direct",
        change="action",
        version=line(view, "hash") or name,
        action=action,
        team=_team(body),
        raw=body,
    )


def command(body: Event, me: Me) -> Message:
    """A slash command's form fields (docs.slack.dev/interactivity/implementing-slash-commands)."""
    who, conversation = identifier(body, "user_id"), identifier(body, "channel_id")
    trigger = identifier(body, "trigger_id")
    found = _command(line(body, "command"), unescaped(line(body, "text")).strip(), me)
    return Message(
        ref=Ref(Address(CHANNEL, me.account, conversation), trigger),
        author=Author(who, line(body, "user_name"), line(body, "user_name") or None),
        text=f"/{found.name} {found.args}".strip(),
        at=_EPOCH,
        kind=_kind_named(conversation, line(body, "channel_name")),
        mentioned=True,
        change="command",
        version=trigger,
        command=found,
        team=optional_id(body, "team_id") or None,
        raw=body,
    )


def _command(typed: str, text: str, me: Me) -> Command:
    """The command that is meant: behind the app's own word stands the real one."""
    name = typed.removeprefix("/").lower()
    own = {"trunkline", me.name.lower().lstrip("@"), me.command.lower().lstrip("/")}
    if name in own:
        name, _, text = (text or "help").partition(" ")
        name = name.lstrip("/!").lower()
    if not _NAME.fullmatch(name):
        raise BadEvent("command is not a command's name")
    return Command(name, text.strip())
