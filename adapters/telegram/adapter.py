"""One bot account on Telegram: polls or is called by a webhook, and sends through the library.

Method names and limits are those of core.telegram.org/bots/api.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeVar
from zlib import crc32

from telegram import Bot
from telegram.constants import ChatAction
from telegram.error import BadRequest, ChatMigrated, InvalidToken, TelegramError

from adapters.telegram.failures import channel_error, says, send_error
from adapters.telegram.intake import Intake
from adapters.telegram.options import TelegramOptions
from adapters.telegram.parse import CHANNEL, WANTED, Me, parse
from adapters.telegram.poll import Poller
from adapters.telegram.render import render
from adapters.telegram.request import AiohttpRequest
from adapters.telegram.sending import Outgoing, keyboard, outgoing, whole
from adapters.text_files import set_aside
from bot.contract import (
    Adapter,
    Address,
    Attachment,
    Caps,
    CommandSpec,
    File,
    HttpRequest,
    HttpResponse,
    Message,
    Rate,
    Receive,
    Ref,
    Reply,
)
from bot.errors import (
    ChannelDown,
    ChannelRefused,
    Refused,
    SendError,
    StoreError,
    Uncertain,
    Unsupported,
)

Answer = TypeVar("Answer")

SECRET_HEADER = "x-telegram-bot-api-secret-token"
# core.telegram.org/bots/api#setwebhook, secret_token.
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
# What the platform says of entities, pictures and voices that it will not show as such.
_UNDRESSED = ("entit", "photo_", "image_process_failed", "voice_messages_forbidden")
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_MOST_COMMANDS = 100
# Sends of several messages that failed half-way; more are not waiting at one time.
_MOST_BEGUN = 1000


class Telegram(Adapter):
    """See `bot.contract.Adapter`; `caps` say what the platform can do.

    Groups bear an edit every 3 seconds at most: their 20 calls a minute are in `caps.rates`.
    """

    channel: ClassVar[str] = CHANNEL
    caps: ClassVar[Caps] = Caps(
        # Of source text; once rendered it may grow up to the 4096 that a message holds.
        max_chars=3500,
        utf16=True,
        edit=True,
        delete=True,
        react=True,
        typing=True,
        buttons=True,
        threads=True,
        native_stream=True,
        native_commands=True,
        edit_interval=1.0,
        # core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
        rates=(Rate("conversation", 1, 1.0), Rate("group", 20, 60.0), Rate("account", 30, 1.0)),
    )
    # Waiting between tries, in seconds; and how long a poll may stay without an answer.
    sleep: Callable[[float], Awaitable[None]] = staticmethod(asyncio.sleep)
    patience: float = 45.0

    def __init__(self, account: str, options: TelegramOptions) -> None:
        super().__init__(account, options)
        base = options.base_url.rstrip("/")
        # An empty token is refused like any other wrong one, with the same words.
        token = options.token.strip() or "0"
        self._url = f"{base}/bot{token}"
        self._request = AiohttpRequest(base)
        self._bot = Bot(
            token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=self._request,
            get_updates_request=self._request,
        )
        self._intake: Intake | None = None
        # Groups that became supergroups, by their former id.
        self._homes: dict[str, str] = {}
        self._begun: dict[str, list[str]] = {}
        self._answers: set[asyncio.Task[None]] = set()

    @classmethod
    def parse(
        cls, event: Any, *, account: str, bot_ids: Sequence[str] = (), bot_name: str = ""
    ) -> list[Message]:
        return parse(event, Me(account, tuple(bot_ids), bot_name))

    @classmethod
    def render(cls, text: str) -> list[dict[str, Any]]:
        return render(text)

    @classmethod
    def set_aside(cls, text: str) -> tuple[str, tuple[File, ...]]:
        text, files = set_aside(text)
        return text, tuple(File(name, mime, body.encode()) for name, mime, body in files)

    async def start(self) -> None:
        await self._request.initialize()

    async def stop(self) -> None:
        for task in self._answers:
            task.cancel()
        await self._request.shutdown()

    async def run(self, receive: Receive) -> None:
        await self.start()
        try:
            await (self._serve(receive) if self.options.webhook.url else self._poll(receive))
        finally:
            if self._intake is not None:
                self._intake.close()
                self._intake = None

    async def _poll(self, receive: Receive) -> None:
        identity = asyncio.create_task(self._identify(receive), name=f"{self.account} identity")
        # The poller may learn of a wrong token first; then nobody asks this task for its failure.
        identity.add_done_callback(lambda task: task.cancelled() or task.exception())
        poller = Poller(
            self.account,
            self._request,
            self._url,
            receive,
            # The first poll leaves without waiting for the bot's name; its updates need it.
            intake=lambda: asyncio.shield(identity),
            delete_webhook=self._delete_webhook,
            sleep=self.sleep,
            patience=self.patience,
        )
        try:
            await poller.run()
        finally:
            identity.cancel()

    async def _identify(self, receive: Receive) -> Intake:
        """Ask who the bot is until the platform says so. Raises ChannelRefused."""
        wait = 0.5
        while True:
            try:
                me = await self._bot.get_me()
                name = Me(self.account, (str(me.id),), me.username or "")
                intake = self._intake = Intake(name, receive, self._pressed, self.sleep)
                await intake.open()
                return intake
            except TelegramError as error:
                if isinstance(found := channel_error(error, self.account), ChannelRefused):
                    raise found from None
            except StoreError:
                # What the store suffers from is told where something should be stored.
                pass
            await self.sleep(wait)
            wait = min(30.0, wait * 2)

    async def _delete_webhook(self) -> None:
        with contextlib.suppress(TelegramError):
            await self._bot.delete_webhook(drop_pending_updates=False)

    async def _serve(self, receive: Receive) -> None:
        """Register the webhook; its calls come through `handle`. Raises ChannelError."""
        if not _SECRET.fullmatch(self.options.webhook.secret):
            where = f"channels.{self.account}.webhook.secret"
            raise ChannelRefused(f"{where} must be 1 to 256 letters, digits, _ and -; set one")
        await self._identify(receive)
        try:
            await self._bot.set_webhook(
                self.options.webhook.url,
                secret_token=self.options.webhook.secret,
                allowed_updates=WANTED,
            )
        except BadRequest as error:
            where = f"channels.{self.account}.webhook.url"
            raise ChannelRefused(f"Telegram refuses {where}: {error.message}") from None
        except TelegramError as error:
            raise channel_error(error, self.account) from None
        receive.state(self.account, "up")
        await asyncio.Event().wait()

    async def handle(self, request: HttpRequest, receive: Receive) -> HttpResponse:
        given = request.headers.get(SECRET_HEADER, "")
        secret = self.options.webhook.secret
        if not secret or not hmac.compare_digest(given.encode(), secret.encode()):
            return HttpResponse(401)
        if self._intake is None:
            return HttpResponse(503)
        try:
            try:
                update = json.loads(request.body)
            except (ValueError, RecursionError):
                text = request.body.decode("utf-8", "replace")
                await self._intake.refuse(text, "it cannot be read as JSON")
            else:
                await self._intake.take(update)
        except StoreError:
            return HttpResponse(503)
        return HttpResponse()

    def _pressed(self, query: str) -> None:
        """Answer the press of a button in the background: nobody waits for that answer."""
        task = asyncio.create_task(self._answer(query), name=f"{self.account} press")
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _answer(self, query: str) -> None:
        # Too old to be answered, or out of reach: the button recovers by itself.
        with contextlib.suppress(TelegramError):
            await self._bot.answer_callback_query(query)

    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        """Show a reply, in several messages where one does not hold it; the last one's Ref.

        A repeat with the same key goes on behind what was shown before. Raises SendError.
        """
        messages = outgoing(to, reply)
        sent = self._begun.pop(key, [])
        try:
            for message in messages[len(sent) :]:
                sent.append(await self._show(message))
        except SendError:
            self._keep_begun(key, sent)
            raise
        return Ref(self._home(to), sent[-1])

    async def _show(self, message: Outgoing) -> str:
        if message.chat in self._homes:
            message = replace(message, chat=self._homes[message.chat])
        with self._calls():
            try:
                return await _or_plain(message, lambda it: it.send(self._bot, self._call))
            except ChatMigrated as error:
                # The group has become a supergroup, and what was refused goes there.
                self._homes[message.chat] = new = str(error.new_chat_id)
            moved = replace(message, chat=new)
            return await _or_plain(moved, lambda it: it.send(self._bot, self._call))

    def _home(self, to: Address) -> Address:
        """The address itself, or where its group went; the core learns that by the update."""
        home = self._homes.get(to.conversation)
        return to if home is None else replace(to, conversation=home)

    def _keep_begun(self, key: str, sent: list[str]) -> None:
        """Remember how far a reply of several messages came, so that a repeat doubles nothing."""
        if sent:
            self._begun[key] = sent
        while len(self._begun) > _MOST_BEGUN:
            del self._begun[next(iter(self._begun))]

    async def _call(self, method: str, fields: Mapping[str, Any]) -> Any:
        return await self._request.call(f"{self._url}/{method}", fields)

    @contextlib.contextmanager
    def _calls(self, *fine: str) -> Iterator[None]:
        """Turns the library's errors into ours; a refusal in one of the `fine` phrases is none."""
        try:
            yield
        except TelegramError as error:
            if not (isinstance(error, BadRequest) and says(error, *fine)):
                raise send_error(error, self.account) from None
        except (KeyError, TypeError, ValueError) as error:
            # The library could not read the answer to what it sent.
            raise Uncertain(f"Telegram's answer is odd: {type(error).__name__}") from None

    async def stream(self, to: Address, key: str, text: str, ref: Ref | None) -> None:
        """Show a draft, which lasts 30 seconds and leaves nothing behind. Direct chats only."""
        if not to.conversation.isdecimal():
            raise Unsupported("drafts in groups")
        message = outgoing(to, Reply(text))[0]
        number = crc32(key.encode()) & 0x7FFFFFFF or 1
        with self._calls():
            try:
                await _or_plain(message, lambda it: it.draft(self._bot, number))
            except (BadRequest, InvalidToken):
                # Servers that do not know the method yet answer as if the token were wrong.
                raise Unsupported("drafts in this chat") from None

    async def edit(self, ref: Ref, reply: Reply) -> None:
        payloads = render(reply.text)
        if len(payloads) != 1:
            raise Refused("the text does not fit into the one message that is edited")
        extra = {name: value for name, value in payloads[0].items() if name != "text"}
        if reply.buttons:
            extra["reply_markup"] = keyboard(reply.buttons)
        message = Outgoing(ref.address.conversation, payloads[0]["text"], extra)
        number = whole(ref.id)
        with self._calls("message is not modified"):
            await _or_plain(message, lambda it: it.edit(self._call, number))

    async def delete(self, ref: Ref) -> None:
        number = whole(ref.id)
        with self._calls("message to delete not found"):
            await self._bot.delete_message(ref.address.conversation, number)

    async def react(self, ref: Ref, emoji: str) -> None:
        number = whole(ref.id)
        # The platform knows its reactions without the mark that asks for colours.
        wanted = emoji.replace("\ufe0f", "") or None
        with self._calls():
            await self._bot.set_message_reaction(ref.address.conversation, number, wanted)

    async def typing(self, to: Address) -> None:
        thread = None if to.thread is None else whole(to.thread)
        with self._calls():
            await self._bot.send_chat_action(
                self._home(to).conversation, ChatAction.TYPING, message_thread_id=thread
            )

    async def publish_commands(self, commands: Sequence[CommandSpec]) -> None:
        """Bring the menu up to date. Owners' commands stay out: everybody sees the same menu."""
        wanted = [
            (spec.name, spec.help[:256] or spec.name)
            for spec in commands
            if not spec.owner and _COMMAND.fullmatch(spec.name)
        ][:_MOST_COMMANDS]
        with self._calls():
            menu = await self._bot.get_my_commands()
            there = [(command.command, command.description) for command in menu]
            if there != wanted:
                await self._bot.set_my_commands(wanted)

    async def fetch(self, attachment: Attachment, limit: int) -> AsyncIterator[bytes]:
        if not attachment.handle:
            raise ChannelDown(f"a {attachment.kind} has no bytes to fetch")
        if attachment.size is not None and attachment.size > limit:
            raise ChannelDown(f"the file is larger than {limit} bytes")
        try:
            file = await self._bot.get_file(attachment.handle)
        except TelegramError as error:
            raise channel_error(error, self.account) from None
        async for piece in self._request.download(file.file_path or "", limit):
            yield piece

    async def check(self) -> str:
        await self.start()
        try:
            me = await self._bot.get_me()
        except TelegramError as error:
            raise channel_error(error, self.account) from None
        return f"@{me.username}"


async def _or_plain(message: Outgoing, call: Callable[[Outgoing], Awaitable[Answer]]) -> Answer:
    """Make a call; where the way to show it is refused, once more in the simplest way."""
    try:
        return await call(message)
    except BadRequest as error:
        simpler = message.without_dress()
        if simpler is None or not says(error, *_UNDRESSED):
            raise
    return await call(simpler)
