"""Mattermost for the conformance kit: two bots on local servers, and people around them."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlencode

from adapters.fakes.mattermost import TOKEN, FakeMattermost
from adapters.fakes.mattermost_world import Fields
from adapters.fakes.seen import Seen, TwoBots, nowhere, opened
from adapters.mattermost.adapter import Mattermost
from adapters.mattermost.emoji import name_of, symbol_of
from adapters.mattermost.options import MattermostOptions
from bot.contract import Address, AttachmentKind, HttpRequest, HttpResponse

CALLBACK = "https://bot.example/channels/first"
COMMAND_TOKEN = "fake0token0of0a0slash0com0"
_SECOND = "fake0token0of0another00bot"
_WRONG = "fake0token0of0nobody000000"
_VERBS = {"send": "CreatePost", "edit": "PatchPost", "delete": "DeletePost"}
_TYPES = {"image": "image/png", "audio": "audio/ogg", "video": "video/mp4", "file": "text/plain"}
_ESCAPED = re.compile(r"\\([^\w\s])")
# Words that call a whole room, or a person (docs.mattermost.com, "Mention people in messages").
_PING = re.compile(r"(?<![\w.-])@(?:all|channel|here|ada|bob)\b", re.I)
_CODE = re.compile(r"```.*?```|`[^`]*`", re.S)


class Recording(FakeMattermost):
    """Remembers its last event; has a thread with somebody else's words."""

    last: Any = None

    def __init__(self, token: str, username: str) -> None:
        super().__init__(token, username)
        world = self.world
        root = world.create(world.bob, {"channel_id": world.town, "message": "a thread"})
        self.root = str(root["id"])
        self.place = {
            "direct": world.direct(world.me, world.ada),
            "group": world.town,
            "thread": world.town,
        }
        robot = world.user("robot", is_bot=True)
        world.members[world.town].add(robot)
        self.people = {"ada": world.ada, "bob": world.bob, "bot": robot, "self": world.me}

    def _happened(self, event: str, data: Fields) -> None:
        self.last = copy.deepcopy((event, data))
        super()._happened(event, data)

    def again(self) -> None:
        """The last event is told once more."""
        self._happened(*self.last)


