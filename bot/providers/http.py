"""What every provider on HTTP shares: one aiohttp session, answers read as they come, and the
failure in place of whatever goes wrong.

The makers' own clients cost thirty times the processor time of a call, so they only check ours in
the tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import aiohttp
from yarl import URL

from bot import jsonio
from bot.clock import Clock, SystemClock
from bot.providers.answer import Answer
from bot.providers.failures import Said, failure, read_error, refusal, scrub
from bot.types import Failure, ModelEvent, Notice

MAX_ERROR = 64 << 10
MAX_DOCUMENT = 4 << 20
MAX_SECRETS = 100
CONNECT_TIMEOUT = 15.0
# How long a finished answer may take to end its response, for the connection to be used again.
LINGER = 1.0

log = logging.getLogger(__name__)

Ask = Callable[[], Awaitable[aiohttp.ClientResponse]]


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


class Http:
    """The connections of one provider. `idle_timeout` is in seconds, 0 is none; `max_concurrent`
    None is no cap. A login in `base` counts with `with_login` alone. `secrets` are never shown.
    """

    def __init__(
        self,
        name: str,
        base: str,
        *,
        headers: Mapping[str, str],
        secrets: Sequence[str] = (),
        with_login: bool = False,
        clock: Clock | None = None,
        idle_timeout: float = 60.0,
        max_concurrent: int | None = None,
        session: Callable[[], aiohttp.ClientSession] = open_session,
    ) -> None:
        self.name = name
        self.base = _web_address(base, with_login)
        self.secrets = tuple(secret for secret in secrets if secret)
        self.headers = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream, application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "trunkline",
            **headers,
        }
        self.clock = clock or SystemClock()
        self._idle = idle_timeout
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_TIMEOUT, sock_read=idle_timeout or None
        )
        self._slots: contextlib.AbstractAsyncContextManager[Any] = (
            asyncio.Semaphore(max_concurrent) if max_concurrent else contextlib.nullcontext()
        )
        self._urls: dict[str, URL] = {}
        self._ending: dict[aiohttp.ClientResponse, asyncio.TimerHandle] = {}
        self._open_session = session
        self._session: aiohttp.ClientSession | None = None

    def url(self, path: str) -> URL:
        """An address below the base. Raises Refused when the base is no web address."""
        if self.base is None:
            text = f"{self.name}: its base_url is not a web address"
            raise Refused(failure("MODEL_BAD_REQUEST", text))
        if path not in self._urls:
            self._urls[path] = self.base.joinpath(path)
        return self._urls[path]

    def hide(self, secret: str) -> None:
        """Show this as little as the secrets known before; of those that change, the latest."""
        if secret and secret not in self.secrets:
            self.secrets = (*self.secrets[-MAX_SECRETS:], secret)

    async def stream(
        self, ask: Ask, answer: Answer, model: str, notices: Sequence[Notice] = ()
    ) -> AsyncIterator[ModelEvent]:
        """The events of one call, see `bot.types.Provider`; `ask` may add to the notices."""
        lost: Failure | None = None
        response: aiohttp.ClientResponse | None = None
        async with self._slots:
            try:
                response = await ask()
                for notice in notices:
                    yield notice
                async for chunk in response.content.iter_any():
                    for delta in answer.feed(chunk):
                        yield delta
                    if answer.complete:
                        break
            except Refused as refused:
                lost = refused.failure
            except (aiohttp.ClientError, OSError) as error:
                lost = self.lost(error, answering=response is not None)
            except Exception as error:
                log.exception("calling the model failed in our own code")
                words = scrub(str(error), self.secrets)
                lost = failure("MODEL_BAD_REQUEST", f"cannot ask {self.name}: {words}")
            finally:
                if response is not None:
                    self._leave(response, answer)
        for delta in answer.end():
            yield delta
        yield answer.final(self.clock.now(), f"{self.name}/{model}", lost)

    async def post(
        self, url: URL, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        """Send a document; the response to it, whatever its status. Raises what aiohttp raises."""
        data = jsonio.document(body)
        for last in (False, True):
            try:
                return await self._request("POST", url, data, headers)
            except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError):
                raise
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                # A kept connection that the server closed at this moment: nothing was begun.
                if last:
                    raise
        raise AssertionError("unreachable")

    async def document(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        query: str = "",
    ) -> Any:
        """The JSON document at a path, asked for with `body` if there is one. Raises Refused."""
        url, sent = self.url(path).with_query(query), {**self.headers, **(headers or {})}
        try:
            if body is None:
                response = await self._request("GET", url, None, sent)
            else:
                response = await self.post(url, body, sent)
            if not 200 <= response.status < 300:
                raise Refused(await self.refusal(response))
            data = await _read(response, MAX_DOCUMENT)
        except (aiohttp.ClientError, OSError) as error:
            raise Refused(self.lost(error)) from error
        except ValueError as error:
            text = f"cannot ask {self.name}: {scrub(str(error), self.secrets)}"
            raise Refused(failure("MODEL_BAD_REQUEST", text)) from None
        try:
            return jsonio.loads(data, max_bytes=MAX_DOCUMENT)
        except ValueError:
            text = f"{self.name} answered something that is not JSON; check its base_url"
            raise Refused(failure("MODEL_CUT", text)) from None

    async def refusal(self, response: aiohttp.ClientResponse) -> Failure:
        """The failure that a response of another status than 2xx tells."""
        body = b""
        with contextlib.suppress(aiohttp.ClientError, OSError):
            body = await _read(response, MAX_ERROR)
        try:
            said = read_error(jsonio.loads(body))
        except ValueError:
            said = Said(body.decode("utf-8", "replace")[:2000])
        return refusal(
            self.name,
            said,
            status=response.status,
            headers=response.headers,
            now=self.clock.now(),
            secrets=self.secrets,
        )

    def lost(self, error: Exception, answering: bool = False) -> Failure:
        """A connection that failed, as seen by the user."""
        host = self.base.authority.rpartition("@")[2] if self.base else ""
        if isinstance(error, aiohttp.SocketTimeoutError):
            return failure("MODEL_STALL", f"{self.name} sent nothing for {self._idle:g} seconds")
        if answering:
            return failure("MODEL_CUT", f"{self.name} broke off in the middle of its answer")
        if isinstance(error, aiohttp.ClientSSLError):
            return failure("MODEL_OVERLOADED", f"{self.name}: {host} has no valid certificate")
        reason = scrub(getattr(error, "strerror", None) or "", self.secrets)
        text = f"{self.name}: cannot reach {host}{f' ({reason})' if reason else ''}"
        return failure("MODEL_OVERLOADED", text)

    async def close(self) -> None:
        """Close every connection."""
        for response in list(self._ending):
            self._end(response)
        if self._session is not None:
            await self._session.close()

    def _leave(self, response: aiohttp.ClientResponse, answer: Answer) -> None:
        """Give the connection back: the end of a finished response is on its way."""
        if not answer.complete or answer.failure is not None:
            response.close()
        elif response.connection is not None:
            later = asyncio.get_running_loop().call_later(LINGER, self._end, response)
            self._ending[response] = later

    def _end(self, response: aiohttp.ClientResponse) -> None:
        self._ending.pop(response).cancel()
        response.close()

    async def _request(
        self, method: str, url: URL, data: bytes | None, headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        if self._session is None or self._session.closed:
            self._session = self._open_session()
        return await self._session.request(
            method, url, data=data, headers=headers, allow_redirects=False, timeout=self._timeout
        )


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """A body up to a limit, counted as it comes; the connection is given up behind it."""
    body = bytearray()
    try:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > limit:
                break
    finally:
        response.close()
    return bytes(body)


def _web_address(base: str, with_login: bool) -> URL | None:
    try:
        url = URL(base)
    except ValueError:
        return None
    if url.scheme not in ("http", "https") or not url.host:
        return None
    return url if with_login else url.with_user(None)
