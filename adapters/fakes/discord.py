"""A local Discord: gateway and REST interface, with channels that a test can read as people do.

It keeps the documented meaning of sessions, nonces, limits and refusals (discord.com/developers
/docs), and fails on request. `python -m adapters.fakes.discord --port 8082` runs it alone, with a
control API for programs in other processes: POST `/_control/say`, `/_control/slash`,
`/_control/open`, `/_control/dispatch`, `/_control/raw`, `/_control/drop`, `/_control/forget`,
`/_control/fail`; GET `/_control/calls`, `/_control/rooms`, `/_control/wait?count=N&name=SEND`.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from adapters.fakes import server
from adapters.fakes.discord_gateway import FakeGateway
from adapters.fakes.discord_methods import PATHS, Interaction, Methods
from adapters.fakes.discord_rooms import DM, Fields, Refusal, Rooms, Shown, member, person
from adapters.fakes.server import Cut, answered
from adapters.fakes.standalone import serve

TOKEN = "ODc2NTQzMjEw.fake.token_of_a_fake_server"
BOT = "876543210"
API = "/api/v10"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the REST interface: what it does, the ids in its path, its body."""

    name: str
    parts: tuple[str, ...]
    body: Fields


@dataclass(slots=True, kw_only=True)
class Fault(server.Fault):
    """See `server.Fault`; an error has a `code`, `retry_after` answers with 429.

    `body` is answered as `kind`, with `headers`.
    """

    code: int = 0
    message: str = "fault"
    retry_after: float | None = None
    everywhere: bool = False
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class FakeDiscord(server.FakeServer[Fault]):
    """One bot's Discord; `gateway.url` is where its gateway is."""

    def __init__(self, token: str = TOKEN, username: str = "trunk") -> None:
        super().__init__(Fault)
        self.token = token
        self.me: Fields = {"id": BOT, "username": username, "bot": True, "discriminator": "0"}
        self.rooms = Rooms(self.me)
        self.gateway = FakeGateway(token, self.rooms, self._wake)
        self.methods = Methods(self.rooms, self.gateway.dispatch)
        self.room = self.rooms.open(0, "general")
        self.direct = self.rooms.open(DM)
        self._limits: dict[str, tuple[int, float]] = {}
        self._made: dict[str, list[float]] = {}

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Serve; port 0 is a free one."""
        await super().start(host, port)
        self.gateway.start()

    def _located(self, where: str) -> None:
        self.base_url = f"http://{where}{API}"
        self.gateway.url = self.methods.gateway_url = f"ws://{where}/gateway"

    async def stop(self) -> None:
        """Close every connection."""
        await self.gateway.stop()
        await super().stop()

    def say(self, text: str, channel: str = "", *, sender: str = "7", **more: Any) -> Shown:
        """A person writes, in `room` unless told otherwise. `more` are further message fields."""
        shown = self.rooms.add(channel or self.room, text, person(sender), more=more)
        self.gateway.dispatch("MESSAGE_CREATE", self.rooms.message(shown, as_event=True))
        return shown

    def thread(self, name: str, parent: str = "", kind: int = 11) -> str:
        """A person opens a thread (events/gateway-events#thread-create); its id."""
        identifier = self.rooms.open(kind, name, parent or self.room)
        created = {**self.rooms.channels[identifier], "newly_created": True}
        self.gateway.dispatch("THREAD_CREATE", created)
        return identifier

    def slash(self, name: str, arguments: str = "", channel: str = "", **more: Any) -> Interaction:
        """A person gives a slash command."""
        options = [{"type": 3, "name": "arguments", "value": arguments}] if arguments else []
        data = {"id": "1", "type": 1, "name": name, "options": options}
        return self._interact(2, data, channel, **more)

    def type(self, name: str, typed: str, channel: str = "") -> Interaction:
        """A person is typing behind a slash command."""
        option = {"type": 3, "name": "arguments", "value": typed, "focused": True}
        data = {"id": "1", "type": 1, "name": name, "options": [option]}
        return self._interact(4, data, channel)

    def press(self, message: str, name: str, channel: str = "") -> Interaction:
        """A person presses a button under a message."""
        shown = self.rooms.find(channel or self.room, message)
        more = {"message": self.rooms.message(shown)}
        return self._interact(3, {"component_type": 2, "custom_id": name}, channel, **more)

    def _interact(self, kind: int, data: Fields, channel: str, **more: Any) -> Interaction:
        """See interactions/receiving-and-responding#interaction-object."""
        channel = channel or self.room
        place, who = self.rooms.channels[channel], person("7")
        identifier = self.rooms.snowflake()
        found = Interaction(identifier, f"token-{identifier}", channel)
        self.methods.interactions[found.token] = found
        guild: Fields = {"user": who}
        if place["type"] != DM:
            guild = {"guild_id": self.rooms.guild, "member": {**member(), "user": who}}
        event = {
            "id": identifier,
            "application_id": self.me["id"],
            "type": kind,
            "data": data,
            "channel_id": channel,
            "channel": place,
            "token": found.token,
            "version": 1,
            **guild,
            **more,
        }
        self.gateway.dispatch("INTERACTION_CREATE", event)
        return found

    def limit(self, name: str, count: int, per: float) -> None:
        """Give the calls of a name a bucket: so many in so many seconds (topics/rate-limits)."""
        self._limits[name] = (count, per)

    def visible(self, channel: str = "") -> list[str]:
        """The texts of the bot that stand in a channel now, in order."""
        return [shown.content for shown in self.rooms.visible(channel or self.room)]

    def called(self, name: str) -> list[Fields]:
        """The bodies of every call of a name, in order."""
        return [call.body for call in self.calls if call.name == name]

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path == "/gateway":
            return await self.gateway.handle(request)
        if path.startswith("/files/"):
            data = self.methods.files.get(path.rpartition("/")[2])
            return web.Response(status=404) if data is None else web.Response(body=data)
        body = await _body(request)
        name, parts = _route(request.method, path.removeprefix(API))
        if not name or not path.startswith(API):
            return _refused(Refusal(404, 0, "404: Not Found"))
        own = name in ("callback", "original", "unoriginal", "follow", "answer", "unanswer")
        known = hmac.compare_digest(request.headers.get("Authorization", ""), f"Bot {self.token}")
        if not own and not known:
            return _refused(Refusal(401, 0, "401: Unauthorized"))
        self.calls.append(Call(name, parts, body))
        return await self._answer(name, parts, body, request)

    async def _answer(
        self, name: str, parts: tuple[str, ...], body: Fields, request: web.BaseRequest
    ) -> web.StreamResponse:
        fault = await self._met(name)
        if fault.body is not None:
            return web.Response(
                status=fault.status or 200,
                text=fault.body,
                content_type=fault.kind,
                headers=fault.headers,
            )
        headers, wait = self._bucket(name, parts)
        if fault.retry_after is not None or wait:
            return _flooded(fault.retry_after or wait, fault.everywhere, headers)
        try:
            if fault.status:
                raise Refusal(fault.status, fault.code, fault.message)
            result = self.methods.call(name, parts, body, dict(request.query))
        except Refusal as refusal:
            return _refused(refusal)
        if fault.cut == "after":
            raise Cut
        return web.Response(status=204) if result is None else answered(result, headers=headers)

    def _bucket(self, name: str, parts: tuple[str, ...]) -> tuple[dict[str, str], float]:
        """The headers of a limited call, and how long it must wait (#header-format)."""
        if name not in self._limits:
            return {}, 0.0
        count, per = self._limits[name]
        now = time.monotonic()
        key = f"{name}:{parts[0] if parts else ''}"
        made = self._made[key] = [at for at in self._made.get(key, []) if at > now - per]
        wait = made[0] + per - now if len(made) >= count else 0.0
        if not wait:
            made.append(now)
        headers = {
            "X-RateLimit-Limit": str(count),
            "X-RateLimit-Remaining": str(max(0, count - len(made))),
            "X-RateLimit-Reset-After": f"{made[0] + per - now:.3f}",
            "X-RateLimit-Bucket": f"bucket-{name}",
        }
        return headers, wait

    async def _steer(self, verb: str, body: Fields) -> Any:
        if verb == "calls":
            return [{"name": c.name, "parts": c.parts, "body": c.body} for c in self.calls]
        if verb == "rooms":
            return {
                channel: [{name: getattr(m, name) for name in Shown.__slots__} for m in shown]
                for channel, shown in self.rooms.messages.items()
            }
        if verb == "say":
            return {"id": self.say(body.pop("text"), **body).id}
        if verb == "slash":
            return {"token": self.slash(body.pop("name"), **body).token}
        if verb == "open":
            return {"id": self.rooms.open(**body)}
        if verb == "dispatch":
            self.gateway.dispatch(body["t"], body["d"])
        elif verb == "raw":
            self.gateway.raw(body["text"])
        elif verb == "drop":
            self.gateway.drop()
        elif verb == "forget":
            self.gateway.forget()
        return {"room": self.room, "direct": self.direct}


def _route(method: str, path: str) -> tuple[str, tuple[str, ...]]:
    for verb, pattern, name in PATHS:
        if verb == method and (found := pattern.fullmatch(path)):
            return name, found.groups()
    return "", ()


async def _body(request: web.BaseRequest) -> Fields:
    """JSON, or a form whose `payload_json` is it (reference#uploading-files)."""
    if request.content_type != "multipart/form-data":
        given: Fields = json.loads(await request.read() or b"{}")
        return given
    form: Mapping[str, Any] = await request.post()
    # A part with a type of its own comes as bytes.
    body: Fields = json.loads(form["payload_json"])
    files = [(f.filename, f.file.read()) for f in form.values() if isinstance(f, web.FileField)]
    return {**body, "_files": files}


def _refused(refusal: Refusal) -> web.Response:
    return answered({"message": str(refusal), "code": refusal.code}, refusal.status)


def _flooded(seconds: float, everywhere: bool, headers: dict[str, str]) -> web.Response:
    """See topics/rate-limits#exceeding-a-rate-limit."""
    answer = {
        "message": "You are being rate limited.",
        "retry_after": seconds,
        "global": everywhere,
    }
    scope = {"X-RateLimit-Scope": "global" if everywhere else "user"}
    return answered(answer, 429, {**headers, **scope, "Retry-After": str(int(seconds) + 1)})


if __name__ == "__main__":
    serve(
        "Discord",
        TOKEN,
        FakeDiscord,
        lambda fake: [fake.base_url, fake.gateway.url],
    )
