"""What a run may not do unasked once its model has read words of others, pure.

Such words may carry orders. They count for as long as the model sees them: until the session is
reset. They take from a run what would last, leave or reach further: commands, memory, other
conversations and sessions, devices, programs of others, and addresses that nobody gave it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.context.memory import lasting
from bot.tools.files_patch import PatchError, parsed
from bot.types import Entry, Tool, ToolCall, Turn

_OPENS = "<quoted>{"
_ORIGINS = ("forwardedFrom", "history", "dropped", "source")
_FEEDS = ("write", "send-keys", "submit", "paste")
_LOOKS = ("list", "info", "log", "show", "get", "runs")
# As the options of a task are written; phones turn two hyphens into a dash.
_PLACE = re.compile(r"(?:--|\u2013|\u2014)(?:channel|to|webhook)\b", re.IGNORECASE)
_SHOWN = 200


def foreign(seen: Sequence[Entry], apart: str = "") -> str | None:
    """Where the last words of others come from that a model sees here; None without any.

    `apart`: those of tools whose name begins so do not count.
    """
    calls = {call.id: call for entry in seen for call in entry.calls}
    ours = [entry.text for entry in seen if entry.role == "assistant" and entry.text]
    for entry in reversed(seen):
        if entry.role == "tool" and not (apart and (entry.name or "").startswith(apart)):
            where = _of_tool(entry, calls.get(entry.call_id or ""))
        elif entry.role == "user":
            where = _of_person(entry, ours)
        elif entry.aside:
            where = (entry.origin or {})["task"].get("foreign")
        else:
            continue
        if where is not None:
            return where
    return None


def needs_yes(tool: Tool, args: Mapping[str, Any], turn: Turn, seen: Sequence[Entry]) -> str | None:
    """Why a person is asked before this call, None when nobody needs to be."""
    if tool.name == "task" and _elsewhere(args, turn):
        return "results of the task would go to another place than this conversation"
    apart = f"{tool.name.split('__')[0]}__" if "mcp" in tool.tags else ""
    if not _reaches(tool, args, turn, seen):
        return None
    where = foreign(seen, apart)
    return f"this run has read words of others ({where})" if where else None


def _of_tool(entry: Entry, call: ToolCall | None) -> str | None:
    if entry.text.startswith(_OPENS):
        head = entry.text.removeprefix("<quoted>").partition("\n")[0]
        return f"{entry.name}: {head[:_SHOWN]}"
    args = (call.args if call else None) or {}
    if entry.name == "image" and args.get("url"):
        return f"image: {str(args['url'])[:_SHOWN]}"
    if entry.name in ("read", "image") and "media" in str(args.get("path")).lower():
        return f"the file {str(args['path'])[:_SHOWN]}"
    return None


def _of_person(entry: Entry, ours: Sequence[str]) -> str | None:
    """A message brings words of others: quoted, forwarded, overheard, reported, or in a file."""
    origin = entry.origin or {}
    if scheduled := (origin.get("scheduled") or {}).get("tainted"):
        return str(scheduled)
    for name in _ORIGINS:
        if origin.get(name):
            return f"a message with {name}"
    quote = origin.get("quote") or {}
    own = entry.author is not None and (quote.get("author") or {}).get("id") == entry.author.id
    text = str(quote.get("text") or "")
    if text and not own and not any(text in one for one in ours):
        return "a message with a quote"
    if any("path" in one for one in entry.attachments):
        return "a file that came with a message"
    return None


def _reaches(tool: Tool, args: Mapping[str, Any], turn: Turn, seen: Sequence[Entry]) -> bool:
    """Would this call last, leave, or reach further? Commands ask for themselves."""
    name, action = tool.name, str(args.get("action", ""))
    if name in ("write", "edit"):
        return lasting(str(args.get("path")))
    if name == "apply_patch":
        return any(map(lasting, _patched(str(args.get("patch")))))
    if name == "message":
        return not _here(args, turn)
    if name == "process":
        return action in _FEEDS
    if name in ("task", "nodes"):
        return action not in _LOOKS
    if name == "browser" and action == "type":
        return not _said(str(args.get("text")), seen)
    if name in ("web_fetch", "image", "browser"):
        return bool(args.get("url")) and not _said(str(args["url"]), seen)
    return name == "sessions_send" or "mcp" in tool.tags


def _patched(patch: str) -> list[str]:
    try:
        files = parsed(patch)
    except PatchError:
        return []
    return [path for one in files for path in (one.path, one.move_to) if path]


def _here(args: Mapping[str, Any], turn: Turn) -> bool:
    """Does a message stay in the conversation that is answered?"""
    here = turn.deliver_to
    account, target = args.get("channel"), args.get("target")
    if account is None and target is None:
        return True
    return here is not None and (account or here.account, target) == (
        here.account,
        here.conversation,
    )


def _elsewhere(args: Mapping[str, Any], turn: Turn) -> bool:
    """Would the results of a task go to a place that did not ask for it?"""
    to = args.get("delivery")
    named = to if isinstance(to, Mapping) else {}
    if named.get("url") or _PLACE.search(str(args.get("text"))):
        return True
    return not _here({"channel": named.get("channel"), "target": named.get("to")}, turn)


def _said(text: str, seen: Sequence[Entry]) -> bool:
    """Does it stand word for word in what people or tools said? Then it carries nothing out."""
    said = (entry.text for entry in seen if entry.role in ("user", "tool"))
    return any(text in one or text.rstrip("/") in one for one in said)
