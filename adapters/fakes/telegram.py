"""A local Telegram: the Bot API over HTTP, with chats that a test can read as a person would.

It keeps the documented meaning of offsets, limits and refusals (core.telegram.org/bots/api), and
fails on request. `python -m adapters.fakes.telegram --port 8081` runs it alone, with a control API
beside the Bot API for programs in other processes: POST `/_control/say`, `/_control/push`,
`/_control/fail`; GET `/_control/calls`, `/_control/chats`, `/_control/wait?count=N&method=M`.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from adapters.fakes import server
from adapters.fakes.server import Cut, answered
from adapters.fakes.standalone import serve
from adapters.fakes.telegram_chats import (
    CLOCK,
    Chats,
    Params,
    Refusal,
    Shown,
    chat_of,
    entities_of,
    message_of,
    user_of,
)
from adapters.fakes.telegram_methods import Methods, decoded

TOKEN = "123456789:AAF-a_fake_token_of_a_fake_server_00"
_ANOTHER = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is "
    "running"
)
_WEBHOOK = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete "
    "the webhook first"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Bot API."""

    method: str
    params: Params


@dataclass(slots=True, kw_only=True)
class Fault(server.Fault):
    """See `server.Fault`; `retry_after` answers with 429."""

    description: str = "fault"
    retry_after: int | None = None


