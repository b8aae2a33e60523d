"""The core types as JSON: the unified message of the wire, and what the store keeps."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from bot.contract import (
    Action,
    Address,
    Attachment,
    Author,
    Button,
    Command,
    File,
    Message,
    Quote,
    Ref,
    Reply,
)
from bot.jsonio import loads
from bot.types import Entry, Settings, ToolCall, Usage

Json = dict[str, Any]

MAX_ARGUMENTS = 1 << 20


def author_json(author: Author) -> Json:
    return {
        "id": author.id,
        "name": author.name,
        "username": author.username,
        "isBot": author.is_bot,
        "isSelf": author.is_self,
    }


def author_from(data: Mapping[str, Any]) -> Author:
    return Author(
        id=data["id"],
        name=data.get("name") or "",
        username=data.get("username"),
        is_bot=data.get("isBot", False),
        is_self=data.get("isSelf", False),
    )


def message_json(message: Message) -> Json:
    """The unified message as `inspect`, hooks and events show it."""
    address = message.address
    return {
        "channel": address.channel,
        "account": address.account,
        "conversation": address.conversation,
        "thread": address.thread,
        "kind": message.kind,
        "id": message.ref.id,
        "change": message.change,
        "at": message.at.isoformat(),
        "author": author_json(message.author),
        "text": message.text,
        "mentioned": message.mentioned,
        "attachments": [attachment_json(one) for one in message.attachments],
        "replyTo": None if message.reply_to is None else _quote_json(message.reply_to),
        "forwardedFrom": message.forwarded_from,
        "command": None
        if message.command is None
        else {"name": message.command.name, "args": message.command.args},
        "action": None
        if message.action is None
        else {
            "kind": message.action.kind,
            "id": message.action.id,
            "value": message.action.value,
        },
        "version": message.version,
        "guild": message.guild,
        "team": message.team,
    }


def attachment_json(attachment: Attachment) -> Json:
    return {
        "kind": attachment.kind,
        "name": attachment.name,
        "mime": attachment.mime,
        "size": attachment.size,
    }


def _quote_json(quote: Quote) -> Json:
    author = None if quote.author is None else {"id": quote.author.id, "name": quote.author.name}
    return {"id": quote.id, "text": quote.text, "author": author}


def stored_message(message: Message) -> Json:
    """The wire's message and what else is needed to make it again."""
    data = message_json(message)
    if message.attachments:
        data["handles"] = [one.handle for one in message.attachments]
    if message.roles:
        data["roles"] = list(message.roles)
    return data


def message_from(data: Mapping[str, Any]) -> Message:
    """A message from what `stored_message` or `message_json` made."""
    handles = data.get("handles") or [""] * len(data["attachments"])
    quote, command, action = data["replyTo"], data["command"], data["action"]
    return Message(
        ref=Ref(
            Address(data["channel"], data["account"], data["conversation"], data["thread"]),
            data["id"],
        ),
        author=author_from(data["author"]),
        text=data["text"],
        at=datetime.fromisoformat(data["at"]),
        kind=data["kind"],
        mentioned=data["mentioned"],
        attachments=tuple(
            Attachment(one["kind"], one["name"], one["mime"], one["size"], handle)
            for one, handle in zip(data["attachments"], handles, strict=True)
        ),
        reply_to=None
        if quote is None
        else Quote(
            quote["id"], quote["text"], author_from(quote["author"]) if quote["author"] else None
        ),
        change=data["change"],
        version=data["version"],
        command=None if command is None else Command(command["name"], command["args"]),
        action=None if action is None else Action(action["kind"], action["id"], action["value"]),
        forwarded_from=data["forwardedFrom"],
        guild=data["guild"],
        team=data["team"],
        roles=tuple(data.get("roles", ())),
    )


def reply_json(reply: Reply) -> Json:
    data: Json = {"text": reply.text}
    if reply.reply_to is not None:
        data["replyTo"] = reply.reply_to
    if reply.buttons:
        data["buttons"] = [[one.label, one.value, one.style] for one in reply.buttons]
    if reply.attachments:
        data["files"] = [
            [one.name, one.mime, b64encode(one.data).decode()] for one in reply.attachments
        ]
    return data


def reply_from(data: Mapping[str, Any]) -> Reply:
    return Reply(
        text=data["text"],
        reply_to=data.get("replyTo"),
        buttons=tuple(Button(*one) for one in data.get("buttons", ())),
        attachments=tuple(
            File(name, mime, b64decode(body)) for name, mime, body in data.get("files", ())
        ),
    )


def entry_json(entry: Entry) -> Json:
    """What of an entry is not a column of its own, without what is empty."""
    data: Json = {"text": entry.text}
    if entry.calls:
        data["calls"] = [[call.id, call.name, call.arguments] for call in entry.calls]
    if entry.usage is not None:
        usage = entry.usage
        data["usage"] = [usage.input, usage.output, usage.cost]
        if usage.cache_read or usage.cache_write:
            data["usage"] += [usage.cache_read, usage.cache_write]
    if entry.author is not None:
        data["author"] = author_json(entry.author)
    for name in _PLAIN:
        value = getattr(entry, name)
        if value:
            data[name] = value
    return data


_PLAIN = (
    "call_id",
    "name",
    "is_error",
    "stop",
    "thinking",
    "model",
    "origin",
    "attachments",
    "ref",
    "error",
    "wire",
    "thought",
)


def entry_from(
    data: Mapping[str, Any], *, role: str, at: float, seq: int, run: str | None
) -> Entry:
    usage, author = data.get("usage"), data.get("author")
    plain = {name: data[name] for name in _PLAIN if name in data}
    if "attachments" in plain:
        plain["attachments"] = tuple(plain["attachments"])
    return Entry(
        role=role,  # type: ignore[arg-type]
        text=data["text"],
        at=at,
        seq=seq,
        run=run,
        calls=tuple(tool_call(*call) for call in data.get("calls", ())),
        usage=None if usage is None else Usage(*usage),
        author=None if author is None else author_from(author),
        **plain,
    )


def tool_call(id: str, name: str, arguments: str) -> ToolCall:
    """A tool call with its arguments read; `args` is None when they are not a JSON object."""
    try:
        args = loads(arguments or "{}", max_bytes=MAX_ARGUMENTS)
    except ValueError:
        args = None
    return ToolCall(id, name, arguments, args if isinstance(args, dict) else None)


def settings_json(settings: Settings) -> Json:
    return {
        one.name: value
        for one in fields(settings)
        if (value := getattr(settings, one.name)) is not None
    }


def settings_from(data: Mapping[str, Any]) -> Settings:
    return Settings(**data)