class MattermostWorld(TwoBots[Recording]):
    """See `bot.testing.conformance.World`."""

    http: Callable[[str, HttpRequest], Awaitable[HttpResponse]]

    def __init__(self) -> None:
        super().__init__(Recording(TOKEN, "trunk-bot"), Recording(_SECOND, "other-bot"))
        self.bot_ids: Sequence[str] = (self._fakes["first"].world.me,)
        self.bot_name = "trunk-bot"

    def adapter(
        self,
        account: str = "first",
        *,
        valid: bool = True,
        reachable: bool = True,
        webhook: bool = False,
    ) -> Mattermost:
        fake = self._fakes[account]
        options = MattermostOptions(
            fake.base_url if reachable else nowhere(),
            fake.token if valid else _WRONG,
            callback_url=CALLBACK,
            command_tokens=COMMAND_TOKEN,
        )
        return Mattermost(account, options)

    def place(self, kind: str, account: str = "first") -> Address:
        fake = self._fakes[account]
        thread = fake.root if kind == "thread" else None
        return Address("mattermost", account, fake.place[kind], thread)

    async def say(
        self,
        to: Address,
        text: str,
        *,
        author: str = "ada",
        quote: str | None = None,
        mention: bool = False,
    ) -> str:
        fake = self._of(to)
        words = f"@{fake.world.users[fake.world.me]['username']} {text}" if mention else text
        root = quote or to.thread or ""
        sender = fake.people[author]
        return fake.say(to.conversation, words, sender=sender, root_id=root)

    async def say_as(self, who: str, to: Address, text: str) -> str:
        fake = self._of(to)
        props = {} if who == "self" else {"from_bot": "true"}
        return fake.say(to.conversation, text, sender=fake.people[who], props=props)

    async def forward(self, to: Address, text: str) -> str:
        raise NotImplementedError("what is shared comes as a link")

    async def show(self, to: Address, kind: AttachmentKind, data: bytes, text: str = "") -> str:
        fake = self._of(to)
        file = fake.world.store(f"file.{kind}", _TYPES[kind], data)
        return fake.say(to.conversation, text, file_ids=[file], root_id=to.thread or "")

    async def edit(self, to: Address, id: str, text: str) -> None:
        self._of(to).revise(id, text)

    async def delete(self, to: Address, id: str) -> None:
        self._of(to).retract(id)

    async def react(self, to: Address, id: str, emoji: str) -> None:
        self._of(to).react(id, name_of(emoji))

    async def press(self, to: Address, id: str, label: str) -> None:
        fake = self._of(to)
        labels = [action["name"] for action in _actions(fake.world.posts[id])]
        _, body = fake.press(id, labels.index(label))
        headers = {"content-type": "application/json"}
        await self._call(to, headers, json.dumps(body).encode())

    async def command(self, to: Address, name: str, args: str) -> None:
        fake = self._of(to)
        # Names that the server keeps for itself are published behind the bot's own.
        there = {str(one["trigger"]) for one in fake.world.commands.values()}
        trigger = name if name in there else f"{self.bot_name}-{name}"
        _, token, form = fake.command(to.conversation, f"/{trigger} {args}")
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "authorization": f"Token {token}",
        }
        await self._call(to, headers, form.encode())

    async def _call(self, to: Address, headers: Mapping[str, str], body: bytes) -> None:
        answer = await self.http(to.account, HttpRequest("POST", CALLBACK, {}, headers, body))
        assert answer.status == 200, f"the server's call is answered with {answer.status}"

    async def again(self) -> None:
        self._fakes["first"].again()

    def event(self, text: str) -> Any:
        fake = self._fakes["first"]
        post = {
            "id": "p" * 26,
            "create_at": 1767355200000,
            "update_at": 1767355200000,
            "edit_at": 0,
            "delete_at": 0,
            "user_id": fake.world.ada,
            "channel_id": fake.world.town,
            "root_id": "",
            "message": text,
            "type": "",
            "props": {},
            "file_ids": ["f" * 26],
            "metadata": {"files": [{"id": "f" * 26, "name": "a.txt", "size": 5}]},
        }
        data = {
            "channel_type": "O",
            "channel_name": "town-square",
            "sender_name": "@ada",
            "team_id": fake.world.team,
            "mentions": json.dumps([fake.world.bob]),
            "post": json.dumps(post),
        }
        broadcast = {"channel_id": fake.world.town, "team_id": "", "user_id": ""}
        return {"event": "posted", "data": data, "broadcast": broadcast, "seq": 1}

    async def push(self, event: Any) -> None:
        if isinstance(event, dict):
            # Numbers are the server's own: one that is broken makes the connection another one.
            event = {name: value for name, value in event.items() if name != "seq"}
        self._fakes["first"].push(event)

    def request(self, event: Any, proof: str) -> HttpRequest:
        if not (isinstance(event, dict) and "event" in event):
            headers = {"content-type": "application/json"}
            return HttpRequest("POST", CALLBACK, {}, headers, json.dumps(event).encode())
        world = self._fakes["first"].world
        tokens = {"right": COMMAND_TOKEN, "wrong": _WRONG, "none": "", "odd": "\xe9" * 99}
        form = {
            "token": tokens[proof],
            "team_id": world.team,
            "channel_id": world.town,
            "user_id": world.ada,
            "user_name": "ada",
            "command": "/status",
            "text": "",
            "trigger_id": world.trigger(world.ada),
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return HttpRequest("POST", CALLBACK, {}, headers, urlencode(form).encode())

    def seen(self, to: Address) -> list[Seen]:
        fake = self._of(to)
        return [
            self._seen(fake, post)
            for post in fake.world.visible(to.conversation, fake.world.me)
            # A quote in the room hangs on what it quotes.
            if (post["root_id"] == to.thread if to.thread else post["root_id"] != fake.root)
            and not post["type"]
        ]

    def _seen(self, fake: Recording, post: Fields) -> Seen:
        files = [fake.world.files[one] for one in post["file_ids"]]
        reactions = [one for one in fake.world.reactions if one["post_id"] == post["id"]]
        return Seen(
            id=str(post["id"]),
            text=_ESCAPED.sub(r"\1", str(post["message"])),
            quoted=post["root_id"] or None,
            buttons=tuple((action["name"], "") for action in _actions(post)),
            files=tuple((str(info["name"]), data) for info, data in files),
            reactions=tuple(symbol_of(one["emoji_name"]) for one in reactions),
            pings=tuple(_PING.findall(_CODE.sub("", str(post["message"])))),
        )

    def menu(self) -> list[str]:
        there = [str(one["trigger"]) for one in self._fakes["first"].world.commands.values()]
        return [trigger.removeprefix(f"{self.bot_name}-") for trigger in there]

    def fail(self, verb: str, how: str, wait: object = None, times: int = 1) -> None:
        fake, name = self._fakes["first"], _VERBS.get(verb, "WebSocket")
        if how == "limited":
            headers = {} if wait is None else {"X-Ratelimit-Reset": str(wait)}
            fake.fail(name, status=429, headers=headers, times=times)
        elif how == "garbage":
            fake.fail(name, body="<html>what?", times=times)
        elif how in ("broken", "refused"):
            fake.fail(name, status=502 if how == "broken" else 403, headers={}, times=times)
        elif how == "hang":
            fake.fail(name, hang=True, times=times)
        else:
            fake.fail(name, cut=how.removeprefix("cut-"), times=times)

    def cut(self, *, forget: bool = False) -> None:
        sockets = self._fakes["first"].sockets
        if forget:
            sockets.forget()
        else:
            sockets.cut()

    def silence(self) -> None:
        self._fakes["first"].sockets.freeze()


class MattermostDescriptor:
    """See `bot.testing.conformance.Descriptor`."""

    name = "mattermost"
    absent: Mapping[str, str] = {
        "forwarded": "what is shared comes as a link",
        "sticker": "people cannot send stickers",
        "location": "people cannot send a place",
        "contact": "people cannot send a contact",
        "previews": "the server decides about previews, not who posts",
    }

    def world(self) -> AbstractAsyncContextManager[MattermostWorld]:
        return opened(MattermostWorld())


def _actions(post: Fields) -> list[Fields]:
    attachments = post["props"].get("attachments") or []
    return [action for one in attachments for action in one.get("actions", [])]


DESCRIPTOR = MattermostDescriptor()
