"""The library's HTTP client, replaced by aiohttp through its extension point `BaseRequest`.

Its own client costs about ten times the CPU. Failures keep apart what was certainly not sent from
what perhaps was, which the library's errors do not.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    TelegramError,
    TimedOut,
)
from telegram.request import BaseRequest, RequestData

from adapters.http import CONNECT, open_session, read, reason
from bot.errors import ChannelDown

# Seconds that a call other than the long poll may take to answer.
PATIENCE = 20.0
# Seconds to wait when the platform asks for patience without saying how much.
UNSAID_WAIT = 5.0

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_REFUSALS: dict[int, type[TelegramError]] = {
    400: BadRequest,
    401: InvalidToken,
    403: Forbidden,
    404: InvalidToken,
}
_NEVER_BEGAN = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)

# At debug level the library logs addresses, and every address holds the token.
logging.getLogger("telegram").setLevel(logging.WARNING)


class NotReached(NetworkError):
    """The request never left."""


class Flooded(TelegramError):
    """The platform asks to wait (core.telegram.org/bots/api#responseparameters)."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"Telegram asks to wait {retry_after:g} s")
        self.retry_after = retry_after


class AiohttpRequest(BaseRequest):
    """Sends the library's requests, and ours, over one session from `initialize` to `shutdown`."""

    __slots__ = ("_base_url", "_session")

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        return PATIENCE

    async def initialize(self) -> None:
        """Open the session, once."""
        if self._session is None:
            self._session = open_session(self._base_url)

    async def shutdown(self) -> None:
        """Close the session, once."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | bytes | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """One call. Raises NotReached, Flooded, BadRequest, TimedOut or NetworkError."""
        patience = PATIENCE if read_timeout is BaseRequest.DEFAULT_NONE else read_timeout
        status, answer = await self.exchange(url, _body(request_data), patience)
        if status == 429:
            raise Flooded(_wait(answer))
        if status == 413:
            raise BadRequest("the file is too large for Telegram")
        return status, answer

    async def call(self, url: str, fields: Mapping[str, Any]) -> Any:
        """One call straight, for what every answer needs: its result as plain data.

        The library's objects around such a call cost as much as the call. Raises what its own
        calls raise.
        """
        status, answer = await self.do_request(url, "POST", form(fields))
        said = self.parse_json_payload(answer)
        if 200 <= status < 300:
            return said["result"]
        raise _refusal(status, said)

    async def exchange(
        self, url: str, body: bytes | aiohttp.FormData, patience: float | None
    ) -> tuple[int, bytes]:
        """A POST as it is: status and answer. `patience` is in seconds between two bytes."""
        if self._session is None:
            raise NotReached("the channel is stopped")
        headers = _FORM if isinstance(body, bytes) else None
        timeout = aiohttp.ClientTimeout(sock_connect=CONNECT, sock_read=patience)
        try:
            async with self._session.post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                return response.status, await read(response)
        except _NEVER_BEGAN as error:
            raise NotReached(reason(error)) from None
        except TimeoutError as error:
            raise TimedOut(reason(error)) from None
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(reason(error)) from None

    async def download(self, url: str, limit: int) -> AsyncIterator[bytes]:
        """A file in pieces. Raises ChannelDown, also beyond `limit` bytes."""
        if self._session is None:
            raise ChannelDown("the channel is stopped")
        size = 0
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                if response.status != 200:
                    raise ChannelDown(f"the file cannot be fetched: {response.status}")
                async for piece in response.content.iter_chunked(64 * 1024):
                    size += len(piece)
                    if size > limit:
                        raise ChannelDown(f"the file is larger than {limit} bytes")
                    yield piece
        except (aiohttp.ClientError, OSError) as error:
            raise ChannelDown(f"the file cannot be fetched: {reason(error)}") from None

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """An answer as an object. Raises TelegramError, and unlike the library's logs no trace."""
        try:
            found = json.loads(payload)
        except (ValueError, RecursionError):
            raise TelegramError("the answer is not JSON") from None
        if not isinstance(found, dict):
            raise TelegramError("the answer is not an object")
        return found


def _body(data: RequestData | bytes | None) -> bytes | aiohttp.FormData:
    if data is None or isinstance(data, bytes):
        return data or b""
    if not data.contains_files:
        return data.url_encoded_parameters().encode()
    # The platform shows the names of files as they come, so they are not percent-encoded.
    form = aiohttp.FormData(data.json_parameters, quote_fields=False)
    for name, (filename, content, mime) in data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=mime)
    return form


def _refusal(status: int, said: Mapping[str, Any]) -> TelegramError:
    """Why a call failed, as the library tells it (core.telegram.org/bots/api#making-requests)."""
    words = str(said.get("description") or f"HTTP status {status}")
    parameters = said.get("parameters")
    moved = parameters.get("migrate_to_chat_id") if isinstance(parameters, dict) else None
    if isinstance(moved, int):
        return ChatMigrated(moved)
    return _REFUSALS.get(status, NetworkError)(words)


def _wait(answer: bytes) -> float:
    try:
        seconds = json.loads(answer)["parameters"]["retry_after"]
        return float(seconds) if 0 < float(seconds) < 86400 else UNSAID_WAIT
    except (ValueError, TypeError, KeyError, RecursionError):
        return UNSAID_WAIT


def form(fields: Mapping[str, Any]) -> bytes:
    """Parameters as the API takes them (core.telegram.org/bots/api#making-requests)."""
    return urlencode({name: _value(value) for name, value in fields.items()}).encode()


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
