"""Settings of channels and routes: what every channel shares, and what its adapter adds."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pydantic import Field, create_model

from bot.config.kinds import Duration, Flag, Names, Number, Secret, SecretText, Section, Text, Whole

DmPolicy = Literal["pairing", "allowlist", "open", "disabled"]
GroupPolicy = Literal["allowlist", "open", "disabled"]
QueueMode = Literal["collect", "followup", "steer", "steer-backlog", "interrupt"]
QueueDrop = Literal["summarize", "old", "new"]

_MODES = "collect | followup | steer | steer-backlog | interrupt"
_DROPS = "what happens to those beyond the cap: summarize | old | new"


class Queue(Section):
    """What happens to messages that come while a run is on; a bare string is the mode."""

    short: ClassVar[str | None] = "mode"
    mode: QueueMode = Field(default="collect", description=_MODES)
    debounce: Duration = Field(
        default=1.0, description="quiet time before waiting messages become a turn"
    )
    cap: Whole = Field(default=20, ge=1, le=1000, description="how many may wait")
    drop: QueueDrop = Field(default="summarize", description=_DROPS)


class QueueChange(Section):
    """What a channel changes in the queue; null leaves `messages.queue` as it is."""

    short: ClassVar[str | None] = "mode"
    mode: QueueMode | None = Field(default=None, description=_MODES)
    debounce: Duration | None = Field(
        default=None, description="quiet time before a collected turn"
    )
    cap: Whole | None = Field(default=None, ge=1, le=1000, description="how many may wait")
    drop: QueueDrop | None = Field(default=None, description=_DROPS)


class Blocks(Section):
    """How an answer is cut that is sent while it is written, under `streaming: block`."""

    at: Literal["text_end", "message_end"] = Field(
        default="text_end",
        description="while it is written, or when it is whole: text_end | message_end",
    )
    min_chars: Whole = Field(default=800, ge=1, le=100_000, description="no block is shorter")
    max_chars: Whole = Field(default=1200, ge=50, le=100_000, description="no block is longer")
    idle: Duration = Field(default=1.0, description="rest after which a long enough text is sent")


class Group(Section):
    """One group or room with its own rules."""

    agent: Text | None = Field(default=None, description="who answers here; null: by the routes")
    require_mention: Flag | None = Field(
        default=None, description="answer only when mentioned; null: the channel's"
    )
    allow_from: Names | None = Field(
        default=None, description="author ids who may speak here; null: the channel's"
    )
    prompt: Text | None = Field(default=None, description="extra system text for this group")
    memory: Flag = Field(
        default=False, description="recall the asking person's memory before everybody"
    )


class ChannelSettings(Section):
    """What every channel has in common."""

    adapter: Text = Field(
        default="", description="the kind of channel; empty: the account's own name"
    )
    enabled: Flag = Field(
        default=True, description="false: not started, and its variables may be unset"
    )
    agent: Text | None = Field(
        default=None, description="who answers here; null: the default agent"
    )
    dm_policy: DmPolicy = Field(
        default="pairing", description="direct chats: pairing | allowlist | open | disabled"
    )
    group_policy: GroupPolicy = Field(
        default="allowlist", description="groups: allowlist | open | disabled"
    )
    allow_from: Names = Field(default=(), description='author ids for direct chats; open needs "*"')
    group_allow_from: Names = Field(default=(), description="author ids for groups; empty: nobody")
    groups: Mapping[str, Group] = Field(
        default={}, description="groups by id, with their own rules"
    )
    require_mention: Flag = Field(default=True, description="in groups, answer only when mentioned")
    allow_bots: Flag = Field(default=False, description="listen to other bots")
    streaming: Literal["preview", "off", "block"] = Field(
        default="preview",
        description="how an answer appears while it is written: preview | off | block",
    )
    blocks: Blocks = Field(default=Blocks(), description="sizes under streaming: block")
    threads: Flag = Field(
        default=False, description="answer a mention in a room in a thread below it"
    )
    reply_to: Literal["off", "first", "all"] = Field(
        default="off", description="which parts quote the question: off | first | all"
    )
    typing: Flag = Field(default=True, description="show that an answer is being written")
    ack_reaction: Text | None = Field(
        default=None, description="a reaction on each accepted message"
    )
    text_limit: Whole | None = Field(
        default=None,
        ge=100,
        description="split answers sooner than the platform must; null: its limit",
    )
    max_attachment_mb: Number = Field(
        default=20.0, ge=0, le=2000, description="the largest file fetched, in megabytes"
    )
    debounce: Duration | None = Field(
        default=None, description="wait for more before a first message; null: messages.debounce"
    )
    queue: QueueChange = Field(default=QueueChange(), description="changes to messages.queue here")
    on_uncertain: Literal["resend", "hold"] = Field(
        default="resend", description="a part that may have been sent: resend (marked) | hold"
    )


class Match(Section):
    """Conditions of a route; all given must hold."""

    channel: Text | None = Field(default=None, description="the adapter's or the account's name")
    account: Text | None = Field(default=None, description="the account's name under channels")
    kind: Literal["direct", "group", "channel"] | None = Field(
        default=None, description="the kind of conversation: direct | group | channel"
    )
    conversation: Text | None = Field(
        default=None, description="a conversation's id, threads included"
    )
    thread: Text | None = Field(default=None, description="a thread's id")
    peer: Text | None = Field(default=None, description="the author's id in a direct chat")
    guild: Text | None = Field(default=None, description="the server's id")
    team: Text | None = Field(default=None, description="the team's or workspace's id")
    roles: Names = Field(default=(), description="role ids, one of which the author must have")


class Binding(Section):
    """One route: where the conditions hold, this agent answers."""

    agent: Text = Field(description="the agent's id")
    match: Match = Field(description="the conditions; the most specific binding wins")


@dataclass(frozen=True, slots=True)
class Channel:
    """One configured account. `options` is the adapter's own dataclass.

    It is None only for a disabled channel that lacks something the adapter requires.
    """

    name: str
    adapter: str
    settings: ChannelSettings
    options: Any = None
    shown: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@functools.cache
def option_model(cls: type) -> type[Section]:
    """The checked form of an adapter's stdlib options dataclass.

    Field metadata: `help` (one line, required), `secret` (never shown, may be `file:/path`),
    `duration` (a float in seconds, written `30s`).
    """
    return create_model(cls.__name__, __base__=Section, __doc__=cls.__doc__, **_fields(cls))


@functools.cache
def channel_model(cls: type) -> type[ChannelSettings]:
    """One channel's whole section: the common settings and the adapter's options."""
    name = f"{cls.__module__.split('.')[-2].title()}Channel" if "." in cls.__module__ else "Channel"
    return create_model(name, __base__=ChannelSettings, **_fields(cls))


def _fields(cls: type) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {item.name: _field(hints[item.name], item) for item in dataclasses.fields(cls)}


def _field(hint: Any, item: dataclasses.Field[Any]) -> tuple[Any, Any]:
    kind = SecretText if item.metadata.get("secret") else _kind(hint, item.metadata)
    default: Any = ...
    if item.default is not dataclasses.MISSING:
        default = item.default
    elif item.default_factory is not dataclasses.MISSING:
        default = item.default_factory()
    if item.metadata.get("secret") and default is not ...:
        default = Secret(default or "")
    elif dataclasses.is_dataclass(default) and not isinstance(default, type):
        default = option_model(type(default))()
    return kind, Field(default, description=item.metadata.get("help", ""))


def _kind(hint: Any, metadata: Mapping[str, Any]) -> Any:
    """The checked kind for a plain annotation."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        inner = [part for part in typing.get_args(hint) if part is not type(None)]
        return _kind(inner[0], metadata) | None
    if typing.get_origin(hint) is tuple:
        return Names
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return option_model(hint)
    if metadata.get("duration"):
        return Duration
    plain: dict[Any, Any] = {str: Text, bool: Flag, int: Whole, float: Number}
    return plain.get(hint, hint)


def build_options(cls: type, checked: Section) -> Any:
    """The adapter's own dataclass from a checked section; secrets as plain text.

    Raises ValueError from the dataclass's own `__post_init__`.
    """
    values = {}
    for item in dataclasses.fields(cls):
        value = getattr(checked, item.name)
        if isinstance(value, Secret):
            value = value.reveal()
        elif isinstance(value, Section):
            value = build_options(typing.get_type_hints(cls)[item.name], value)
        values[item.name] = value
    return cls(**values)


def required_options(cls: type) -> list[str]:
    """The names of the options without a default."""
    return [
        item.name
        for item in dataclasses.fields(cls)
        if item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
    ]
