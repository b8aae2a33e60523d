"""The library's Web API methods over one connection pool, with limits on what an answer may be."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.file_upload_v2_result import FileUploadV2Result

from adapters.http import open_session, read, reason
from bot.errors import ChannelDown

# Seconds for an answer, and for the bytes of a file to begin or to go on.
PATIENCE = 30.0
_ANSWER = aiohttp.ClientTimeout(total=PATIENCE)
_FILE = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=PATIENCE)


class Client(AsyncWebClient):
    """Never tries again by itself: that would say twice what was said once.

    The library retries when a connection is cut, also one that was cut after the message was taken.
    It also takes a proxy from the environment without asking which hosts need none.
    """

    def __init__(self, token: str, base_url: str) -> None:
        super().__init__(token=token, base_url=base_url, retry_handlers=[])
        self.proxy = None

    def open(self) -> None:
        """Open the pool, once."""
        if self.session is None or self.session.closed:
            self.session = open_session(self.base_url)

    async def close(self) -> None:
        if self.session is not None:
            await self.session.close()

    @property
    def pool(self) -> aiohttp.ClientSession:
        """The open pool. Raises RuntimeError before `open`."""
        if self.session is None:
            raise RuntimeError("the connection to Slack is not open")
        return self.session

    async def _request(
        self, *, http_verb: str, api_url: str, req_args: dict[str, Any]
    ) -> dict[str, Any]:
        given = {k: v for k, v in req_args.items() if k not in ("proxy", "ssl", "auth")}
        async with self.pool.request(
            http_verb, api_url, timeout=_ANSWER, allow_redirects=False, **given
        ) as response:
            body = await read(response)
            return {
                "data": _decoded(body),
                "headers": response.headers,
                "status_code": response.status,
            }

    async def _upload_file(self, *, url: str, data: bytes, **_: Any) -> FileUploadV2Result:
        async with self.pool.post(url, data=data, timeout=_FILE) as response:
            body = await read(response)
            return FileUploadV2Result(status=response.status, body=body.decode("utf-8", "replace"))

    async def download(self, url: str, limit: int) -> AsyncIterator[bytes]:
        """A file's bytes. Raises ChannelDown beyond `limit` of them."""
        headers = {"Authorization": f"Bearer {self.token}"} if self._is_slack(url) else {}
        try:
            async with self.pool.get(
                url, headers=headers, timeout=_FILE, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise ChannelDown(f"Slack answers {response.status}; files:read may be missing")
                size = 0
                async for piece in response.content.iter_any():
                    size += len(piece)
                    if size > limit:
                        raise ChannelDown(f"the file is larger than {limit} bytes")
                    yield piece
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise ChannelDown(f"the file cannot be fetched: {reason(error)}") from None

    def _is_slack(self, url: str) -> bool:
        """Who gets to see the token: Slack, and the server that was configured."""
        parts, own = urlsplit(url), urlsplit(self.base_url)
        host = parts.hostname or ""
        slack = host == "slack.com" or host.endswith(".slack.com")
        same = (host, parts.port) == (own.hostname, own.port)
        return same or (slack and parts.scheme == "https")


def _decoded(body: bytes) -> dict[str, Any]:
    """An answer's object; what is none counts as an answer that says nothing."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
