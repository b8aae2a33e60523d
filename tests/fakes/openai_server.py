"""A local server that speaks chat completions by a script.

`python -m tests.fakes.openai_server --port 0` runs the lean echo of `openai_echo` instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.fakes.model_server import CUT, HANG, ModelServer
from tests.fakes.openai_echo import main

__all__ = ["CUT", "HANG", "FakeOpenAI"]


def chunk(
    delta: Mapping[str, Any] | None = None, finish: str | None = None, **more: Any
) -> dict[str, Any]:
    """One chunk of a streamed answer, as the documentation shows it."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "fake-1",
        "choices": choices,
        **more,
    }


def usage(prompt: int = 7, completion: int = 3) -> dict[str, int]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def event(document: Any) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def call_piece(index: int, id: str | None, name: str | None, arguments: str) -> dict[str, Any]:
    """A piece of a tool call; what is None is absent."""
    function = {"name": name, "arguments": arguments}
    piece: dict[str, Any] = {
        "index": index,
        "function": {key: value for key, value in function.items() if value is not None},
    }
    return {**piece, "id": id, "type": "function"} if id is not None else piece


def stream_of(*deltas: Mapping[str, Any], finish: str = "stop") -> list[bytes]:
    """A good stream: these deltas, the end, the usage."""
    first = chunk({"role": "assistant", "content": ""})
    last = [chunk({}, finish), chunk(None, usage=usage())]
    return [*(event(one) for one in (first, *map(chunk, deltas), *last)), DONE]


def text_stream(*pieces: str) -> list[bytes]:
    return stream_of(*({"content": piece} for piece in pieces))


def whole(message: Mapping[str, Any], finish: str = "stop", **more: Any) -> bytes:
    """A whole answer, as a server that knows no streaming gives it."""
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "fake-1",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": None, **message},
                    "finish_reason": finish,
                }
            ],
            "usage": usage(),
            **more,
        }
    ).encode()


def error(message: str, type: str = "server_error", code: Any = None) -> bytes:
    body = {"message": message, "type": type, "param": None, "code": code}
    return json.dumps({"error": body}).encode()


class FakeOpenAI(ModelServer):
    """Chat completions below `/v1`."""


if __name__ == "__main__":
    main()
