"""One bot account on a Mattermost server: its own socket to receive, the library's calls to send.

Calls and limits are those of api.mattermost.com and developers.mattermost.com.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import aiohttp

from adapters.http import open_session, reason
from adapters.mattermost import callbacks
from adapters.mattermost.commands import SlashCommands
from adapters.mattermost.failures import channel_error, send_error
from adapters.mattermost.feed import Feed
from adapters.mattermost.fields import is_id
from adapters.mattermost.history import History
from adapters.mattermost.intake import Intake
from adapters.mattermost.link import PONG_WITHIN, Dialler
from adapters.mattermost.lookups import Lookups
from adapters.mattermost.options import MattermostOptions
from adapters.mattermost.parse import CHANNEL, Me, parse
from adapters.mattermost.poster import Poster
from adapters.mattermost.render import render
from adapters.mattermost.rest import Answered, CallFailed, Rest
from bot.contract import (
    Adapter,
    Address,
    Attachment,
    Caps,
    CommandSpec,
    HttpRequest,
    HttpResponse,
    Message,
    Rate,
    Receive,
    Ref,
    Reply,
    utcnow,
)
from bot.errors import (
    BadEvent,
    ChannelDown,
    ChannelRefused,
    NotSent,
    StoreError,
    Unsupported,
)

# What a bot may call in one second where the server limits it (docs.mattermost.com, "Rate
# limiting": off at first, then 10 a second with bursts of 100).
_PER_SECOND = 10
# How often the commands are tried to be published while the server is away, and how far apart.
_PUBLISH_TRIES = 10
_PUBLISH_WAIT = 15.0


class Mattermost(Adapter):
    """See `bot.contract.Adapter`. Buttons and slash commands need a `callback_url`."""

    channel: ClassVar[str] = CHANNEL
    caps: ClassVar[Caps] = Caps(
        # A post holds 16383, but one that fits a screen is read.
        max_chars=4000,
        edit=True,
        delete=True,
        react=True,
        typing=True,
        buttons=True,
        threads=True,
        roots=True,
        native_commands=True,
        find=True,
        bang=True,
        edit_interval=1.0,
        rates=(Rate("account", _PER_SECOND, 1.0),),
    )
    # Waiting between tries, in seconds; and how long an answer to a ping may take.
    sleep: Callable[[float], Awaitable[None]] = staticmethod(asyncio.sleep)
    patience: float = PONG_WITHIN

    def __init__(self, account: str, options: MattermostOptions) -> None:
        super().__init__(account, options)
        if not options.callback_url:
            # The class says what the platform can, the instance what this configuration lets it.
            bare = replace(self.caps, buttons=False, native_commands=False)
            self.caps = bare  # type: ignore[misc]
        self._token = options.token.strip()
        self._rest = Rest(account, options.url, self._token, options.ca_file)
        self._lookups = Lookups(self._rest)
        self._signer = callbacks.Signer(self._token)
        self._tokens = {one.strip() for one in options.command_tokens.split(",") if one.strip()}
        self._session: aiohttp.ClientSession | None = None
        self._trust: ssl.SSLContext | bool = True
        self._me: Me | None = None
        self._intake: Intake | None = None
        self._feed: Feed | None = None
        self._poster = Poster(
            account,
            self._rest,
            self._lookups,
            buttons_to=options.callback_url,
            signer=self._signer,
            me=self._whoami,
            posted=self._posted,
        )

    @classmethod
    def parse(
        cls, event: Any, *, account: str, bot_ids: Sequence[str] = (), bot_name: str = ""
    ) -> list[Message]:
        return parse(event, Me(account, tuple(bot_ids), bot_name))

    @classmethod
    def render(cls, text: str) -> list[dict[str, Any]]:
        return render(text)

    async def start(self) -> None:
        self._rest.open()
        if self.options.ca_file:
            try:
                self._trust = ssl.create_default_context(cafile=self.options.ca_file)
            except OSError as error:
                why = f"channels.{self.account}.ca_file cannot be used: {type(error).__name__}"
                raise ChannelRefused(why) from None
        if self._session is None:
            self._session = open_session(self._rest.base)

    async def stop(self) -> None:
        self._rest.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def run(self, receive: Receive) -> None:
        await self.start()
        assert self._session is not None
        me = await self._insist(receive)
        self._intake = Intake(me, self.options.chatmode, self._lookups, receive)
        base, token = self._rest.base, self._token
        self._feed = Feed(
            self.account,
            token=token,
            dialler=Dialler(
                self.account,
                base,
                token,
                trust=self._trust,
                sleep=self.sleep,
                patience=self.patience,
            ),
            session=self._session,
            history=History(self._rest, me.ids[0]),
            intake=self._intake,
            lookups=self._lookups,
            receive=receive,
            identify=self._ask_name,
            sleep=self.sleep,
        )
        await self._feed.run()

    async def _insist(self, receive: Receive) -> Me:
        """Ask who the bot is until the platform says so. Raises ChannelRefused."""
        wait = 0.5
        while True:
            try:
                return await self._ask_name()
            except CallFailed as error:
                found = channel_error(error, self.account)
                if isinstance(found, ChannelRefused):
                    raise found from None
                receive.state(self.account, "down", str(found))
                await self.sleep(wait)
                wait = min(30.0, wait * 2)

    async def _ask_name(self) -> Me:
        """Raises CallFailed."""
        user = await self._rest.object(lambda driver: driver.users.get_user("me"))
        self._me = Me(self.account, (user["id"],), str(user.get("username") or ""))
        return self._me

    async def _whoami(self) -> Me:
        return self._me or await self._ask_name()

    async def handle(self, request: HttpRequest, receive: Receive) -> HttpResponse:
        if not self.options.callback_url:
            return HttpResponse(404)
        if self._intake is None:
            return HttpResponse(503)
        if request.headers.get("content-type", "").startswith("application/json"):
            event = callbacks.pressed(request, self._signer)
        else:
            event = callbacks.commanded(request, self._tokens)
        if event is None or not callbacks.timely(event, utcnow()):
            return HttpResponse(401)
        try:
            return await self._called(event, receive)
        except BadEvent as error:
            await receive.quarantine(self.account, event, str(error))
            return HttpResponse(400)
        except StoreError:
            return HttpResponse(503)

    async def _called(self, event: dict[str, Any], receive: Receive) -> HttpResponse:
        """Store a call that has proved itself. Raises BadEvent and StoreError."""
        try:
            known = await self._lookups.called(event)
        except CallFailed:
            known = event
        for message in parse(known, await self._whoami()):
            await receive(message)
        # Without an answer in JSON the server tells the user that the command failed.
        return HttpResponse(200, b"{}", "application/json")

    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        """Show a reply, in several posts where one does not hold it; the last one's Ref.

        A repeat with the same key goes on behind what was shown before. Raises SendError.
        """
        return await self._poster.send(to, reply, key)

    async def edit(self, ref: Ref, reply: Reply) -> None:
        await self._poster.edit(ref, reply)

    async def delete(self, ref: Ref) -> None:
        await self._poster.delete(ref)

    async def react(self, ref: Ref, emoji: str) -> None:
        await self._poster.react(ref, emoji)

    async def find(self, to: Address, key: str) -> Ref | None:
        return await self._poster.find(to, key)

    def _posted(self, post: str, channel: str) -> None:
        if self._feed is not None:
            self._feed.posted(post, channel)

    async def typing(self, to: Address) -> None:
        try:
            if self._feed is None:
                raise ChannelDown("Mattermost is not connected")
            await self._feed.typing(to.conversation, to.thread)
        except ChannelDown as error:
            raise NotSent(str(error)) from None

    async def publish_commands(self, commands: Sequence[CommandSpec]) -> None:
        """Bring the slash commands up to date; everybody sees the same, so not the owners' ones."""
        url = self.options.callback_url
        if not url:
            raise Unsupported("slash commands without a callback_url")
        for left in reversed(range(_PUBLISH_TRIES)):
            try:
                me = await self._whoami()
                slash = SlashCommands(self._rest, url, me.ids[0], me.name)
                self._tokens |= await slash.publish(commands)
            except CallFailed as error:
                if not left or (isinstance(error, Answered) and error.status < 500):
                    raise send_error(error, self.account) from None
                await self.sleep(_PUBLISH_WAIT)
            else:
                return

    async def fetch(self, attachment: Attachment, limit: int) -> AsyncIterator[bytes]:
        """The library reads a file whole before it shows a byte, so this call is ours."""
        if not is_id(attachment.handle) or self._session is None:
            raise ChannelDown("there is no file to fetch")
        if attachment.size is not None and attachment.size > limit:
            raise ChannelDown(f"the file is larger than {limit} bytes")
        size = 0
        try:
            async with self._session.get(
                f"{self._rest.base}/files/{attachment.handle}",
                headers={"Authorization": f"Bearer {self._token}"},
                ssl=self._trust,
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    raise ChannelDown(f"the file cannot be fetched: {response.status}")
                async for piece in response.content.iter_chunked(64 * 1024):
                    size += len(piece)
                    if size > limit:
                        raise ChannelDown(f"the file is larger than {limit} bytes")
                    yield piece
        except (aiohttp.ClientError, OSError) as error:
            raise ChannelDown(f"the file cannot be fetched: {reason(error)}") from None

    async def check(self) -> str:
        await self.start()
        try:
            return f"@{(await self._ask_name()).name}"
        except CallFailed as error:
            raise channel_error(error, self.account) from None
