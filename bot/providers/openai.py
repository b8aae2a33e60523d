"""Any server that speaks OpenAI's chat completions."""

from __future__ import annotations

import copy
import re
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import Any

import aiohttp

from bot.clock import Clock
from bot.jsonio import Encoded
from bot.providers.answer import Answer
from bot.providers.failures import failure
from bot.providers.found import Found, found
from bot.providers.http import Http, Refused, open_session
from bot.providers.openai_wire import Assembly, request_body, wire_tools
from bot.types import Failure, ModelEvent, ModelRequest, Notice, ToolSpec

BASE_URL = "https://api.openai.com/v1"

NO_TOOLS = "This model cannot use tools, so it answers without them."
_NO_TOOLS = re.compile(
    r"(?:does not|doesn't|do not|don't|no) support[^.]{0,40}\b(?:tools?|function)"
    r"|\btools?\b[^.]{0,40}\bnot supported|enable-auto-tool-choice",
    re.IGNORECASE,
)


class OpenAI:
    """A Provider. `idle_timeout` is in seconds, 0 is none; `max_concurrent` None is no cap.

    The first of `api_keys` is asked with; none of them is ever shown. `without` gives for a model's
    name the parameters that it is known not to take. `models_path` is where the list of models is,
    from the base.
    """

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
        models_path: str = "models",
        session: Callable[[], aiohttp.ClientSession] = open_session,
    ) -> None:
        base = (base_url or BASE_URL).rstrip("/").removesuffix("/chat/completions")
        keys = tuple(key for key in api_keys if key)
        self._key = next(iter(keys), "")
        given = {header.lower() for header in headers or {}}
        self._needs_key = base == BASE_URL and "authorization" not in given
        self._http = Http(
            name,
            base,
            headers=headers or {},
            secrets=(*keys, *(v for v in (headers or {}).values() if len(v) > 7)),
            with_login=not keys,
            clock=clock,
            idle_timeout=idle_timeout,
            max_concurrent=max_concurrent,
            session=session,
        )
        self._models_path = models_path
        self._told: dict[tuple[str, ...], tuple[Sequence[ToolSpec], Encoded]] = {}
        self._without = {model: set(names) for model, names in (without or {}).items()}

    def __repr__(self) -> str:
        return f"OpenAI({self._http.name!r})"

    def with_key(self, key: str) -> OpenAI:
        """The same provider, asked with this key alone, over the same connections."""
        twin = copy.copy(self)
        twin._key = key
        self._http.hide(key)
        return twin

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Call the model; see `bot.types.Provider`."""
        notices: list[Notice] = []
        assembly = Assembly([tool.name for tool in request.tools])
        answer = Answer(self._http.name, assembly, self._http.secrets)
        return self._http.stream(
            lambda: self._ask(request, notices), answer, request.model, notices
        )

    async def models(self) -> list[Found]:
        """The models on offer. Raises Refused."""
        self._check_key()
        return found(await self._http.document(self._models_path, headers=_login(self._key)))

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()

    def _check_key(self) -> None:
        if self._needs_key and not self._key:
            name = self._http.name
            text = f"{name} has no API key; set providers.{name}.api_key"
            raise Refused(failure("NO_CREDENTIALS", text))

    async def _ask(self, request: ModelRequest, notices: list[Notice]) -> aiohttp.ClientResponse:
        """The response that begins an answer. Raises Refused, or what aiohttp raises."""
        self._check_key()
        url = self._http.url("chat/completions")
        without = self._without.setdefault(request.model, set())
        body = leave_out(request_body(request, self._tools_of(request)), without)
        headers = {**_login(self._key), **self._http.headers}
        while True:
            response = await self._http.post(url, body, headers)
            if 200 <= response.status < 300:
                return response
            wrong = await self._http.refusal(response)
            if parameter := unknown_parameter(body, wrong):
                if parameter == "tools" and parameter not in without:
                    notices.append(Notice("NO_TOOLS", NO_TOOLS))
                without.add(parameter)
                body = leave_out(body, {parameter})
            else:
                raise Refused(wrong)

    def _tools_of(self, request: ModelRequest) -> Encoded:
        """The tools as the server is told of them, which rarely change between two requests."""
        tools = request.tools
        names = tuple(tool.name for tool in tools)
        known = self._told.get(names)
        if known is None or known[0] != tools:
            known = self._told[names] = (tools, Encoded(wire_tools(tools)))
        return known[1]


def _login(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def refuses_tools(wrong: Failure) -> bool:
    """Does the server say that this model cannot use tools?"""
    return bool(_NO_TOOLS.search(wrong.message))


def leave_out(body: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The body without these parameters; the old output limit turns into the new one."""
    if not names:
        return body
    kept = {name: value for name, value in body.items() if name not in names}
    if "max_tokens" in names and "max_tokens" in body:
        kept["max_completion_tokens"] = body["max_tokens"]
    return kept


def unknown_parameter(body: Mapping[str, Any], wrong: Failure) -> str | None:
    """The parameter of ours that the server does not know, when it can be left out."""
    if wrong.code != "MODEL_BAD_REQUEST" or wrong.status not in (400, 422):
        return None
    if "max_tokens" in body and "max_completion_tokens" in wrong.message:
        return "max_tokens"
    if "tools" in body and refuses_tools(wrong):
        return "tools"
    optional = ("reasoning_effort", "stream_options")
    return next((name for name in optional if name in body and name in wrong.message), None)
