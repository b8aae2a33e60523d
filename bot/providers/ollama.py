"""Ollama through its own API, which says what a model can and takes the window it should have."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import aiohttp

from bot.clock import Clock
from bot.providers.answer import Answer
from bot.providers.found import Found
from bot.providers.http import Http, Refused, open_session
from bot.providers.ndjson import Lines
from bot.providers.ollama_wire import (
    Assembly,
    Facts,
    found_model,
    read_facts,
    read_tags,
    request_body,
)
from bot.providers.openai import NO_TOOLS, refuses_tools
from bot.types import Failure, ModelEvent, ModelRequest, Notice

BASE_URL = "http://127.0.0.1:11434"
# How many models are asked about at once when all are listed.
SHOWN_AT_ONCE = 4
_NO_SUCH_PATH = (404, 405, 501)


class Ollama:
    """A Provider. `windows` gives for a model's name the tokens it shall have room for; `without`
    and the rest are those of `bot.providers.openai.OpenAI`."""

    def __init__(
        self,
        name: str,
        base_url: str | None = None,
        api_keys: Sequence[str] = (),
        *,
        headers: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        idle_timeout: float = 60.0,
        max_concurrent: int | None = None,
        without: Mapping[str, Collection[str]] | None = None,
        windows: Mapping[str, int] | None = None,
        session: Callable[[], aiohttp.ClientSession] = open_session,
    ) -> None:
        self._key = next(iter(api_keys), "")
        self._http = Http(
            name,
            native_base(base_url or BASE_URL),
            headers=headers or {},
            secrets=(*api_keys, *(v for v in (headers or {}).values() if len(v) > 7)),
            with_login=not self._key,
            clock=clock,
            idle_timeout=idle_timeout,
            max_concurrent=max_concurrent,
            session=session,
        )
        self._without = {model: set(names) for model, names in (without or {}).items()}
        self._windows = windows or {}
        self._facts: dict[str, Facts] = {}
        self._told: set[str] = set()

    def __repr__(self) -> str:
        return f"Ollama({self._http.name!r})"

    def with_key(self, key: str) -> Ollama:
        """The same provider, asked with this key, over the same connections."""
        twin = copy.copy(self)
        twin._key = key
        self._http.hide(key)
        return twin

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Call the model; see `bot.types.Provider`."""
        notices: list[Notice] = []
        assembly = Assembly([tool.name for tool in request.tools])
        answer = Answer(self._http.name, assembly, self._http.secrets, Lines())
        return self._http.stream(
            lambda: self._ask(request, notices), answer, request.model, notices
        )

    def window(self, model: str) -> int | None:
        """How many tokens a model has room for here, None before it was asked."""
        facts = self._facts.get(model, Facts())
        wished, most = self._windows.get(model), facts.window
        return min(wished, most) if wished and most else wished or facts.set_window or most

    async def facts(self, model: str) -> Facts:
        """What the server says about a model; asked once. Raises Refused when it has none.

        A server between us that knows only the chat is no failure: nothing is known then.
        """
        if model in self._facts:
            return self._facts[model]
        try:
            shown = await self._http.document("api/show", {"model": model}, headers=self._login)
        except Refused as refused:
            wrong = refused.failure
            named = "model" in wrong.message.removeprefix(self._http.name).lower()
            if wrong.status not in _NO_SUCH_PATH or (wrong.status == 404 and named):
                raise
            shown = None
        self._facts[model] = read_facts(shown)
        return self._facts[model]

    async def models(self) -> list[Found]:
        """The models that are installed, with what each can. Raises Refused."""
        names = read_tags(await self._http.document("api/tags", headers=self._login))
        slots = asyncio.Semaphore(SHOWN_AT_ONCE)

        async def one(name: str) -> Found:
            async with slots:
                try:
                    return found_model(name, await self.facts(name))
                except Refused:
                    return Found(name)

        return list(await asyncio.gather(*map(one, names)))

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()

    @property
    def _login(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    async def _ask(self, request: ModelRequest, notices: list[Notice]) -> aiohttp.ClientResponse:
        """The response that begins an answer. Raises Refused, or what aiohttp raises."""
        facts = await self.facts(request.model)
        without = self._without.setdefault(request.model, set())
        if facts.can("tools") is False:
            without.add("tools")
        url = self._http.url("api/chat")
        while True:
            self._tell(request, without, notices)
            wanted = replace(request, tools=()) if "tools" in without else request
            body = request_body(wanted, facts, self.window(request.model))
            if "think" in without:
                body.pop("think", None)
            response = await self._http.post(url, body, {**self._login, **self._http.headers})
            if 200 <= response.status < 300:
                return response
            wrong = await self._http.refusal(response)
            parameter = _unknown_parameter(body, wrong)
            if parameter is None:
                raise Refused(wrong)
            without.add(parameter)

    def _tell(self, request: ModelRequest, without: Collection[str], notices: list[Notice]) -> None:
        """Say once of a model that it answers without the tools it should have had."""
        if request.tools and "tools" in without and request.model not in self._told:
            self._told.add(request.model)
            notices.append(Notice("NO_TOOLS", NO_TOOLS))


def native_base(url: str) -> str:
    """The address of the native API, also where somebody pasted another path of the server."""
    base = url.rstrip("/")
    for ending in ("/chat/completions", "/api/chat", "/v1", "/api"):
        base = base.removesuffix(ending)
    return base.rstrip("/")


def _unknown_parameter(body: Mapping[str, Any], wrong: Failure) -> str | None:
    if wrong.status != 400:
        return None
    if "tools" in body and refuses_tools(wrong):
        return "tools"
    return "think" if "think" in body and "think" in wrong.message else None
