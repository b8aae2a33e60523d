"""OpenAI chat completions as data: a request to its body, an answer's pieces to one entry. Pure.

The form is https://platform.openai.com/docs/api-reference/chat; what compatible servers do
otherwise is said where it is handled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from bot import jsonio
from bot.providers.draft import Deltas, Draft, arguments_of, count, string, with_ids
from bot.providers.images import images
from bot.types import Entry, ModelRequest, Stop, ToolCall, ToolSpec, Usage

_OWN_KEYS = {"model", "messages", "stream", "stream_options", "tools"}
_STOPS: dict[str, Stop] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "error",
    "error": "error",
}


def request_body(request: ModelRequest, tools: Any) -> dict[str, Any]:
    """The JSON document that asks for this answer, streamed; unset parameters are absent.

    `tools` are the request's, as `wire_tools` puts them.
    """
    messages = wire_messages(request.entries)
    if request.system:
        messages.insert(0, {"role": "system", "content": request.system})
    body: dict[str, Any] = {"model": request.model, "messages": messages, "stream": True}
    body["stream_options"] = {"include_usage": True}
    if request.tools:
        body["tools"] = tools
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
    """A transcript as messages, without notes (for people) and empty assistant entries.

    A tool's message carries no images: they follow behind the results, as if a user showed them.
    """
    messages: list[dict[str, Any]] = []
    shown: list[dict[str, Any]] = []
    for entry in entries:
        role = entry.role
        if shown and role != "tool":
            messages.append(_from_tools(shown))
            shown = []
        if role == "user":
            content = _user_parts(entry) if entry.attachments else entry.text
            messages.append({"role": "user", "content": content})
        elif role == "tool":
            messages.append({"role": "tool", "tool_call_id": entry.call_id, "content": entry.text})
            shown += _images(entry)
        elif role == "assistant" and (entry.text or entry.calls):
            message: dict[str, Any] = {"role": "assistant", "content": entry.text or None}
            if entry.calls:
                message["tool_calls"] = [_wire_call(call) for call in entry.calls]
            messages.append(message)
    return [*messages, _from_tools(shown)] if shown else messages


def _from_tools(shown: list[dict[str, Any]]) -> dict[str, Any]:
    text = {"type": "text", "text": "The images of the tool results above, in their order:"}
    return {"role": "user", "content": [text, *shown]}


def _user_parts(entry: Entry) -> str | list[dict[str, Any]]:
    shown = _images(entry)
    if not shown:
        return entry.text
    text = [{"type": "text", "text": entry.text}] if entry.text else []
    return [*text, *shown]


def _images(entry: Entry) -> list[dict[str, Any]]:
    """The images among the attachments that have a `url` (https or data)."""
    return [{"type": "image_url", "image_url": {"url": image.url}} for image in images(entry)]


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
            self.id = string(piece.get("id"))
        function = piece.get("function")
        if not isinstance(function, dict):
            return
        name = string(function.get("name"))
        if name != self.name:  # some servers repeat the name with every piece
            self.name += name
        arguments = function.get("arguments")
        if isinstance(arguments, dict):  # some servers send the object itself
            arguments = jsonio.dumps(arguments)
        self.arguments.append(string(arguments))


class Assembly:
    """One answer while it arrives, streamed or whole; see `bot.providers.answer.Assembly`."""

    complete = False  # the word for it is no document: [DONE]

    def __init__(self, tools: Collection[str] = ()) -> None:
        self.finish: str | None = None
        self.usage: Usage | None = None
        self._draft = Draft(tools)
        self._calls: list[_Call] = []
        self._slots: dict[int, _Call] = {}

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
        return self._draft.end()

    @property
    def stop(self) -> Stop:
        """Why the model stopped, from what the server said and what it sent."""
        if self.finish in _STOPS:
            return _STOPS[self.finish]
        return "tools" if self._calls or self._draft.written() else "end"

    @property
    def cut_call(self) -> bool:
        return self.stop == "length" and bool(self._calls or self._draft.written())

    def entry(self, at: float, model: str, stop: Stop) -> Entry:
        calls = self._finished_calls() if stop == "tools" else []
        return self._draft.entry(at, model, stop, calls, self.usage)

    def _finished_calls(self) -> list[ToolCall]:
        texts = [(call, "".join(call.arguments)) for call in self._calls]
        calls = [ToolCall(call.id, call.name, text, arguments_of(text)) for call, text in texts]
        return with_ids([*calls, *self._draft.written(calls)])

    def _take(self, delta: Mapping[str, Any]) -> Deltas:
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        deltas = self._draft.think(thought) if thought and isinstance(thought, str) else []
        text = _text(delta.get("content")) or string(delta.get("refusal"))
        if text:
            deltas += self._draft.say(text)
        calls = delta.get("tool_calls")
        if isinstance(calls, list):
            for piece in calls:
                if isinstance(piece, dict):
                    self._slot(piece).add(piece)
        return deltas

    def _slot(self, piece: Mapping[str, Any]) -> _Call:
        """The call that a piece belongs to: by its index, but a new id is always a new call.

        Some servers number every call 0; others, and whole answers, have no index at all.
        """
        index, id = piece.get("index"), string(piece.get("id"))
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
    read, written = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    if read is None and written is None:
        return None
    details = usage.get("prompt_tokens_details")
    cached = count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    return Usage(read or 0, written or 0, cache_read=min(cached or 0, read or 0))


def _text(content: Any) -> str:
    """Content is text, or with some servers a list of parts of which the texts count."""
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(string(part) for part in parts)
    return string(content)
