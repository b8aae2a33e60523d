"""What the local Slack remembers: people, conversations, messages, streams and files.

Each method is one of docs.slack.dev/reference/methods, with the refusals that are documented there.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any, TypeAlias

Params: TypeAlias = dict[str, Any]

TEAM, BOT_USER, BOT = "T0FAKE", "U0BOT", "B0BOT"
# 2026-01-02T03:04:05Z: the second of every message, unless another clock is given.
_STILL = 1767323045
_LONGEST_EDIT, _LONGEST_STREAM, _MOST_BLOCKS = 4000, 12_000, 50


class Refusal(Exception):
    """An answer that is not ok."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more


class Workspace:
    """One workspace with the app in it. `clock` says the time in seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = lambda: _STILL) -> None:
        self._clock = clock
        self._last = 0
        self.messages: dict[str, list[Params]] = {}
        self.files: dict[str, Params] = {}
        self.files_url = ""
        self.statuses: list[Params] = []
        self.prompts: list[Params] = []
        self.users = {"U0ADA": "Ada Lovelace", "U0BOB": "Bob"}
        self._numbers = itertools.count(1)

    def call(self, method: str, params: Params) -> Params:
        """Do a method. Raises Refusal."""
        found = self._methods().get(method)
        if found is None:
            raise Refusal("unknown_method")
        return found(params)

    def _methods(self) -> dict[str, Callable[[Params], Params]]:
        return {
            "auth.test": lambda _: {"user": "trunk", "user_id": BOT_USER, "bot_id": BOT},
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.startStream": self._start_stream,
            "chat.appendStream": self._append,
            "chat.stopStream": self._stop,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "conversations.open": lambda p: {"channel": {"id": f"D{p['users'][1:]}"}},
            "users.info": self._user,
            "reactions.add": self._react,
            "reactions.get": lambda p: {"type": "message", "message": self._at(p, "timestamp")},
            "reactions.remove": self._unreact,
            "assistant.threads.setStatus": lambda p: self._noted(self.statuses, p),
            "assistant.threads.setSuggestedPrompts": lambda p: self._noted(self.prompts, p),
            "files.getUploadURLExternal": self._upload_url,
            "files.completeUploadExternal": self._complete,
            "files.info": self._file_info,
            "files.delete": self._file_delete,
        }

    def post(self, channel: str, **fields: Any) -> Params:
        """Put a message into a conversation."""
        message = {k: v for k, v in fields.items() if v is not None}
        self._last = max(int(self._clock() * 1_000_000), self._last) + 1
        ts = f"{self._last // 1_000_000}.{self._last % 1_000_000:06}"
        message = {"type": "message", "ts": ts, **message}
        self.messages.setdefault(channel, []).append(message)
        return message

    def visible(self, channel: str, thread: str | None = None) -> list[str]:
        """The texts of the bot that stand in a conversation, or in one of its threads."""
        return [
            message["text"]
            for message in self.messages.get(channel, [])
            if message.get("bot_id") == BOT and thread in (None, message.get("thread_ts"))
        ]

    def uploaded(self, file: str, data: bytes) -> None:
        """The bytes of a file that was announced have come."""
        self.files[file]["data"] = data

    def _noted(self, notes: list[Params], params: Params) -> Params:
        if not params.get("thread_ts"):
            raise Refusal("invalid_thread_ts")
        notes.append(params)
        return {}

    def _own(self, params: Params, **fields: Any) -> Params:
        channel = params["channel"]
        if channel.startswith("X"):
            raise Refusal("channel_not_found")
        return self.post(channel, user=BOT_USER, bot_id=BOT, app_id="A0FAKE", **fields)

    def _post(self, params: Params) -> Params:
        text, blocks = params.get("text", ""), _given(params, "blocks")
        if not text and not blocks:
            raise Refusal("no_text")
        _check(blocks)
        message = self._own(
            params,
            text=text,
            blocks=blocks,
            metadata=_given(params, "metadata"),
            thread_ts=params.get("thread_ts"),
        )
        return {"channel": params["channel"], "ts": message["ts"], "message": message}

    def _update(self, params: Params) -> Params:
        message = self._mine(params)
        if message.get("streaming"):
            raise Refusal("streaming_state_conflict")
        if len(params.get("text", "")) > _LONGEST_EDIT:
            raise Refusal("msg_too_long")
        blocks = _given(params, "blocks")
        _check(blocks)
        message.setdefault("edits", []).append(message["text"])
        message |= {"text": params.get("text", ""), "blocks": blocks}
        return {"channel": params["channel"], "ts": message["ts"], "text": message["text"]}

    def _delete(self, params: Params) -> Params:
        message = self._mine(params)
        self.messages[params["channel"]].remove(message)
        return {"channel": params["channel"], "ts": message["ts"]}

    def _at(self, params: Params, name: str = "ts") -> Params:
        for message in self.messages.get(params["channel"], []):
            if message["ts"] == params[name]:
                return message
        raise Refusal("message_not_found")

    def _mine(self, params: Params) -> Params:
        message = self._at(params)
        if message.get("bot_id") != BOT:
            raise Refusal("cant_update_message")
        return message

    def _start_stream(self, params: Params) -> Params:
        if not params.get("thread_ts"):
            raise Refusal("invalid_thread_ts")
        if not params["channel"].startswith("D") and not params.get("recipient_user_id"):
            raise Refusal("missing_recipient_user_id")
        text = _stream_text(params)
        message = self._own(params, text=text, thread_ts=params["thread_ts"], streaming=True)
        return {"channel": params["channel"], "ts": message["ts"]}

    def _append(self, params: Params) -> Params:
        message = self._mine(params)
        if not message.get("streaming"):
            raise Refusal("message_not_in_streaming_state")
        if not params.get("markdown_text"):
            raise Refusal("no_text")
        message["text"] += _stream_text(params)
        return {"channel": params["channel"], "ts": message["ts"]}

    def _stop(self, params: Params) -> Params:
        message = self._mine(params)
        if not message.get("streaming"):
            raise Refusal("message_not_in_streaming_state")
        message["streaming"] = False
        message["text"] += _stream_text(params)
        for name in ("metadata", "blocks"):
            if (value := _given(params, name)) is not None:
                message[name] = value
        return {"channel": params["channel"], "ts": message["ts"]}

    def _history(self, params: Params) -> Params:
        """Newest first; replies stand in their threads alone."""
        found = [m for m in self.messages.get(params["channel"], []) if not m.get("thread_ts")]
        return _page(found[::-1], params)

    def _replies(self, params: Params) -> Params:
        inside = {params["ts"]}
        messages = self.messages.get(params["channel"], [])
        return _page([m for m in messages if {m["ts"], m.get("thread_ts")} & inside], params)

    def _user(self, params: Params) -> Params:
        if params["user"] not in self.users:
            raise Refusal("user_not_found")
        return {"user": {"id": params["user"], "real_name": self.users[params["user"]]}}

    def _react(self, params: Params) -> Params:
        reactions = self._at(params, "timestamp").setdefault("reactions", [])
        if any(entry["name"] == params["name"] for entry in reactions):
            raise Refusal("already_reacted")
        reactions.append({"name": params["name"], "users": [BOT_USER], "count": 1})
        return {}

    def _unreact(self, params: Params) -> Params:
        message = self._at(params, "timestamp")
        kept = [entry for entry in message["reactions"] if entry["name"] != params["name"]]
        message["reactions"] = kept
        return {}

    def _upload_url(self, params: Params) -> Params:
        number = f"F{next(self._numbers):08}"
        self.files[number] = {"name": params["filename"], "data": None}
        return {"file_id": number, "upload_url": self.files_url + number}

    def _complete(self, params: Params) -> Params:
        files = json.loads(params["files"])
        for file in files:
            if self.files[file["id"]]["data"] is None:
                raise Refusal("file_not_found")
        shown = [{"id": file["id"], "name": self.files[file["id"]]["name"]} for file in files]
        thread = params.get("thread_ts")
        self._own({"channel": params["channel_id"]}, text="", files=shown, thread_ts=thread)
        return {"files": shown}

    def _file_info(self, params: Params) -> Params:
        if params["file"] not in self.files:
            raise Refusal("file_not_found")
        return {"file": {"id": params["file"], "url_private": self.files_url + params["file"]}}

    def _file_delete(self, params: Params) -> Params:
        if self.files.pop(params["file"], None) is None:
            raise Refusal("file_not_found")
        return {}


def _given(params: Params, name: str) -> Any:
    """An argument that may come as JSON in a form."""
    value = params.get(name)
    return json.loads(value) if isinstance(value, str) else value


def _check(blocks: Any) -> None:
    """See docs.slack.dev/reference/block-kit/blocks: their number, and one table in a message."""
    if blocks is None:
        return
    tables = [block for block in blocks if block["type"] == "table"]
    if len(blocks) > _MOST_BLOCKS or len(tables) > 1:
        raise Refusal("invalid_blocks")
    for text in _texts(blocks):
        if not text:
            raise Refusal("invalid_blocks")


def _texts(value: Any) -> list[str]:
    """Every text in blocks: none may be empty."""
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    if not isinstance(value, dict):
        return []
    own = [value["text"]] if isinstance(value.get("text"), str) else []
    return own + [text for part in value.values() for text in _texts(part)]


def _stream_text(params: Params) -> str:
    text = str(params.get("markdown_text") or "")
    if len(text) > _LONGEST_STREAM:
        raise Refusal("msg_too_long")
    return text


def _page(messages: list[Params], params: Params) -> Params:
    oldest, limit = float(params.get("oldest") or 0), int(params.get("limit") or 100)
    start = int(params.get("cursor") or 0)
    found = [message for message in messages if float(message["ts"]) >= oldest]
    more = str(start + limit) if start + limit < len(found) else ""
    with_metadata = str(params.get("include_all_metadata")).lower() in ("1", "true")
    shown = [
        message if with_metadata else {k: v for k, v in message.items() if k != "metadata"}
        for message in found[start : start + limit]
    ]
    return {"messages": shown, "has_more": bool(more), "response_metadata": {"next_cursor": more}}
