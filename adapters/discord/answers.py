"""Answers to interactions: deferred at once, then given through the interaction's own token.

A command must be answered within 3 seconds and its token lives for 15 minutes
(discord.com/developers/docs/interactions/receiving-and-responding#followup-messages). On a server
only who gave a command sees what it says; a direct chat has nobody to hide it from.
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
# resources/message#message-object-message-flags
_EPHEMERAL = 1 << 6
# Seconds after which an unanswered command is taken away, while its token still works.
ANSWER_WITHIN = 14 * 60.0
_MOST_CHOICES = 25
_LONGEST_CHOICE = 100


@dataclass(slots=True)
class Given:
    """A command that was deferred. `first` names the answer that stands in the sign's place."""

    id: str
    application: str
    token: str
    private: bool
    first: str = ""


class Answers:
    """The interactions of one account."""

    def __init__(self, account: str, rest: Rest) -> None:
        self._account = account
        self._rest = rest
        self._deferring: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._given: dict[str, Given] = {}
        # Messages that only one person sees: the channel's own calls do not know them.
        self._private: dict[str, Given] = {}
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

    def asked(self, reply_to: str | None) -> Given | None:
        """The command that a reply answers, for as long as that can be done."""
        return self._given.get(reply_to or "")

    async def show(self, to: Given, message: Outgoing, name: str) -> str | None:
        """Answer a command: the first message takes the place of the sign that one comes.

        The message's id; None where it goes on as an ordinary message. The first again, under the
        same name, is the same as once. Raises SendError.
        """
        to.first = to.first or name
        body = message.body()
        try:
            if to.first == name:
                answer = await self._hook("PATCH", to, "/messages/@original", message, body)
            elif to.private:
                body["flags"] = body.get("flags", 0) | _EPHEMERAL
                answer = await self._hook("POST", to, "", message, body)
            else:
                return None
        except Refused:
            return None
        shown = answer.get("id") if isinstance(answer, dict) else None
        if not is_id(shown):
            raise Uncertain("Discord's answer names no id")
        if to.private:
            self._private[str(shown)] = to
        return str(shown)

    async def edit(self, identifier: str, message: Outgoing, body: Mapping[str, Any]) -> bool:
        """Change a message that one person sees; False when it is none. Raises SendError."""
        to = self._private.get(identifier)
        if to is not None:
            await self._hook("PATCH", to, f"/messages/{identifier}", message, body)
        return to is not None

    async def delete(self, identifier: str) -> bool:
        """Take away a message that one person sees; False when it is none. Raises SendError."""
        to = self._private.pop(identifier, None)
        if to is not None:
            await self._hook("DELETE", to, f"/messages/{identifier}")
        return to is not None

    async def _defer(self, event: Mapping[str, Any]) -> None:
        """Say that an answer comes. One that cannot be deferred is answered as a message."""
        command = event["type"] == interactions.COMMAND
        private = command and is_id(event.get("guild_id"))
        hidden = {"data": {"flags": _EPHEMERAL}} if private else {}
        application = event.get("application_id")
        with contextlib.suppress(SendError):
            await self._callback(event, {"type": _LATER if command else _LATER_IN_PLACE, **hidden})
            if command and is_id(application):
                given = Given(event["id"], str(application), event["token"], private)
                self._given[given.id] = given
                self._later(given)

    def _later(self, given: Given) -> None:
        """Arrange for the end of a command's token."""

        def end() -> None:
            self._ends.discard(handle)
            del self._given[given.id]
            for shown in [shown for shown, one in self._private.items() if one is given]:
                del self._private[shown]
            if not given.first:
                self._run(self._withdraw(given), "unanswered")

        handle = asyncio.get_running_loop().call_later(ANSWER_WITHIN, end)
        self._ends.add(handle)

    async def _withdraw(self, given: Given) -> None:
        """Nobody answered, for instance a stranger: do not let them look at a sign for ever."""
        with contextlib.suppress(SendError):
            await self._hook("DELETE", given, "/messages/@original")

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

    async def _hook(
        self,
        method: str,
        to: Given,
        path: str,
        message: Outgoing | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """A call under the command's own token. Raises SendError."""
        route = Route(
            method,
            "/webhooks/{webhook_id}/{webhook_token}" + path,
            webhook_id=to.application,
            webhook_token=to.token,
        )
        form = message.form(body or {}) if message else None
        return await self._rest.request(route, json=None if form else body, form=form, token=False)

    def _run(self, work: Any, what: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"{self._account} {what}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
