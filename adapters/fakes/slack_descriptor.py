"""Slack for the conformance kit: two apps on local servers, and people around them."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import html
import itertools
import json
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from aiohttp import web

from adapters.fakes.seen import Seen, TwoBots, nowhere, opened
from adapters.fakes.slack import APP_TOKEN, SECRET, TOKEN, FakeSlack, signed
from adapters.fakes.slack_blocks import keys, mrkdwn, pinging, read
from adapters.fakes.slack_workspace import BOT, BOT_USER, TEAM, Params, Refusal, Workspace
from adapters.slack.adapter import Slack
from adapters.slack.emoji import name_of, shown
from adapters.slack.options import SlackOptions
from bot.contract import Address, AttachmentKind, HttpRequest

DIRECT, ROOM = "D0ADA", "C0ROOM"
PEOPLE = {"ada": "U0ADA", "bob": "U0BOB"}
# What nobody acknowledged comes again after this long, in seconds.
_AGAIN = 20.0
_VERBS = {"send": "chat.postMessage", "edit": "chat.update", "delete": "chat.delete"}
_TYPES = {"image": "image/png", "audio": "audio/ogg", "video": "video/mp4", "file": "text/plain"}
_CHANNEL = re.compile(r"[CDG][A-Z0-9]+")
_PING = re.compile(r"<(?:!(?:channel|here|everyone|subteam)|@[UW])[^>]*>")


class Now(Workspace):
    """Its clock is today's, and its conversations are those with an id."""

    def __init__(self) -> None:
        super().__init__()
        self._moments = itertools.count(1)

    def stamp(self) -> str:
        """The time stamp of something that happens now."""
        return f"{int(time.time())}.{next(self._moments):06}"

    def post(self, channel: str, **fields: Any) -> Params:
        return super().post(channel, ts=self.stamp(), **fields)

    def _own(self, params: Params, **fields: Any) -> Params:
        if not _CHANNEL.fullmatch(params["channel"]):
            raise Refusal("channel_not_found")
        return super()._own(params, **fields)


class Recording(FakeSlack):
    """Remembers its last event, sends again what was not acknowledged, and can fall silent."""

    last: Any = None
    frozen: Sequence[web.WebSocketResponse] = ()

    def __init__(self, token: str, app_token: str) -> None:
        super().__init__(token, app_token)
        self.workspace: Now = Now()
        root = self.workspace.post(ROOM, user=PEOPLE["bob"], text="a thread")
        self.root = str(root["ts"])
        self._again: asyncio.Task[None] | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        await super().start(host, port)
        self._again = asyncio.create_task(self._repeat(), name="fake slack repeats")

    async def stop(self) -> None:
        if self._again is not None:
            self._again.cancel()
        await super().stop()

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(_AGAIN)
            if self._sockets and self.waiting:
                await self.redeliver()

    async def push(self, payload: Any, kind: str = "events_api", **more: Any) -> str:
        self.last = copy.deepcopy((payload, kind))
        return await super().push(payload, kind, **more)

    async def send(self, text: str) -> None:
        if self._sockets and self._sockets[-1] not in self.frozen:
            # A socket that just broke swallows it; it comes again.
            with contextlib.suppress(ConnectionError):
                await super().send(text)

    def freeze(self) -> None:
        """The sockets stay open, and nothing comes over them any more."""
        self.frozen = tuple(self._sockets)
        for socket in self.frozen:
            socket._autoping = False

    def drop(self) -> None:
        """Every socket breaks without a word."""
        for socket in tuple(self._sockets):
            if socket._req is not None and socket._req.transport is not None:
                socket._req.transport.abort()


