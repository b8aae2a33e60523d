"""A message in the form that programs see, to be compared with what a recording says."""

from __future__ import annotations

from typing import Any

from bot.contract import Message


def shown(message: Message, *also: str) -> dict[str, Any]:
    """The message but its channel, account and `raw`, with what a platform may tell in `also`."""
    quote, command, action = message.reply_to, message.command, message.action
    told = {
        "forwardedFrom": message.forwarded_from,
        "guild": message.guild,
        "team": message.team,
    }
    return {
        "conversation": message.address.conversation,
        "thread": message.address.thread,
        "kind": message.kind,
        "id": message.ref.id,
        "change": message.change,
        "at": message.at.isoformat(),
        "author": _author(message.author),
        "text": message.text,
        "mentioned": message.mentioned,
        "attachments": [
            {"kind": a.kind, "name": a.name, "mime": a.mime, "size": a.size}
            for a in message.attachments
        ],
        "replyTo": quote
        and {"id": quote.id, "text": quote.text, "author": _author(quote.author, False)},
        "command": command and {"name": command.name, "args": command.args},
        "action": action and {"kind": action.kind, "id": action.id, "value": action.value},
        "version": message.version,
        **{name: told[name] for name in also},
    }


def _author(found: Any, full: bool = True) -> dict[str, Any] | None:
    if found is None:
        return None
    short = {"id": found.id, "name": found.name}
    more = {"username": found.username, "isBot": found.is_bot, "isSelf": found.is_self}
    return {**short, **more} if full else short
