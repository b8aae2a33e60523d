"""The socket: sign in with the first frame, then requests in order and events as they happen."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import WSMsgType, web

from bot.clock import Clock
from bot.errors import RequestError, StoreError
from bot.events import Event, Hub, Signal, Watcher
from bot.gateway import frames
from bot.gateway.auth import Auth, bearer
from bot.gateway.feed import Feed, Views
from bot.gateway.rows import when
from bot.gateway.rpc import Methods
from bot.tools.nodes import Link, Nodes

log = structlog.get_logger("socket")

HURRY = 10.0
CLIENTS = 200
WAITING = 64
BURST = 100
PER_SECOND = 10.0
_PATIENCE = 200
_HEARTBEAT = 20.0
_GOODBYE = 2.0
_POLICY = 1008
_FOR_NODES = frozenset({"tick", "shutdown"})


@dataclass(frozen=True, slots=True)
class Peer:
    """A client that has signed in (`bot.gateway.rpc.Client`)."""

    role: str
    caps: frozenset[str]
    by_token: bool
    info: frames.NodeInfo | None = None

    @property
    def node(self) -> str | None:
        return self.info.id if self.info else None


class Allowance:
    """A hundred messages at once, ten a second after that; how many in a row were too many."""

    def __init__(self, now: float) -> None:
        self._left = float(BURST)
        self._at = now
        self.refused = 0

    def take(self, now: float) -> bool:
        self._left = min(BURST, self._left + max(0.0, now - self._at) * PER_SECOND)
        self._at = now
        if self._left < 1:
            self.refused += 1
            return False
        self._left -= 1
        self.refused = 0
        return True


class Sockets:
    """Every open socket, and the tick that tells them the gateway is alive."""

    def __init__(
        self,
        auth: Auth,
        methods: Methods,
        hub: Hub,
        views: Views,
        clock: Clock,
        nodes: Nodes | None = None,
    ) -> None:
        self._auth = auth
        self._methods = methods
        self._hub = hub
        self._views = views
        self._clock = clock
        self._nodes = nodes
        self._strangers = 0
        self._open: set[Connection] = set()
        self._ticker: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._ticker = asyncio.create_task(self._tick(), name="socket-tick")

    async def stop(self) -> None:
        """Say goodbye to everyone, after what they have not yet been sent."""
        if self._ticker is not None:
            self._ticker.cancel()
        self._hub.publish(Signal("shutdown", {"ts": when(self._clock.now())}))
        leaving = [
            asyncio.create_task(one.leave(), name="socket-leave") for one in tuple(self._open)
        ]
        if leaving:
            _, slow = await asyncio.wait(leaving, timeout=_GOODBYE)
            for task in slow:
                task.cancel()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self._strangers + len(self._open) >= CLIENTS:
            raise RequestError("UNAVAILABLE", f"there are {CLIENTS} clients already")
        ws = web.WebSocketResponse(
            max_msg_size=frames.MAX_FRAME + 1, heartbeat=_HEARTBEAT, compress=False
        )
        self._strangers += 1
        try:
            await ws.prepare(request)
            entered = await self._enter(request, ws)
        finally:
            self._strangers -= 1
        if entered is not None:
            await self._serve(request, ws, *entered)
        return ws

    async def _enter(
        self, request: web.Request, ws: web.WebSocketResponse
    ) -> tuple[Peer, frames.FrameId] | None:
        """The peer and the id of its request; None when it was turned away."""
        hurry = asyncio.create_task(self._hurry(ws), name="socket-hurry")
        id: frames.FrameId = None
        try:
            message = await ws.receive()
            if message.type != WSMsgType.TEXT:
                await ws.close(code=_POLICY, message=b"the first frame must be a connect request")
                return None
            if len(message.data.encode("utf-8", "replace")) > frames.MAX_FIRST_FRAME:
                await ws.close(code=1009, message=b"the first frame is too large")
                return None
            first = frames.parse(message.data)
            id = first.id
            return await self._admit(request, first), id
        except frames.BadFrame as bad:
            await _turn_away(ws, bad.id, bad.error)
        except RequestError as error:
            await _turn_away(ws, id, error)
        finally:
            hurry.cancel()
        return None

    async def _hurry(self, ws: web.WebSocketResponse) -> None:
        await self._clock.sleep(HURRY)
        await ws.close(code=_POLICY, message=b"no connect request in 10 seconds")

    async def _admit(self, request: web.Request, first: frames.Request) -> Peer:
        if first.method != "connect":
            raise RequestError("UNAUTHORIZED", "the first request must be connect")
        asked = frames.check(frames.Connect, first.params)
        tokens = [] if asked.auth.token is None else [asked.auth.token]
        if "Authorization" in request.headers:
            tokens.append(bearer(request))
        for token in tokens:
            await self._auth.check_token(request, token)
        if not tokens and not await self._auth.browser(request):
            raise RequestError("UNAUTHORIZED", "sign in: send auth.token, or open the page first")
        return self._peer(asked, bool(tokens))

    def _peer(self, asked: frames.Connect, by_token: bool) -> Peer:
        if (asked.role == "node") != (asked.node is not None):
            raise RequestError("INVALID_PARAMS", "node and the role node belong together")
        if asked.node is not None and self._nodes is None:
            raise RequestError("UNAVAILABLE", "this gateway takes no nodes")
        return Peer(asked.role, frozenset(asked.caps), by_token, asked.node)

    async def _serve(
        self, request: web.Request, ws: web.WebSocketResponse, peer: Peer, id: frames.FrameId
    ) -> None:
        feed = Feed(peer.caps, self._views, _FOR_NODES if peer.node else frames.EVENTS)
        # Watching begins before the hello: what happens after it is never missed.
        watcher = self._hub.watch()
        connection = Connection(request, ws, peer, self._methods, feed, watcher, self._clock)
        self._open.add(connection)
        link: Link | None = None
        try:
            link = await self._link(connection, peer)
            paired = {} if link is None else {"node": {"id": link.id, "paired": link.may_act}}
            hello = frames.hello(self._methods.names_for(peer.role), **paired)
            await ws.send_str(frames.response(id, hello))
            await connection.run()
        except ConnectionError:
            pass
        except RequestError as error:
            await _turn_away(ws, id, error)
        finally:
            if link is not None and self._nodes is not None:
                self._nodes.leave(link)
            self._open.discard(connection)
            watcher.close()

    async def _link(self, connection: Connection, peer: Peer) -> Link | None:
        """A node's place among the nodes. Raises RequestError."""
        info = peer.info
        if info is None or self._nodes is None:
            return None
        try:
            return await self._nodes.enter(info.id, info.name, info.commands, connection.push)
        except StoreError as error:
            raise RequestError("UNAVAILABLE", str(error), retryable=True) from error

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(frames.TICK)
            for one in tuple(self._open):
                one.cut_if_lost()
            self._hub.publish(Signal("tick", {"ts": when(self._clock.now())}))