class SlackWorld(TwoBots[Recording]):
    """See `bot.testing.conformance.World`."""

    http: Any = None

    def __init__(self) -> None:
        super().__init__(Recording(TOKEN, APP_TOKEN), Recording(f"{TOKEN}-2", f"{APP_TOKEN}-2"))
        self.bot_ids: Sequence[str] = (BOT_USER, BOT)
        self.bot_name = "trunk"

    def adapter(
        self,
        account: str = "first",
        *,
        valid: bool = True,
        reachable: bool = True,
        webhook: bool = False,
    ) -> Slack:
        fake = self._fakes[account]
        base = fake.base_url if reachable else f"{nowhere()}/api/"
        bot_token = fake.token if valid else "xoxb-wrong-token-of-nobody"
        if webhook:
            return Slack(account, SlackOptions(bot_token, signing_secret=SECRET, base_url=base))
        return Slack(account, SlackOptions(bot_token, fake.app_token, base_url=base))

    def place(self, kind: str, account: str = "first") -> Address:
        thread = self._fakes[account].root if kind == "thread" else None
        return Address("slack", account, DIRECT if kind == "direct" else ROOM, thread)

    async def say(
        self,
        to: Address,
        text: str,
        *,
        author: str = "ada",
        quote: str | None = None,
        mention: bool = False,
    ) -> str:
        words = html.escape(text, quote=False)
        words = f"<@{BOT_USER}> {words}" if mention else words
        user = PEOPLE[author]
        return await self._of(to).say(to.conversation, words, user=user, thread=to.thread or "")

    async def say_as(self, who: str, to: Address, text: str) -> str:
        user, bot = (BOT_USER, BOT) if who == "self" else ("U0ROBOT", "B0ROBOT")
        return await self._of(to).say(to.conversation, text, user=user, bot_id=bot)

    async def forward(self, to: Address, text: str) -> str:
        part = {"is_share": True, "author_id": PEOPLE["bob"], "author_name": "Bob", "text": text}
        return await self._of(to).say(to.conversation, "", attachments=[part])

    async def show(self, to: Address, kind: AttachmentKind, data: bytes, text: str = "") -> str:
        fake = self._of(to)
        name = f"F0FILE{len(fake.workspace.files)}"
        fake.workspace.files[name] = {"name": f"file.{kind}", "data": data}
        file = {
            "id": name,
            "name": f"file.{kind}",
            "mimetype": _TYPES[kind],
            "size": len(data),
            "url_private": f"{fake.workspace.files_url}{name}",
        }
        return await fake.say(to.conversation, text, subtype="file_share", files=[file])

    async def edit(self, to: Address, id: str, text: str) -> None:
        before = self._message(to, id)
        now = self._of(to).workspace.stamp()
        after = {**before, "text": text, "edited": {"user": PEOPLE["ada"], "ts": now}}
        changed = {"subtype": "message_changed", "message": after, "previous_message": before}
        await self._tells(to, {"type": "message", "ts": now, **changed})
        before["text"] = text

    async def delete(self, to: Address, id: str) -> None:
        message = self._message(to, id)
        self._of(to).workspace.messages[to.conversation].remove(message)
        now = self._of(to).workspace.stamp()
        gone = {"subtype": "message_deleted", "deleted_ts": id, "previous_message": message}
        await self._tells(to, {"type": "message", "ts": now, **gone})

    async def react(self, to: Address, id: str, emoji: str) -> None:
        item = {"type": "message", "channel": to.conversation, "ts": id}
        event = {"type": "reaction_added", "user": PEOPLE["ada"], "reaction": name_of(emoji)}
        await self._tells(to, {**event, "item": item, "item_user": BOT_USER})

    async def press(self, to: Address, id: str, label: str) -> None:
        fake, message = self._of(to), self._message(to, id)
        there = {key["text"]["text"]: key for key in keys(message)}
        name = "directmessage" if to.conversation == DIRECT else "room"
        action = {**there[label], "block_id": "b", "action_ts": fake.workspace.stamp()}
        payload = {
            "type": "block_actions",
            "user": {"id": PEOPLE["ada"], "name": "ada", "username": "ada", "team_id": TEAM},
            "team": {"id": TEAM, "domain": "engines"},
            "channel": {"id": to.conversation, "name": name},
            "container": {"type": "message", "message_ts": id, "channel_id": to.conversation},
            "message": message,
            "actions": [action],
        }
        await fake.push(payload, "interactive")

    async def command(self, to: Address, name: str, args: str) -> None:
        form = {
            "command": "/trunkline",
            "text": f"{name} {args}",
            "channel_id": to.conversation,
            "channel_name": "directmessage" if to.conversation == DIRECT else "room",
            "user_id": PEOPLE["ada"],
            "user_name": "ada",
            "team_id": TEAM,
            "trigger_id": "1.2.3",
            "response_url": f"{self._of(to).base_url}response",
        }
        await self._of(to).push(form, "slash_commands")

    async def again(self) -> None:
        fake = self._fakes["first"]
        payload, kind = fake.last
        await fake.push(payload, kind, retry_attempt=1, retry_reason="timeout")

    def event(self, text: str) -> Any:
        file = {"id": "F1", "name": "a.txt", "mimetype": "text/plain", "size": 5}
        event = {
            "type": "message",
            "subtype": "file_share",
            "channel": ROOM,
            "channel_type": "channel",
            "user": PEOPLE["ada"],
            "text": f"{text} <@{PEOPLE['bob']}>",
            "ts": "1767323045.900000",
            "event_ts": "1767323045.900000",
            "thread_ts": "1767323045.800000",
            "files": [file],
            "blocks": [],
        }
        return self._fakes["first"].event(event)

    async def push(self, event: Any) -> None:
        await self._fakes["first"].push(event)

    def request(self, event: Any, proof: str) -> HttpRequest:
        body = json.dumps(event).encode()
        headers = {"content-type": "application/json"}
        if proof != "none":
            secret = SECRET if proof == "right" else "the-secret-of-somebody-else"
            headers |= signed(body, time.time(), secret)
        if proof == "odd":
            headers["x-slack-signature"] = "v0=\xe9\xe9"
            headers["x-slack-request-timestamp"] = "soon"
        return HttpRequest("POST", "/channels/first", {}, headers, body)

    def seen(self, to: Address) -> list[Seen]:
        fake = self._of(to)
        there = [
            message
            for message in fake.workspace.messages.get(to.conversation, [])
            if message.get("bot_id") == BOT
            and message.get("app_id")
            and message.get("thread_ts") == to.thread
        ]
        return [self._seen(fake, message, last=message is there[-1]) for message in there]

    def _seen(self, fake: Recording, message: Params, *, last: bool) -> Seen:
        files = [fake.workspace.files[one["id"]] for one in message.get("files", [])]
        reactions = message.get("reactions", [])
        return Seen(
            id=str(message["ts"]),
            text=read(message.get("blocks") or mrkdwn(message["text"])).strip("\n"),
            buttons=tuple((key["text"]["text"], key["value"]) for key in keys(message)),
            files=tuple((str(file["name"]), file["data"]) for file in files),
            reactions=tuple(shown(one["name"]) for one in reactions),
            pings=(*_PING.findall(message["text"]), *pinging(message.get("blocks"))),
            preview=last and _previewed(fake.called("chat.postMessage")),
        )

    def menu(self) -> list[str]:
        return []

    def fail(self, verb: str, how: str, wait: object = None, times: int = 1) -> None:
        fake, method = self._fakes["first"], _VERBS.get(verb, "apps.connections.open")
        if how == "limited":
            told = {"status": 429} if wait is None else {"retry_after": str(wait)}
            fake.fail(method, **told, times=times)
        elif how == "broken":
            fake.fail(method, status=502, times=times)
        elif how == "garbage":
            fake.fail(method, body="<html>what?", times=times)
        elif how == "refused":
            fake.fail(method, error="channel_not_found", times=times)
        elif how == "hang":
            fake.fail(method, hang=True, times=times)
        else:
            fake.fail(method, cut=how.removeprefix("cut-"), times=times)

    def cut(self, *, forget: bool = False) -> None:
        self._fakes["first"].drop()

    def silence(self) -> None:
        self._fakes["first"].freeze()

    def _message(self, to: Address, id: str) -> Params:
        there = self._of(to).workspace.messages[to.conversation]
        return next(message for message in there if message["ts"] == id)

    async def _tells(self, to: Address, event: Params) -> None:
        fake = self._of(to)
        kind = "im" if to.conversation == DIRECT else "channel"
        place = {
            "channel": to.conversation,
            "channel_type": kind,
            "event_ts": fake.workspace.stamp(),
        }
        await fake.push(fake.event({**place, **event}))


class SlackDescriptor:
    """See `bot.testing.conformance.Descriptor`."""

    name = "slack"
    absent: Mapping[str, str] = {
        "quoted": "an answer to a message is a thread below it",
        "sticker": "people cannot send stickers",
        "location": "people cannot send a place",
        "contact": "people cannot send a contact",
        "forgotten": "a socket has no session: what nobody acknowledged is sent again",
    }

    def world(self) -> AbstractAsyncContextManager[SlackWorld]:
        return opened(SlackWorld())


def _previewed(calls: Sequence[Params]) -> bool:
    """Could the last message show a preview (docs.slack.dev, "Unfurling links in messages")."""
    off = ("unfurl_links", "unfurl_media")
    return bool(calls) and any(
        str(calls[-1].get(name)).lower() not in ("0", "false") for name in off
    )


DESCRIPTOR = SlackDescriptor()
