"""An answer as OpenAI's clients read it: growing, piece by piece, or whole."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.engine.port import Script
from bot.events import Delta, Hub, RunEvent
from bot.gateway import runs
from bot.gateway.answers import json_answer
from bot.gateway.openai_request import Asked
from bot.gateway.services import Core
from bot.jsonio import dumps
from bot.store import entries
from bot.store import runs as run_scripts
from bot.types import Entry

_LONG = 86_400.0
_LOOK = 0.5
_QUIET = 15.0
_FAILED = 502
_STATUS = {
    "MODEL_RATE_LIMIT": 429,
    "BUDGET": 429,
    "CONTEXT_OVERFLOW": 400,
    "MODEL_BAD_REQUEST": 400,
    "RUN_TIMEOUT": 504,
    "NO_MODEL": 503,
    "NO_CREDENTIALS": 503,
    "MODEL_OVERLOADED": 503,
}

# How a provider's failure ends (bot/providers/answer.py) when it would not go on with the answer.
_FILTERED = ("stopped the answer: content_filter", "stopped the answer: refusal")

Json = Mapping[str, Any]


def chosen(text: str, finish: str) -> dict[str, Any]:
    """The one choice of a whole answer."""
    message = {"role": "assistant", "content": text, "refusal": None}
    return {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}


async def finish_of(core: Core, run: str) -> str:
    """Why a run's answer ends where it ends: at the model's output limit, or by itself."""
    lines = await core.engine.read(_lines(run))
    last = next((line for line in reversed(lines) if line.role == "assistant"), None)
    return "length" if last is not None and last.stop == "length" else "stop"


def _lines(run: str) -> Script[list[Entry]]:
    row = yield from run_scripts.get(run)
    if row is None or row["session"] is None:
        return []
    return (yield from entries.of_run(row["session"], run))


def usage_of(result: Json) -> dict[str, int]:
    usage = result.get("usage") or {}
    given, made = usage.get("inputTokens", 0), usage.get("outputTokens", 0)
    return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}


def error_of(error: Json) -> dict[str, Any]:
    code = str(error["code"])
    known = {"CONTEXT_OVERFLOW": "context_length_exceeded"}.get(code, code.lower())
    if str(error["message"]).endswith(_FILTERED):
        known = "content_filter"
    kind = kind_of(_STATUS.get(code, _FAILED))
    return {"message": error["message"], "type": kind, "param": None, "code": known}


def kind_of(status: int) -> str:
    """What clients call an error with this status."""
    if status == 429:
        return "rate_limit_error"
    return "invalid_request_error" if status < 500 else "server_error"


def failed(error: Json) -> web.Response:
    """A run that failed. Clients must not repeat it: it was retried here, its tools have run."""
    status = _STATUS.get(str(error["code"]), _FAILED)
    return json_answer({"error": error_of(error)}, status, {"x-should-retry": "false"})


def rest(sent: str, reply: str) -> str:
    """What is missing of an answer of which something has been sent."""
    if reply.startswith(sent):
        return reply[len(sent) :]
    if sent.rstrip().endswith(reply.rstrip()):
        return ""
    return f"\n\n{reply}"


def gone(request: web.Request) -> bool:
    """Has the client hung up?"""
    return request.transport is None or request.transport.is_closing()


async def wait(core: Core, request: web.Request, run: str) -> Json:
    """The end of a run. Raises ConnectionError when nobody waits for it any more."""
    result = asyncio.create_task(runs.wait(core, run, _LONG), name=f"api:{run}")
    try:
        while not result.done():
            await asyncio.wait({result}, timeout=_LOOK)
            if gone(request):
                raise ConnectionResetError("the client has hung up")
        return result.result()
    finally:
        result.cancel()


class _Growing:
    """A run's visible text as it grows."""

    def __init__(self, hub: Hub, run: str) -> None:
        self.text = ""
        self.changed = asyncio.Event()
        self._run = run
        self._watcher = hub.watch()
        self._task = asyncio.create_task(self._read(), name=f"api-text:{run}")

    async def _read(self) -> None:
        async for event in self._watcher:
            if not isinstance(event, RunEvent) or event.run != self._run:
                continue
            if isinstance(event.body, Delta):
                self.text = event.body.text
                self.changed.set()

    def close(self) -> None:
        self._watcher.close()
        self._task.cancel()


class Stream:
    """One answer as server-sent events. Made before its run has said anything it would miss."""

    def __init__(self, core: Core, request: web.Request, run: str, said: Asked) -> None:
        self._core = core
        self._request = request
        self._run = run
        self._said = said
        self._made = int(core.clock.now())
        self._answer: web.StreamResponse | None = None
        self._sent = ""
        self._growing = _Growing(core.hub, run)

    async def serve(self) -> web.StreamResponse:
        """Raises ConnectionError when the client hangs up."""
        result = asyncio.create_task(runs.wait(self._core, self._run, _LONG), name=self._run)
        try:
            await self._grow(result)
            return await self._end(result.result())
        finally:
            result.cancel()
            self._growing.close()

    async def _grow(self, result: asyncio.Task[Any]) -> None:
        growing, quiet = self._growing, 0.0
        while not result.done():
            changed = asyncio.create_task(growing.changed.wait(), name="api-growing")
            await asyncio.wait(
                {changed, result}, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED
            )
            changed.cancel()
            growing.changed.clear()
            if gone(self._request):
                raise ConnectionResetError("the client has hung up")
            # A text that began anew waits for its end: what was sent cannot be taken back.
            if growing.text.startswith(self._sent) and growing.text != self._sent:
                await self._say(growing.text[len(self._sent) :])
                quiet = 0.0
            elif (quiet := quiet + _LOOK) >= _QUIET:
                await (await self._begun()).write(b": still at it\n\n")
                quiet = 0.0

    async def _end(self, result: Json) -> web.StreamResponse:
        if result["status"] != "ok":
            if self._answer is None:
                return failed(result["error"])
            await self._write({"error": error_of(result["error"])})
            await self._answer.write_eof()
            return self._answer
        if missing := rest(self._sent, result["reply"]):
            await self._say(missing)
        await self._chunk({}, await finish_of(self._core, self._run))
        if self._said.usage:
            await self._write(self._body([]) | {"usage": usage_of(result)})
        answer = await self._begun()
        await answer.write(b"data: [DONE]\n\n")
        await answer.write_eof()
        return answer

    async def _say(self, piece: str) -> None:
        self._sent += piece
        await self._chunk({"content": piece})

    async def _chunk(self, delta: Json, finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        body = self._body([choice])
        await self._write(body | {"usage": None} if self._said.usage else body)

    def _body(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._run,
            "object": "chat.completion.chunk",
            "created": self._made,
            "model": self._said.model,
            "choices": choices,
        }

    async def _write(self, body: Json) -> None:
        answer = await self._begun()
        await answer.write(f"data: {dumps(body)}\n\n".encode())

    async def _begun(self) -> web.StreamResponse:
        """The answer, whose head goes out when there is something to say."""
        if self._answer is None:
            answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await answer.prepare(self._request)
            self._answer = answer
            await self._chunk({"role": "assistant", "content": ""})
        return self._answer
