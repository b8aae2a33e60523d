"""A local Slack: the Web API and Socket Mode, with conversations that a test can read.

It keeps the documented meaning of envelopes, acknowledgements and refusals (docs.slack.dev), and
fails on request. What nobody acknowledged is sent again by `redeliver`, never by a timer.
`python -m adapters.fakes.slack --port 8082` runs it alone, with a control API beside the Web API:
POST `/_control/say`, `/_control/push`, `/_control/fail`; GET `/_control/calls`, `/_control/chats`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web

from adapters.fakes.slack_workspace import BOT, BOT_USER, TEAM, Params, Refusal, Workspace
from adapters.fakes.standalone import serve

TOKEN = "xoxb-fake-token-of-a-fake-server"
APP_TOKEN = "xapp-fake-token-of-a-fake-server"
SECRET = "fake-signing-secret"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Web API."""

    method: str
    params: Params


@dataclass(slots=True)
class Fault:
    """What the next `times` calls of a method meet instead of, or after, being done.

    `error` refuses, `status` answers with an HTTP error, `retry_after` with 429; `cut` drops the
    connection `before` or `after` the call is done; `hang` never answers; `body` is answered as is.
    """

    error: str = ""
    status: int = 0
    retry_after: str | None = None
    cut: Literal["", "before", "after"] = ""
    hang: bool = False
    body: str | None = None
    times: int = 1


