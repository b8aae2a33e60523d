"""The gateway of a fake Discord: sessions that outlive their sockets, resumed or lost.

Opcodes, order and close codes are those of discord.com/developers/docs/events/gateway and
/topics/opcodes-and-status-codes#gateway. Frames are compressed as one stream (#zlib-stream).
"""

from __future__ import annotations

import asyncio
import hmac
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from adapters.fakes.discord_rooms import DM, Fields, Rooms

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT = 0, 1, 2, 6, 7
INVALID, HELLO, ACK = 9, 10, 11
UNAUTHORIZED, BAD_JSON, BAD_TOKEN, TWICE, TOO_LATE, NO_INTENT = 4003, 4002, 4004, 4005, 4007, 4014
MESSAGE_CONTENT = 1 << 15


@dataclass(slots=True)
class Session:
    """What a client has missed, for as long as it may be resumed."""

    id: str
    intents: int
    frames: list[str] = field(default_factory=list)
    socket: Socket | None = None


class Socket:
    """One connection."""

    def __init__(self, ws: web.WebSocketResponse, request: web.BaseRequest) -> None:
        self.ws = ws
        self.request = request
        self.session: Session | None = None
        compressed = request.query.get("compress") == "zlib-stream"
        self._stream = zlib.compressobj() if compressed else None

    async def send(self, text: str) -> None:
        """Send a text as it is."""
        if self._stream is None:
            await self.ws.send_str(text)
        else:
            data = self._stream.compress(text.encode("utf-8", "surrogatepass"))
            await self.ws.send_bytes(data + self._stream.flush(zlib.Z_SYNC_FLUSH))

    def cut(self) -> None:
        """The connection ends without a word."""
        if self.request.transport is not None:
            self.request.transport.abort()


class FakeGateway:
    """Sessions and sockets. `silent` answers no heartbeat; `refuses` closes each identify so."""

    def __init__(self, token: str, rooms: Rooms, changed: Callable[[], None]) -> None:
        self.token = token
        self.rooms = rooms
        self.url = ""
        self.heartbeat_ms = 41_250
        self.silent = False
        self.content_intent = True
        self.refuses = 0
        self.received: list[Fields] = []
        self.sockets: list[Socket] = []
        self.sessions: dict[str, Session] = {}
        self._changed = changed
        self._outgoing: asyncio.Queue[tuple[Socket, str]] = asyncio.Queue()
        self._writer: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write what is queued."""
        self._writer = asyncio.create_task(self._write(), name="fake discord writer")

    async def stop(self) -> None:
        if self._writer is not None:
            self._writer.cancel()
        for socket in self.sockets:
            socket.cut()

    def dispatch(self, name: str, data: Any) -> None:
        """An event for every session, connected or not."""
        for session in self.sessions.values():
            self._queue(session, name, self._censored(session, name, data))

    def raw(self, text: str) -> None:
        """A frame as it is, without a number, on every socket."""
        for socket in self.sockets:
            self._outgoing.put_nowait((socket, text))

    def drop(self) -> None:
        """Every socket breaks; sessions stay."""
        for socket in self.sockets:
            socket.cut()

    def forget(self) -> None:
        """No session can be resumed any more."""
        self.sessions.clear()

    def ask_reconnect(self) -> None:
        """The platform moves connections now and then (#reconnect)."""
        self.raw(json.dumps({"op": RECONNECT, "d": None, "s": None, "t": None}))

    def ops(self, op: int) -> list[Fields]:
        """What clients sent under an opcode, in order."""
        return [frame["d"] for frame in self.received if frame["op"] == op]

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One socket from HELLO to its end."""
        ws = web.WebSocketResponse(autoping=True)
        await ws.prepare(request)
        socket = Socket(ws, request)
        self.sockets.append(socket)
        hello = {"op": HELLO, "d": {"heartbeat_interval": self.heartbeat_ms}, "s": None, "t": None}
        self._outgoing.put_nowait((socket, json.dumps(hello)))
        try:
            async for message in ws:
                if message.type is not WSMsgType.TEXT:
                    continue
                if code := self._hear(socket, message.data):
                    await ws.close(code=code)
        finally:
            self.sockets.remove(socket)
            if socket.session is not None and socket.session.socket is socket:
                socket.session.socket = None
            self._changed()
        return ws

    def _hear(self, socket: Socket, text: str) -> int:
        """Take a frame of a client; the code to close with, 0 to go on."""
        try:
            frame = json.loads(text)
        except ValueError:
            return BAD_JSON
        self.received.append(frame)
        self._changed()
        op = frame.get("op")
        if op == HEARTBEAT:
            if not self.silent:
                ack = json.dumps({"op": ACK, "d": None, "s": None, "t": None})
                self._outgoing.put_nowait((socket, ack))
            return 0
        if op in (IDENTIFY, RESUME):
            if socket.session is not None:
                return TWICE
            if not hmac.compare_digest(str(frame["d"].get("token")), self.token):
                return BAD_TOKEN
            begin = self._identify if op == IDENTIFY else self._resume
            return begin(socket, frame["d"])
        return 0 if socket.session is not None else UNAUTHORIZED

    def _identify(self, socket: Socket, data: Fields) -> int:
        if self.refuses:
            return self.refuses
        if data["intents"] & MESSAGE_CONTENT and not self.content_intent:
            return NO_INTENT
        session = Session(self.rooms.snowflake(), data["intents"])
        self.sessions[session.id] = session
        socket.session, session.socket = session, socket
        ready = {
            "v": 10,
            "user": self.rooms.bot,
            "guilds": [{"id": self.rooms.guild, "unavailable": True}],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "application": {"id": self.rooms.bot["id"], "flags": 0},
        }
        self._queue(session, "READY", ready)
        self._queue(session, "GUILD_CREATE", self.rooms.guild_create())
        return 0

    def _resume(self, socket: Socket, data: Fields) -> int:
        session = self.sessions.get(data["session_id"])
        if session is None:
            lost = json.dumps({"op": INVALID, "d": False, "s": None, "t": None})
            self._outgoing.put_nowait((socket, lost))
            return 0
        if not isinstance(data["seq"], int) or data["seq"] > len(session.frames):
            return TOO_LATE
        socket.session, session.socket = session, socket
        for text in session.frames[data["seq"] :]:
            self._outgoing.put_nowait((socket, text))
        self._queue(session, "RESUMED", {})
        return 0

    def _queue(self, session: Session, name: str, data: Any) -> None:
        number = len(session.frames) + 1
        text = json.dumps({"op": DISPATCH, "s": number, "t": name, "d": data})
        session.frames.append(text)
        if session.socket is not None:
            self._outgoing.put_nowait((session.socket, text))

    def _censored(self, session: Session, name: str, data: Any) -> Any:
        """Without the content intent only what is meant for the bot is shown (#message-content)."""
        if session.intents & MESSAGE_CONTENT or not name.startswith("MESSAGE_"):
            return data
        place = self.rooms.channels.get(str(data.get("channel_id")), {})
        named = any(one["id"] == self.rooms.bot["id"] for one in data.get("mentions", []))
        if "content" not in data or named or place.get("type") == DM:
            return data
        return {**data, "content": "", "attachments": [], "embeds": [], "components": []}

    async def _write(self) -> None:
        while True:
            socket, text = await self._outgoing.get()
            try:
                await socket.send(text)
            except (ConnectionError, RuntimeError):
                continue