class Connection:
    """One client: a loop that answers its requests, and a task that sends it events."""

    def __init__(
        self,
        request: web.Request,
        ws: web.WebSocketResponse,
        peer: Peer,
        methods: Methods,
        feed: Feed,
        watcher: Watcher,
        clock: Clock,
    ) -> None:
        self._request = request
        self._ws = ws
        self._peer = peer
        self._methods = methods
        self._feed = feed
        self._watcher = watcher
        self._clock = clock
        self._allowance = Allowance(clock.now())
        self._waiting: set[asyncio.Task[None]] = set()
        self._pump: asyncio.Task[None] | None = None
        self._seq = 0

    async def run(self) -> None:
        """Answer until the client leaves; what it still waits for is given up, runs go on."""
        self._pump = asyncio.create_task(self._send_events(), name="socket-events")
        try:
            async for message in self._ws:
                if message.type != WSMsgType.TEXT:
                    await self._ws.close(code=1003, message=b"frames are text")
                elif not await self._take(message.data):
                    await self._ws.close(code=_POLICY, message=b"too many messages")
        finally:
            left = [self._pump, *self._waiting]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def push(self, name: str, payload: Mapping[str, Any]) -> None:
        """Send an event that is for this client alone. Raises ConnectionError."""
        self._seq += 1
        await self._ws.send_str(frames.event(name, self._seq, payload))

    async def leave(self) -> None:
        """Send what is queued, then close."""
        self._watcher.close()
        if self._pump is not None:
            await asyncio.wait({self._pump})
        await self._ws.close(code=1001, message=b"the gateway stops")

    def cut_if_lost(self) -> None:
        """Drop a client that did not read its events; it reconnects and reads the history."""
        if self._watcher.lost and self._request.transport is not None:
            log.info("slow client cut", peer=self._request.remote)
            self._request.transport.abort()

    async def _take(self, text: str) -> bool:
        """Handle one frame; false when the client does not stop sending too much."""
        try:
            request = frames.parse(text)
        except frames.BadFrame as bad:
            await self._ws.send_str(frames.failure(bad.id, bad.error))
            return self._allowance.take(self._clock.now()) or self._allowance.refused < _PATIENCE
        if not self._allowance.take(self._clock.now()):
            error = RequestError("RATE_LIMITED", "too many messages; slow down", retryable=True)
            await self._ws.send_str(frames.failure(request.id, error))
            return self._allowance.refused < _PATIENCE
        if not self._methods.waits(request.method):
            await self._answer(request)
        elif len(self._waiting) < WAITING:
            name = f"rpc:{request.method}"
            task = asyncio.create_task(self._answer(request), name=name)
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)
        else:
            error = RequestError("RATE_LIMITED", f"{WAITING} requests wait already", retryable=True)
            await self._ws.send_str(frames.failure(request.id, error))
        return True

    async def _answer(self, request: frames.Request) -> None:
        """Exactly one response."""
        try:
            if request.method == "connect":
                raise RequestError("CONFLICT", "this socket is connected already")
            payload = await self._methods.call(self._peer, request.method, request.params)
            text = frames.response(request.id, payload)
        except RequestError as error:
            text = frames.failure(request.id, error)
        try:
            await self._ws.send_str(text)
        except ConnectionError:
            log.debug("client left before its answer", method=request.method)

    async def _send_events(self) -> None:
        try:
            async for event in self._watcher:
                await self._send_event(event)
        except ConnectionError:
            log.debug("client left", peer=self._request.remote)
        if self._watcher.lost:
            self.cut_if_lost()

    async def _send_event(self, event: Event) -> None:
        shown = await self._feed.payload(event)
        if shown is not None:
            await self.push(*shown)


async def _turn_away(ws: web.WebSocketResponse, id: frames.FrameId, error: RequestError) -> None:
    if id is not None:
        await ws.send_str(frames.failure(id, error))
    await ws.close(code=_POLICY, message=str(error).encode()[:120])
