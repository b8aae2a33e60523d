"""The columns of the provider matrix: each wire format, and how a server of it says a thing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bot.providers import anthropic_wire, ollama_wire, openai_wire
from bot.providers.answer import Answer
from bot.providers.anthropic import Anthropic
from bot.providers.ndjson import Lines
from bot.providers.ollama import Ollama
from bot.providers.openai import OpenAI
from bot.types import Provider
from tests.contracts.provider import KEY, StillClock
from tests.fakes import anthropic_server, ollama_server, openai_server
from tests.fakes.model_server import ModelServer, Step

Calls = Sequence[tuple[str, str, str]]  # id, name, arguments


class Dialect:
    """One wire format. The methods give the steps of a server's answer."""

    name: str
    server: type[ModelServer]
    kind: type[OpenAI] | type[Anthropic] | type[Ollama]
    unknown: bytes  # what a newer server might send in between
    reasons: Mapping[str, str]
    lead: int  # steps of a stream before its first piece

    def provider(self, url: str, **options: Any) -> Provider:
        given: dict[str, Any] = {"clock": StillClock(), **options}
        return self.kind("fake", url, [KEY], **given)

    def text(self, *pieces: str, reason: str = "end") -> list[bytes]:
        raise NotImplementedError

    def begun(self, *pieces: str) -> list[bytes]:
        """An answer up to these pieces, without its end."""
        return self.text(*pieces)[: self.lead + len(pieces)]

    def thought(self, thought: str, text: str) -> list[bytes]:
        raise NotImplementedError

    def calls(self, text: str, calls: Calls) -> list[bytes]:
        raise NotImplementedError

    def error(self, message: str, kind: str) -> bytes:
        raise NotImplementedError

    def error_inside(self, message: str, kind: str) -> bytes:
        raise NotImplementedError

    def answer(self) -> Answer:
        """The pure reader of an answer."""
        raise NotImplementedError


class OpenAIDialect(Dialect):
    name = "openai"
    server = openai_server.FakeOpenAI
    kind = OpenAI
    unknown = openai_server.event({"object": "chat.surprise", "choices": []})
    lead = 1
    reasons = MappingProxyType({"end": "stop", "length": "length", "tools": "tool_calls"})

    def text(self, *pieces: str, reason: str = "end") -> list[bytes]:
        deltas = ({"content": piece} for piece in pieces)
        return openai_server.stream_of(*deltas, finish=self.reasons[reason])

    def thought(self, thought: str, text: str) -> list[bytes]:
        return openai_server.stream_of({"reasoning_content": thought}, {"content": text})

    def calls(self, text: str, calls: Calls) -> list[bytes]:
        pieces = [
            {"tool_calls": [openai_server.call_piece(at, id, name, arguments)]}
            for at, (id, name, arguments) in enumerate(calls)
        ]
        return openai_server.stream_of({"content": text}, *pieces, finish="tool_calls")

    def error(self, message: str, kind: str) -> bytes:
        return openai_server.error(message, kind)

    def error_inside(self, message: str, kind: str) -> bytes:
        return openai_server.event(json.loads(self.error(message, kind)))

    def answer(self) -> Answer:
        return Answer("fake", openai_wire.Assembly(["weather"]))


class AnthropicDialect(Dialect):
    name = "anthropic"
    server = anthropic_server.FakeAnthropic
    kind = Anthropic
    unknown = anthropic_server.event({"type": "surprise", "index": 0}) + anthropic_server.event(
        {"type": "content_block_delta", "index": 9, "delta": {"type": "new_delta", "x": 1}}
    )
    lead = 2
    reasons = MappingProxyType({"end": "end_turn", "length": "max_tokens", "tools": "tool_use"})

    def text(self, *pieces: str, reason: str = "end") -> list[bytes]:
        blocks = anthropic_server.text(0, *pieces)
        return anthropic_server.stream_of(blocks, reason=self.reasons[reason])

    def thought(self, thought: str, text: str) -> list[bytes]:
        return anthropic_server.stream_of(
            anthropic_server.thinking(0, thought), anthropic_server.text(1, text)
        )

    def calls(self, text: str, calls: Calls) -> list[bytes]:
        blocks = [anthropic_server.tool(at, *call) for at, call in enumerate(calls, 1)]
        said = anthropic_server.text(0, text)
        return anthropic_server.stream_of(said, *blocks, reason="tool_use")

    def error(self, message: str, kind: str) -> bytes:
        return anthropic_server.error(message, kind)

    def error_inside(self, message: str, kind: str) -> bytes:
        return anthropic_server.event(json.loads(self.error(message, kind)))

    def answer(self) -> Answer:
        return Answer("fake", anthropic_wire.Assembly("fake-1"))


class OllamaDialect(Dialect):
    name = "ollama"
    server = ollama_server.FakeOllama
    kind = Ollama
    unknown = json.dumps({"surprise": True}).encode() + b"\n\n"
    lead = 0
    reasons = MappingProxyType({"end": "stop", "length": "length", "tools": "stop"})

    def text(self, *pieces: str, reason: str = "end") -> list[bytes]:
        messages = ({"content": piece} for piece in pieces)
        return ollama_server.stream_of(*messages, reason=self.reasons[reason])

    def thought(self, thought: str, text: str) -> list[bytes]:
        return ollama_server.stream_of({"thinking": thought}, {"content": text})

    def calls(self, text: str, calls: Calls) -> list[bytes]:
        """The arguments are part of the line as they are, so that they can break it."""
        made = [{"id": id, **ollama_server.call(name, "@@")} for id, name, _ in calls]
        said, line, end = ollama_server.stream_of({"content": text}, {"tool_calls": made})
        for _, _, arguments in calls:
            line = line.replace(b'"@@"', arguments.encode(), 1)
        return [said, line, end]

    def error(self, message: str, kind: str) -> bytes:
        return ollama_server.error(message)

    def error_inside(self, message: str, kind: str) -> bytes:
        return self.error(message, kind) + b"\n"

    def answer(self) -> Answer:
        return Answer("fake", ollama_wire.Assembly(["weather"]), framing=Lines())


DIALECTS: tuple[Dialect, ...] = (OpenAIDialect(), AnthropicDialect(), OllamaDialect())


@dataclass
class Stage:
    """A running server of a dialect with a provider before it."""

    dialect: Dialect
    server: ModelServer
    provider: Provider

    def answer(self, *steps: Step, **options: Any) -> None:
        self.server.answer(*steps, **options)
