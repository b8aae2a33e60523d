"""`/v1/chat/completions` and `/v1/models`: agents for programs that speak OpenAI's API."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from aiohttp import web

from bot.engine.port import Script
from bot.errors import RequestError, RunError, StoreError
from bot.gateway import runs
from bot.gateway.answers import STATUS, Handler, json_answer
from bot.gateway.auth import Auth, bearer
from bot.gateway.guard import LARGER
from bot.gateway.openai_request import Asked, asked
from bot.gateway.openai_stream import Stream, chosen, failed, finish_of, kind_of, usage_of, wait
from bot.gateway.services import Core
from bot.gateway.targets import ensured, page_of
from bot.gateway.uploads_http import pieces_of
from bot.jsonio import loads
from bot.keys import SessionKey, fold, parse_key
from bot.store import entries, sessions
from bot.types import Entry

_PATH = "/v1/chat/completions"
_AGENT = "agent:"
_OFF = "this API is off; set gateway.openai_api: true"
_CODES = {"UNAUTHORIZED": "invalid_api_key", "RATE_LIMITED": "rate_limit_exceeded"}


def add(app: web.Application, core: Core, auth: Auth) -> None:
    """Register the routes; they say so while the configuration has them off."""
    api = _Api(core, auth)
    app.router.add_post(_PATH, api.answering(api.complete))
    app.router.add_get("/v1/models", api.answering(api.models))
    app.router.add_get("/v1/models/{model:.+}", api.answering(api.model))


class _Api:
    def __init__(self, core: Core, auth: Auth) -> None:
        self._core = core
        self._auth = auth

    def answering(self, serve: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Handler:
        """A route behind the token, whose refusals have OpenAI's shape."""

        async def handler(request: web.Request) -> web.StreamResponse:
            try:
                await self._auth.check_token(request, bearer(request))
                if not self._core.config.gateway.openai_api:
                    raise RequestError("NOT_FOUND", _OFF)
                return await serve(request)
            except RequestError as error:
                return _refusal(error)
            except RunError as error:
                return _refusal(RequestError("INVALID_PARAMS", str(error)))
            except StoreError as error:
                return _refusal(RequestError("UNAVAILABLE", str(error)))

        return handler

    async def models(self, request: web.Request) -> web.Response:
        return json_answer({"object": "list", "data": self._models()})

    async def model(self, request: web.Request) -> web.Response:
        wanted = request.match_info["model"]
        for row in self._models():
            if row["id"] == wanted:
                return json_answer(row)
        raise RequestError("NOT_FOUND", f"there is no model {wanted[:200]}", {"param": "model"})

    def _models(self) -> list[dict[str, Any]]:
        core = self._core
        names = [f"{_AGENT}{one.id}" for one in core.config.agents if one.enabled]
        names += [row["ref"] for row in core.world.models(core.config.default_agent.id)]
        made = int(core.started_at)
        return [
            {"id": name, "object": "model", "created": made, "owned_by": "trunkline"}
            for name in dict.fromkeys(names)
        ]

    async def complete(self, request: web.Request) -> web.StreamResponse:
        core, run = self._core, f"chatcmpl-{uuid4().hex}"
        data = b"".join([piece async for piece in pieces_of(request, LARGER[_PATH])])
        try:
            said = asked(loads(data, max_bytes=LARGER[_PATH]))
        except ValueError as error:
            raise RequestError("INVALID_PARAMS", str(error)) from None
        agent, model = self._answerer(said.model)
        part = fold(said.user) if said.user is not None else uuid4().hex
        key = parse_key(f"agent:{fold(agent)}:api:{part}")
        try:
            await self._begin(key, run, said, model)
            return await self._answer(request, key, run, said)
        finally:
            if said.user is None:
                # Stateless: its transcript stays readable by `why`, and nothing goes on from it.
                await core.engine.tx(sessions.archive(key.text, "stateless", core.clock.now()))

    def _answerer(self, name: str) -> tuple[str, str | None]:
        """The agent that answers, and with which model if not its own. Raises RequestError."""
        core = self._core
        try:
            if name.lower().startswith(_AGENT):
                return core.world.agent(name[len(_AGENT) :].lower()).id, None
            agent = core.config.default_agent.id
            return agent, core.world.check_model(agent, name)
        except RequestError as error:
            raise RequestError(error.code, str(error), {"param": "model"}) from error

    async def _begin(self, key: SessionKey, run: str, said: Asked, model: str | None) -> None:
        """Store the question, behind what was said before it."""
        core = self._core
        history = said.history if said.user is None else ()
        await core.engine.tx(self._open(key, history))
        if model is not None or said.user is not None:
            await core.sessions.patch(key.text, model=model)
        options: dict[str, Any] = {}
        if said.system:
            options["extraPrompt"] = said.system
        if said.thinking is not None:
            options["thinking"] = said.thinking
        page = page_of(key)
        await runs.submit(
            core, key, run, said.text,
            seen_at=page, deliver_to=None, commands=False, options=options, files=said.files,
        )  # fmt: skip

    def _open(self, key: SessionKey, history: tuple[tuple[str, str], ...]) -> Script[None]:
        now = self._core.clock.now()
        row = yield from ensured(key, now)
        lines = [
            Entry(role="user", text=text, at=now)
            if role == "user"
            else Entry(role="assistant", text=text, at=now, stop="end")
            for role, text in history
        ]
        if lines:
            yield from entries.append(row["id"], lines)

    async def _answer(
        self, request: web.Request, key: SessionKey, run: str, said: Asked
    ) -> web.StreamResponse:
        core = self._core
        stream = Stream(core, request, run, said) if said.stream else None
        try:
            if stream is not None:
                return await stream.serve()
            result = await wait(core, request, run)
        except (ConnectionError, asyncio.CancelledError):
            # Nobody is there to read it: what runs on would only cost.
            with contextlib.suppress(RequestError, StoreError):
                await core.lanes.stop(key.text, run)
            raise
        if result["status"] != "ok":
            return failed(result["error"])
        body = {
            "id": run,
            "object": "chat.completion",
            "created": int(core.clock.now()),
            "model": said.model,
            "choices": [chosen(result["reply"], await finish_of(core, run))],
            "usage": usage_of(result),
        }
        return json_answer(body)


def _refusal(error: RequestError) -> web.Response:
    status = STATUS.get(error.code, 400)
    code = _CODES.get(error.code)
    param = error.details.get("param")
    if param == "model" and error.code == "NOT_FOUND":
        code = "model_not_found"
    body = {"message": str(error), "type": kind_of(status), "param": param, "code": code}
    answer = json_answer({"error": body}, status)
    if isinstance(wait_ms := error.details.get("retryAfterMs"), int):
        answer.headers["Retry-After"] = str(-(-wait_ms // 1000))
    return answer
