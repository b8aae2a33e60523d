"""OpenAI chat completions as data: a request to its body, an answer's pieces to one entry. Pure.

The form is https://platform.openai.com/docs/api-reference/chat; what compatible servers do
otherwise is said where it is handled.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot import jsonio
from bot.providers.think import ThinkSplitter
from bot.types import Entry, ModelRequest, Stop, TextDelta, ThinkDelta, ToolCall, ToolSpec, Usage

Deltas = list[TextDelta | ThinkDelta]

MAX_ARGUMENTS = 1 << 20

_OWN_KEYS = {"model", "messages", "stream", "stream_options", "tools"}
_STOPS: dict[str, Stop] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "error",
    "error": "error",
}


def request_body(request: ModelRequest) -> dict[str, Any]:
    """The JSON document that asks for this answer, streamed; unset parameters are absent."""
    messages = wire_messages(request.entries)
    if request.system:
        messages.insert(0, {"role": "system", "content": request.system})
    body: dict[str, Any] = {"model": request.model, "messages": messages, "stream": True}
    body["stream_options"] = {"include_usage": True}
    if request.tools:
        body["tools"] = wire_tools(request.tools)
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    if request.thinking != "off":
        body["reasoning_effort"] = request.thinking
    for name, value in request.params.items():
        if value is not None and name not in _OWN_KEYS:
            body[name] = value
    return body


def wire_tools(tools: Iterable[ToolSpec]) -> list[dict[str, Any]]:
    """Tools as the model is told of them."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.schema,
            },
        }
        for tool in tools
    ]


