"""How verbs reach Trunkline: through the running gateway, else in this process."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from bot import __version__
from bot.cli import Usage, load
from bot.cli.place import Place, announced, find, text_in
from bot.cli.settings import read
from bot.errors import ConfigError, RequestError, TrunklineError
from bot.jsonio import loads

Json = Mapping[str, Any]

_PATIENCE = 5.0
_MAX_FRAME = 32 << 20
_TOOLS = frozenset({"tool-events"})


class Client(Protocol):
    """Calls methods, and is told what happens from the moment it was made."""

    async def request(self, method: str, params: Json) -> Json:
        """A method's payload. Raises RequestError."""
        ...

    def events(self) -> AsyncIterator[tuple[str, Json]]:
        """Every event as name and payload, until the end of the connection."""
        ...


class Remote:
    """A client on the socket of a running gateway."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, url: str) -> None:
        self.url = url
        self._socket = socket
        self._answers: dict[str, asyncio.Future[Json]] = {}
        self._events: asyncio.Queue[tuple[str, Json] | None] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read(), name="client-reader")
        self._count = 0

    async def request(self, method: str, params: Json) -> Json:
        self._count += 1
        id = str(self._count)
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._answers[id] = answer
        if self._reading.done():
            raise _gone()
        await self._socket.send_json({"type": "req", "id": id, "method": method, "params": params})
        return await answer

    async def events(self) -> AsyncIterator[tuple[str, Json]]:
        while (event := await self._events.get()) is not None:
            yield event

    async def close(self) -> None:
        await self._socket.close()
        await self._reading

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self._take(loads(message.data, max_bytes=_MAX_FRAME))
        self._events.put_nowait(None)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(_gone())

    def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "event":
            self._events.put_nowait((frame["event"], frame["payload"]))
            return
        answer = self._answers.pop(str(frame["id"]), None)
        if answer is None or answer.done():
            return
        if frame["ok"]:
            answer.set_result(frame["payload"])
        else:
            error = frame["error"]
            answer.set_exception(RequestError(error["code"], error["message"]))


def _gone() -> RequestError:
    return RequestError("UNAVAILABLE", "the gateway closed the connection; is it still running?")


@asynccontextmanager
async def connect(
    place: Place,
    *,
    local: bool = False,
    runs: bool = False,
    sends: bool = False,
    changes: bool = True,
) -> AsyncIterator[Client]:
    """A client: of the running gateway, or when there is none, of this process.

    `local` insists on this process, `runs` lets agents work there, `sends` opens the channels
    for their answers, and a verb that only reads passes `changes=False`: it then needs no lock.
    Raises Usage for `local` beside a gateway, StoreHeld, ConfigError.
    """
    async with _remote(place) as remote:
        if remote is not None:
            if local:
                raise Usage(f"a gateway is running at {remote.url}; leave --local out, or stop it")
            yield remote
            return
    inside = load("bot.cli.inside")
    async with inside.client(place, runs=runs, sends=sends, changes=changes) as here:
        yield here


@asynccontextmanager
async def running(place: Place) -> AsyncIterator[Client]:
    """A client of the running gateway. Raises TrunklineError when there is none."""
    async with _remote(place) as remote:
        if remote is None:
            raise TrunklineError("no gateway is running; start one with: trunkline up")
        yield remote


@asynccontextmanager
async def _remote(place: Place) -> AsyncIterator[Remote | None]:
    """A client of the running gateway, None when none is running. Raises RequestError."""
    about = announced(place)
    url = str(about["url"]) if about else _expected(place)
    async with aiohttp.ClientSession() as http:
        try:
            socket = await _dial(http, url, _token(place)) if url else None
        except RequestError:
            if about and _alive(about.get("pid")):
                raise
            socket = None  # somebody else's, at an address that was ours once
        if url is None or socket is None:
            yield None
            return
        client = Remote(socket, url)
        try:
            yield client
        finally:
            await client.close()


def _expected(place: Place) -> str | None:
    """Where `up` would serve, if somebody holds the store or died holding it."""
    if not text_in(place.state / "lock"):
        return None
    gateway = read(place).gateway
    return f"http://{gateway.host}:{gateway.port}"


def _alive(pid: object) -> bool:
    try:
        os.kill(pid if isinstance(pid, int) else 0, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _token(place: Place) -> str:
    """The sign-in token: as configured, else the generated one.

    A file that was broken while the gateway runs must not lock its owner out.
    """
    with suppress(ConfigError):
        if token := read(place).gateway.token.reveal():
            return token
    return text_in(place.token)


async def _dial(
    http: aiohttp.ClientSession, url: str, token: str
) -> aiohttp.ClientWebSocketResponse | None:
    """An open socket that has said hello, None when nobody is there.

    Raises RequestError when somebody is there who does not know the token.
    """
    verify = not url.startswith("https://")  # on this machine; its certificate names another host
    try:
        async with asyncio.timeout(_PATIENCE):
            socket = await http.ws_connect(
                url.replace("http", "ws", 1) + "/ws", max_msg_size=_MAX_FRAME, ssl=verify
            )
            await socket.send_str(_hello(token))
            hello = await socket.receive_json()
    except (aiohttp.ClientConnectorError, TimeoutError):
        return None
    except (aiohttp.ClientError, OSError, TypeError, ValueError):
        raise RequestError("UNAVAILABLE", f"{url} is not a Trunkline gateway") from None
    if not hello.get("ok"):
        await socket.close()
        error = hello.get("error", {})
        raise RequestError(error.get("code", "UNAUTHORIZED"), f"{url}: {error.get('message')}")
    return socket


def _hello(token: str) -> str:
    params = {
        "protocol": 1,
        "client": {"id": "cli", "version": __version__},
        "caps": sorted(_TOOLS),
        "auth": {"token": token},
    }
    return json.dumps({"type": "req", "id": "0", "method": "connect", "params": params})


def told(config: Path | None, method: str, params: Json) -> Json | None:
    """One method's payload from the running gateway; None when none is running.

    Raises RequestError.
    """

    async def tell() -> Json | None:
        async with _remote(find(config)) as remote:
            return None if remote is None else await remote.request(method, params)

    return asyncio.run(tell())


def ask(config: Path | None, method: str, params: Json, *, changes: bool = False) -> Json:
    """One method's payload, from the running gateway or from this process."""

    async def asked() -> Json:
        async with connect(find(config), changes=changes) as client:
            return await client.request(method, params)

    return asyncio.run(asked())
