"""Interactions to messages: slash commands, buttons, menus and forms. Pure.

Names and meanings are those of discord.com/developers/docs/interactions/receiving-and-responding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from adapters.discord.ids import made_at, optional, several, snowflake
from adapters.discord.parse import Me, address, is_group_dm, kind, user
from adapters.fields import Event, item, items, line, number
from bot.contract import Action, Address, Author, Change, Command, Message, Ref
from bot.errors import BadEvent

# #interaction-object-interaction-type
PING, COMMAND, COMPONENT, AUTOCOMPLETE, MODAL = 1, 2, 3, 4, 5
_SLASH = 1
_SUB_COMMANDS = (1, 2)
_BUTTON = 2


@dataclass(frozen=True, slots=True)
class Typing:
    """What somebody is typing behind a slash command."""

    address: Address
    author: Author
    command: str
    typed: str


def read(event: Event, me: Me, frame: Event) -> list[Message]:
    """An interaction to the message that it is. Raises BadEvent."""
    what = number(event, "type")
    if what not in (PING, COMMAND, COMPONENT, AUTOCOMPLETE, MODAL):
        raise BadEvent("the interaction has no known type")
    if what in (PING, AUTOCOMPLETE) or is_group_dm(event):
        return []
    data = item(event, "data")
    if data is None:
        raise BadEvent("data is missing")
    if what == COMPONENT:
        return [_pressed(event, data, me, frame)]
    if what == MODAL:
        return [_filled(event, data, me, frame)]
    if number(data, "type") not in (_SLASH, None):
        return [_shortcut(event, data, me, frame)]
    name, args = _name(data), " ".join(_values(data)).strip()
    text = f"/{name} {args}".strip()
    return [_message(event, me, frame, "command", text=text, command=Command(name, args))]


def typing(event: Event, me: Me) -> Typing:
    """What an autocomplete asks about. Raises BadEvent."""
    data = item(event, "data") or {}
    return Typing(address(event, me), _who(event, me), _name(data), " ".join(_values(data)))


def _name(data: Event) -> str:
    name = line(data, "name")
    if not name:
        raise BadEvent("the command has no name")
    return name.lower()


def _values(data: Event) -> Iterator[str]:
    """The words behind a command: names of sub-commands, then values, as one would type them."""
    for option in items(data, "options"):
        if number(option, "type") in _SUB_COMMANDS:
            yield line(option, "name")
            yield from _values(option)
            continue
        value = option.get("value")
        if not isinstance(value, str | int | float):
            raise BadEvent("an option has no value")
        yield line(option, "value") if isinstance(value, str) else str(value)


def _pressed(event: Event, data: Event, me: Me, frame: Event) -> Message:
    """A button or menu under a message: about that message, told apart by the press."""
    name = line(data, "custom_id")
    if not name:
        raise BadEvent("custom_id is missing")
    if number(data, "component_type") == _BUTTON:
        action = Action("button", name, name)
    else:
        values = data.get("values")
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise BadEvent("values is not a list of texts")
        action = Action("select", name, ", ".join(line({"v": value}, "v") for value in values))
    return _message(event, me, frame, "action", action=action)


def _filled(event: Event, data: Event, me: Me, frame: Event) -> Message:
    name = line(data, "custom_id")
    if not name:
        raise BadEvent("custom_id is missing")
    inputs = list(_inputs(data))
    return _message(event, me, frame, "action", action=Action("modal", name, "\n".join(inputs)))


def _inputs(component: Event) -> Iterator[str]:
    """The fields of a form, in rows or labels."""
    nested = items(component, "components")
    if label := item(component, "component"):
        nested = [*nested, label]
    for inner in nested:
        if inner.get("value") is not None:
            yield line(inner, "value")
        else:
            yield from _inputs(inner)


def _shortcut(event: Event, data: Event, me: Me, frame: Event) -> Message:
    """An entry of a message's or a person's menu."""
    action = Action("shortcut", _name(data), optional(data, "target_id") or "")
    return _message(event, me, frame, "action", action=action)


def _who(event: Event, me: Me) -> Author:
    """A member in a guild, a user in a direct chat."""
    member = item(event, "member") or {}
    found = item(member, "user") or item(event, "user")
    if found is None:
        raise BadEvent("user is missing")
    return user(found, member, me)


def _message(
    event: Event,
    me: Me,
    frame: Event,
    change: Change,
    *,
    text: str = "",
    command: Command | None = None,
    action: Action | None = None,
) -> Message:
    """`ref` is the message that a component hangs on, else the interaction itself."""
    identifier = snowflake(event)
    below = item(event, "message")
    return Message(
        ref=Ref(address(event, me), snowflake(below) if below else identifier),
        author=_who(event, me),
        text=text,
        at=made_at(identifier),
        kind=kind(event),
        mentioned=True,
        change=change,
        version=identifier,
        command=command,
        action=action,
        guild=optional(event, "guild_id"),
        roles=several(item(event, "member") or {}, "roles"),
        raw=frame,
    )
