"""The core's types as handlers see them, and what they give back as the core's types again.

Names and units are those of the wire: camelCase, milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.contract import Address, Message
from bot.hooks.handlers import HookFailed
from bot.jsonio import clean_text
from bot.types import Entry, Session, Turn

Json = dict[str, Any]


def message_row(entry: Entry) -> Json:
    """A line of a transcript."""
    row: Json = {"role": entry.role, "content": entry.text, "timestamp": int(entry.at * 1000)}
    if entry.calls:
        row["toolCalls"] = [
            {"id": call.id, "name": call.name, "arguments": call.arguments} for call in entry.calls
        ]
    if entry.role == "tool":
        row |= {"toolCallId": entry.call_id, "toolName": entry.name, "isError": entry.is_error}
    return row


def amended(entry: Entry, message: object) -> Entry:
    """A line with the text that a handler gave it; the rest of a line stays.

    Raises HookFailed for what is no message.
    """
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, str):
        raise HookFailed("it gave a message back whose content is not text")
    return replace(entry, text=clean_text(content))


def session_context(session: Session, workspace: str | None) -> Json:
    """The context of hooks around a run."""
    return {
        "agentId": session.agent,
        "sessionKey": session.key,
        "sessionId": session.id,
        "workspaceDir": workspace,
        "messageProvider": session.address.channel if session.address else None,
    }


def call_row(turn: Turn, ref: str) -> Json:
    provider, _, model = ref.partition("/")
    return {
        "runId": turn.id,
        "sessionId": turn.session.id,
        "provider": provider,
        "model": model,
    }


def tool_context(turn: Turn, name: str) -> Json:
    session = turn.session
    return {"agentId": session.agent, "sessionKey": session.key, "toolName": name}


def requester_row(turn: Turn) -> Json:
    return {"requester": turn.requester, "sessionKey": turn.session.key}


def place_context(address: Address) -> Json:
    """The context of hooks around a message."""
    return {
        "channelId": address.channel,
        "accountId": address.account,
        "conversationId": address.conversation,
    }


def received_row(message: Message) -> Json:
    """A message that was let in."""
    address, author, command = message.address, message.author, message.command
    said = f"/{command.name} {command.args}".rstrip() if command else message.text
    return {
        "from": author.id,
        "content": said,
        "timestamp": int(message.at.timestamp() * 1000),
        "metadata": {
            "messageId": message.ref.id,
            "threadId": address.thread,
            "senderName": author.name,
            "senderUsername": author.username,
            "chatKind": message.kind,
            "change": message.change,
            "to": address.key,
        },
    }


def text(answer: Mapping[str, Any], name: str) -> str | None:
    """A field that must be text. Raises HookFailed for anything else; None where it is absent."""
    value = answer.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise HookFailed(f"{name} is {type(value).__name__} and not text")
    return clean_text(value)


def decision(answer: Mapping[str, Any], name: str) -> bool:
    """A yes that is final; no, or nothing, decides nothing. Raises HookFailed for anything else."""
    value = answer.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise HookFailed(f"{name} is {type(value).__name__} and not true or false")


def address(answer: Mapping[str, Any], name: str) -> str | None:
    """A field that must be the key of an address. Raises HookFailed; None where it is absent."""
    key = text(answer, name)
    try:
        return None if key is None else Address.parse(key).key
    except ValueError:
        raise HookFailed(f"{name} is no address") from None