def wire_messages(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """A transcript as messages, without notes (for people) and empty assistant entries."""
    messages: list[dict[str, Any]] = []
    for entry in entries:
        role = entry.role
        if role == "user":
            content = _user_parts(entry) if entry.attachments else entry.text
            messages.append({"role": "user", "content": content})
        elif role == "tool":
            messages.append({"role": "tool", "tool_call_id": entry.call_id, "content": entry.text})
        elif role == "assistant" and (entry.text or entry.calls):
            message: dict[str, Any] = {"role": "assistant", "content": entry.text or None}
            if entry.calls:
                message["tool_calls"] = [_wire_call(call) for call in entry.calls]
            messages.append(message)
    return messages


def _user_parts(entry: Entry) -> str | list[dict[str, Any]]:
    """Text, and the images among the attachments that have a `url` (https or data)."""
    urls = (
        attachment.get("url")
        for attachment in entry.attachments
        if attachment.get("kind") == "image"
    )
    images = [{"type": "image_url", "image_url": {"url": url}} for url in urls if url]
    if not images:
        return entry.text
    text = [{"type": "text", "text": entry.text}] if entry.text else []
    return [*text, *images]


def _wire_call(call: ToolCall) -> dict[str, Any]:
    # Broken arguments are not sent back: several servers parse them and refuse the whole request.
    # The tool's result tells the model what was wrong.
    arguments = (call.arguments or "{}") if call.args is not None else "{}"
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


class _Call:
    """A tool call while its pieces arrive."""

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []

    def add(self, piece: Mapping[str, Any]) -> None:
        if not self.id:
            self.id = _string(piece.get("id"))
        function = piece.get("function")
        if not isinstance(function, dict):
            return
        name = _string(function.get("name"))
        if name != self.name:  # some servers repeat the name with every piece
            self.name += name
        arguments = function.get("arguments")
        if isinstance(arguments, dict):  # some servers send the object itself
            arguments = jsonio.dumps(arguments)
        self.arguments.append(_string(arguments))


class Assembly:
    """One answer while it arrives, streamed or whole. `feed` returns what to show at once."""

    def __init__(self) -> None:
        self.finish: str | None = None
        self.usage: Usage | None = None
        self.model: str | None = None
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._calls: list[_Call] = []
        self._slots: dict[int, _Call] = {}
        self._splitter = ThinkSplitter()

    def feed(self, document: Mapping[str, Any]) -> Deltas:
        """Take one chunk (`choices[0].delta`) or a whole answer (`choices[0].message`)."""
        usage = document.get("usage")
        if usage:
            self.usage = read_usage(usage) or self.usage
        choices = document.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict) or choice.get("index") not in (0, None):
            return []
        delta = choice.get("delta") or choice.get("message")
        deltas = self._take(delta) if isinstance(delta, dict) else []
        finish = choice.get("finish_reason")
        if finish and isinstance(finish, str):
            self.finish = finish
        return deltas

    def end(self) -> Deltas:
        """What was held back; call it once, when nothing follows."""
        deltas = self._splitter.end()
        self._keep(deltas)
        return deltas

    @property
    def stop(self) -> Stop:
        """Why the model stopped, from what the server said and what it sent."""
        if self.finish in _STOPS:
            return _STOPS[self.finish]
        return "tools" if self._calls else "end"

    def entry(self, at: float, model: str, stop: Stop) -> Entry:
        """The assistant's entry. Without a regular end no call is in it: none may be run."""
        calls = self._finished_calls() if stop == "tools" else ()
        return Entry(
            role="assistant",
            text="".join(self._text),
            at=at,
            calls=calls,
            stop=stop,
            usage=self.usage,
            thinking="".join(self._thinking),
            model=model,
        )

    @property
    def cut_call(self) -> bool:
        """The output limit fell into a tool call: its arguments cannot be trusted."""
        return self.stop == "length" and bool(self._calls)

    def _finished_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, each with an id of its own: some servers send none, or one for all."""
        calls: list[ToolCall] = []
        used: set[str] = set()
        for call in self._calls:
            id = call.id if call.id and call.id not in used else f"call_{uuid.uuid4().hex[:24]}"
            used.add(id)
            arguments = "".join(call.arguments)
            calls.append(ToolCall(id, call.name, arguments, _arguments(arguments)))
        return tuple(calls)

    def _take(self, delta: Mapping[str, Any]) -> Deltas:
        deltas: Deltas = []
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if thought and isinstance(thought, str):
            deltas.append(ThinkDelta(thought))
        text = _text(delta.get("content")) or _string(delta.get("refusal"))
        if text:
            deltas += self._splitter.feed(text)
        self._keep(deltas)
        calls = delta.get("tool_calls")
        if isinstance(calls, list):
            for piece in calls:
                if isinstance(piece, dict):
                    self._slot(piece).add(piece)
        return deltas

    def _keep(self, deltas: Deltas) -> None:
        for delta in deltas:
            kept = self._text if isinstance(delta, TextDelta) else self._thinking
            kept.append(delta.text)

    def _slot(self, piece: Mapping[str, Any]) -> _Call:
        """The call that a piece belongs to: by its index, but a new id is always a new call.

        Some servers number every call 0; others, and whole answers, have no index at all.
        """
        index, id = piece.get("index"), _string(piece.get("id"))
        known = self._slots.get(index) if isinstance(index, int) else self._unnumbered(piece, id)
        if known is not None and (not id or known.id in ("", id)):
            return known
        call = _Call()
        self._calls.append(call)
        if isinstance(index, int):
            self._slots[index] = call
        return call

    def _unnumbered(self, piece: Mapping[str, Any], id: str) -> _Call | None:
        if id:
            return next((call for call in self._calls if call.id == id), None)
        function = piece.get("function")
        begins = isinstance(function, dict) and bool(function.get("name"))
        return None if begins or not self._calls else self._calls[-1]


def read_usage(usage: Any) -> Usage | None:
    """Token counts, None when they are missing or of a wrong type."""
    if not isinstance(usage, dict):
        return None
    counts = usage.get("prompt_tokens"), usage.get("completion_tokens")
    given = [count if type(count) is int and count >= 0 else None for count in counts]
    if given == [None, None]:
        return None
    return Usage(given[0] or 0, given[1] or 0)


def _arguments(text: str) -> dict[str, Any] | None:
    """The arguments as an object, None when they are not one; no text at all is no arguments."""
    if not text.strip():
        return {}
    try:
        args = jsonio.loads(text, max_bytes=MAX_ARGUMENTS)
    except ValueError:
        return None
    return args if isinstance(args, dict) else None


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _text(content: Any) -> str:
    """Content is text, or with some servers a list of parts of which the texts count."""
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(_string(part) for part in parts)
    return _string(content)
