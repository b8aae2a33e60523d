"""The Agent Client Protocol as data: our side's messages, and what the agent's say. Pure.

JSON-RPC 2.0, one message on a line; see https://agentclientprotocol.com/protocol/overview.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot import __version__
from bot.providers.draft import string
from bot.providers.failures import failure, scrub
from bot.providers.images import images
from bot.providers.plain import plain_text
from bot.types import Entry, Failure, Stop, TextDelta, ThinkDelta

API = "acp"
PROTOCOL = 1
AUTH_REQUIRED = -32000
NOT_OURS = -32601

_STOPS: dict[str, Stop] = {"max_tokens": "length", "max_turn_requests": "length"}
_FAILURES = {"refusal": "MODEL_BAD_REQUEST", "cancelled": "MODEL_CUT"}
_DELTAS: dict[str, type[TextDelta] | type[ThinkDelta]] = {
    "agent_message_chunk": TextDelta,
    "agent_thought_chunk": ThinkDelta,
}


@dataclass(frozen=True, slots=True)
class Permission:
    """What an agent asks before it uses a tool of its own. `session` is Trunkline's key."""

    session: str
    title: str
    kind: str
    input: Any


@dataclass(frozen=True, slots=True)
class Known:
    """What the agent knows of a conversation: its session, and the entries it has not seen."""

    session: str | None
    news: Sequence[Entry]


def hello() -> dict[str, Any]:
    """The parameters of `initialize`: the agent gets none of our files and terminals."""
    return {
        "protocolVersion": PROTOCOL,
        "clientCapabilities": {
            "fs": {"readTextFile": False, "writeTextFile": False},
            "terminal": False,
        },
        "clientInfo": {"name": "trunkline", "title": "Trunkline", "version": __version__},
    }


def known(entries: Sequence[Entry]) -> Known:
    """The last answer of an agent in a transcript says which of its sessions this is."""
    for place in range(len(entries) - 1, -1, -1):
        wire = entries[place].wire
        if wire and wire.get("api") == API and wire.get("session"):
            return Known(str(wire["session"]), entries[place + 1 :])
    return Known(None, entries)


def prompt(system: str, entries: Sequence[Entry], pictures: bool) -> list[dict[str, Any]]:
    """The content blocks of a prompt; images only for agents that take them."""
    blocks: list[dict[str, Any]] = [{"type": "text", "text": plain_text(system, entries)}]
    if pictures:
        for entry in entries:
            blocks += [
                {"type": "image", "mimeType": image.mime, "data": image.data}
                for image in images(entry)
                if image.data
            ]
    return blocks


def delta_of(update: Mapping[str, Any]) -> TextDelta | ThinkDelta | None:
    """What an update lets people see, None for plans, tool calls and whatever is new."""
    kind, content = _DELTAS.get(string(update.get("sessionUpdate"))), update.get("content")
    text = string(content.get("text")) if isinstance(content, dict) else ""
    return kind(text) if kind and text else None


def takes_images(capabilities: Mapping[str, Any]) -> bool:
    taken = capabilities.get("promptCapabilities")
    return isinstance(taken, dict) and taken.get("image") is True


def read_permission(session: str, params: Mapping[str, Any]) -> Permission:
    """What is asked for in `session/request_permission`."""
    call = params.get("toolCall")
    call = call if isinstance(call, dict) else {}
    title, kind = string(call.get("title")), string(call.get("kind"))
    return Permission(session, title, kind, call.get("rawInput"))


def decision(params: Mapping[str, Any], allow: bool) -> dict[str, Any]:
    """The answer to a permission request: the option for this once, never the one for always."""
    options = params.get("options")
    wanted = ("allow_once",) if allow else ("reject_once", "reject_always")
    for kind in wanted:
        for option in options if isinstance(options, list) else ():
            if isinstance(option, dict) and option.get("kind") == kind:
                return {"outcome": {"outcome": "selected", "optionId": option.get("optionId")}}
    return {"outcome": {"outcome": "cancelled"}}


def ending(name: str, result: Any) -> tuple[Stop, Failure | None]:
    """How a prompt ended, by the agent's word for it."""
    reason = string(result.get("stopReason")) if isinstance(result, dict) else ""
    if code := _FAILURES.get(reason):
        return "error", failure(code, f"{name} stopped the answer: {reason}")
    if not reason:
        return "error", failure("MODEL_CUT", f"{name} ended its answer without a reason")
    return _STOPS.get(reason, "end"), None


def refusal(name: str, error: Any) -> Failure:
    """The failure behind an error of the agent."""
    error = error if isinstance(error, dict) else {}
    words = scrub(string(error.get("message")))
    if error.get("code") == AUTH_REQUIRED:
        return failure("MODEL_AUTH", f"{name} wants you to sign in with its own program: {words}")
    return failure("MODEL_CUT", f"{name} answered with an error{f': {words}' if words else ''}")
