"""The poll loop: fetch, store each update, and only then confirm by the next offset.

The library's own loop confirms updates that it has merely queued in memory, and never gets past one
that it cannot parse. See core.telegram.org/bots/api#getupdates for the meaning of the offset.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Awaitable, Callable
from typing import Any

from telegram.error import TelegramError

from adapters.telegram.failures import token_refused
from adapters.telegram.intake import Intake
from adapters.telegram.parse import WANTED
from adapters.telegram.request import UNSAID_WAIT, AiohttpRequest, form
from bot.contract import Receive
from bot.errors import ChannelDown, ChannelError, StoreError

BATCH = 100
LONG_POLL = 30
LONGEST_WAIT = 30.0

_WANTED = json.dumps(WANTED)
_UPDATE_ID = re.compile(rb'"update_id"\s*:\s*(\d{1,18})\b')

Sleep = Callable[[float], Awaitable[None]]


class Unreadable(Exception):
    """An answer of which not even the JSON can be read."""

    def __init__(self, body: bytes) -> None:
        super().__init__("an update cannot be read as JSON")
        self.body = body


class SecondPoller(ChannelError):
    """Somebody else polls with this token."""


class Poller:
    """Receives for one account until cancelled. Raises ChannelRefused when the token is wrong."""

    def __init__(
        self,
        account: str,
        request: AiohttpRequest,
        url: str,
        receive: Receive,
        *,
        intake: Callable[[], Awaitable[Intake]],
        delete_webhook: Callable[[], Awaitable[None]],
        sleep: Sleep,
        patience: float,
    ) -> None:
        self._account = account
        self._request = request
        self._url = f"{url}/getUpdates"
        self._receive = receive
        self._intake = intake
        self._delete_webhook = delete_webhook
        self._sleep = sleep
        self._patience = patience
        # No stored offset: ids start anew after a quiet week, and an old one would hide updates.
        self._offset: int | None = None
        self._limit = BATCH
        self._state = ("", "")
        self._failures = 0

    async def run(self) -> None:
        """Poll for ever."""
        self._tell("connecting")
        while True:
            try:
                await self._round()
            except Unreadable as error:
                await self._pass_over(error.body)
            except SecondPoller as error:
                await self._failed(str(error))
            except ChannelDown as error:
                await self._failed(str(error))
            except StoreError as error:
                await self._failed(f"received messages cannot be stored: {error}")

    async def _round(self) -> None:
        updates = await self._fetch()
        if updates:
            await self._store(updates)
        else:
            # All is confirmed now, so nothing is lost when the ids start anew.
            self._offset, self._limit = None, BATCH
        self._failures = 0
        self._tell("up")

    async def _store(self, updates: list[Any]) -> None:
        """Store a batch: chats side by side, since a commit serves many; in a chat, in order."""
        intake = await self._intake()
        chats: dict[object, list[Any]] = {}
        for update in updates:
            chats.setdefault(_chat(update), []).append(update)
        failures = await asyncio.gather(*(_in_order(intake, chat) for chat in chats.values()))
        failed = [failure for failure in failures if failure]
        numbers = [number for update in updates if (number := _number(update)) is not None]
        lost = [number for number, _ in failed if number is not None]
        if numbers:
            # An offset confirms all updates below it.
            self._offset = min(lost) if lost else max(numbers) + 1
        if failed:
            raise failed[0][1]
        if not numbers:
            raise ChannelDown("Telegram sends updates without a number")

    async def _fetch(self) -> list[Any]:
        """One request. Raises ChannelRefused, ChannelDown, SecondPoller or Unreadable."""
        # A short first poll tells at once that the connection works.
        seconds = LONG_POLL if self._state[0] == "up" else 0
        fields = {"timeout": seconds, "limit": self._limit, "allowed_updates": _WANTED}
        if self._offset is not None:
            fields["offset"] = self._offset
        try:
            async with asyncio.timeout(self._patience):
                status, body = await self._request.exchange(self._url, form(fields), None)
        except TimeoutError:
            raise ChannelDown(f"Telegram does not answer for {self._patience:g} s") from None
        except TelegramError as error:
            raise ChannelDown(f"Telegram cannot be reached: {error.message}") from None
        return await self._understand(status, body)

    async def _understand(self, status: int, body: bytes) -> list[Any]:
        if status in (401, 404):
            raise token_refused(self._account)
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            if status == 200:
                raise Unreadable(body) from None
            answer = None
        fields = answer if isinstance(answer, dict) else {}
        said = str(fields.get("description", ""))
        if status == 409:
            return await self._conflict(said)
        if status == 429:
            await self._sleep(_retry_after(fields))
            raise ChannelDown("Telegram asks to poll less often")
        updates = fields.get("result")
        if status != 200 or not isinstance(updates, list):
            raise ChannelDown(f"Telegram answers {status} {said}".rstrip())
        return updates

    async def _conflict(self, said: str) -> list[Any]:
        if "webhook" not in said:
            raise SecondPoller(
                "another program polls with this token; stop it, "
                "or get a new token from @BotFather with /revoke"
            )
        await self._delete_webhook()
        raise ChannelDown("Telegram still sent updates to a webhook, which is now removed")

    async def _pass_over(self, body: bytes) -> None:
        """Find the unreadable update by fetching one at a time, and put it aside by its number."""
        if self._limit > 1:
            self._limit = 1
            return
        found = _UPDATE_ID.search(body)
        if not found:
            await self._failed("Telegram's answer cannot be read")
            return
        try:
            intake = await self._intake()
            await intake.refuse(body.decode("utf-8", "replace"), "it cannot be read as JSON")
        except StoreError as error:
            await self._failed(f"received messages cannot be stored: {error}")
        else:
            self._offset, self._limit = int(found[1]) + 1, BATCH

    async def _failed(self, reason: str) -> None:
        """Tell it and wait, longer each time; the jitter keeps bots from returning all at once."""
        self._tell("down", reason)
        wait = min(LONGEST_WAIT, 0.5 * 2 ** min(self._failures, 10))
        self._failures += 1
        await self._sleep(wait * random.uniform(0.7, 1.0))

    def _tell(self, state: str, error: str = "") -> None:
        """Tell the operator what is new, once."""
        if self._state != (state, error):
            self._state = (state, error)
            self._receive.state(self._account, state, error or None)


async def _in_order(intake: Intake, updates: list[Any]) -> tuple[int | None, StoreError] | None:
    """Store the updates of one chat; the first that was not stored, and why."""
    for update in updates:
        try:
            await intake.take(update)
        except StoreError as error:
            return _number(update), error
    return None


def _number(update: object) -> int | None:
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _chat(update: object) -> object:
    """What an update's order depends on; one without a chat depends on nothing else."""
    if isinstance(update, dict):
        for kind in WANTED:
            event = update.get(kind)
            event = event.get("message", event) if isinstance(event, dict) else None
            chat = event.get("chat") if isinstance(event, dict) else None
            if isinstance(chat, dict):
                return str(chat.get("id"))
    return id(update)


def _retry_after(fields: dict[str, Any]) -> float:
    parameters = fields.get("parameters")
    seconds = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return float(seconds) if isinstance(seconds, int) and 0 < seconds < 86400 else UNSAID_WAIT
