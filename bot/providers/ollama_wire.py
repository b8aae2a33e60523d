"""Ollama's own API as data: a request to its body, an answer's lines to one entry. Pure.

The form is https://github.com/ollama/ollama/blob/main/docs/api.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot import jsonio
from bot.providers.draft import Deltas, Draft, arguments_of, count, string, with_ids
from bot.providers.found import MAX_MODELS, Found
from bot.providers.images import images
from bot.providers.openai_wire import wire_tools
from bot.types import Entry, ModelRequest, Stop, ToolCall, Usage

# Parameters that stand beside the options in a request.
_OUTSIDE = {"keep_alive", "format", "think"}
_OWN_KEYS = {"model", "messages", "stream", "tools"}
# Models of this family take a level where others can only be told to think or not to.
_LEVELS_FAMILY = "gptoss"
_LEVELS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high"}
_NUM_CTX = re.compile(r"^\s*num_ctx\s+(\d{1,9})\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server says about one model; None is what it does not say.

    `window` is what the model was made for, `set_window` what its file sets, both in tokens.
    """

    window: int | None = None
    set_window: int | None = None
    capabilities: frozenset[str] | None = None
    family: str = ""

    def can(self, what: str) -> bool | None:
        """Whether it has a capability: tools, vision, thinking, completion, embedding."""
        return None if self.capabilities is None else what in self.capabilities


def read_facts(document: Any) -> Facts:
    """The facts in what `/api/show` answers."""
    if not isinstance(document, dict):
        return Facts()
    info, said = document.get("model_info"), document.get("capabilities")
    info = info if isinstance(info, dict) else {}
    family = string(info.get("general.architecture"))
    set_window = _NUM_CTX.search(string(document.get("parameters")))
    return Facts(
        window=count(info.get(f"{family}.context_length")) or None,
        set_window=int(set_window[1]) if set_window else None,
        capabilities=frozenset(map(str, said)) if isinstance(said, list) else None,
        family=family,
    )


def read_tags(document: Any) -> list[str]:
    """The names of the models that are installed, from what `/api/tags` answers."""
    rows = document.get("models") if isinstance(document, dict) else None
    names = (row.get("name") or row.get("model") for row in rows or () if isinstance(row, dict))
    return [name for name in names if isinstance(name, str) and name][:MAX_MODELS]


def found_model(name: str, facts: Facts) -> Found:
    return Found(
        name,
        window=facts.set_window or facts.window,
        tools=facts.can("tools"),
        images=facts.can("vision"),
        thinking=facts.can("thinking"),
    )


def request_body(request: ModelRequest, facts: Facts, window: int | None) -> dict[str, Any]:
    """The JSON document that asks for this answer, streamed. `window`: tokens to make room for;
    without it the server cuts long conversations to a small default, and says nothing."""
    messages = wire_messages(request.entries)
    if request.system:
        messages.insert(0, {"role": "system", "content": request.system})
    options: dict[str, Any] = {}
    if window:
        options["num_ctx"] = window
    if request.max_tokens is not None:
        options["num_predict"] = request.max_tokens
    body: dict[str, Any] = {"model": request.model, "messages": messages, "stream": True}
    if request.tools:
        body["tools"] = wire_tools(request.tools)
    if (think := _think(request, facts)) is not None:
        body["think"] = think
    for name, value in request.params.items():
        if value is not None and name not in _OWN_KEYS:
            (body if name in _OUTSIDE else options)[name] = value
    if "max_tokens" in options:
        options["num_predict"] = options.pop("max_tokens")
    if options:
        body["options"] = options
    return body


def _think(request: ModelRequest, facts: Facts) -> bool | str | None:
    """Models that can think do so unless they are told not to; others refuse to be told."""
    if not facts.can("thinking"):
        return None
    if facts.family == _LEVELS_FAMILY:
        return None if request.thinking == "off" else _LEVELS[request.thinking]
    return request.thinking != "off"


def wire_messages(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """A transcript as messages. Images go as bare base64; one that is an address is left out."""
    messages: list[dict[str, Any]] = []
    for entry in entries:
        if entry.role == "note" or not (entry.text or entry.calls or entry.role != "assistant"):
            continue
        message: dict[str, Any] = {"role": entry.role, "content": entry.text}
        if pictures := [image.data for image in images(entry) if image.data]:
            message["images"] = pictures
        if entry.calls:
            message["tool_calls"] = [
                {"function": {"name": call.name, "arguments": call.args or {}}}
                for call in entry.calls
            ]
        if entry.calls and entry.thinking:
            message["thinking"] = entry.thinking
        if entry.role == "tool":
            message |= {"tool_name": entry.name or "", "tool_call_id": entry.call_id or ""}
        messages.append(message)
    return messages


class Assembly:
    """One answer while it arrives, line by line; see `bot.providers.answer.Assembly`."""

    def __init__(self, tools: Collection[str] = ()) -> None:
        self.finish: str | None = None
        self.complete = False
        self._draft = Draft(tools)
        self._calls: list[ToolCall] = []
        self._usage: Usage | None = None

    def feed(self, document: Mapping[str, Any]) -> Deltas:
        message = document.get("message")
        deltas = self._take(message) if isinstance(message, dict) else []
        if document.get("done") is True:
            self.finish = string(document.get("done_reason")) or "stop"
            self.complete = True
            self._usage = read_usage(document)
        return deltas

    def end(self) -> Deltas:
        return self._draft.end()

    @property
    def stop(self) -> Stop:
        """Why the model stopped, from what the server said and what it sent."""
        if self.finish == "length":
            return "length"
        return "tools" if self._calls or self._draft.written() else "end"

    @property
    def cut_call(self) -> bool:
        # A call that was made arrived whole; only one written as text can be cut.
        return self.stop == "length" and bool(self._calls or self._draft.written())

    def entry(self, at: float, model: str, stop: Stop) -> Entry:
        calls: list[ToolCall] = []
        if stop == "tools":
            calls = with_ids([*self._calls, *self._draft.written(self._calls)])
        return self._draft.entry(at, model, stop, calls, self._usage)

    def _take(self, message: Mapping[str, Any]) -> Deltas:
        thought = string(message.get("thinking")) or string(message.get("reasoning_content"))
        deltas = self._draft.think(thought) if thought else []
        if text := string(message.get("content")):
            deltas += self._draft.say(text)
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict) and isinstance(function := call.get("function"), dict):
                self._calls.append(_call(string(call.get("id")), function))
        return deltas


def _call(id: str, function: Mapping[str, Any]) -> ToolCall:
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else jsonio.dumps(arguments or {})
    return ToolCall(id, string(function.get("name")), text, arguments_of(text))


def read_usage(document: Mapping[str, Any]) -> Usage | None:
    """Token counts, None when they are missing."""
    read, written = count(document.get("prompt_eval_count")), count(document.get("eval_count"))
    return None if read is None and written is None else Usage(read or 0, written or 0)
