"""A running gateway over fakes of the core, and clients that talk to it through real sockets."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.config.settings import Gateway as Options
from bot.contract import HttpRequest, HttpResponse
from bot.events import Hub
from bot.gateway.feed import View
from bot.gateway.frames import Params
from bot.gateway.rpc import Client, Method, Methods, method
from bot.gateway.server import Gateway
from bot.gateway.services import Site

TOKEN = "right-token-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class StepClock:
    """Stands still until `step`; waits of at most `instant` seconds pass at once and are noted."""

    def __init__(self, instant: float = 2.0) -> None:
        self.time = 1_700_000_000.0
        self.instant = instant
        self.slept: list[float] = []
        self._waiting: list[tuple[float, asyncio.Future[None]]] = []
        self._changed = asyncio.Event()

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds <= self.instant:
            await asyncio.sleep(0)
            return
        until: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self.time + seconds, until))
        self._changed.set()
        await until

    async def step(self, seconds: float) -> None:
        """Let time pass, and everything run that waited for it."""
        self.time += seconds
        for at, until in list(self._waiting):
            if at <= self.time:
                self._waiting.remove((at, until))
                if not until.done():
                    until.set_result(None)
        await settle()

    async def asked(self, seconds: float) -> None:
        """Wait until somebody sleeps that long."""
        while seconds not in self.slept:
            self._changed.clear()
            await self._changed.wait()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class MemoryBrowsers:
    """Signed-in browsers that a restart forgets."""

    def __init__(self) -> None:
        self.rows: dict[str, float] = {}

    async def add(self, hash: str, now: float, expires_at: float, agent: str) -> None:
        self.rows[hash] = expires_at

    async def seen(self, hash: str, now: float, expires_at: float) -> bool:
        if self.rows.get(hash, 0.0) <= now:
            return False
        self.rows[hash] = expires_at
        return True

    async def revoke(self, hash: str) -> None:
        self.rows.pop(hash, None)


class Echo(Params):
    text: str
    session_key: str | None = None


class Nothing(Params):
    pass


@method("echo", Echo, help="says it again")
async def echo(services: Any, client: Client, params: Echo) -> Mapping[str, Any]:
    return {"text": params.text}


@method("fail", Nothing, help="breaks inside")
async def fail(services: Any, client: Client, params: Nothing) -> Mapping[str, Any]:
    raise ZeroDivisionError("internal detail")


@method("link", Nothing, help="a sign-in link")
async def link(services: Any, client: Client, params: Nothing) -> Mapping[str, Any]:
    return {"url": services[0].login_url()}


def waiting(until: asyncio.Event) -> Method:
    @method("wait", Nothing, help="waits for the test", waits=True)
    async def wait(services: Any, client: Client, params: Nothing) -> Mapping[str, Any]:
        await until.wait()
        return {"done": True}

    return wait


@dataclass
class Rig:
    """A gateway under test and what it stands on."""

    gateway: Gateway
    http: aiohttp.ClientSession
    hub: Hub
    clock: StepClock
    browsers: MemoryBrowsers
    until: asyncio.Event
    view: list[View]
    hooks: list[tuple[str, HttpRequest]]
    is_ready: list[bool] = field(default_factory=lambda: [True])

    @property
    def url(self) -> str:
        return self.gateway.url

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def origin(self) -> dict[str, str]:
        return {"Origin": self.url}

    async def get(self, path: str, **headers: str) -> aiohttp.ClientResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.get(self.url + path, headers=named, allow_redirects=False)

    async def signed_in_cookie(self) -> str:
        """The Cookie header of a browser that used a one-time link."""
        answer = await self.http.get(self.gateway.login_url(), allow_redirects=False)
        return answer.headers["Set-Cookie"].partition(";")[0]

    @asynccontextmanager
    async def socket(
        self, connect: Mapping[str, Any] | None = None, **options: Any
    ) -> AsyncIterator["Socket"]:
        """A socket; signed in by the token unless `connect` has other parameters."""
        async with self.http.ws_connect(self.url + "/ws", max_msg_size=0, **options) as ws:
            socket = Socket(ws)
            if connect is None:
                connect = {"auth": {"token": TOKEN}}
            if connect:
                params = {"protocol": 1, "client": {"id": "test", "version": "1"}, "caps": []}
                socket.hello = await socket.request("connect", {**params, **connect})
            yield socket


class Socket:
    """A client's end: requests by id, events in the order they came."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.events: list[dict[str, Any]] = []
        self.hello: dict[str, Any] = {}
        self._next = 0

    async def send(self, method: str, params: Any = None) -> str:
        self._next += 1
        frame = {"type": "req", "id": str(self._next), "method": method, "params": params or {}}
        await self.ws.send_json(frame)
        return str(self._next)

    async def request(self, method: str, params: Any = None) -> dict[str, Any]:
        return await self.response(await self.send(method, params))

    async def response(self, id: str | None) -> dict[str, Any]:
        while True:
            frame = await self.frame()
            if frame["type"] == "res":
                assert frame["id"] == id
                return frame
            self.events.append(frame)

    async def event(self, name: str) -> dict[str, Any]:
        """The next event of a name; others are kept in `events`."""
        while True:
            frame = await self.frame()
            assert frame["type"] == "event", frame
            self.events.append(frame)
            if frame["event"] == name:
                return frame

    async def frame(self) -> dict[str, Any]:
        frame: dict[str, Any] = await self.ws.receive_json(timeout=30)
        return frame

    async def closed(self) -> tuple[int | None, str]:
        """Read to the end; the close code and reason."""
        while True:
            message = await self.ws.receive(timeout=30)
            if message.type == aiohttp.WSMsgType.CLOSE:
                return message.data, str(message.extra or "")
            if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                return self.ws.close_code, ""


@asynccontextmanager
async def running(*, instant: float = 2.0, **settings: Any) -> AsyncIterator[Rig]:
    clock, hub, until = StepClock(instant), Hub(), asyncio.Event()
    browsers, view = MemoryBrowsers(), [View()]
    hooks: list[tuple[str, HttpRequest]] = []
    is_ready = [True]

    async def ready() -> bool:
        return is_ready[0]

    async def views(session: str) -> View:
        return view[0]

    async def webhook(account: str, request: HttpRequest) -> HttpResponse | None:
        hooks.append((account, request))
        return HttpResponse(body=b"taken") if account == "hooked" else None

    site = Site(hub, clock, browsers, ready, views, webhook)
    made: list[Gateway] = []
    methods = Methods(made, [echo, fail, link, waiting(until)])
    gateway = Gateway(Options.model_validate(settings), TOKEN, site, methods)
    made.append(gateway)
    await gateway.start(port=0)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        try:
            yield Rig(gateway, http, hub, clock, browsers, until, view, hooks, is_ready)
        finally:
            await gateway.stop()


async def raw(port: int, request: bytes) -> bytes:
    """Send bytes and read until the gateway closes or says all it has to."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(65536), 30)
    writer.close()
    return answer
