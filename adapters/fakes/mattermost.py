"""A local Mattermost: REST API v4 and the socket, with channels that a test can read as a person.

It keeps the documented meaning of ids, edits, `since`, `pending_post_id` and numbered events
(api.mattermost.com, developers.mattermost.com), and fails on request. `python -m
adapters.fakes.mattermost --port 8065` runs it alone, with a control API beside it for programs in
other processes: POST `/_control/say`, `/_control/push`, `/_control/fail`, `/_control/sockets`; GET
`/_control/calls`, `/_control/posts`, `/_control/wait?count=N&name=OPERATION`.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from adapters.fakes import server
from adapters.fakes.mattermost_api import Api, Request, packed
from adapters.fakes.mattermost_socket import Sockets, carries
from adapters.fakes.mattermost_world import Fields, Refusal, World
from adapters.fakes.server import Cut, answered
from adapters.fakes.standalone import serve

TOKEN = "fake0token0of0a0fake0server"
API = "/api/v4"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API, by its operation's name."""

    name: str
    request: Request


@dataclass(slots=True, kw_only=True)
class Fault(server.Fault):
    """See `server.Fault`; an error has `headers`."""

    message: str = "fault"
    headers: dict[str, str] | None = None


class FakeMattermost(server.FakeServer[Fault]):
    """One server with one bot; opening its socket is the call `WebSocket`."""

    def __init__(self, token: str = TOKEN, username: str = "trunk-bot") -> None:
        super().__init__(Fault)
        self.token = token
        self.world = World(username)
        self.sockets = Sockets(token, self.world.new_id)
        self.api = Api(self.world, self._happened)
        self._events: asyncio.Queue[Any] = asyncio.Queue()
        self._teller: asyncio.Task[None] | None = None
        self.sockets.changed = self._wake

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        """Serve; port 0 is a free one."""
        where = await self._serve(host, port, tls)
        self.base_url = f"{'https' if tls else 'http'}://{where}"
        self._teller = asyncio.create_task(self._tell(), name="fake mattermost events")

    async def stop(self) -> None:
        """Close every connection."""
        if self._teller is not None:
            self._teller.cancel()
            await asyncio.gather(self._teller, return_exceptions=True)
        self.sockets.cut()
        await super().stop()
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

    def visible(self, channel: str) -> list[str]:
        """The texts of the bot that stand in a channel now, in order."""
        return [str(post["message"]) for post in self.world.visible(channel, self.world.me)]

    def called(self, name: str) -> list[Request]:
        """Every call of an operation, in order."""
        return [call.request for call in self.calls if call.name == name]

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._answer(request.path.removeprefix(API), request)
        except Refusal as refusal:
            return _refused(refusal)

    async def _answer(self, path: str, request: web.BaseRequest) -> web.StreamResponse:
        if path == "/websocket":
            fault = await self._met("WebSocket")
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
        fault = await self._met(name)
        if fault.body is not None:
            status = fault.status or 200
            return web.Response(status=status, text=fault.body, content_type="application/json")
        answer = handler(asked)
        if fault.cut == "after":
            raise Cut
        return answered(answer, 201 if request.method == "POST" else 200)

    async def _met(self, name: str) -> Fault:
        """What this call meets. Raises Cut, and Refusal when that is an error."""
        fault = await super()._met(name)
        if fault.status and fault.body is None:
            raise Refusal(fault.status, fault.message, fault.headers)
        return fault

    def _file(self, its_id: str) -> web.Response:
        if its_id not in self.world.files:
            raise Refusal(404, "Unable to find the file.")
        info, data = self.world.files[its_id]
        return web.Response(body=data, content_type=str(info["mime_type"]))

    async def _steer(self, verb: str, body: Fields) -> Any:
        if verb == "say":
            channel = body.pop("channel", self.world.town)
            return {"id": self.say(channel, body.pop("text"), **body)}
        if verb == "push":
            self.push(body)
            return {"ok": True}
        if verb == "sockets":
            sockets = self.sockets
            does = {"cut": sockets.cut, "freeze": sockets.freeze, "forget": sockets.forget}
            does[body["do"]]()
            return {"opened": sockets.opened, "resumed": sockets.resumed}
        if verb == "calls":
            return [{"name": one.name, "body": one.request.body} for one in self.calls]
        if verb == "posts":
            places = {"town": self.world.town, "room": self.world.room, "ada": self.world.ada}
            return {**places, "posts": list(self.world.posts.values())}
        return None


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


def _refused(refusal: Refusal) -> web.Response:
    """See api.mattermost.com, "Error response". A proxy or the rate limiter speaks plain text."""
    if refusal.status == 429:
        return web.Response(status=429, text="limit exceeded", headers=refusal.headers)
    error = {"id": "api.fake", "message": refusal.message, "status_code": refusal.status}
    answer = answered({**error, "request_id": "", "detailed_error": ""}, refusal.status)
    answer.headers.update(refusal.headers)
    return answer


if __name__ == "__main__":
    serve(
        "Mattermost",
        TOKEN,
        FakeMattermost,
        lambda fake: [fake.base_url],
    )
