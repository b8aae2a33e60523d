"""A local model server that answers by a script, with every fault a real one has.

What a wire format needs beside is in `openai_server`, `anthropic_server` and `ollama_server`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web
from yarl import URL

CUT = object()  # drops the connection
HANG = object()  # says nothing more until the client leaves
Step = bytes | asyncio.Event | object


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


class ModelServer:
    """Use as `async with FakeOpenAI() as server`; `script` answers are used up in order.

    `documents` answers other paths: JSON, or a status and JSON; `lists` are the paths asked.
    """

    chat = "/v1/chat/completions"
    base = "/v1"

    def __init__(self) -> None:
        self.script: list[Answer] = []
        self.requests: list[Request] = []
        self.asked = asyncio.Event()
        self.left = asyncio.Event()  # a client went away in the middle of an answer
        self.most_at_once = 0
        self.url = ""
        self.documents: dict[str, Any] = {}
        self.lists: list[Request] = []
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

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = str(URL.build(scheme="http", host=host, port=port, path=self.base))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post(self.chat, self._serve)
        app.router.add_route("*", "/{path:.*}", self._list)
        return app

    async def _list(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}
        self.lists.append(Request(body, dict(request.headers), request.path_qs))
        found = self.documents.get(request.path_qs, (404, {"error": "no such path"}))
        if callable(found):
            found = found(body)
        status, document = found if isinstance(found, tuple) else (200, found)
        return web.json_response(document, status=status)

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
