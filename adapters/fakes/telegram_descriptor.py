"""Telegram for the conformance kit: two bots on local servers, and people around them."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from aiohttp import web

from adapters.fakes.seen import Seen, TwoBots, nowhere, opened
from adapters.fakes.telegram import TOKEN, FakeTelegram
from adapters.fakes.telegram_chats import CLOCK, Params, Shown, chat_of, message_of, user_of
from adapters.fakes.telegram_methods import decoded
from adapters.telegram.adapter import SECRET_HEADER, Telegram
from adapters.telegram.options import TelegramOptions, TelegramWebhook
from bot.contract import Address, AttachmentKind, HttpRequest

GROUP, TOPIC = "-1001234567890", "42"
PEOPLE = {"ada": 12345, "bob": 67890}
SECRET = "a_secret_of_the_webhook"
_OTHER = "987654321:AAF-a_fake_token_of_another_bot_0000"
_WRONG = "123456789:AAF-a_wrong_token_of_a_fake_server"
_VERBS = {"send": "sendmessage", "edit": "editmessagetext", "delete": "deletemessage"}
_FILE_KINDS = {"audio": "audio", "video": "video", "file": "document", "sticker": "sticker"}
_UNREADABLE = {"limited": 429, "broken": 502, "garbage": 200}


class Recording(FakeTelegram):
    """Keeps the last update, and the bytes of files that the bot sends."""

    last: Any = None

    def __init__(self, token: str, username: str) -> None:
        super().__init__(token, username)
        self.uploads: dict[str, list[bytes]] = {}

    def push(self, update: Any) -> int | None:
        self.last = copy.deepcopy(update)
        return super().push(update)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.content_type == "multipart/form-data":
            for field in (await request.post()).values():
                if isinstance(field, web.FileField):
                    self.uploads.setdefault(field.filename, []).append(field.file.read())
        return await super()._handle(request)


class TelegramWorld(TwoBots[Recording]):
    """See `bot.testing.conformance.World`."""

    http: Any = None

    def __init__(self) -> None:
        super().__init__(Recording(TOKEN, "trunk_bot"), Recording(_OTHER, "other_bot"))
        self._edits = 0
        me = self._fakes["first"].me
        self.bot_ids: Sequence[str] = (str(me["id"]),)
        self.bot_name = str(me["username"])

    def adapter(
        self,
        account: str = "first",
        *,
        valid: bool = True,
        reachable: bool = True,
        webhook: bool = False,
    ) -> Telegram:
        fake = self._fakes[account]
        hook = TelegramWebhook("https://bot.example/channels/first", SECRET)
        options = TelegramOptions(
            fake.token if valid else _WRONG,
            fake.base_url if reachable else nowhere(),
            hook if webhook else TelegramWebhook(),
        )
        return Telegram(account, options)

    def place(self, kind: str, account: str = "first") -> Address:
        chat = str(PEOPLE["ada"]) if kind == "direct" else GROUP
        return Address("telegram", account, chat, TOPIC if kind == "thread" else None)

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
        more: Params = _topic(to)
        if quote is not None:
            answered = self._shown(to, quote)
            sender = fake.me if answered.by_bot else user_of(PEOPLE["bob"])
            more["reply_to_message"] = message_of(to.conversation, answered, sender)
        words = f"@{fake.me['username']} {text}" if mention else text
        return str(fake.say(to.conversation, words, sender=PEOPLE[author], **more))

    async def say_as(self, who: str, to: Address, text: str) -> str:
        fake = self._of(to)
        robot = {"id": 555, "is_bot": True, "first_name": "Robot", "username": "robot_bot"}
        return self._arrives(to, text, fake.me if who == "self" else robot)

    async def forward(self, to: Address, text: str) -> str:
        origin = {"type": "user", "sender_user": user_of(PEOPLE["bob"]), "date": CLOCK}
        return self._arrives(to, text, user_of(PEOPLE["ada"]), forward_origin=origin)

    async def show(self, to: Address, kind: AttachmentKind, data: bytes, text: str = "") -> str:
        fake = self._of(to)
        name = f"file{len(fake.methods.files)}"
        fake.methods.files[name] = data
        more = {**_attachment(kind, name, len(data)), **({"caption": text} if text else {})}
        return self._arrives(to, None, user_of(PEOPLE["ada"]), **more)

    async def edit(self, to: Address, id: str, text: str) -> None:
        shown = self._shown(to, id)
        shown.text, self._edits = text, self._edits + 1
        person = user_of(PEOPLE["ada"])
        edited = message_of(to.conversation, shown, person, edit_date=CLOCK + self._edits)
        self._of(to).push({"edited_message": {**edited, **_topic(to)}})

    async def delete(self, to: Address, id: str) -> None:
        raise NotImplementedError("the Bot API tells of no deletions")

    async def react(self, to: Address, id: str, emoji: str) -> None:
        self._of(to).react(to.conversation, int(id), emoji, sender=PEOPLE["ada"])

    async def press(self, to: Address, id: str, label: str) -> None:
        value = dict(_buttons(self._shown(to, id)))[label]
        self._of(to).press(to.conversation, int(id), value, sender=PEOPLE["ada"])

    async def command(self, to: Address, name: str, args: str) -> None:
        await self.say(to, f"/{name} {args}")

    async def again(self) -> None:
        fake = self._fakes["first"]
        fake.push({name: value for name, value in fake.last.items() if name != "update_id"})

    def event(self, text: str) -> Any:
        group, ada = chat_of(GROUP), user_of(PEOPLE["ada"])
        answered = message_of(GROUP, Shown(6, "earlier", by_bot=False), ada)
        message = {
            "message_id": 7,
            "message_thread_id": int(TOPIC),
            "is_topic_message": True,
            "from": ada,
            "chat": group,
            "date": CLOCK,
            "edit_date": CLOCK,
            "caption": f"{text} @ada",
            "caption_entities": [{"type": "mention", "offset": len(text) + 1, "length": 4}],
            "document": {
                "file_id": "f",
                "file_unique_id": "u",
                "file_name": "a.txt",
                "mime_type": "text/plain",
                "file_size": 5,
            },
            "reply_to_message": answered,
            "forward_origin": {"type": "user", "sender_user": ada, "date": CLOCK},
        }
        return {"update_id": 7, "message": message}

    async def push(self, event: Any) -> None:
        if isinstance(event, dict):
            # Numbers are the server's own: one that is broken would confirm what comes later.
            event = {name: value for name, value in event.items() if name != "update_id"}
        self._fakes["first"].push(event)

    def request(self, event: Any, proof: str) -> HttpRequest:
        given = {"right": SECRET, "wrong": "a_secret_of_somebody_else", "odd": "\xe9" * 999}
        headers = {"content-type": "application/json"}
        if proof in given:
            headers[SECRET_HEADER] = given[proof]
        return HttpRequest("POST", "/channels/first", {}, headers, json.dumps(event).encode())

    def seen(self, to: Address) -> list[Seen]:
        fake = self._of(to)
        there = [
            shown
            for shown in fake.chats.visible(to.conversation)
            if shown.thread == (int(to.thread) if to.thread else None)
        ]
        uploads = {name: iter(data) for name, data in fake.uploads.items()}
        return [
            Seen(
                id=str(shown.id),
                text=shown.text,
                quoted=str(shown.reply_to) if shown.reply_to else None,
                buttons=_buttons(shown),
                files=((shown.file, next(uploads[shown.file])),) if shown.file else (),
                reactions=tuple(shown.reactions),
                preview=shown is there[-1] and self._previewed(fake),
            )
            for shown in there
        ]

    def menu(self) -> list[str]:
        return [str(command["command"]) for command in self._fakes["first"].methods.commands]

    def fail(self, verb: str, how: str, wait: object = None, times: int = 1) -> None:
        fake, method = self._fakes["first"], _VERBS.get(verb, "getupdates")
        if status := _UNREADABLE.get(how):
            words = json.dumps(
                {"ok": False, "error_code": 429, "parameters": {"retry_after": wait}}
            )
            body = words if how == "limited" else "<html>what?"
            fake.fail(method, status=status, body=body, times=times)
        elif how == "refused":
            fake.fail(method, status=403, description="Forbidden: bot was kicked", times=times)
        elif how == "hang":
            fake.fail(method, hang=True, times=times)
        else:
            fake.fail(method, cut=how.removeprefix("cut-"), times=times)

    def cut(self, *, forget: bool = False) -> None:
        fake = self._fakes["first"]
        fake.fail("getupdates", cut="before")
        fake.end_poll()

    def silence(self) -> None:
        fake = self._fakes["first"]
        fake.fail("getupdates", hang=True)
        fake.end_poll()

    def _shown(self, to: Address, id: str) -> Shown:
        shown = self._of(to).chats.find(to.conversation, int(id))
        assert shown is not None, f"there is no message {id}"
        return shown

    def _arrives(self, to: Address, text: str | None, sender: Params, **more: Any) -> str:
        """A message with fields of its own."""
        fake = self._of(to)
        shown = fake.chats.add(to.conversation, text or "", by_bot=False)
        message = message_of(to.conversation, shown, sender, **_topic(to), **more)
        if text is None:
            del message["text"]
        fake.push({"message": message})
        return str(shown.id)

    def _previewed(self, fake: FakeTelegram) -> bool:
        """Could the last text show a preview (core.telegram.org/bots/api#linkpreviewoptions)."""
        calls = [c for c in fake.calls if c.method.lower() in ("sendmessage", "editmessagetext")]
        if not calls or "http" not in str(calls[-1].params):
            return False
        options: Params = decoded(calls[-1].params, "link_preview_options") or {}
        return options.get("is_disabled") is not True


class TelegramDescriptor:
    """See `bot.testing.conformance.Descriptor`."""

    name = "telegram"
    absent: Mapping[str, str] = {
        "deleted": "the Bot API tells bots of no deletions",
        "forgotten": "polling has no connection that could be forgotten",
        "mass-mentions": "no word notifies a whole room",
    }

    def world(self) -> AbstractAsyncContextManager[TelegramWorld]:
        return opened(TelegramWorld())


def _topic(to: Address) -> Params:
    if to.thread is None:
        return {}
    return {"message_thread_id": int(to.thread), "is_topic_message": True}


def _attachment(kind: AttachmentKind, name: str, size: int) -> Params:
    """The fields of a message with a file (core.telegram.org/bots/api#message)."""
    file = {"file_id": name, "file_unique_id": name, "file_size": size}
    if kind == "image":
        return {"photo": [{**file, "width": 9, "height": 9}]}
    if kind == "location":
        return {"location": {"latitude": 51.5, "longitude": -0.12}}
    if kind == "contact":
        return {"contact": {"phone_number": "+441234", "first_name": "Bob"}}
    return {_FILE_KINDS[kind]: {**file, "file_name": f"{name}.bin", "emoji": "👍"}}


def _buttons(shown: Shown) -> tuple[tuple[str, str], ...]:
    rows = (shown.markup or {}).get("inline_keyboard", [])
    return tuple((key["text"], key["callback_data"]) for row in rows for key in row)


DESCRIPTOR = TelegramDescriptor()