class FakeTelegram(server.FakeServer[Fault]):
    """One bot's Telegram."""

    named = "method"

    def __init__(self, token: str = TOKEN, username: str = "trunk_bot") -> None:
        super().__init__(Fault)
        self.token = token
        self.me: Params = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Trunk",
            "username": username,
        }
        self.chats = Chats()
        self.methods = Methods(self.me, self.chats)
        self._updates: deque[Params] = deque()
        self._last_update = 1000
        self._wanted: list[str] = []
        self._waiting: asyncio.Future[bool] | None = None

    async def stop(self) -> None:
        """Close every connection."""
        self._replace_poll()
        await super().stop()

    def push(self, update: Any) -> int | None:
        """Queue a raw update for the bot; one without a number gets the next."""
        number = None
        if not _asked(update, self._wanted):
            return None
        if isinstance(update, dict):
            if "update_id" not in update:
                self._last_update += 1
                update = {"update_id": self._last_update, **update}
            number = update["update_id"]
        self._updates.append(update)
        self.end_poll()
        return number

    def end_poll(self) -> None:
        """Let the poll that waits return with what there is, as if its time were up."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(True)

    def say(self, chat: int | str, text: str, *, sender: int | None = None, **more: Any) -> int:
        """A person writes; the id of the message. `more` are further fields of the message."""
        place = str(chat)
        shown = self.chats.add(place, text, by_bot=False, entities=entities_of(text))
        author = user_of(sender or abs(int(chat)))
        self.push({"message": message_of(place, shown, author, **more)})
        return shown.id

    def upgrade(self, old: int, new: int) -> None:
        """A group becomes a supergroup: both are told (#message, migrate_to_chat_id)."""
        self.methods.moved[str(old)] = str(new)
        for chat, moved in (
            (old, {"migrate_to_chat_id": new}),
            (new, {"migrate_from_chat_id": old}),
        ):
            shown = self.chats.add(str(chat), "", by_bot=False)
            self.push({"message": message_of(str(chat), shown, user_of(1), **moved)})

    def press(self, chat: int | str, message_id: int, data: str, *, sender: int = 1) -> None:
        """A person presses a button under a message of the bot (#callbackquery)."""
        shown = self.chats.find(str(chat), message_id) or Shown(message_id, "", by_bot=True)
        self.push(
            {
                "callback_query": {
                    "id": f"press-{self._last_update}",
                    "from": user_of(sender),
                    "message": message_of(str(chat), shown, self.me),
                    "chat_instance": "1",
                    "data": data,
                }
            }
        )

    def react(self, chat: int | str, message_id: int, emoji: str, *, sender: int = 1) -> None:
        """A person puts a reaction under a message (#messagereactionupdated)."""
        reaction = {
            "chat": chat_of(str(chat)),
            "message_id": message_id,
            "user": user_of(sender),
            "date": CLOCK,
            "old_reaction": [],
            "new_reaction": [{"type": "emoji", "emoji": emoji}],
        }
        self.push({"message_reaction": reaction})

    def fail(self, name: str, **fault: Any) -> None:
        super().fail(name.lower(), **fault)

    def visible(self, chat: int | str) -> list[str]:
        """The texts of the bot that stand in a chat now, in order."""
        return [shown.text for shown in self.chats.visible(str(chat))]

    def called(self, method: str) -> list[Params]:
        """The parameters of every call of a method, in order."""
        return [call.params for call in self.calls if call.method.lower() == method.lower()]

    @property
    def pending(self) -> list[Any]:
        """The updates that the bot has not confirmed."""
        return list(self._updates)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith(f"/file/bot{self.token}/documents/"):
            data = self.methods.files.get(path.rpartition("/")[2])
            return web.Response(status=404) if data is None else web.Response(body=data)
        bot, _, method = path.rpartition("/")
        params = await _params(request)
        if bot != f"/bot{self.token}":
            return _refused(Refusal(401, "Unauthorized"))
        self.calls.append(Call(method, params))
        return await self._answer(method, params)

    async def _answer(self, method: str, params: Params) -> web.StreamResponse:
        fault = await self._met(method)
        if fault.body is not None:
            status = fault.status or 200
            return web.Response(status=status, text=fault.body, content_type="application/json")
        try:
            if fault.retry_after is not None:
                words = f"Too Many Requests: retry after {fault.retry_after}"
                raise Refusal(429, words, retry_after=fault.retry_after)
            if fault.status:
                raise Refusal(fault.status, fault.description)
            polls = method.lower() == "getupdates"
            result = await self._poll(params) if polls else self.methods.call(method, params)
        except Refusal as refusal:
            return _refused(refusal)
        if fault.cut == "after":
            raise Cut
        return answered({"ok": True, "result": result})

    def _fault(self, name: str) -> Fault | None:
        return super()._fault(name.lower())

    async def _poll(self, params: Params) -> list[Any]:
        """See #getupdates: an offset confirms all updates below it; the rest come again."""
        if self.methods.webhook:
            raise Refusal(409, _WEBHOOK)
        self._replace_poll()
        self._wanted = decoded(params, "allowed_updates") or self._wanted
        offset = int(params.get("offset") or 0)
        while offset > 0 and self._updates and _number(self._updates[0]) < offset:
            self._updates.popleft()
        while offset < 0 and len(self._updates) > -offset:
            self._updates.popleft()
        seconds = int(params.get("timeout") or 0)
        if not self._updates and seconds:
            await self._long_poll(seconds)
        return list(self._updates)[: min(int(params.get("limit") or 100), 100)]

    async def _long_poll(self, seconds: int) -> None:
        mine = self._waiting = asyncio.get_running_loop().create_future()
        self._changed.set()
        done, _ = await asyncio.wait([mine], timeout=seconds)
        if done and not mine.result():
            raise Refusal(409, _ANOTHER)

    def _replace_poll(self) -> None:
        """A new poll ends the one that waits."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(False)
        self._waiting = None

    async def _steer(self, verb: str, body: Params) -> Any:
        if verb == "say":
            sender = {"sender": body["from"]} if "from" in body else {}
            return {"message_id": self.say(body["chat"], body["text"], **sender)}
        if verb == "push":
            return {"update_id": self.push(body)}
        if verb == "calls":
            return [{"method": call.method, "params": call.params} for call in self.calls]
        return self.chats.as_json() if verb == "chats" else None


async def _params(request: web.BaseRequest) -> Params:
    """The four ways of passing parameters (#making-requests)."""
    query = dict(request.query) if request.query_string else {}
    kind = request.content_type
    if kind == "application/json":
        given: Params = json.loads(await request.read() or b"{}")
        return query | given
    if kind == "multipart/form-data":
        fields = await request.post()
        return query | {k: getattr(v, "filename", v) for k, v in fields.items()}
    return query | dict(parse_qsl((await request.read()).decode(), keep_blank_values=True))


def _asked(update: Any, wanted: list[str]) -> bool:
    """Did the bot ask for this kind of update; what is no update at all is handed out for tests."""
    kinds = set(update) - {"update_id"} if isinstance(update, dict) else set()
    return not (kinds and wanted) or bool(kinds & set(wanted))


def _number(update: Any) -> int:
    number = update.get("update_id") if isinstance(update, dict) else 0
    return number if isinstance(number, int) else 0


def _refused(refusal: Refusal) -> web.Response:
    """See #making-requests and #responseparameters."""
    answer = {"ok": False, "error_code": refusal.status, "description": refusal.description}
    if refusal.parameters:
        answer["parameters"] = refusal.parameters
    return answered(answer, refusal.status)


if __name__ == "__main__":
    serve(
        "Telegram",
        TOKEN,
        FakeTelegram,
        lambda fake: [fake.base_url],
    )
