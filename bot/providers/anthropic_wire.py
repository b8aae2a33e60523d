"""Anthropic's messages API as data: a request to its body, an answer's events to one entry. Pure.

The form is https://docs.claude.com/en/api/messages and .../build-with-claude/streaming; thinking
and its signatures are .../extended-thinking, the marks for the cache .../prompt-caching.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot import jsonio
from bot.providers.draft import Deltas, Draft, arguments_of, count, string, with_ids
from bot.providers.images import images
from bot.types import Entry, ModelRequest, Stop, ToolCall, ToolSpec, Usage

API = "anthropic"
# Every request must say how long the answer may be.
MAX_TOKENS = 8192
# Least of what a model may think, in tokens, and what the levels stand for.
LEAST_BUDGET = 1024
BUDGETS = {"minimal": 1024, "low": 4096, "medium": 10_240, "high": 32_768}
EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high"}
# What models refuse that think.
SAMPLING = ("temperature", "top_p", "top_k")

_CACHED = {"type": "ephemeral"}
_OWN_KEYS = {"model", "messages", "system", "stream", "tools"}
_STOPS: dict[str, Stop] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "error",
}


def request_body(request: ModelRequest, *, adaptive: bool = False) -> dict[str, Any]:
    """The JSON document that asks for this answer, streamed, with the beginning marked for the
    prompt cache: system, tools, and all up to the last message.

    `adaptive`: the model decides how much it thinks, and takes an effort instead of a budget.
    """
    messages = wire_messages(request.entries, request.model)
    _mark_last(messages)
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.max_tokens or MAX_TOKENS,
        "messages": messages,
        "stream": True,
    }
    if request.system:
        body["system"] = [{"type": "text", "text": request.system, "cache_control": _CACHED}]
    if request.tools:
        body["tools"] = wire_tools(request.tools)
    for name, value in request.params.items():
        if value is not None and name not in _OWN_KEYS:
            body[name] = value
    if request.thinking != "off" and _may_think(request):
        _think(body, request, adaptive)
    return body


def wire_tools(tools: Iterable[ToolSpec]) -> list[dict[str, Any]]:
    """Tools as the model is told of them; the mark on the last one counts for all."""
    told: list[dict[str, Any]] = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.schema}
        for tool in tools
    ]
    told[-1]["cache_control"] = _CACHED
    return told


def wire_messages(entries: Sequence[Entry], model: str) -> list[dict[str, Any]]:
    """A transcript as messages. Neighbours of one side are one message: its results come first,
    as the API demands of the message behind a call."""
    messages: list[dict[str, Any]] = []
    for entry in entries:
        if entry.role == "user":
            blocks = [*_image_blocks(entry), *_text_block(entry.text)]
            role = "user"
        elif entry.role == "tool":
            blocks, role = [_result(entry)], "user"
        elif entry.role == "assistant":
            blocks, role = _said(entry, model), "assistant"
        else:
            continue
        if not blocks:
            continue
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += blocks
        else:
            messages.append({"role": role, "content": blocks})
    if messages and messages[0]["role"] == "assistant":
        messages.insert(0, {"role": "user", "content": [{"type": "text", "text": "(begin)"}]})
    return messages


def _said(entry: Entry, model: str) -> list[dict[str, Any]]:
    """Signed thinking goes back as it came, to the model that thought it and only with its calls:
    behind an answer it is not needed any more."""
    blocks = [*(_signed(entry, model) if entry.calls else ()), *_text_block(entry.text)]
    for call in entry.calls:
        blocks.append(
            {"type": "tool_use", "id": call.id, "name": call.name, "input": call.args or {}}
        )
    return blocks


def _signed(entry: Entry, model: str) -> Sequence[dict[str, Any]]:
    wire = entry.wire
    if not wire or wire.get("api") != API or wire.get("model") != model:
        return ()
    blocks: Sequence[dict[str, Any]] = wire.get("thinking", ())
    return blocks


def _text_block(text: str) -> list[dict[str, Any]]:
    # A text of blanks alone is refused.
    return [{"type": "text", "text": text}] if text.strip() else []


def _image_blocks(entry: Entry) -> list[dict[str, Any]]:
    blocks = []
    for image in images(entry):
        source = {"type": "base64", "media_type": image.mime, "data": image.data}
        if not image.data:
            source = {"type": "url", "url": image.url}
        blocks.append({"type": "image", "source": source})
    return blocks


def _result(entry: Entry) -> dict[str, Any]:
    pictures = _image_blocks(entry)
    content: Any = [*_text_block(entry.text), *pictures] if pictures else entry.text
    block = {"type": "tool_result", "tool_use_id": entry.call_id, "content": content}
    return {**block, "is_error": True} if entry.is_error else block


def _mark_last(messages: list[dict[str, Any]]) -> None:
    """The next request of this conversation finds everything up to here in the cache."""
    for message in reversed(messages):
        if message["role"] == "user":
            message["content"][-1]["cache_control"] = _CACHED
            return


def _may_think(request: ModelRequest) -> bool:
    """Calls of this turn that were made without signed thinking forbid it for its rest."""
    for entry in reversed(request.entries):
        if entry.role == "user":
            return True
        if entry.role == "assistant" and entry.calls and not _signed(entry, request.model):
            return False
    return True


def _think(body: dict[str, Any], request: ModelRequest, adaptive: bool) -> None:
    if adaptive:
        body["thinking"] = {"type": "adaptive", "display": "summarized"}
        body["output_config"] = {"effort": EFFORTS[request.thinking]}
    else:
        budget = BUDGETS[request.thinking]
        if request.max_tokens is None and request.params.get("max_tokens") is None:
            body["max_tokens"] = budget + MAX_TOKENS
        else:
            budget = min(budget, body["max_tokens"] // 2)
        if budget < LEAST_BUDGET:
            return
        body["thinking"] = {"type": "enabled", "budget_tokens": budget}
    for name in SAMPLING:
        body.pop(name, None)


class _Block:
    """A content block while its pieces arrive."""

    def __init__(self, begun: Mapping[str, Any]) -> None:
        self.type = string(begun.get("type"))
        self.id = string(begun.get("id"))
        self.name = string(begun.get("name"))
        self.input = begun.get("input")
        self.json: list[str] = []
        self.thinking: list[str] = []
        self.signature = string(begun.get("signature"))
        self.data = string(begun.get("data"))

    def call(self) -> ToolCall:
        arguments = "".join(self.json)
        if not arguments and isinstance(self.input, dict) and self.input:
            arguments = jsonio.dumps(self.input)  # a whole answer has the object itself
        return ToolCall(self.id, self.name, arguments, arguments_of(arguments))

    def signed(self) -> dict[str, Any] | None:
        """What must go back unchanged, None when it was not signed."""
        if self.type == "redacted_thinking":
            return {"type": self.type, "data": self.data} if self.data else None
        if self.type != "thinking" or not self.signature:
            return None
        text = "".join(self.thinking)
        return {"type": self.type, "thinking": text, "signature": self.signature}


class Assembly:
    """One answer while it arrives, streamed or whole; see `bot.providers.answer.Assembly`."""

    def __init__(self, model: str) -> None:
        self.finish: str | None = None
        self.complete = False
        self._model = model
        self._draft = Draft()
        self._blocks: dict[int, _Block] = {}
        self._usage: dict[str, Any] = {}

    def feed(self, document: Mapping[str, Any]) -> Deltas:
        """Take one event, or a whole message. Unknown events mean nothing, as the API asks."""
        type = document.get("type")
        if type == "content_block_delta":
            return self._piece(document)
        if type == "content_block_start":
            return self._begin(document.get("index"), document.get("content_block"))
        if type == "message_start":
            message = document.get("message")
            self._count(message.get("usage") if isinstance(message, dict) else None)
        elif type == "message_delta":
            delta = document.get("delta")
            self._count(document.get("usage"))
            self._stopped(delta.get("stop_reason") if isinstance(delta, dict) else None)
        elif type == "message_stop":
            self.complete = True
        elif type == "message":
            return self._whole(document)
        return []

    def end(self) -> Deltas:
        return self._draft.end()

    @property
    def stop(self) -> Stop:
        """Why the model stopped, from what the server said and what it sent."""
        if self.finish in _STOPS:
            return _STOPS[self.finish]
        return "tools" if self._calling else "end"

    @property
    def cut_call(self) -> bool:
        return self.stop == "length" and self._calling

    def entry(self, at: float, model: str, stop: Stop) -> Entry:
        calls = [block.call() for block in self._blocks.values() if block.type == "tool_use"]
        signed = [kept for block in self._blocks.values() if (kept := block.signed())]
        wire = {"api": API, "model": self._model, "thinking": signed}
        return self._draft.entry(
            at,
            model,
            stop,
            with_ids(calls) if stop == "tools" else [],
            read_usage(self._usage),
            wire if signed and stop == "tools" else None,
        )

    @property
    def _calling(self) -> bool:
        return any(block.type == "tool_use" for block in self._blocks.values())

    def _whole(self, message: Mapping[str, Any]) -> Deltas:
        deltas: Deltas = []
        content = message.get("content")
        for index, block in enumerate(content if isinstance(content, list) else ()):
            deltas += self._begin(index, block)
        self._count(message.get("usage"))
        self._stopped(message.get("stop_reason"))
        return deltas

    def _begin(self, index: Any, begun: Any) -> Deltas:
        if type(index) is not int or not isinstance(begun, dict):
            return []
        block = self._blocks[index] = _Block(begun)
        if block.type == "text" and (text := string(begun.get("text"))):
            return self._draft.say(text)
        if block.type == "thinking" and (text := string(begun.get("thinking"))):
            block.thinking.append(text)
            return self._draft.think(text)
        return []

    def _piece(self, event: Mapping[str, Any]) -> Deltas:
        delta, block = event.get("delta"), self._blocks.get(event.get("index", -1))
        if not isinstance(delta, dict) or block is None:
            return []
        if text := string(delta.get("text")):
            return self._draft.say(text)
        if thought := string(delta.get("thinking")):
            block.thinking.append(thought)
            return self._draft.think(thought)
        block.json.append(string(delta.get("partial_json")))
        block.signature += string(delta.get("signature"))
        return []

    def _count(self, usage: Any) -> None:
        """Later counts replace earlier ones."""
        if isinstance(usage, dict):
            self._usage |= {name: value for name, value in usage.items() if value is not None}

    def _stopped(self, reason: Any) -> None:
        if reason and isinstance(reason, str):
            self.finish = reason


def read_usage(usage: Mapping[str, Any]) -> Usage | None:
    """Token counts, None when they are missing. What the cache gave and took is input too."""
    fresh, written = count(usage.get("input_tokens")), count(usage.get("output_tokens"))
    if fresh is None and written is None:
        return None
    read = count(usage.get("cache_read_input_tokens")) or 0
    stored = count(usage.get("cache_creation_input_tokens")) or 0
    total = (fresh or 0) + read + stored
    return Usage(total, written or 0, cache_read=read, cache_write=stored)
