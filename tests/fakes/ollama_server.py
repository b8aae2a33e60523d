"""A local server that speaks Ollama's own API by a script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.fakes.model_server import ModelServer


class FakeOllama(ModelServer):
    """The native API at the root; `has` adds a model that `/api/tags` and `/api/show` know."""

    chat = "/api/chat"
    base = ""

    def __init__(self) -> None:
        super().__init__()
        self._shown: dict[str, dict[str, Any]] = {}
        self.documents["/api/tags"] = lambda body: {"models": [{"name": n} for n in self._shown]}
        self.documents["/api/show"] = self._show
        self.has("fake-1", "tools", "vision", "thinking")

    def has(self, name: str, *can: str, family: str = "llama", **more: Any) -> None:
        """A model, what it can, its family and window (`length`), and its file's parameters."""
        self._shown[name] = {
            "modelfile": "# made by a test",
            "parameters": more.get("parameters", ""),
            "details": {"family": family},
            "model_info": {
                "general.architecture": family,
                f"{family}.context_length": more.get("length", 8192),
            },
            "capabilities": ["completion", *can],
        }

    def _show(self, body: Mapping[str, Any]) -> Any:
        name = str(body.get("model"))
        return self._shown.get(name) or (404, {"error": f"model '{name}' not found"})


def line(message: Mapping[str, Any] | None = None, done: bool = False, **more: Any) -> bytes:
    """One line of the answer."""
    document = {
        "model": "fake-1",
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": "", **(message or {})},
        "done": done,
        **more,
    }
    return json.dumps(document).encode() + b"\n"


def end(reason: str = "stop") -> bytes:
    counts = {"prompt_eval_count": 7, "eval_count": 3, "total_duration": 5}
    return line(done=True, done_reason=reason, **counts)


def stream_of(*messages: Mapping[str, Any], reason: str = "stop") -> list[bytes]:
    return [*map(line, messages), end(reason)]


def text_stream(*pieces: str) -> list[bytes]:
    return stream_of(*({"content": piece} for piece in pieces))


def call(name: str, arguments: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": arguments}}


def error(message: str) -> bytes:
    return json.dumps({"error": message}).encode()
