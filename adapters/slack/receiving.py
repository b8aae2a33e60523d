"""Receives for one account: by Socket Mode, or by signed requests to the gateway."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from slack_bolt.response import BoltResponse

from adapters.fields import Event
from adapters.slack.client import Client
from adapters.slack.door import Door
from adapters.slack.failures import FAILURES, channel_error, send_error
from adapters.slack.fields import decoded
from adapters.slack.identity import Me
from adapters.slack.intake import Intake, Places
from adapters.slack.names import Names
from adapters.slack.options import SlackOptions
from adapters.slack.parse import started_thread
from adapters.slack.signature import Signatures
from adapters.slack.socket import Socket
from bot.contract import HttpRequest, HttpResponse, Receive
from bot.errors import BadEvent, ChannelDown, ChannelRefused, RateLimited, StoreError

Sleep = Callable[[float], Awaitable[None]]

_LONGEST_WAIT = 30.0
# docs.slack.dev/reference/methods/assistant.threads.setSuggestedPrompts
_MOST_PROMPTS = 4


class Receiver:
    """What comes from Slack. `run` keeps it coming; `handle` answers one request."""

    def __init__(
        self, account: str, options: SlackOptions, client: Client, places: Places, sleep: Sleep
    ) -> None:
        self._account = account
        self._options = options
        self._client = client
        self._places = places
        self._sleep = sleep
        self._names = Names(account, self._name_of)
        self._background: set[asyncio.Task[None]] = set()
        self._inlet: tuple[Receive, Inlet] | None = None
        self.signatures = Signatures(options.signing_secret or "\0", time.time)
        self.me = Me(account, command=options.command)

    async def run(self, receive: Receive) -> None:
        """Receive until cancelled. Raises ChannelError."""
        inlet = self._inlet_for(receive)
        work = [
            self._task(self._identify(inlet), "identity"),
            self._task(self._connected(inlet), "connection"),
        ]
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            await _end(work)

    def _task(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        return asyncio.create_task(work, name=f"{self._account} {name}")

    def _inlet_for(self, receive: Receive) -> Inlet:
        if self._inlet is None or self._inlet[0] is not receive:
            intake = Intake(receive, self._places, self._names.of)
            self._inlet = (receive, Inlet(self, receive, intake))
        return self._inlet[1]

    async def stop(self) -> None:
        """End what runs in the background."""
        await _end([*self._background])
        await self._names.stop()

    async def _identify(self, inlet: Inlet) -> None:
        """Ask who the bot is until Slack says so; events are taken in meanwhile.

        Raises ChannelRefused.
        """
        wait = 0.5
        while True:
            try:
                answer = await self._client.auth_test()
            except FAILURES as error:
                if isinstance(found := channel_error(error, self._account), ChannelRefused):
                    raise found from None
                if not self._options.app_token:
                    inlet.tell("down", str(found))
                await self._sleep(wait)
                wait = min(_LONGEST_WAIT, wait * 2)
            else:
                ids = [answer.get("user_id"), answer.get("bot_id")]
                known = tuple(str(found) for found in ids if found)
                self.me = replace(self.me, ids=known, name=str(answer.get("user") or ""))
                if not self._options.app_token:
                    inlet.tell("up")
                return

    async def _connected(self, inlet: Inlet) -> None:
        if not self._options.app_token:
            # Requests come through `handle`.
            await asyncio.Event().wait()
        await Socket(self._client.pool, inlet, self._sleep, self._account).run()

    async def address(self) -> str:
        """A fresh address for a socket. Raises ChannelError, RateLimited."""
        try:
            answer = await self._client.apps_connections_open(app_token=self._options.app_token)
        except FAILURES as error:
            if isinstance(limited := send_error(error, self._account), RateLimited):
                raise limited from None
            raise channel_error(error, self._account, "app_token") from None
        return str(answer.get("url") or "")

    async def check_app_token(self) -> None:
        """Ask for an address and do not use it. Raises ChannelError."""
        try:
            await self.address()
        except RateLimited as error:
            raise ChannelDown(str(error)) from None

    async def handle(self, request: HttpRequest, receive: Receive) -> HttpResponse:
        """See `bot.contract.Adapter.handle`."""
        if not self._options.signing_secret:
            return HttpResponse(404)
        name = self.signatures.accept(request.body, request.headers)
        if name is None:
            return HttpResponse(401)
        response = await self._inlet_for(receive).request(request)
        if response.status >= 500:
            self.signatures.forget(name)
        return response

    def after(self, body: Event) -> None:
        """What an event asks for beside being stored: a new assistant thread offers prompts."""
        try:
            found = started_thread(body)
        except BadEvent:
            return
        if found and self._options.prompts:
            task = self._task(self._offer(*found), "prompts")
            self._background.add(task)
            task.add_done_callback(self._background.discard)

    async def _offer(self, channel: str, thread: str) -> None:
        prompts = [{"title": text, "message": text} for text in self._options.prompts]
        try:
            await self._client.assistant_threads_setSuggestedPrompts(
                channel_id=channel, thread_ts=thread, prompts=prompts[:_MOST_PROMPTS]
            )
        except FAILURES:
            # Without prompts the thread works as well.
            return

    async def _name_of(self, user: str) -> str:
        """A user's name, "" when Slack does not tell it."""
        try:
            answer = await self._client.users_info(user=user)
        except FAILURES:
            return ""
        found = answer.get("user")
        person = found if isinstance(found, dict) else {}
        return str(person.get("real_name") or person.get("name") or "")


class Inlet:
    """The way of events into the core, the same for sockets and requests."""

    def __init__(self, owner: Receiver, receive: Receive, intake: Intake) -> None:
        self._owner = owner
        self._receive = receive
        self._intake = intake
        self._door = Door(owner._client, self._keep)
        self._state = ("", "")

    async def _keep(self, body: Event) -> None:
        await self._intake.take(body, self._owner.me)
        self._owner.after(body)

    async def address(self) -> str:
        return await self._owner.address()

    async def take(self, payload: dict[str, Any]) -> None:
        """Store an event. Raises StoreError."""
        response = await self._door.answer(payload)
        if response.status != 200:
            raise StoreError(response.body)

    async def refuse(self, raw: object, why: str) -> None:
        """Put an event aside. Raises StoreError."""
        await self._intake.refuse(raw, why, self._owner.me)

    def tell(self, state: str, error: str = "") -> None:
        """Tell the operator what is new, once."""
        if self._state != (state, error):
            self._state = (state, error)
            self._receive.state(self._owner.me.account, state, error or None)

    async def request(self, request: HttpRequest) -> HttpResponse:
        """Answer a request that is known to come from Slack."""
        try:
            body = _body(request)
        except BadEvent as error:
            return await self._put_aside(request, str(error))
        return _response(await self._door.answer(body))

    async def _put_aside(self, request: HttpRequest, why: str) -> HttpResponse:
        try:
            await self.refuse(request.body.decode("utf-8", "replace"), why)
        except StoreError:
            return HttpResponse(503)
        return HttpResponse()


def _body(request: HttpRequest) -> Event:
    """JSON of the Events API, or form fields, which for interactions hold JSON. Raises BadEvent."""
    text = request.body.decode()
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return decoded(text, "the body")
    try:
        fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=1000))
    except ValueError:
        raise BadEvent("the body has too many fields") from None
    return decoded(fields["payload"], "payload") if "payload" in fields else fields


def _response(answer: BoltResponse) -> HttpResponse:
    # The reason of a failure is for us alone.
    body = answer.body.encode() if answer.status == 200 else b""
    return HttpResponse(answer.status, body)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
