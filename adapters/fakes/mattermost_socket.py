"""The socket of a local Mattermost: numbered events, a small buffer for who comes back, and ways
of failing that real ones have.

Numbers, buffers and the order of things are those of the server's own `WebConn`: 128 events are
kept for a replay, and a client that names a connection and the next number gets what it missed, or
a new connection when that is gone. Naming one only works when the request itself is signed in.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from adapters.fakes.mattermost_world import Fields

KEPT = 128
_WAITING = 256


class Connection:
    """What the server knows of one connection id, with or without a socket."""

    def __init__(self, its_id: str) -> None:
        self.id = its_id
        self.next = 0
        self.kept: deque[tuple[int, str]] = deque(maxlen=KEPT)
        self.waiting: list[Any] = []
        self.socket: web.WebSocketResponse | None = None
        self.transport: asyncio.Transport | None = None
        self.frozen = False
        self.deaf = False

    async def tell(self, event: Any) -> None:
        """Number an event and send it; without a socket it waits for one."""
        if self.deaf:
            return
        if self.socket is None:
            self.waiting.append(event)
            return
        text = event
        if isinstance(event, dict):
            text = json.dumps({"seq": self.next, **event})
            self.kept.append((self.next, text))
            self.next += 1
        elif not isinstance(event, str):
            text = json.dumps(event)
        await self.send(text)

    async def send(self, text: str) -> None:
        if self.socket is not None and not self.frozen:
            with contextlib.suppress(ConnectionError, RuntimeError):
                await self.socket.send_str(text)

    def cut(self) -> None:
        """The connection breaks without a word."""
        self.socket = None
        if self.transport is not None:
            self.transport.abort()


class Sockets:
    """Every connection of the bot."""

    def __init__(self, token: str, new_id: Callable[[str], str]) -> None:
        self._token = token
        self._new_id = new_id
        self._known: dict[str, Connection] = {}
        self._order = asyncio.Lock()
        self.actions: list[Fields] = []
        self.opened = 0
        self.resumed = 0
        self.changed: Callable[[], None] = lambda: None

    @property
    def open(self) -> list[Connection]:
        """Connections with a socket."""
        return [one for one in self._known.values() if one.socket is not None]

    async def tell(self, event: Any) -> None:
        """Send an event to every connection, in order."""
        async with self._order:
            for one in list(self._known.values()):
                await one.tell(event)
                if len(one.waiting) > _WAITING:
                    # Nobody came back for it in time.
                    del self._known[one.id]

    def cut(self) -> None:
        """Break every connection."""
        for one in self.open:
            one.cut()

    def freeze(self) -> None:
        """From now on the open connections swallow everything: half-open, as after a lost route."""
        for one in self.open:
            one.frozen = True

    def deafen(self) -> None:
        """From now on the open connections answer, but deliver no events."""
        for one in self.open:
            one.deaf = True

    def forget(self) -> None:
        """Break all connections and forget what they missed, as a restart of the server does."""
        self.cut()
        self._known.clear()

    def signed_in(self, request: web.BaseRequest) -> bool:
        """Does the request itself carry the token; something in between may take it away."""
        return carries(request, self._token)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """One socket from its opening to its end."""
        socket = web.WebSocketResponse(autoping=True, max_msg_size=16 * 1024 * 1024)
        await socket.prepare(request)
        connection: Connection | None = None
        if self.signed_in(request):
            connection = await self._attach(socket, request, request.query)
        self.opened += 1
        self.changed()
        try:
            async for got in socket:
                if got.type is WSMsgType.TEXT and connection is None:
                    connection = await self._challenged(socket, request, got.data)
                elif got.type is WSMsgType.TEXT and connection is not None:
                    await self._asked(connection, json.loads(got.data))
        finally:
            if connection is not None and connection.socket is socket:
                connection.socket = None
            self.changed()
        return socket

    async def _challenged(
        self, socket: web.WebSocketResponse, request: web.BaseRequest, text: str
    ) -> Connection | None:
        asked = json.loads(text)
        given = str(asked.get("data", {}).get("token", ""))
        known = hmac.compare_digest(given.encode(), self._token.encode())
        if asked["action"] != "authentication_challenge" or not known:
            await socket.close()
            return None
        connection = await self._attach(socket, request, {})
        await connection.send(json.dumps({"status": "OK", "seq_reply": asked["seq"]}))
        return connection

    async def _attach(
        self, socket: web.WebSocketResponse, request: web.BaseRequest, query: Any
    ) -> Connection:
        """Give a socket the connection that it names, or a new one, which begins with a hello."""
        async with self._order:
            known = self._known.get(query.get("connection_id", ""))
            wanted = int(query.get("sequence_number") or 0)
            if known is not None and self._can_resume(known, wanted):
                known.cut()
                known.transport = request.transport
                return await self._resume(known, socket, wanted)
            if known is not None:
                del self._known[known.id]
            fresh = Connection(self._new_id("conn"))
            fresh.socket, fresh.transport = socket, request.transport
            self._known[fresh.id] = fresh
            hello = {"connection_id": fresh.id, "server_version": "10.5.0.fake"}
            await fresh.tell({"event": "hello", "data": hello, "broadcast": {}})
            return fresh

    def _can_resume(self, known: Connection, wanted: int) -> bool:
        numbers = {number for number, _ in known.kept}
        return wanted in numbers or wanted == known.next

    async def _resume(
        self, known: Connection, socket: web.WebSocketResponse, wanted: int
    ) -> Connection:
        known.socket, known.frozen, known.deaf = socket, False, False
        self.resumed += 1
        for number, text in list(known.kept):
            if number >= wanted:
                await known.send(text)
        waiting, known.waiting = known.waiting, []
        for event in waiting:
            await known.tell(event)
        return known

    async def _asked(self, connection: Connection, asked: Fields) -> None:
        self.actions.append(asked)
        if asked["action"] == "authentication_challenge":
            # Signed in already: the server passes over it without an answer.
            return
        answer: Fields = {"status": "OK", "seq_reply": asked["seq"]}
        if asked["action"] == "ping":
            answer["data"] = {"text": "pong", "version": "10.5.0", "server_time": 0}
        await connection.send(json.dumps(answer))
        self.changed()


def carries(request: web.BaseRequest, token: str) -> bool:
    """Does a request carry the bot's token."""
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
