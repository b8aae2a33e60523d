"""A local Slack: the Web API and Socket Mode, with conversations that a test can read.

It keeps the documented meaning of envelopes, acknowledgements and refusals (docs.slack.dev), and
fails on request. What nobody acknowledged is sent again by `redeliver`, never by a timer.
`python -m adapters.fakes.slack --port 8082` runs it alone, with a control API beside the Web API:
POST `/_control/say`, `/_control/push`, `/_control/fail`; GET `/_control/calls`, `/_control/chats`,
`/_control/wait?count=N&method=M`.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web

from adapters.fakes import server
from adapters.fakes.server import Cut, answered
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


@dataclass(slots=True, kw_only=True)
class Fault(server.Fault):
    """See `server.Fault`; `error` refuses, `retry_after` answers with 429."""

    error: str = ""
    retry_after: str | None = None


class FakeSlack(server.FakeServer[Fault]):
    """One app's Slack.

    Its messages are numbered in one and the same second, unless a `clock` is given.
    """

    named = "method"

    def __init__(
        self,
        token: str = TOKEN,
        app_token: str = APP_TOKEN,
        clock: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(Fault)
        self.token = token
        self.app_token = app_token
        self.workspace = Workspace(clock) if clock else Workspace()
        self.acknowledged: list[str] = []
        self.waiting: dict[str, Params] = {}
        self.tickets: set[str] = set()
        # Sockets that never answer a ping, or that do not even greet.
        self.deaf = False
        self.mute = False
        self._sockets: list[web.WebSocketResponse] = []
        self._numbers = itertools.count(1)

    def _located(self, where: str) -> None:
        self.base_url = f"http://{where}/api/"
        self.workspace.files_url = f"http://{where}/files/"

    async def stop(self) -> None:
        """Close every connection."""
        await self.cut()
        await super().stop()

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

    def called(self, method: str) -> list[Params]:
        """The parameters of every call of a method, in order."""
        return [call.params for call in self.calls if call.method == method]

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith("/socket/"):
            return await self._socket(path.rpartition("/")[2], request)
        if path.startswith("/files/"):
            return await self._file(path.removeprefix("/files/"), request)
        method, params = path.removeprefix("/api/"), await _params(request)
        self.calls.append(Call(method, params))
        return await self._answer(method, params, request)

    async def _answer(
        self, method: str, params: Params, request: web.BaseRequest
    ) -> web.StreamResponse:
        fault = await self._met(method)
        if fault.retry_after is not None:
            headers = {"Retry-After": fault.retry_after}
            return answered({"ok": False, "error": "ratelimited"}, 429, headers)
        if fault.body is not None or fault.status:
            return web.Response(status=fault.status or 200, text=fault.body or "<html>")
        try:
            if fault.error:
                raise Refusal(fault.error)
            answer = self._called(method, params, _token(request, params))
        except Refusal as refusal:
            return answered({"ok": False, "error": refusal.error, **refusal.more})
        if fault.cut == "after":
            raise Cut
        return answered({"ok": True, **answer})

    def _called(self, method: str, params: Params, token: str) -> Params:
        wanted = self.app_token if method == "apps.connections.open" else self.token
        if not hmac.compare_digest(token.encode(), wanted.encode()):
            raise Refusal("invalid_auth")
        if method != "apps.connections.open":
            return self.workspace.call(method, params)
        ticket = f"ticket-{next(self._numbers)}"
        self.tickets.add(ticket)
        return {"url": f"{self.base_url.replace('http', 'ws', 1)[:-4]}socket/{ticket}"}

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
        self._wake()
        try:
            async for frame in socket:
                if frame.type == aiohttp.WSMsgType.TEXT:
                    self._acknowledge(json.loads(frame.data))
        finally:
            self._sockets.remove(socket)
            self._wake()
        return socket

    def _acknowledge(self, frame: Params) -> None:
        if self.waiting.pop(frame["envelope_id"], None) is not None:
            self.acknowledged.append(frame["envelope_id"])
        self._wake()

    async def _file(self, path: str, request: web.BaseRequest) -> web.Response:
        if request.method == "POST":
            self.workspace.uploaded(path, await request.read())
            return web.Response(text=f"OK - {path}")
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=302, headers={"Location": "/signin"})
        data = self.workspace.files.get(path, {}).get("data")
        return web.Response(status=404) if data is None else web.Response(body=data)

    async def _steer(self, verb: str, body: Params) -> Any:
        if verb == "say":
            return {"ts": await self.say(body.pop("channel"), body.pop("text"), **body)}
        if verb == "push":
            return {"envelope": await self.push(body)}
        if verb == "calls":
            return [{"method": call.method, "params": call.params} for call in self.calls]
        return self.workspace.messages if verb == "chats" else None


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


if __name__ == "__main__":
    serve(
        "Slack",
        TOKEN,
        lambda token: FakeSlack(token, clock=time.time),
        lambda fake: [fake.base_url, fake.token, fake.app_token, BOT],
    )
