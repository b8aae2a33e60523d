"""Answers to interactions: deferred at once, then given through the interaction's own token.

A command must be answered within 3 seconds and its token lives for 15 minutes
(discord.com/developers/docs/interactions/receiving-and-responding#followup-messages).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from discord.http import Route

from adapters.discord import interactions
from adapters.discord.ids import is_id
from adapters.discord.parse import Me
from adapters.discord.rest import Rest
from adapters.discord.sending import Outgoing
from bot.contract import Receive
from bot.errors import BadEvent, Refused, SendError, StoreError, Uncertain

# #interaction-response-object-interaction-callback-type
_LATER, _LATER_IN_PLACE, _CHOICES = 5, 6, 8
# Seconds after which an unanswered command is taken away, while its token still works.
ANSWER_WITHIN = 14 * 60.0
_MOST_CHOICES = 25
_LONGEST_CHOICE = 100


@dataclass(frozen=True, slots=True)
class Pending:
    """A command that waits for its answer."""

    id: str
    application: str
    token: str
    channel: str


class Answers:
    """The interactions of one account."""

    def __init__(self, account: str, rest: Rest) -> None:
        self._account = account
        self._rest = rest
        self._deferring: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._pending: dict[str, Pending] = {}
        self._begun: dict[str, Pending] = {}
        self._ends: set[asyncio.TimerHandle] = set()

    def close(self) -> None:
        """Drop everything that is under way."""
        for task in self._tasks:
            task.cancel()
        for end in self._ends:
            end.cancel()

    def begin(self, event: object, me: Me, receive: Receive) -> None:
        """Answer an interaction that just came in, before anything else is done about it."""
        if not isinstance(event, Mapping) or not is_id(event.get("id")):
            return
        if not isinstance(event.get("token"), str):
            return
        what = event.get("type")
        if what == interactions.AUTOCOMPLETE:
            self._run(self._complete(event, me, receive), "choices")
        elif what in (interactions.COMMAND, interactions.COMPONENT, interactions.MODAL):
            self._deferring[event["id"]] = self._run(self._defer(event), "interaction")

    async def settled(self, identifier: object) -> None:
        """Return once this interaction is deferred, or could not be."""
        if isinstance(identifier, str) and (task := self._deferring.pop(identifier, None)):
            await asyncio.wait([task])

    def taken(self, channel: str, reply_to: str | None, key: str) -> Pending | None:
        """The command that a reply answers: named by it, or else the oldest of its channel."""
        if found := self._begun.get(key):
            return found
        found = self._pending.get(reply_to or "")
        if found is None and reply_to is None:
            waiting = (one for one in self._pending.values() if one.channel == channel)
            found = next(waiting, None)
        if found is not None:
            del self._pending[found.id]
            self._begun[key] = found
        return found

    def done(self, key: str) -> None:
        """The reply with this key is shown as a whole."""
        self._begun.pop(key, None)

    async def show(self, to: Pending, message: Outgoing) -> str | None:
        """Answer a command in the place of the sign that one comes; the message's id.

        None when it cannot be answered any more. Again is the same as once. Raises SendError.
        """
        body = message.body()
        body.pop("message_reference", None)
        try:
            answer = await self._original("PATCH", to, body, message.form(body))
        except Refused:
            return None
        shown = answer.get("id") if isinstance(answer, dict) else None
        if not is_id(shown):
            raise Uncertain("Discord's answer names no id")
        return str(shown)

    async def _defer(self, event: Mapping[str, Any]) -> None:
        """Say that an answer comes. One that cannot be deferred is answered as a message.

        Everybody sees the answer: nothing says which reply belongs to which command, and what
        belongs to others must not be hidden from them.
        """
        command = event["type"] == interactions.COMMAND
        application, channel = event.get("application_id"), event.get("channel_id")
        with contextlib.suppress(SendError):
            await self._callback(event, {"type": _LATER if command else _LATER_IN_PLACE})
            if command and is_id(application) and is_id(channel):
                waiting = Pending(event["id"], str(application), event["token"], str(channel))
                self._pending[waiting.id] = waiting
                self._later(waiting)

    def _later(self, waiting: Pending) -> None:
        """Arrange for the end of a command's token."""

        def end() -> None:
            self._ends.discard(handle)
            for key in [key for key, one in self._begun.items() if one is waiting]:
                del self._begun[key]
            if self._pending.pop(waiting.id, None):
                self._run(self._withdraw(waiting), "unanswered")

        handle = asyncio.get_running_loop().call_later(ANSWER_WITHIN, end)
        self._ends.add(handle)

    async def _withdraw(self, waiting: Pending) -> None:
        """Nobody answered, for instance a stranger: do not let them look at a sign for ever."""
        with contextlib.suppress(SendError):
            await self._original("DELETE", waiting, None, None)

    async def _complete(self, event: Mapping[str, Any], me: Me, receive: Receive) -> None:
        found: list[tuple[str, str]] = []
        with contextlib.suppress(BadEvent, StoreError):
            asked = interactions.typing(event, me)
            found = await receive.complete(asked.address, asked.author, asked.command, asked.typed)
        choices = [
            {"name": label[:_LONGEST_CHOICE], "value": value}
            for label, value in found
            if label and len(value) <= _LONGEST_CHOICE
        ]
        body = {"type": _CHOICES, "data": {"choices": choices[:_MOST_CHOICES]}}
        with contextlib.suppress(SendError):
            await self._callback(event, body)

    async def _callback(self, event: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        route = Route(
            "POST",
            "/interactions/{interaction_id}/{interaction_token}/callback",
            interaction_id=event["id"],
            interaction_token=event["token"],
        )
        await self._rest.request(route, json=body, token=False)

    async def _original(
        self, method: str, to: Pending, body: Mapping[str, Any] | None, form: Any
    ) -> Any:
        route = Route(
            method,
            "/webhooks/{webhook_id}/{webhook_token}/messages/@original",
            webhook_id=to.application,
            webhook_token=to.token,
        )
        json = None if form else body
        return await self._rest.request(route, json=json, form=form, token=False)

    def _run(self, work: Any, what: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"{self._account} {what}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
