"""Discord for the conformance kit: two bots on local servers, and people around them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from adapters.discord.adapter import Discord
from adapters.discord.options import DiscordOptions
from adapters.fakes.discord import BOT, TOKEN, FakeDiscord
from adapters.fakes.discord_rooms import DM, SUPPRESS_EMBEDS, Fields, Shown, member, person
from adapters.fakes.seen import Seen, TwoBots, nowhere, opened
from bot.contract import Address, AttachmentKind, HttpRequest

PEOPLE = {"ada": "7", "bob": "8"}
_ROBOT = {"id": "555", "username": "robot", "bot": True, "discriminator": "0"}
_SECOND = "ODc2NTQzMjEx.fake.token_of_another_bot"
_WRONG = "ODc2NTQzMjEy.fake.a_wrong_token_of_nobody"
_TYPES = {"image": "image/png", "audio": "audio/ogg", "video": "video/mp4", "file": "text/plain"}
_ESCAPED = re.compile(r"\\([^\w\s])")
# A link that is wrapped so shows no page (reference#message-formatting).
_QUIET_LINK = re.compile(r"<https?://[^>\s]+>")


class Recording(FakeDiscord):
    """Remembers its last event; its gateway can be out of order, or half-open."""

    def __init__(self, token: str) -> None:
        super().__init__(token)
        self.last: tuple[str, Any] = ("", None)
        self.closed: list[str] = []
        self.place = {"direct": self.direct, "group": self.room}
        self.place["thread"] = self.rooms.open(11, "thread", self.room)

    def tell(self, name: str, data: Any) -> None:
        """An event happens."""
        self.last = name, data
        self.gateway.dispatch(name, data)

    def heal(self) -> None:
        super().heal()
        self.closed.clear()

    def silence(self) -> None:
        """Connections stay open, and nothing comes over them any more."""
        self.gateway.silent = True
        for session in self.gateway.sessions.values():
            session.socket = None

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/gateway":
            if self.closed:
                return await self._out_of_order(self.closed.pop(0))
            self.gateway.silent = False
        return await super()._handle(request)

    async def _out_of_order(self, how: str) -> web.StreamResponse:
        if how == "hang":
            await self._stopped.wait()
        status = {"limited": 429, "garbage": 200}.get(how, 502)
        return web.Response(status=status, text="<html>what?")


class DiscordWorld(TwoBots[Recording]):
    """See `bot.testing.conformance.World`."""

    http: Any = None

    def __init__(self) -> None:
        super().__init__(Recording(TOKEN), Recording(_SECOND))
        self._edits = 0
        self.bot_ids: Sequence[str] = (BOT,)
        self.bot_name = str(self._fakes["first"].me["username"])

    def adapter(
        self,
        account: str = "first",
        *,
        valid: bool = True,
        reachable: bool = True,
        webhook: bool = False,
    ) -> Discord:
        fake = self._fakes[account]
        base = fake.base_url if reachable else nowhere()
        gateway = fake.gateway.url if reachable else base.replace("http", "ws", 1)
        return Discord(account, DiscordOptions(fake.token if valid else _WRONG, base, gateway))

    def place(self, kind: str, account: str = "first") -> Address:
        places = self._fakes[account].place
        thread = places["thread"] if kind == "thread" else None
        return Address(
            "discord", account, places["direct" if kind == "direct" else "group"], thread
        )

    async def say(
        self,
        to: Address,
        text: str,
        *,
        author: str = "ada",
        quote: str | None = None,
        mention: bool = False,
    ) -> str:
        words = f"<@{BOT}> {text}" if mention else text
        return self._says(to, words, person(PEOPLE[author]), reply_to=quote)

    async def say_as(self, who: str, to: Address, text: str) -> str:
        return self._says(to, text, self._of(to).me if who == "self" else _ROBOT)

    async def forward(self, to: Address, text: str) -> str:
        """See resources/message#message-reference-types."""
        snapshot = {"content": text, "timestamp": _time(), "edited_timestamp": None, "type": 0}
        more = {
            "message_reference": {"type": 1, "channel_id": "99", "message_id": "98"},
            "message_snapshots": [{"message": {**snapshot, "attachments": [], "embeds": []}}],
        }
        return self._says(to, "", person(PEOPLE["ada"]), more=more)

    async def show(self, to: Address, kind: AttachmentKind, data: bytes, text: str = "") -> str:
        fake = self._of(to)
        name = fake.rooms.snowflake()
        fake.methods.files[name] = data
        file = {
            "id": name,
            "filename": f"file.{kind}",
            "size": len(data),
            "url": f"{fake.base_url.partition('/api/')[0]}/files/{name}",
            "content_type": _TYPES[kind],
        }
        return self._says(to, text, person(PEOPLE["ada"]), files=[file])

    async def edit(self, to: Address, id: str, text: str) -> None:
        shown = self._shown(to, id)
        self._edits += 1
        shown.content, shown.edited_at = text, _time(self._edits)
        self._tell_message("MESSAGE_UPDATE", to, shown)

    async def delete(self, to: Address, id: str) -> None:
        self._shown(to, id).deleted = True
        self._of(to).tell("MESSAGE_DELETE", {"id": id, **self._where(to)})

    async def react(self, to: Address, id: str, emoji: str) -> None:
        event = {
            "user_id": PEOPLE["ada"],
            "message_id": id,
            "emoji": {"id": None, "name": emoji},
            "member": {**member(), "user": person(PEOPLE["ada"])},
        }
        self._of(to).tell("MESSAGE_REACTION_ADD", {**event, **self._where(to)})

    async def press(self, to: Address, id: str, label: str) -> None:
        names = {key["label"]: key["custom_id"] for key in _keys(self._shown(to, id))}
        self._of(to).press(id, names[label], _channel(to))

    async def command(self, to: Address, name: str, args: str) -> None:
        self._of(to).slash(name, args, _channel(to))

    async def again(self) -> None:
        fake = self._fakes["first"]
        fake.tell(*fake.last)

    def event(self, text: str) -> Any:
        fake = self._fakes["first"]
        ada = person(PEOPLE["ada"])
        earlier = Shown("6", fake.room, "earlier", ada, by_bot=False)
        file = {
            "id": "9",
            "filename": "a.txt",
            "size": 5,
            "url": f"{fake.base_url}/files/9",
            "content_type": "text/plain",
        }
        shown = Shown("7", fake.room, f"{text} <@8>", ada, by_bot=False, files=[file])
        more = {"referenced_message": fake.rooms.message(earlier), "type": 19}
        data = {**fake.rooms.message(shown, as_event=True), **more}
        return {"op": 0, "t": "MESSAGE_CREATE", "s": 1, "d": data}

    async def push(self, event: Any) -> None:
        fake = self._fakes["first"]
        if isinstance(event, dict) and event.get("op") == 0 and isinstance(event.get("t"), str):
            fake.tell(event["t"], event.get("d"))
        else:
            # Numbers are the gateway's own: one that is broken would confirm what comes later.
            fake.gateway.raw(json.dumps({**event, "s": None} if isinstance(event, dict) else event))

    def request(self, event: Any, proof: str) -> HttpRequest:
        raise NotImplementedError("interactions come over the gateway")

    def seen(self, to: Address) -> list[Seen]:
        fake = self._of(to)
        return [
            Seen(
                id=shown.id,
                text=_ESCAPED.sub(r"\1", shown.content),
                quoted=shown.reply_to,
                buttons=tuple((key["label"], key["custom_id"]) for key in _keys(shown)),
                files=tuple(
                    (one["filename"], fake.methods.files[one["id"]]) for one in shown.files
                ),
                reactions=tuple(shown.reactions),
                pings=tuple(shown.pinged),
                preview=not shown.flags & SUPPRESS_EMBEDS
                and "://" in _QUIET_LINK.sub("", shown.content),
            )
            for shown in fake.rooms.visible(_channel(to))
        ]

    def menu(self) -> list[str]:
        return [str(command["name"]) for command in self._fakes["first"].methods.commands]

    def fail(self, verb: str, how: str, wait: object = None, times: int = 1) -> None:
        fake = self._fakes["first"]
        if verb == "receive":
            fake.closed += [how] * times
        elif how == "limited":
            body = json.dumps({"message": "limited", "retry_after": wait, "global": False})
            fake.fail(verb, status=429, body=body, times=times)
        elif how in ("broken", "garbage"):
            status = 502 if how == "broken" else 200
            fake.fail(verb, status=status, body="<html>what?", kind="text/html", times=times)
        elif how == "refused":
            fake.fail(verb, status=403, code=50013, message="Missing Permissions", times=times)
        elif how == "hang":
            fake.fail(verb, hang=True, times=times)
        else:
            fake.fail(verb, cut=how.removeprefix("cut-"), times=times)

    def cut(self, *, forget: bool = False) -> None:
        gateway = self._fakes["first"].gateway
        gateway.drop()
        if forget:
            gateway.forget()

    def silence(self) -> None:
        self._fakes["first"].silence()

    def _shown(self, to: Address, id: str) -> Shown:
        return self._of(to).rooms.find(_channel(to), id)

    def _where(self, to: Address) -> Fields:
        fake, channel = self._of(to), _channel(to)
        guild = {} if fake.rooms.channels[channel]["type"] == DM else {"guild_id": fake.rooms.guild}
        return {"channel_id": channel, **guild}

    def _says(self, to: Address, text: str, author: Fields, **more: Any) -> str:
        shown = self._of(to).rooms.add(_channel(to), text, author, **more)
        self._tell_message("MESSAGE_CREATE", to, shown)
        return shown.id

    def _tell_message(self, name: str, to: Address, shown: Shown) -> None:
        fake = self._of(to)
        fake.tell(name, fake.rooms.message(shown, as_event=True))


class DiscordDescriptor:
    """See `bot.testing.conformance.Descriptor`."""

    name = "discord"
    absent: Mapping[str, str] = {
        "sticker": "stickers come from the platform's own address, which is not this machine",
        "location": "people cannot send a place",
        "contact": "people cannot send a contact",
        "webhook": "interactions come over the gateway, like everything else",
    }

    def world(self) -> AbstractAsyncContextManager[DiscordWorld]:
        return opened(DiscordWorld())


def _channel(to: Address) -> str:
    return to.thread or to.conversation


def _keys(shown: Shown) -> list[Fields]:
    return [key for row in shown.components for key in row["components"]]


def _time(later: int = 0) -> str:
    return (datetime.now(UTC) + timedelta(milliseconds=later)).isoformat()


DESCRIPTOR = DiscordDescriptor()
