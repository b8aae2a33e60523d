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
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl

from aiohttp import web

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


@dataclass(slots=True)
class Fault:
    """What the next `times` calls of a method meet instead of, or after, being done.

    `status` answers with an error, `retry_after` with 429; `cut` drops the connection `before` or
    `after` the call is done; `hang` never answers; `body` is answered as it is, under `status`.
    """

    status: int = 0
    description: str = "fault"
    retry_after: int | None = None
    cut: Literal["", "before", "after"] = ""
    hang: bool = False
    body: str | None = None
    times: int = 1


class FakeTelegram:
    """One bot's Telegram. `start` before use, `stop` after; or `async with`."""

    def __init__(self, token: str = TOKEN, username: str = "trunk_bot") -> None:
        self.token = token
        self.me: Params = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Trunk",
            "username": username,
        }
        self.calls: list[Call] = []
        self.chats = Chats()
        self.methods = Methods(self.me, self.chats)
        self.base_url = ""
        self._updates: deque[Params] = deque()
        self._last_update = 1000
        self._wanted: list[str] = []
        self._faults: dict[str, list[Fault]] = {}
        self._waiting: asyncio.Future[bool] | None = None
        self._changed = asyncio.Event()
        self._stopped = asyncio.Event()
        self._runner = web.ServerRunner(
            web.Server(self._handle, access_log=None), shutdown_timeout=0.1
        )

    async def __aenter__(self) -> FakeTelegram:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Serve; `base_url` says where."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Close every connection."""
        self._stopped.set()
        self._replace_poll()
        await self._runner.cleanup()

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

    def fail(self, method: str, **fault: Any) -> None:
        """Let the next calls of a method fail; see Fault."""
        self._faults.setdefault(method.lower(), []).append(Fault(**fault))

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
        if path.startswith(f"/file/bot{self.token}/documents/"):
            data = self.methods.files.get(path.rpartition("/")[2])
            return web.Response(status=404) if data is None else web.Response(body=data)
        bot, _, method = path.rpartition("/")
        params = await _params(request)
        if bot != f"/bot{self.token}":
            return _refused(Refusal(401, "Unauthorized"))
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
            return _cut(request)
        return _json({"ok": True, "result": result})

    def _fault(self, method: str) -> Fault | None:
        faults = self._faults.get(method.lower())
        if not faults:
            return None
        faults[0].times -= 1
        return faults.pop(0) if faults[0].times <= 0 else faults[0]

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

    async def _control(self, verb: str, request: web.BaseRequest) -> web.Response:
        body = json.loads(await request.read() or b"{}")
        if verb == "say":
            sender = {"sender": body["from"]} if "from" in body else {}
            return _json({"message_id": self.say(body["chat"], body["text"], **sender)})
        if verb == "push":
            return _json({"update_id": self.push(body)})
        if verb == "fail":
            self.fail(body.pop("method"), **body)
            return _json({"ok": True})
        if verb == "calls":
            calls = [{"method": call.method, "params": call.params} for call in self.calls]
            return _json(calls)
        if verb == "chats":
            return _json(self.chats.as_json())
        if verb == "wait":
            return await self._control_wait(request)
        return web.Response(status=404)

    async def _control_wait(self, request: web.BaseRequest) -> web.Response:
        """Answer when so many calls (of one method) were made; `reached` says whether in time."""
        count, method = int(request.query["count"]), request.query.get("method", "")
        seconds = float(request.query.get("timeout", "30"))

        def made() -> int:
            return len(self.called(method) if method else self.calls)

        try:
            await self.wait_for(lambda: made() >= count, seconds)
        except TimeoutError:
            return _json({"reached": False, "count": made()})
        return _json({"reached": True, "count": made()})


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


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=json.dumps(value).encode(), content_type="application/json"
    )


def _refused(refusal: Refusal) -> web.Response:
    """See #making-requests and #responseparameters."""
    answer = {"ok": False, "error_code": refusal.status, "description": refusal.description}
    if refusal.parameters:
        answer["parameters"] = refusal.parameters
    return _json(answer, refusal.status)


def _cut(request: web.BaseRequest) -> web.Response:
    """The connection ends without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


if __name__ == "__main__":
    serve(
        "Telegram",
        TOKEN,
        FakeTelegram,
        lambda fake: [fake.base_url],
    )
