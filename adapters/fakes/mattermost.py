"""A local Mattermost: REST API v4 and the socket, with channels that a test can read as a person.

It keeps the documented meaning of ids, edits, `since`, `pending_post_id` and numbered events
(api.mattermost.com, developers.mattermost.com), and fails on request. `python -m
adapters.fakes.mattermost --port 8065` runs it alone, with a control API beside it for programs in
other processes: POST `/_control/say`, `/_control/push`, `/_control/fail`, `/_control/sockets`; GET
`/_control/calls`, `/_control/posts`, `/_control/wait?count=N&name=OPERATION`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from aiohttp import web

from adapters.fakes.mattermost_api import Api, Request, packed
from adapters.fakes.mattermost_socket import Sockets, carries
from adapters.fakes.mattermost_world import Fields, Refusal, World
from adapters.fakes.standalone import serve

TOKEN = "fake0token0of0a0fake0server"
API = "/api/v4"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API, by its operation's name."""

    name: str
    request: Request


@dataclass(slots=True)
class Fault:
    """What the next `times` calls of an operation meet instead of, or after, being done.

    `status` answers with an error and `headers`; `cut` drops the connection `before` or `after` the
    call is done; `hang` never answers; `body` is answered as it is, under `status` or 200.
    """

    status: int = 0
    message: str = "fault"
    headers: dict[str, str] | None = None
    cut: Literal["", "before", "after"] = ""
    hang: bool = False
    body: str | None = None
    times: int = 1


class _Cut(Exception):
    """The connection was dropped; there is nobody to answer."""


