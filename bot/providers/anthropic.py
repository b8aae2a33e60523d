"""Anthropic's messages API, at the maker's address or any server that speaks it."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import aiohttp

from bot.clock import Clock
from bot.providers.answer import Answer
from bot.providers.anthropic_wire import SAMPLING, Assembly, request_body
from bot.providers.failures import failure
from bot.providers.found import Found, found
from bot.providers.http import Http, Refused, open_session
from bot.types import Failure, ModelEvent, ModelRequest

BASE_URL = "https://api.anthropic.com"
VERSION = "2023-06-01"
# Not a parameter: a newer model wants to hear of its thinking in the newer form.
ADAPTIVE = "adaptive"
MAX_PAGES = 20


class Anthropic:
    """A Provider. The arguments are those of `bot.providers.openai.OpenAI`."""

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
        session: Callable[[], aiohttp.ClientSession] = open_session,
    ) -> None:
        base = (base_url or BASE_URL).rstrip("/").removesuffix("/messages").removesuffix("/v1")
        keys = tuple(key for key in api_keys if key)
        self._first = next(iter(keys), "")
        given = {header.lower() for header in headers or {}}
        self._needs_key = base == BASE_URL and given.isdisjoint({"authorization", "x-api-key"})
        self._http = Http(
            name,
            base,
            headers={"anthropic-version": VERSION, **(headers or {})},
            secrets=(*keys, *(v for v in (headers or {}).values() if len(v) > 7)),
            with_login=not keys,
            clock=clock,
            idle_timeout=idle_timeout,
            max_concurrent=max_concurrent,
            session=session,
        )
        self._without = {model: set(names) for model, names in (without or {}).items()}

    def __repr__(self) -> str:
        return f"Anthropic({self._http.name!r})"

    def with_key(self, key: str) -> Anthropic:
        """The same provider, asked with this key alone, over the same connections."""
        twin = copy.copy(self)
        twin._first = key
        self._http.hide(key)
        return twin

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Call the model; see `bot.types.Provider`."""
        answer = Answer(self._http.name, Assembly(request.model), self._http.secrets)
        return self._http.stream(lambda: self._ask(request), answer, request.model)

    async def models(self) -> list[Found]:
        """The models on offer, page by page. Raises Refused."""
        known: list[Found] = []
        path, after = "v1/models", ""
        for _ in range(MAX_PAGES):
            page = await self._http.document(path, query=after, headers=self._login(self._key()))
            known += found(page)
            last = page.get("last_id") if isinstance(page, dict) else None
            if not last or not page.get("has_more"):
                break
            after = f"after_id={last}"
        return known

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()

    def _key(self) -> str:
        """The key to ask with. Raises Refused when one is needed."""
        if self._needs_key and not self._first:
            name = self._http.name
            text = f"{name} has no API key; set providers.{name}.api_key"
            raise Refused(failure("NO_CREDENTIALS", text))
        return self._first

    @staticmethod
    def _login(key: str) -> dict[str, str]:
        """A token from a sign-in goes where tokens go, a key where keys go."""
        if not key:
            return {}
        if key.startswith("sk-ant-oat"):
            return {"Authorization": f"Bearer {key}", "anthropic-beta": "oauth-2025-04-20"}
        return {"x-api-key": key}

    async def _ask(self, request: ModelRequest) -> aiohttp.ClientResponse:
        """The response that begins an answer. Raises Refused, or what aiohttp raises."""
        headers = {**self._login(self._key()), **self._http.headers}
        url = self._http.url("v1/messages")
        without = self._without.setdefault(request.model, set())
        body = fitting(request, without)
        while True:
            response = await self._http.post(url, body, headers)
            if 200 <= response.status < 300:
                return response
            wrong = await self._http.refusal(response)
            if name := unknown_parameter(body, wrong):
                without.add(name)
                body = fitting(request, without)
            else:
                raise Refused(wrong)


def fitting(request: ModelRequest, without: Collection[str]) -> dict[str, Any]:
    """The body, without what this model is known not to take."""
    if "thinking" in without:
        request = replace(request, thinking="off")
    if "tools" in without:
        request = replace(request, tools=())
    body = request_body(request, adaptive=ADAPTIVE in without)
    return {name: value for name, value in body.items() if name not in without}


def unknown_parameter(body: Mapping[str, Any], wrong: Failure) -> str | None:
    """The parameter of ours that the model does not take, when it can be left out or said anew."""
    if wrong.code != "MODEL_BAD_REQUEST" or wrong.status not in (400, 422):
        return None
    thinking = body.get("thinking")
    if thinking is not None and ("thinking" in wrong.message or "effort" in wrong.message):
        budget = thinking["type"] == "enabled"
        return ADAPTIVE if budget and ADAPTIVE in wrong.message else "thinking"
    return next((name for name in SAMPLING if name in body and name in wrong.message), None)
