"""The whole product on the demo model and a store on disk, with a client on a real socket."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from bot import app as product
from bot.cli.inside import core_of
from bot.clock import Clock
from bot.config.load import load_text
from bot.config.settings import Gateway as Options
from bot.contract import Address, Author, Message, Ref
from bot.gateway.methods import table
from bot.gateway.server import Gateway
from bot.gateway.services import Core, site_of
from bot.roles import Role, role_of
from tests.contracts.gateway_kit import TOKEN, Socket

MAIN = "agent:main:main"
CONFIG = """
agents:
  - {id: main, name: Assistant}
  - {id: other, name: Other}
models:
  demo/demo: {alias: toy}
  demo/second: {}
bindings:
  - {agent: other, match: {channel: telegram}}
channels:
  telegram: {enabled: false, token: "1:x"}
"""


@dataclass
class Talk:
    """A client signed in by the token, and what it says."""

    socket: Socket
    url: str
    keys: Any = field(default_factory=lambda: itertools.count(1), kw_only=True)

    async def ok(self, method: str, **params: Any) -> dict[str, Any]:
        answer = await self.socket.request(method, params)
        assert answer["ok"] is True, answer
        return dict(answer["payload"])

    async def error(self, method: str, **params: Any) -> dict[str, Any]:
        answer = await self.socket.request(method, params)
        assert answer["ok"] is False, answer
        return dict(answer["error"])

    async def send(self, text: str, key: str = MAIN, **more: Any) -> dict[str, Any]:
        run = f"k{next(self.keys)}"
        return await self.ok("chat.send", sessionKey=key, message=text, idempotencyKey=run, **more)

    async def say(self, text: str, key: str = MAIN, **more: Any) -> dict[str, Any]:
        """Send and wait for the end; the last `chat` payload."""
        sent = await self.send(text, key, **more)
        return await self.end(sent["runId"])

    async def end(self, run: str) -> dict[str, Any]:
        while True:
            ends = [one for one in self.of(run, "chat") if one["state"] != "delta"]
            if ends:
                return ends[0]
            self.socket.events.append(await self.socket.frame())

    def of(self, run: str, name: str) -> list[dict[str, Any]]:
        events = [one for one in self.socket.events if one["event"] == name]
        return [one["payload"] for one in events if one["payload"].get("runId") == run]

    async def growing(self, run: str) -> None:
        """Until the run has shown something."""
        while not any(one["stream"] == "assistant" for one in self.of(run, "agent")):
            self.socket.events.append(await self.socket.frame())


@dataclass
class Desk(Talk):
    """The product with a client signed in by the token."""

    app: product.App
    core: Core

    @asynccontextmanager
    async def again(self) -> AsyncIterator["Desk"]:
        """One more client of the same gateway."""
        async with signed_in(self.url) as socket:
            yield Desk(socket, self.url, self.app, self.core, keys=self.keys)


@asynccontextmanager
async def signed_in(url: str, caps: Any = ()) -> AsyncIterator[Socket]:
    """A client that has said the token."""
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(url + "/ws", max_msg_size=0) as ws,
    ):
        socket = Socket(ws)
        params = {"protocol": 1, "caps": list(caps), "auth": {"token": TOKEN}}
        socket.hello = await socket.request("connect", params)
        yield socket


@asynccontextmanager
async def opened(
    state: Path,
    config: str = CONFIG,
    caps: Any = (),
    channels: bool = False,
    clock: Clock | None = None,
) -> AsyncIterator[Desk]:
    types = product.adapters().option_types()
    state.mkdir(exist_ok=True)
    file = state / "config.yaml"
    file.write_text(config, encoding="utf-8")
    role = Role() if channels else role_of(["gateway"])
    app = product.build(load_text(config, "config.yaml", {}, types), state, clock, role)
    core = core_of(app, file)
    site = site_of(core, app.supervisor)
    gateway = Gateway(Options(), TOKEN, site, table(core))
    await app.start()
    url = await gateway.start(port=0)
    core.link = gateway.login_url
    try:
        async with signed_in(url, caps) as socket:
            yield Desk(socket, url, app, core)
    finally:
        await gateway.stop()
        await app.stop(5.0)


def telegram_message(text: str, id: str = "777") -> Message:
    address = Address("telegram", "telegram", "12345")
    at = datetime.fromisoformat("2026-01-02T03:04:05+00:00")
    return Message(Ref(address, id), Author("12345", "Ada"), text, at, "direct")