class FakeMattermost:
    """One server with one bot. `start` before use, `stop` after; or `async with`."""

    def __init__(self, token: str = TOKEN, username: str = "trunk-bot") -> None:
        self.token = token
        self.world = World(username)
        self.sockets = Sockets(token, self.world.new_id)
        self.api = Api(self.world, self._happened)
        self.calls: list[Call] = []
        self.base_url = ""
        self._faults: dict[str, list[Fault]] = {}
        self._changed = asyncio.Event()
        self._stopped = asyncio.Event()
        self._events: asyncio.Queue[Any] = asyncio.Queue()
        self._teller: asyncio.Task[None] | None = None
        self._runner = web.ServerRunner(
            web.Server(self._handle, access_log=None), shutdown_timeout=0.1
        )
        self.sockets.changed = self._changed.set

    async def __aenter__(self) -> FakeMattermost:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        """Serve; `base_url` says where."""
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, ssl_context=tls).start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"{'https' if tls else 'http'}://{host}:{port}"
        self._teller = asyncio.create_task(self._tell(), name="fake mattermost events")

    async def stop(self) -> None:
        """Close every connection."""
        self._stopped.set()
        if self._teller is not None:
            self._teller.cancel()
            await asyncio.gather(self._teller, return_exceptions=True)
        self.sockets.cut()
        await self._runner.cleanup()
        # Connections that were refused in the handshake are nobody's, and need a moment to end.
        await asyncio.sleep(0.05 if self.base_url.startswith("https") else 0)

    async def _tell(self) -> None:
        """One event after the other, as a hub does; nobody who acts waits for it."""
        while True:
            event = await self._events.get()
            await self.sockets.tell(event)
            self._events.task_done()

    async def told(self) -> None:
        """Return once every event was handed to the sockets."""
        await self._events.join()

    def _happened(self, event: str, data: Fields) -> None:
        self._events.put_nowait(packed(event, data, self.world))

    def push(self, event: Any) -> None:
        """Tell a raw event; an object gets the next number unless it has one, a text goes as is."""
        self._events.put_nowait(event)

    def say(self, channel: str, text: str, *, sender: str = "", **more: Any) -> str:
        """A person writes; the id of the post. `more` are further fields of the post."""
        fields = {"channel_id": channel, "message": text, **more}
        post = self.world.create(sender or self.world.ada, fields)
        self._happened("posted", {"post": post})
        return str(post["id"])

    def revise(self, post: str, text: str) -> None:
        """A person edits a post."""
        author = str(self.world.posts[post]["user_id"])
        self._happened("post_edited", {"post": self.world.patch(author, post, {"message": text})})

    def retract(self, post: str) -> None:
        """A person deletes a post."""
        self._happened("post_deleted", {"post": self.world.delete(post)})

    def react(self, post: str, emoji: str, *, sender: str = "") -> None:
        """A person puts a reaction under a post."""
        reaction = {
            "user_id": sender or self.world.ada,
            "post_id": post,
            "emoji_name": emoji,
            "create_at": self.world.now(),
            "channel_id": self.world.posts[post]["channel_id"],
        }
        self._happened("reaction_added", {"reaction": reaction})

    def press(self, post: str, number: int = 0, *, sender: str = "") -> tuple[str, Fields]:
        """A person presses a button: the address that the server calls, and what it says."""
        there = self.world.posts[post]
        action = there["props"]["attachments"][0]["actions"][number]
        user = self.world.users[sender or self.world.ada]
        channel = self.world.channels[there["channel_id"]]
        body = {
            "user_id": user["id"],
            "user_name": user["username"],
            "channel_id": channel["id"],
            "channel_name": channel["name"],
            "team_id": channel["team_id"],
            "team_domain": "engines",
            "post_id": post,
            "trigger_id": self.world.trigger(str(user["id"])),
            "type": "button",
            "data_source": "",
            "context": action["integration"]["context"],
        }
        return str(action["integration"]["url"]), body

    def command(self, channel: str, text: str, *, sender: str = "") -> tuple[str, str, str]:
        """A person types a slash command: the address that is called, the token, and the form."""
        trigger, _, args = text.removeprefix("/").partition(" ")
        found = next(one for one in self.world.commands.values() if one["trigger"] == trigger)
        user, there = self.world.users[sender or self.world.ada], self.world.channels[channel]
        form = {
            "token": found["token"],
            "team_id": found["team_id"],
            "team_domain": "engines",
            "channel_id": channel,
            "channel_name": there["name"],
            "user_id": user["id"],
            "user_name": user["username"],
            "command": f"/{trigger}",
            "text": args,
            "trigger_id": self.world.trigger(str(user["id"])),
            "response_url": f"{self.base_url}/hooks/commands/{self.world.new_id('hook')}",
        }
        return str(found["url"]), str(found["token"]), urlencode(form)

    def fail(self, name: str, **fault: Any) -> None:
        """Let the next calls of an operation fail; `WebSocket` is opening the socket. See Fault."""
        self._faults.setdefault(name, []).append(Fault(**fault))

    def visible(self, channel: str) -> list[str]:
        """The texts of the bot that stand in a channel now, in order."""
        return [str(post["message"]) for post in self.world.visible(channel, self.world.me)]

    def called(self, name: str) -> list[Request]:
        """Every call of an operation, in order."""
        return [call.request for call in self.calls if call.name == name]

    async def wait_for(self, predicate: Callable[[], object], timeout: float = 30.0) -> None:
        """Return once the predicate holds; it is asked after every call. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while not predicate():
                self._changed.clear()
                await self._changed.wait()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith("/_control/"):
            return await self._control(path.removeprefix("/_control/"), request)
        try:
            return await self._answer(path.removeprefix(API), request)
        except Refusal as refusal:
            return _refused(refusal)
        except (_Cut, ConnectionResetError):
            return web.Response()
        finally:
            self._changed.set()

    async def _answer(self, path: str, request: web.BaseRequest) -> web.StreamResponse:
        if path == "/websocket":
            fault = await self._fault("WebSocket", request)
            if fault.body is not None:
                return web.Response(text=fault.body)
            return await self.sockets.serve(request)
        if not carries(request, self.token):
            raise Refusal(401, "Invalid or expired session, please login again.")
        if request.method == "GET" and path.startswith("/files/"):
            return self._file(path.removeprefix("/files/"))
        name, ids, handler = self.api.find(request.method, path)
        asked = await _taken_apart(request, ids)
        self.calls.append(Call(name, asked))
        fault = await self._fault(name, request)
        if fault.body is not None:
            status = fault.status or 200
            return web.Response(status=status, text=fault.body, content_type="application/json")
        answer = handler(asked)
        if fault.cut == "after":
            _cut(request)
        return _json(answer, 201 if request.method == "POST" else 200)

    async def _fault(self, name: str, request: web.BaseRequest) -> Fault:
        """What this call meets. Raises Refusal when that is an error."""
        faults = self._faults.get(name)
        if not faults:
            return Fault()
        fault = faults[0]
        fault.times -= 1
        if not fault.times:
            faults.pop(0)
        if fault.hang:
            await self._stopped.wait()
        if fault.cut == "before":
            _cut(request)
        if fault.status and fault.body is None:
            raise Refusal(fault.status, fault.message, fault.headers)
        return fault

    def _file(self, its_id: str) -> web.Response:
        if its_id not in self.world.files:
            raise Refusal(404, "Unable to find the file.")
        info, data = self.world.files[its_id]
        return web.Response(body=data, content_type=str(info["mime_type"]))

    async def _control(self, verb: str, request: web.BaseRequest) -> web.Response:
        body = json.loads(await request.read() or b"{}")
        if verb == "say":
            channel = body.pop("channel", self.world.town)
            return _json({"id": self.say(channel, body.pop("text"), **body)})
        if verb == "push":
            self.push(body)
            return _json({"ok": True})
        if verb == "fail":
            self.fail(body.pop("name"), **body)
            return _json({"ok": True})
        if verb == "sockets":
            getattr(
                self.sockets, {"cut": "cut", "freeze": "freeze", "forget": "forget"}[body["do"]]
            )()
            return _json({"opened": self.sockets.opened, "resumed": self.sockets.resumed})
        if verb == "calls":
            return _json([{"name": one.name, "body": one.request.body} for one in self.calls])
        if verb == "posts":
            places = {"town": self.world.town, "room": self.world.room, "ada": self.world.ada}
            return _json({**places, "posts": list(self.world.posts.values())})
        return await self._control_wait(request)

    async def _control_wait(self, request: web.BaseRequest) -> web.Response:
        """Answer when so many calls (of one operation) were made, or time is up."""
        count, name = int(request.query["count"]), request.query.get("name", "")
        seconds = float(request.query.get("timeout", "30"))

        def made() -> int:
            return len(self.called(name) if name else self.calls)

        with contextlib.suppress(TimeoutError):
            await self.wait_for(lambda: made() >= count, seconds)
        return _json({"reached": made() >= count, "count": made()})


async def _taken_apart(request: web.BaseRequest, ids: tuple[str, ...]) -> Request:
    query = dict(request.query)
    if request.content_type != "multipart/form-data":
        data = await request.read()
        return Request(ids, query, json.loads(data) if data else None)
    fields = await request.post()
    file = fields["files"]
    if not isinstance(file, web.FileField):
        raise Refusal(400, "No files in the request.")
    return Request(ids, query, None, (file.filename, file.content_type, file.file.read()))


def _json(value: Any, status: int = 200) -> web.Response:
    # Without a charset, as the server answers.
    return web.Response(
        status=status,
        body=json.dumps(value).encode(),
        headers={"Content-Type": "application/json"},
    )


def _refused(refusal: Refusal) -> web.Response:
    """See api.mattermost.com, "Error response". A proxy or the rate limiter speaks plain text."""
    if refusal.status == 429:
        return web.Response(status=429, text="limit exceeded", headers=refusal.headers)
    error = {"id": "api.fake", "message": refusal.message, "status_code": refusal.status}
    answer = _json({**error, "request_id": "", "detailed_error": ""}, refusal.status)
    answer.headers.update(refusal.headers)
    return answer


def _cut(request: web.BaseRequest) -> None:
    """The connection ends without an answer."""
    if request.transport is not None:
        request.transport.abort()
    raise _Cut


if __name__ == "__main__":
    serve(
        "Mattermost",
        TOKEN,
        FakeMattermost,
        lambda fake: [fake.base_url],
    )
