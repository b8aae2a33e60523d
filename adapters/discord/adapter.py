"""One bot account on Discord: listens at the gateway, and sends over the REST interface.

Names and limits are those of discord.com/developers/docs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from discord.http import Route

from adapters.discord import commands as menu
from adapters.discord.answers import Answers, Given
from adapters.discord.attachments import Handle
from adapters.discord.events import parse
from adapters.discord.failures import UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, Answered, channel_error
from adapters.discord.gateway import Gateway, Pulse
from adapters.discord.history import History
from adapters.discord.ids import is_id
from adapters.discord.intake import Intake
from adapters.discord.options import DiscordOptions
from adapters.discord.parse import CHANNEL, Me
from adapters.discord.render import render
from adapters.discord.rest import Expired, Rest
from adapters.discord.sending import Outgoing, components, nonce, outgoing
from adapters.discord.threads import begin
from bot.contract import (
    Adapter,
    Address,
    Attachment,
    Caps,
    CommandSpec,
    Message,
    Rate,
    Receive,
    Ref,
    Reply,
)
from bot.errors import ChannelDown, NotSent, Refused, SendError, StoreError, Uncertain

# Replies of several messages that failed half-way; more are not waiting at one time.
_MOST_BEGUN = 1000
_USER = "user:"


class Discord(Adapter):
    """See `bot.contract.Adapter`; `caps` say what the platform can do."""

    channel: ClassVar[str] = CHANNEL
    caps: ClassVar[Caps] = Caps(
        # Of source text; once rendered it may grow up to the 2000 that a message holds.
        max_chars=1900,
        edit=True,
        delete=True,
        react=True,
        typing=True,
        buttons=True,
        threads=True,
        roots=True,
        native_commands=True,
        # The nonce is enforced for a few minutes (resources/message#create-message).
        idempotent_send=True,
        edit_interval=1.2,
        # topics/rate-limits#global-rate-limit; a channel's own limit is told in headers.
        rates=(Rate("conversation", 5, 5.0), Rate("account", 50, 1.0)),
    )
    # Waiting between tries, in seconds.
    sleep: Callable[[float], Awaitable[None]] = staticmethod(asyncio.sleep)

    def __init__(self, account: str, options: DiscordOptions) -> None:
        super().__init__(account, options)
        self._opened: Rest | None = None
        self._answers: Answers | None = None
        self._direct: dict[str, str] = {}
        self._begun: dict[str, list[str]] = {}
        self._reactions: dict[Ref, str] = {}
        self._told = ("", "")

    @classmethod
    def parse(
        cls, event: Any, *, account: str, bot_ids: Sequence[str] = (), bot_name: str = ""
    ) -> list[Message]:
        return parse(event, Me(account, tuple(bot_ids), bot_name))

    @classmethod
    def render(cls, text: str) -> list[dict[str, Any]]:
        return render(text)

    async def start(self) -> None:
        if self._opened is None:
            # An empty token is refused like any other wrong one, with the same words.
            token = self.options.token.strip() or "0"
            self._opened = Rest(token, self.options.base_url, self.options.gateway_url)
            self._opened.sleep = self.sleep
            self._answers = Answers(self.account, self._opened)

    async def stop(self) -> None:
        if self._answers is not None:
            self._answers.close()
        if self._opened is not None:
            await self._opened.close()
        self._opened = self._answers = None

    @property
    def _rest(self) -> Rest:
        if self._opened is None:
            raise NotSent("the channel is stopped")
        return self._opened

    @property
    def _commands(self) -> Answers:
        if self._answers is None:
            raise NotSent("the channel is stopped")
        return self._answers

    async def run(self, receive: Receive) -> None:
        await self.start()
        rest, pulse, self._told = self._rest, Pulse(), ("", "")

        def tell(state: str, error: str) -> None:
            """Tell the operator what is new, once."""
            if self._told != (state, error):
                self._told = (state, error)
                receive.state(self.account, state, error or None)

        history = History(self.account, rest, receive)
        intake = Intake(
            self.account,
            rest,
            receive,
            answers=self._commands,
            history=history,
            pulse=pulse,
            tell=tell,
            sleep=self.sleep,
        )
        gateway = Gateway(
            self.account,
            rest,
            take=intake.take,
            pulse=pulse,
            tell=tell,
            room=intake.empty,
            sleep=self.sleep,
        )
        tell("connecting", "")
        tasks = (
            asyncio.create_task(gateway.run(), name=f"{self.account} gateway"),
            asyncio.create_task(intake.run(), name=f"{self.account} intake"),
        )
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(StoreError):
                await history.save(now=True)
        for task in ended:
            task.result()

    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        """Show a reply, in several messages where one does not hold it; the last one's Ref.

        A reply to a slash command is the answer to it. The first one into a thread begins that
        below its message; where it may not, it answers the message in the room. A repeat with the
        same key goes on behind what was shown before. Raises SendError.
        """
        try:
            return await self._send(to, reply, key)
        except Answered as error:
            place = await begin(self._rest, to) if error.code == UNKNOWN_CHANNEL else None
            if place is None:
                raise
        if place.thread is None:
            reply = replace(reply, reply_to=reply.reply_to or to.thread)
        return await self._send(place, reply, key)

    async def _send(self, to: Address, reply: Reply, key: str) -> Ref:
        channel = await self._channel(to)
        command = self._commands.asked(reply.reply_to)
        messages = outgoing(replace(reply, reply_to=None) if command else reply)
        sent = self._begun.pop(key, [])
        try:
            for number in range(len(sent), len(messages)):
                name = nonce(key, number)
                sent.append(await self._show(command, channel, messages[number], name))
        except SendError:
            self._keep_begun(key, sent)
            raise
        return Ref(to, sent[-1])

    async def _show(self, command: Given | None, channel: str, message: Outgoing, name: str) -> str:
        """Show one message, behind a command or in a channel; its id. Raises SendError."""
        if command and (shown := await self._commands.show(command, message, name)):
            return shown
        body = message.body(nonce=name, enforce_nonce=True)
        route = Route("POST", "/channels/{channel_id}/messages", channel_id=channel)
        form = message.form(body)
        answer = await self._rest.request(route, json=None if form else body, form=form)
        return _id(answer)

    def _keep_begun(self, key: str, sent: list[str]) -> None:
        """Remember how far a reply of several messages came, so that a repeat doubles nothing."""
        if sent:
            self._begun[key] = sent
        while len(self._begun) > _MOST_BEGUN:
            del self._begun[next(iter(self._begun))]

    async def _channel(self, to: Address) -> str:
        """The channel to write in; a direct chat with somebody is opened. Raises SendError."""
        place = to.thread or to.conversation
        if place.startswith(_USER):
            person = place.removeprefix(_USER)
            if person not in self._direct:
                route = Route("POST", "/users/@me/channels")
                answer = await self._rest.request(route, json={"recipient_id": _checked(person)})
                self._direct[person] = _id(answer)
            return self._direct[person]
        return _checked(place)

    async def edit(self, ref: Ref, reply: Reply) -> None:
        messages = outgoing(replace(reply, reply_to=None))
        if len(messages) != 1:
            raise Refused("the text does not fit into the one message that is edited")
        body = messages[0].body(components=components(reply.buttons))
        if await self._commands.edit(ref.id, messages[0], body):
            return
        form = messages[0].form(body)
        route = await self._message("PATCH", ref)
        await self._rest.request(route, json=None if form else body, form=form)

    async def delete(self, ref: Ref) -> None:
        try:
            if await self._commands.delete(ref.id):
                return
            await self._rest.request(await self._message("DELETE", ref))
        except Answered as error:
            if error.code != UNKNOWN_MESSAGE:
                raise

    async def react(self, ref: Ref, emoji: str) -> None:
        """Put a reaction under a message; an empty one takes the bot's last one away."""
        sign = emoji or self._reactions.pop(ref, "")
        if not sign:
            return
        path = "/reactions/{emoji}/@me"
        await self._rest.request(
            await self._message("PUT" if emoji else "DELETE", ref, path, emoji=sign)
        )
        if emoji:
            self._reactions[ref] = emoji
        while len(self._reactions) > _MOST_BEGUN:
            del self._reactions[next(iter(self._reactions))]

    async def _message(self, method: str, ref: Ref, path: str = "", **more: str) -> Route:
        return Route(
            method,
            "/channels/{channel_id}/messages/{message_id}" + path,
            channel_id=await self._channel(ref.address),
            message_id=_checked(ref.id),
            **more,
        )

    async def typing(self, to: Address) -> None:
        """Show it in the thread, or in its room as long as the thread has not begun."""
        try:
            await self._type(await self._channel(to))
        except Answered as error:
            if error.code != UNKNOWN_CHANNEL or to.thread is None:
                raise
            await self._type(await self._channel(replace(to, thread=None)))

    async def _type(self, channel: str) -> None:
        await self._rest.request(Route("POST", "/channels/{channel_id}/typing", channel_id=channel))

    async def publish_commands(self, commands: Sequence[CommandSpec]) -> None:
        rest = self._rest
        application = _id(await rest.ask(Route("GET", "/oauth2/applications/@me")))
        path = "/applications/{application_id}/commands"
        found = await rest.ask(Route("GET", path, application_id=application))
        there = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
        wanted = menu.wanted(commands)
        if menu.differ(there, wanted):
            whole = [*wanted, *menu.kept(there)]
            await rest.ask(Route("PUT", path, application_id=application), json=whole)

    async def fetch(self, attachment: Attachment, limit: int) -> AsyncIterator[bytes]:
        if attachment.size is not None and attachment.size > limit:
            raise ChannelDown(f"the file is larger than {limit} bytes")
        rest, handle = self._rest, Handle.read(attachment.handle)
        url = handle.url if handle else attachment.handle
        try:
            async for piece in rest.download(_own(rest, url), limit):
                yield piece
            return
        except Expired:
            if handle is None:
                raise
        async for piece in rest.download(_own(rest, await self._address(handle)), limit):
            yield piece

    async def _address(self, handle: Handle) -> str:
        """Where a file is now, for as long as the address that is told holds."""
        path = "/channels/{channel_id}/messages/{message_id}"
        route = Route("GET", path, channel_id=handle.channel, message_id=handle.message)
        try:
            message = await self._rest.ask(route)
        except SendError as error:
            raise ChannelDown(f"the file cannot be fetched: {error}") from None
        files = message.get("attachments") if isinstance(message, dict) else None
        for file in files if isinstance(files, list) else []:
            if isinstance(file, dict) and file.get("id") == handle.file:
                return str(file.get("url"))
        raise ChannelDown("the file is gone")

    async def check(self) -> str:
        await self.start()
        try:
            me = await self._rest.request(Route("GET", "/users/@me"))
        except SendError as error:
            raise channel_error(error, self.account) from None
        return f"@{me['username']}" if isinstance(me, dict) and "username" in me else "a bot"


def _own(rest: Rest, url: str) -> str:
    if not rest.may_fetch(url):
        raise ChannelDown("the file is not on Discord's servers")
    return url


def _checked(identifier: str) -> str:
    if not is_id(identifier):
        raise Refused(f"{identifier!r} is no id on Discord; ids are whole numbers")
    return identifier


def _id(answer: object) -> str:
    """The id in an answer. Raises Uncertain when there is none."""
    found = answer.get("id") if isinstance(answer, dict) else None
    if not is_id(found):
        raise Uncertain("Discord's answer names no id")
    return str(found)