class FakeSlack:
    """One app's Slack. `start` before use, `stop` after; or `async with`.

    Its messages are numbered in one and the same second, unless a `clock` is given.
    """

    def __init__(
        self,
        token: str = TOKEN,
        app_token: str = APP_TOKEN,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.token = token
        self.app_token = app_token
        self.workspace = Workspace(clock) if clock else Workspace()
        self.calls: list[Call] = []
        self.base_url = ""
        self.acknowledged: list[str] = []
        self.waiting: dict[str, Params] = {}
        self.tickets: set[str] = set()
        # Sockets that never answer a ping, or that do not even greet.
        self.deaf = False
        self.mute = False
        self._sockets: list[web.WebSocketResponse] = []
        self._numbers = itertools.count(1)
        self._faults: dict[str, list[Fault]] = {}
        self._changed = asyncio.Event()
        self._stopped = asyncio.Event()
        self._runner = web.ServerRunner(
            web.Server(self._handle, access_log=None), shutdown_timeout=0.1
        )

    async def __aenter__(self) -> FakeSlack:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Serve; `base_url` is the Web API's address."""
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}/api/"
        self.workspace.files_url = f"http://{host}:{port}/files/"

    async def stop(self) -> None:
        """Close every connection."""
        self._stopped.set()
        await self.cut()
        await self._runner.cleanup()

    @property
    def sockets(self) -> int:
        """How many sockets stand now."""
        return len(self._sockets)

    def event(self, event: Params) -> Params:
        """An Events API body around an event."""
        return {
            "token": "unused",
            "team_id": TEAM,
            "api_app_id": "A0FAKE",
            "type": "event_callback",
            "event_id": f"Ev{next(self._numbers):08}",
            "event_time": 1767323045,
            "event": event,
            "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True}],
        }

    async def say(
        self, channel: str, text: str, *, user: str = "U0ADA", thread: str = "", **more: Any
    ) -> str:
        """A person writes; the message's time stamp. A mention comes as two events, as on Slack."""
        shown = self.workspace.post(channel, user=user, text=text, thread_ts=thread or None)
        kind = {"D": "im", "G": "mpim"}.get(channel[0], "channel")
        event = {**shown, "channel": channel, "event_ts": shown["ts"], **more}
        await self.push(self.event({**event, "channel_type": kind}))
        if f"<@{BOT_USER}>" in text and kind != "im":
            await self.push(self.event({**event, "type": "app_mention"}))
        return str(shown["ts"])

    async def push(self, payload: Any, kind: str = "events_api", **more: Any) -> str:
        """Send a payload in an envelope over the newest socket; the envelope's id."""
        number = f"envelope-{next(self._numbers)}"
        envelope = {
            "envelope_id": number,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
            **more,
        }
        self.waiting[number] = envelope
        await self.send(json.dumps(envelope))
        return number

    async def redeliver(self) -> None:
        """Send again what nobody acknowledged, each in a new envelope."""
        waiting, self.waiting = self.waiting, {}
        for envelope in waiting.values():
            attempt = envelope.get("retry_attempt", 0) + 1
            again = {"retry_attempt": attempt, "retry_reason": "timeout"}
            await self.push(envelope["payload"], envelope["type"], **again)

    async def send(self, text: str) -> None:
        """Send a raw frame over the newest socket, if there is one."""
        if self._sockets:
            await self._sockets[-1].send_str(text)

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask every socket to be replaced, as Slack does now and then."""
        for socket in tuple(self._sockets):
            frame = {"type": "disconnect", "reason": reason, "debug_info": {"host": "fake"}}
            await socket.send_str(json.dumps(frame))

    async def cut(self) -> None:
        """Close every socket."""
        for socket in tuple(self._sockets):
            await socket.close()

    def fail(self, method: str, **fault: Any) -> None:
        """Let the next calls of a method fail; see Fault."""
        self._faults.setdefault(method, []).append(Fault(**fault))

    def called(self, method: str) -> list[Params]:
        """The parameters of every call of a method, in order."""
        return [call.params for call in self.calls if call.method == method]

    async def wait_for(self, predicate: Callable[[], object], timeout: float = 30.0) -> None:
        """Return once the predicate holds; it is asked after each change. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while not predicate():
                self._changed.clear()
                await self._changed.wait()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith("/_control/"):
            return await self._control(path.removeprefix("/_control/"), request)
        if path.startswith("/socket/"):
            return await self._socket(path.rpartition("/")[2], request)
        if path.startswith("/files/"):
            return await self._file(path.removeprefix("/files/"), request)
        method, params = path.removeprefix("/api/"), await _params(request)
        self.calls.append(Call(method, params))
        try:
            return await self._answer(method, params, request)
        finally:
            self._changed.set()

    async def _answer(
        self, method: str, params: Params, request: web.BaseRequest
    ) -> web.StreamResponse:
        fault = self._fault(method) or Fault()
        if fault.hang:
            await self._stopped.wait()
        if fault.cut == "before":
            return _cut(request)
        if fault.retry_after is not None:
            return _json({"ok": False, "error": "ratelimited"}, 429, fault.retry_after)
        if fault.body is not None or fault.status:
            return web.Response(status=fault.status or 200, text=fault.body or "<html>")
        try:
            if fault.error:
                raise Refusal(fault.error)
            answer = self._called(method, params, _token(request, params))
        except Refusal as refusal:
            return _json({"ok": False, "error": refusal.error, **refusal.more})
        return _cut(request) if fault.cut == "after" else _json({"ok": True, **answer})

    def _called(self, method: str, params: Params, token: str) -> Params:
        wanted = self.app_token if method == "apps.connections.open" else self.token
        if not hmac.compare_digest(token.encode(), wanted.encode()):
            raise Refusal("invalid_auth")
        if method != "apps.connections.open":
            return self.workspace.call(method, params)
        ticket = f"ticket-{next(self._numbers)}"
        self.tickets.add(ticket)
        return {"url": f"{self.base_url.replace('http', 'ws', 1)[:-4]}socket/{ticket}"}

    def _fault(self, method: str) -> Fault | None:
        faults = self._faults.get(method)
        if not faults:
            return None
        faults[0].times -= 1
        return faults.pop(0) if faults[0].times <= 0 else faults[0]

    async def _socket(self, ticket: str, request: web.BaseRequest) -> web.StreamResponse:
        """An address opens one socket (docs.slack.dev/reference/methods/apps.connections.open)."""
        if ticket not in self.tickets:
            return web.Response(status=408)
        self.tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=not self.deaf)
        await socket.prepare(request)
        self._sockets.append(socket)
        hello = {"type": "hello", "num_connections": self.sockets, "connection_info": {}}
        if not self.mute:
            await socket.send_str(json.dumps(hello))
        self._changed.set()
        try:
            async for frame in socket:
                if frame.type == aiohttp.WSMsgType.TEXT:
                    self._acknowledge(json.loads(frame.data))
        finally:
            self._sockets.remove(socket)
            self._changed.set()
        return socket

    def _acknowledge(self, frame: Params) -> None:
        if self.waiting.pop(frame["envelope_id"], None) is not None:
            self.acknowledged.append(frame["envelope_id"])
        self._changed.set()

    async def _file(self, path: str, request: web.BaseRequest) -> web.Response:
        if request.method == "POST":
            self.workspace.uploaded(path, await request.read())
            return web.Response(text=f"OK - {path}")
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=302, headers={"Location": "/signin"})
        data = self.workspace.files.get(path, {}).get("data")
        return web.Response(status=404) if data is None else web.Response(body=data)

    async def _control(self, verb: str, request: web.BaseRequest) -> web.Response:
        body = json.loads(await request.read() or b"{}")
        if verb == "say":
            return _json({"ts": await self.say(body.pop("channel"), body.pop("text"), **body)})
        if verb == "push":
            return _json({"envelope": await self.push(body)})
        if verb == "fail":
            self.fail(body.pop("method"), **body)
            return _json({"ok": True})
        if verb == "calls":
            return _json([{"method": call.method, "params": call.params} for call in self.calls])
        if verb == "chats":
            return _json(self.workspace.messages)
        return web.Response(status=404)


def signed(body: bytes, at: float, secret: str = SECRET) -> dict[str, str]:
    """The headers of a request from Slack (docs.slack.dev/authentication/verifying-requests)."""
    stamp = str(int(at))
    text = b"v0:" + stamp.encode() + b":" + body
    digest = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest}"}


async def _params(request: web.BaseRequest) -> Params:
    """Arguments come as query, form or JSON (docs.slack.dev/apis/web-api)."""
    query = dict(request.query) if request.query_string else {}
    body = (await request.read()).decode()
    if request.content_type == "application/json":
        given: Params = json.loads(body or "{}")
        return query | given
    return query | dict(parse_qsl(body, keep_blank_values=True))


def _token(request: web.BaseRequest, params: Params) -> str:
    header = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return header or str(params.get("token", ""))


def _json(value: Any, status: int = 200, retry_after: str | None = None) -> web.Response:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    body = json.dumps(value).encode()
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


def _cut(request: web.BaseRequest) -> web.Response:
    """The connection ends without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


if __name__ == "__main__":
    serve(
        "Slack",
        TOKEN,
        lambda token: FakeSlack(token, clock=time.time),
        lambda fake: [fake.base_url, fake.token, fake.app_token, BOT],
    )
