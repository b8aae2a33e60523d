"""Any server that speaks OpenAI's chat completions, over one aiohttp session for each provider.

The official client costs thirty times the processor time of a call, so it only checks this one in
the tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import Any

import aiohttp
from yarl import URL

from bot import jsonio
from bot.clock import Clock, SystemClock
from bot.providers.failures import Said, failure, read_error, refusal, scrub
from bot.providers.openai_answer import Answer
from bot.providers.openai_wire import request_body
from bot.types import Failure, ModelEvent, ModelRequest

BASE_URL = "https://api.openai.com/v1"
MAX_ERROR = 64 << 10
CONNECT_TIMEOUT = 15.0
# How long a finished answer may take to end its response, for the connection to be used again.
LINGER = 1.0

log = logging.getLogger(__name__)


class Refused(Exception):
    """The server did not begin an answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def open_session() -> aiohttp.ClientSession:
    """A session without a cap on connections (the provider has its own), without cookies."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60, ttl_dns_cache=60),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


class OpenAI:
    """A Provider. `idle_timeout` is in seconds, 0 is none; `max_concurrent` None is no cap.

    `without` gives for a model's name the parameters that it is known not to take.
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
        session: Callable[[], aiohttp.ClientSession] = open_session,
    ) -> None:
        base = (base_url or BASE_URL).rstrip("/").removesuffix("/chat/completions")
        self._name = name
        given = {header.lower() for header in headers or {}}
        self._needs_key = base == BASE_URL and "authorization" not in given
        self._keys = tuple(key for key in api_keys if key)
        self._url = endpoint(base, with_login=not self._keys)
        self._refused_keys: set[str] = set()
        self._headers = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "trunkline",
            **(headers or {}),
        }
        self._secrets = (*self._keys, *(v for v in (headers or {}).values() if len(v) > 7))
        self._clock = clock or SystemClock()
        self._idle = idle_timeout
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_TIMEOUT, sock_read=idle_timeout or None
        )
        self._slots: contextlib.AbstractAsyncContextManager[Any] = (
            asyncio.Semaphore(max_concurrent) if max_concurrent else contextlib.nullcontext()
        )
        self._without = {model: set(names) for model, names in (without or {}).items()}
        self._open_session = session
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"OpenAI({self._name!r})"

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Call the model; see `bot.types.Provider`."""
        answer = Answer(self._name, self._secrets)
        lost: Failure | None = None
        response: aiohttp.ClientResponse | None = None
        async with self._slots:
            try:
                response = await self._ask(request)
                async for chunk in response.content.iter_any():
                    for delta in answer.feed(chunk):
                        yield delta
                    if answer.complete:
                        break
            except Refused as refused:
                lost = refused.failure
            except (aiohttp.ClientError, OSError) as error:
                lost = self._lost(error, answering=response is not None)
            except Exception as error:
                log.exception("calling the model failed in our own code")
                words = scrub(str(error), self._secrets)
                lost = failure("MODEL_BAD_REQUEST", f"cannot ask {self._name}: {words}")
            finally:
                if response is not None:
                    self._leave(response, answer)
        for delta in answer.end():
            yield delta
        yield answer.final(self._clock.now(), f"{self._name}/{request.model}", lost)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, request: ModelRequest) -> aiohttp.ClientResponse:
        """The response that begins an answer. Raises Refused, or what aiohttp raises."""
        if self._needs_key and not self._keys:
            text = f"{self._name} has no API key; set providers.{self._name}.api_key"
            raise Refused(failure("NO_CREDENTIALS", text))
        if self._url is None:
            text = f"{self._name}: its base_url is not a web address"
            raise Refused(failure("MODEL_BAD_REQUEST", text))
        without = self._without.setdefault(request.model, set())
        body = leave_out(request_body(request), without)
        keys = sorted(self._keys, key=self._refused_keys.__contains__) or [""]
        while True:
            response = await self._post(self._url, body, keys[0])
            if 200 <= response.status < 300:
                self._refused_keys.discard(keys[0])
                return response
            wrong = await self._refusal(response)
            if wrong.code == "MODEL_AUTH":
                self._refused_keys.add(keys[0])
            if wrong.code == "MODEL_AUTH" and len(keys) > 1:
                del keys[0]
            elif name := unknown_parameter(body, wrong):
                without.add(name)
                body = leave_out(body, {name})
            else:
                raise Refused(wrong)

    async def _post(self, url: URL, body: dict[str, Any], key: str) -> aiohttp.ClientResponse:
        if self._session is None or self._session.closed:
            self._session = self._open_session()
        headers = {"Authorization": f"Bearer {key}", **self._headers} if key else self._headers
        data = jsonio.dumps(body).encode()
        for last in (False, True):
            try:
                return await self._session.post(
                    url,
                    data=data,
                    headers=headers,
                    allow_redirects=False,
                    timeout=self._timeout,
                )
            except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError):
                raise
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                # A kept connection that the server closed at this moment: nothing was begun.
                if last:
                    raise
        raise AssertionError("unreachable")

    async def _refusal(self, response: aiohttp.ClientResponse) -> Failure:
        body = bytearray()
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MAX_ERROR:
                    break
        response.close()
        try:
            said = read_error(jsonio.loads(bytes(body)))
        except ValueError:
            said = Said(body.decode("utf-8", "replace")[:2000])
        return refusal(
            self._name,
            said,
            status=response.status,
            headers=response.headers,
            now=self._clock.now(),
            secrets=self._secrets,
        )

    def _lost(self, error: Exception, answering: bool) -> Failure:
        """A connection that failed, as seen by the user."""
        host = self._url.authority.rpartition("@")[2] if self._url else ""
        if isinstance(error, aiohttp.SocketTimeoutError):
            return failure("MODEL_STALL", f"{self._name} sent nothing for {self._idle:g} seconds")
        if answering:
            return failure("MODEL_CUT", f"{self._name} broke off in the middle of its answer")
        if isinstance(error, aiohttp.ClientSSLError):
            return failure("MODEL_OVERLOADED", f"{self._name}: {host} has no valid certificate")
        reason = scrub(getattr(error, "strerror", None) or "", self._secrets)
        text = f"{self._name}: cannot reach {host}{f' ({reason})' if reason else ''}"
        return failure("MODEL_OVERLOADED", text)

    def _leave(self, response: aiohttp.ClientResponse, answer: Answer) -> None:
        """Give the connection back: the end of a finished response is on its way."""
        if answer.complete and answer.failure is None:
            asyncio.get_running_loop().call_later(LINGER, response.close)
        else:
            response.close()


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
    optional = ("reasoning_effort", "stream_options")
    return next((name for name in optional if name in body and name in wrong.message), None)


def endpoint(base: str, with_login: bool) -> URL | None:
    """Where to ask; None when `base` is no web address. A login in it counts if there is no key."""
    try:
        url = URL(base + "/chat/completions")
    except ValueError:
        return None
    if url.scheme not in ("http", "https") or not url.host:
        return None
    return url if with_login else url.with_user(None)
