"""REST calls through the library, each in a thread of a small pool and with a limit in time.

The library opens a connection for each call, waits for ever and follows redirects with the body
gone; its client class is made to be replaced, so ours keeps connections, gives up and stays.
"""

from __future__ import annotations

import asyncio
import email.utils
import http.cookiejar
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import requests
from mattermostdriver import Driver
from mattermostdriver.client import Client
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

from adapters.http import CONNECT, IMPATIENT, proxy_for
from bot.errors import ChannelRefused

THREADS = 8
# Seconds that a call may take, and one that carries a file.
PATIENCE = 20.0
FILE_PATIENCE = 120.0
# More than any answer that is not a file.
LARGEST_ANSWER = 64 * 1024 * 1024
# Seconds to wait when the platform asks for patience without saying how much.
UNSAID_WAIT = 5.0
LONGEST_WAIT = 86400.0


class CallFailed(Exception):
    """A call that did not succeed; the text may be shown."""


class NotReached(CallFailed):
    """The request never left."""


class Untrusted(NotReached):
    """The server's certificate is not one that we trust."""


class NoAnswer(CallFailed):
    """It may have been done: no answer, or none that can be read."""


class Answered(CallFailed):
    """The platform said no; `wait` is in seconds and only counts under status 429."""

    def __init__(self, status: int, said: str, wait: float = UNSAID_WAIT) -> None:
        super().__init__(f"{status} {said}".strip())
        self.status = status
        self.wait = wait


class _Client(Client):  # type: ignore[misc]  # the library ships no types
    """The library's client over sessions of ours, one for each thread."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self._local = threading.local()

    def make_request(
        self,
        method: str,
        endpoint: str,
        options: Any = None,
        params: Any = None,
        data: Any = None,
        files: Any = None,
        basepath: Any = None,
    ) -> requests.Response:
        """One call. Raises CallFailed."""
        patience = FILE_PATIENCE if files else PATIENCE
        until = time.monotonic() + patience
        try:
            response = self._session().request(
                method,
                self.url + endpoint,
                headers=self.auth_header(),
                params=params,
                json=None if files else options,
                data=data,
                files=files,
                timeout=(CONNECT, patience),
                allow_redirects=False,
                stream=True,
            )
            with response:
                response._content = _body(response, until)
        except requests.RequestException as error:
            raise _unreached(error) from None
        if response.status_code >= 300:
            raise _answered(response)
        return response

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            for scheme in ("http://", "https://"):
                session.mount(scheme, _Impatient())
            session.verify = self._verify
            # A ~/.netrc would replace the token, and a cookie would speak for another session.
            session.trust_env = False
            session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
            if proxy := proxy_for(self.url):
                session.proxies = {"http": proxy, "https": proxy}
        return session


class _Impatient(HTTPAdapter):
    """Connections that give a swallowed request up before its caller does."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        known = HTTPConnection.default_socket_options
        super().init_poolmanager(*args, socket_options=[*known, *IMPATIENT], **options)


def _body(response: requests.Response, until: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(65536):
        size += len(part)
        if size > LARGEST_ANSWER:
            raise NoAnswer(f"the answer is larger than {LARGEST_ANSWER} bytes")
        if time.monotonic() > until:
            raise NoAnswer("no answer in time")
        parts.append(part)
    return b"".join(parts)


def _unreached(error: requests.RequestException) -> CallFailed:
    """Did the request leave? Its own words are not told: they hold the address."""
    if isinstance(error, requests.exceptions.SSLError):
        return Untrusted("its certificate is not trusted")
    refused = "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error)
    if isinstance(error, requests.exceptions.ConnectTimeout) or refused:
        return NotReached("no connection")
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.ProxyError):
        return NotReached(type(error).__name__)
    timed_out = isinstance(error, requests.exceptions.Timeout)
    return NoAnswer("no answer in time" if timed_out else "the connection broke")


def _answered(response: requests.Response) -> Answered:
    status = response.status_code
    if status < 400:
        place = response.headers.get("Location", "")
        return Answered(status, f"the server is at {place.partition('?')[0]}")
    try:
        said = response.json()["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        said = response.reason
    return Answered(status, str(said)[:300], wait_of(response.headers, time.time()))


def wait_of(headers: Mapping[str, str], now: float) -> float:
    """Seconds to wait after a 429 (api.mattermost.com, "Rate limiting").

    The reset is told in seconds from now by the server, as a time by some proxies before it.
    """
    told = headers.get("Retry-After") or headers.get("X-Ratelimit-Reset") or ""
    try:
        seconds = float(told)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(told).timestamp()
        except ValueError:
            return UNSAID_WAIT
    if seconds > 1e9:
        seconds -= now
    return seconds if 0 < seconds <= LONGEST_WAIT else UNSAID_WAIT


class Rest:
    """One account's calls, from `open` to `close`."""

    def __init__(self, account: str, url: str, token: str, ca_file: str | None) -> None:
        self._account = account
        self._address = url
        self._token = token
        self._ca_file = ca_file
        self._pool: ThreadPoolExecutor | None = None
        self._driver: Any = None

    def open(self) -> None:
        """Get ready to call, once. Raises ChannelRefused when the address is none."""
        if self._pool is None:
            self._driver = Driver(self._options(), client_cls=_Client)
            self._driver.client.token = self._token
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix=f"{self._account} rest")

    def _options(self) -> dict[str, Any]:
        try:
            parts = urlsplit(self._address.strip())
            port = parts.port or {"http": 80, "https": 443}[parts.scheme]
            host = parts.hostname or ""
            if not host:
                raise ValueError
        except (ValueError, KeyError):
            why = f"channels.{self._account}.url is no address; write https://chat.example.org"
            raise ChannelRefused(why) from None
        return {
            "scheme": parts.scheme,
            "url": f"[{host}]" if ":" in host else host,
            "port": port,
            "basepath": f"{parts.path.rstrip('/')}/api/v4",
            "verify": self._ca_file or True,
        }

    @property
    def base(self) -> str:
        """Where the API is, without a slash at the end."""
        return str(self._driver.client.url)

    def close(self) -> None:
        """Wait for nothing: a call in its thread ends by its own limit."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    async def call(self, work: Callable[[Any], Any], patience: float = PATIENCE) -> Any:
        """What `work` gets from the library's driver, JSON. Raises CallFailed."""
        if self._pool is None:
            raise NotReached("the channel is stopped")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(patience + CONNECT):
                found = await loop.run_in_executor(self._pool, work, self._driver)
        except TimeoutError:
            raise NoAnswer("no answer in time") from None
        except CallFailed:
            raise
        except Exception as error:  # The library stumbles over an answer it did not expect.
            raise NoAnswer(f"the answer is odd: {type(error).__name__}") from None
        if not isinstance(found, dict | list):
            raise NoAnswer("the answer is not JSON")
        return found

    async def object(self, work: Callable[[Any], Any], patience: float = PATIENCE) -> Any:
        """Like `call`, for an answer that is an object with an id. Raises CallFailed."""
        found = await self.call(work, patience)
        if not isinstance(found, dict) or not isinstance(found.get("id"), str):
            raise NoAnswer("the answer is odd: it has no id")
        return found

    async def objects(self, work: Callable[[Any], Any]) -> list[dict[str, Any]]:
        """Like `call`, for a list of objects. Raises CallFailed."""
        found = await self.call(work)
        if not isinstance(found, list):
            raise NoAnswer("the answer is odd: it is not a list")
        return [one for one in found if isinstance(one, dict)]
