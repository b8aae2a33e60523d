"""One tool server: a program on pipes or an address, spoken to through the protocol's own client.

It is started when it is first needed, by a task of its own that also closes it; one that fails is
started again at the next call, but not more often than every few seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog

from bot import __version__
from bot.clock import Clock
from bot.config.settings import McpServer
from bot.errors import FetchError, TrunklineError
from bot.jsonio import clean_text, dumps
from bot.lazy import optional
from bot.store.mcp import Offer

log = structlog.get_logger("mcp")

START_LIMIT = 30.0
CALL_LIMIT = 120.0
AGAIN_AFTER = 5.0
LOOK_EVERY = 60.0
MAX_TOOLS = 200
_MAX_DESCRIPTION = 4_000
_MAX_SCHEMA = 32_000
_GOODBYE = 10.0

Listed = Callable[[str, Sequence[Offer]], Awaitable[None]]


class Server:
    """A connection that is there when it is needed. `listed` learns what tools there are now."""

    def __init__(self, name: str, settings: McpServer, clock: Clock, listed: Listed) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self._listed = listed
        self._task: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[Any] | None = None
        self._stop = asyncio.Event()
        self._listed_at = float("-inf")
        self._failed_at = float("-inf")
        self.error: str | None = None

    @property
    def state(self) -> str:
        """up, starting, down (with `error`), or idle before it is needed."""
        if self._ready is not None and not self._ready.done():
            return "starting"
        if self._task is not None and not self._task.done():
            return "up"
        return "down" if self.error else "idle"

    async def look(self) -> None:
        """Start what has to be started, and ask for the tools if that was not just done.

        Asking works with every version of the protocol, while only some servers tell of changes.
        Raises FetchError.
        """
        client = await self.connected()
        if not 0 <= self._clock.now() - self._listed_at < LOOK_EVERY:
            try:
                async with asyncio.timeout(START_LIMIT):
                    await self._list(client)
            except TimeoutError:
                raise FetchError(f"{self.name} did not list its tools in time") from None
            except Exception as error:
                await self.close()
                raise FetchError(f"{self.name} did not list its tools: {_said(error)}") from error

    async def _list(self, client: Any) -> None:
        await self._listed(self.name, await offers(client))
        self._listed_at = self._clock.now()

    async def call(self, tool: str, args: Mapping[str, Any]) -> Any:
        """What the server answers to a call. Raises FetchError with a sentence."""
        client = await self.connected()
        try:
            async with asyncio.timeout(CALL_LIMIT):
                return await client.call_tool(tool, dict(args))
        except TimeoutError:
            raise FetchError(
                f"{self.name} did not answer within {CALL_LIMIT:g} seconds; it may have done it"
            ) from None
        except Exception as error:
            said = _said(error)
            if _is_lost(error):
                await self.close()
                said = "the connection broke while it worked; it may have done it"
            raise FetchError(f"{self.name}: {said}") from error

    async def connected(self) -> Any:
        """The client, after starting what has to be started. Raises FetchError."""
        if self._task is None or self._task.done():
            waited = self._clock.now() - self._failed_at
            if 0 <= waited < AGAIN_AFTER:
                raise FetchError(f"{self.name} is down: {self.error}; try again in a few seconds")
            self._stop.clear()
            self._ready = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._serve(), name=f"mcp:{self.name}")
        assert self._ready is not None
        try:
            async with asyncio.timeout(START_LIMIT):
                return await asyncio.shield(self._ready)
        except TimeoutError:
            await self.close()
            self._fail(f"it did not start within {START_LIMIT:g} seconds")
        raise FetchError(f"{self.name} is down: {self.error}")

    async def close(self) -> None:
        """Say goodbye; a program that does not leave is ended."""
        task, self._task = self._task, None
        if task is None or task.done():
            return
        self._stop.set()
        _, slow = await asyncio.wait({task}, timeout=_GOODBYE)
        for one in slow:
            one.cancel()
            await asyncio.wait({one}, timeout=_GOODBYE)

    async def _serve(self) -> None:
        """Connect, list, and hold the connection until somebody closes it."""
        ready = self._ready
        assert ready is not None
        try:
            async with self._client() as client:
                await self._list(client)
                self.error = None
                ready.set_result(client)
                await self._stop.wait()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.warning("tool server failed", server=self.name, error=_said(error))
            self._fail(_said(error))
        finally:
            if not ready.done():
                ready.set_exception(FetchError(f"{self.name} is down: {self.error or 'stopped'}"))
                ready.exception()  # nobody may be waiting any more

    def _fail(self, said: str) -> None:
        self.error = said
        self._failed_at = self._clock.now()

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Any]:
        mcp = optional("mcp")
        async with contextlib.AsyncExitStack() as stack:
            streams = await self._transport(mcp, stack)
            client = mcp.Client(
                streams,
                client_info=mcp.Implementation(name="trunkline", version=__version__),
                read_timeout_seconds=CALL_LIMIT,
                cache=None,
            )
            yield await stack.enter_async_context(client)

    async def _transport(self, mcp: Any, stack: contextlib.AsyncExitStack) -> Any:
        settings = self._settings
        if settings.url:
            http = optional("mcp.client.streamable_http")
            headers = {name: value.reveal() for name, value in settings.headers.items()}
            session = await stack.enter_async_context(http.create_mcp_http_client(headers=headers))
            return http.streamable_http_client(settings.url, http_client=session)
        program, *args = settings.command
        parameters = mcp.StdioServerParameters(
            command=program,
            args=args,
            env={name: value.reveal() for name, value in settings.env.items()},
        )
        # What it says on stderr may be anything, and of any length.
        return mcp.stdio_client(parameters, errlog=asyncio.subprocess.DEVNULL)


async def offers(client: Any) -> list[Offer]:
    """Every tool of a server; those beyond the limits are left out."""
    found: list[Offer] = []
    cursor: str | None = None
    while len(found) < MAX_TOOLS:
        page = await client.list_tools(cursor=cursor)
        found += [offer for tool in page.tools if (offer := _offer(tool)) is not None]
        cursor = page.next_cursor
        if not cursor or not page.tools:
            break
    return list({offer.name: offer for offer in found[:MAX_TOOLS]}.values())


def _offer(tool: Any) -> Offer | None:
    schema = dumps(tool.input_schema)
    if len(schema) > _MAX_SCHEMA or tool.input_schema.get("type") != "object":
        log.warning("tool left out", tool=str(tool.name)[:80], reason="its schema")
        return None
    text = clean_text(tool.description or "")[:_MAX_DESCRIPTION]
    whole = dumps([tool.name, text, schema])
    return Offer(str(tool.name), text, schema, hashlib.sha256(whole.encode()).hexdigest())


def _said(error: BaseException) -> str:
    """A failure in one line; groups of failures are opened."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TrunklineError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return "its program is not there; check mcp.servers in the configuration"
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _is_lost(error: Exception) -> bool:
    """Is the connection gone, as opposed to a call that was refused?"""
    kind = type(error).__name__
    return kind in ("ClosedResourceError", "BrokenResourceError", "EndOfStream") or (
        kind == "MCPError" and "onnection" in str(error)
    )
