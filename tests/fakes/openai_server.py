"""A local server that speaks chat completions by a script, with every fault a real one has.

`python -m tests.fakes.openai_server --port 0` runs the lean echo of `openai_echo` instead.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from yarl import URL

from tests.fakes.openai_echo import main

CUT = object()  # drops the connection
HANG = object()  # says nothing more until the client leaves
Step = bytes | asyncio.Event | object


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


@dataclass
class Answer:
    """What one request gets: bytes are sent, events awaited, CUT and HANG obeyed."""

    steps: Sequence[Step] = ()
    status: int = 200
    content_type: str = "text/event-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False  # hang up before a word of an answer


@dataclass
class Request:
    """What the server was asked."""

    body: dict[str, Any]
    headers: Mapping[str, str]
    path: str


class FakeOpenAI:
    """Use as `async with FakeOpenAI() as server`; `script` answers are used up in order."""

    def __init__(self) -> None:
        self.script: list[Answer] = []
        self.requests: list[Request] = []
        self.asked = asyncio.Event()
        self.left = asyncio.Event()  # a client went away in the middle of an answer
        self.most_at_once = 0
        self.url = ""
        self._busy = 0
        self._runner = web.AppRunner(self._app(), handler_cancellation=True, shutdown_timeout=0.1)

    def answer(self, *steps: Step, **options: Any) -> None:
        """Append one answer to the script."""
        self.script.append(Answer(steps, **options))

    def refuse(self, status: int, body: bytes | str, **headers: str) -> None:
        """Append an error."""
        data = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.script.append(Answer([data], status, "application/json", named))

    async def __aenter__(self) -> FakeOpenAI:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = str(URL.build(scheme="http", host=host, port=port, path="/v1"))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/chat/completions", self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self._busy += 1
        self.most_at_once = max(self.most_at_once, self._busy)
        try:
            return await self._play(request)
        finally:
            self._busy -= 1

    async def _play(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(Request(await request.json(), dict(request.headers), request.path))
        self.asked.set()
        answer = self.script.pop(0)
        if answer.drop and request.transport is not None:
            request.transport.abort()
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_type = answer.content_type
        await response.prepare(request)
        try:
            for step in answer.steps:
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, bytes):
                    await response.write(step)
                elif step is CUT and request.transport is not None:
                    request.transport.abort()
                    return response
                elif step is HANG:
                    await asyncio.Event().wait()
            await response.write_eof()
        except (asyncio.CancelledError, ConnectionError):
            self.left.set()
            raise
        return response


if __name__ == "__main__":
    main()
