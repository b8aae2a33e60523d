"""One app in one Slack workspace: by Socket Mode or by HTTP, sending through the Web API.

Method names and limits are those of docs.slack.dev/reference/methods.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from slack_sdk.errors import SlackApiError

from adapters.fields import Event
from adapters.slack.client import Client
from adapters.slack.emoji import name_of
from adapters.slack.failures import FAILURES, channel_error, said, send_error
from adapters.slack.history import messages_since
from adapters.slack.identity import CHANNEL, Me
from adapters.slack.intake import Places
from adapters.slack.manifest import manifest
from adapters.slack.options import SlackOptions
from adapters.slack.parse import parse
from adapters.slack.receiving import Receiver
from adapters.slack.render import render
from adapters.slack.sending import or_plain, outgoing, progress
from adapters.slack.streaming import Streams
from adapters.text_files import set_aside
from bot.contract import (
    Adapter,
    Address,
    Attachment,
    Caps,
    File,
    HttpRequest,
    HttpResponse,
    Message,
    Rate,
    Receive,
    Ref,
    Reply,
    utcnow,
)
from bot.errors import ChannelDown, RateLimited, SendError

# Sends of several messages that failed half-way; more are not waiting at one time.
_MOST_BEGUN = 1000
# Seconds back that a sent key is looked for: an outbox row is not uncertain for longer.
_LOOK_BACK = 86_400.0


class Slack(Adapter):
    """See `bot.contract.Adapter`; `caps` say what the platform can do."""

    channel: ClassVar[str] = CHANNEL
    caps: ClassVar[Caps] = Caps(
        # Of source text; once rendered it may grow up to the 4000 that an edit may hold.
        max_chars=3500,
        edit=True,
        delete=True,
        react=True,
        typing=True,
        buttons=True,
        threads=True,
        roots=True,
        native_stream=True,
        find=True,
        bang=True,
        # chat.update is of tier 3, about 50 a minute.
        edit_interval=1.2,
        # docs.slack.dev/apis/web-api/rate-limits#posting
        rates=(Rate("conversation", 1, 1.0),),
    )
    # Waiting between tries, in seconds.
    sleep: Callable[[float], Awaitable[None]] = staticmethod(asyncio.sleep)

    manifest = staticmethod(manifest)

    def __init__(self, account: str, options: SlackOptions) -> None:
        super().__init__(account, options)
        # An empty token is refused like any other wrong one, with the same words.
        self._client = Client(options.bot_token.strip() or "xoxb-", options.base_url)
        self._places = Places()
        self._streams = Streams(self._client)
        self._receiver = Receiver(account, options, self._client, self._places, self._wait)
        self._begun: dict[str, list[str]] = {}
        self._direct: dict[str, str] = {}

    async def _wait(self, seconds: float) -> None:
        await self.sleep(seconds)

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
        self._client.open()

    async def run(self, receive: Receive) -> None:
        await self.start()
        await self._receiver.run(receive)

    async def handle(self, request: HttpRequest, receive: Receive) -> HttpResponse:
        await self.start()
        return await self._receiver.handle(request, receive)

    async def stop(self) -> None:
        await self._receiver.stop()
        await self._client.close()

    @contextlib.contextmanager
    def _calls(self, *fine: str) -> Iterator[None]:
        """Turns the library's errors into ours; a refusal by one of the `fine` words is none."""
        try:
            yield
        except FAILURES as error:
            if said(error) not in fine or not isinstance(error, SlackApiError):
                raise send_error(error, self.account) from None

    async def _at(self, to: Address) -> Address:
        """The place itself; for a person, the direct chat with them. Raises the library's."""
        user = to.conversation.removeprefix("user:")
        if user == to.conversation and user[:1] not in ("U", "W"):
            return to
        if user not in self._direct:
            answer = await self._client.conversations_open(users=user)
            self._direct[user] = _text_in(answer.get("channel"), "id")
        return replace(to, conversation=self._direct[user])

    async def send(self, to: Address, reply: Reply, key: str) -> Ref:
        """Show a reply, in several messages where one does not hold it; the last text's Ref.

        A repeat with the same key goes on behind what was shown before. Raises SendError.
        """
        with self._calls():
            place = await self._at(to)
        work = outgoing(place, reply, key)
        sent = self._begun.pop(key, [])
        texts = len(work.messages)
        try:
            for message in work.messages[len(sent) :]:
                with self._calls():
                    sent.append(_ts(await or_plain(self._client.chat_postMessage, message)))
            for file in work.files[len(sent) - texts :]:
                with self._calls():
                    sent.append(await self._upload(place, file))
        except SendError:
            self._keep_begun(key, sent)
            raise
        return Ref(place, sent[texts - 1] if texts else sent[-1])

    async def _upload(self, place: Address, file: File) -> str:
        """See docs.slack.dev/messaging/working-with-files#upload; the file's id."""
        answer = await self._client.files_upload_v2(
            content=file.data,
            filename=file.name,
            channel=place.conversation,
            thread_ts=place.thread,
        )
        return _text_in(answer.get("file"), "id")

    def _keep_begun(self, key: str, sent: Sequence[str]) -> None:
        """Remember how far a reply of several messages came, so that a repeat doubles nothing."""
        if sent:
            self._begun[key] = list(sent)
        while len(self._begun) > _MOST_BEGUN:
            del self._begun[next(iter(self._begun))]

    async def find(self, to: Address, key: str) -> Ref | None:
        """Look through the conversation's last day; what is found in part is not sent again."""
        with self._calls():
            place = await self._at(to)
            since = utcnow().timestamp() - _LOOK_BACK
            found = progress(await messages_since(self._client, place, since), key, self._is_mine)
        if found.whole:
            return Ref(place, found.texts[-1])
        self._keep_begun(key, [*found.texts, *found.files])
        return None

    def _is_mine(self, message: Event) -> bool:
        ids = self._receiver.me.ids
        return message.get("user") in ids or message.get("bot_id") in ids

    async def edit(self, ref: Ref, reply: Reply) -> None:
        with self._calls():
            await self._streams.finish(ref, reply)

    async def stream(self, to: Address, key: str, text: str, ref: Ref | None) -> Ref:
        try:
            place = await self._at(to)
            return await self._streams.show(place, key, text, ref, self._places.reader(to))
        except FAILURES as error:
            raise send_error(error, self.account) from None

    async def delete(self, ref: Ref) -> None:
        with self._calls("message_not_found", "file_not_found", "file_deleted"):
            if ref.id.startswith("F"):
                await self._client.files_delete(file=ref.id)
                return
            if self._streams.is_live(ref):
                await self._streams.end(ref)
            await self._client.chat_delete(channel=ref.address.conversation, ts=ref.id)

    async def react(self, ref: Ref, emoji: str) -> None:
        place = {"channel": ref.address.conversation, "timestamp": ref.id}
        if emoji:
            name = name_of(emoji)
            with self._calls("already_reacted"):
                await self._client.reactions_add(name=name, **place)
            return
        with self._calls("no_reaction"):
            for name in await self._mine_under(place):
                await self._client.reactions_remove(name=name, **place)

    async def _mine_under(self, place: dict[str, str]) -> list[str]:
        """The names of the bot's own reactions under a message."""
        answer = await self._client.reactions_get(full=True, **place)
        message = answer.get("message")
        found = message.get("reactions") if isinstance(message, dict) else None
        mine = set(self._receiver.me.ids)
        return [
            str(entry.get("name"))
            for entry in found or []
            if isinstance(entry, dict) and mine & set(map(str, entry.get("users") or []))
        ]

    async def typing(self, to: Address) -> None:
        """Set an assistant thread's status; elsewhere Slack has no such sign.

        The next message in the thread takes it away (docs.slack.dev/reference/methods/
        assistant.threads.setStatus).
        """
        if to.thread is None:
            return
        try:
            await self._client.assistant_threads_setStatus(
                channel_id=to.conversation, thread_ts=to.thread, status="is writing..."
            )
        except FAILURES as error:
            if isinstance(limited := send_error(error, self.account), RateLimited):
                raise limited from None

    async def fetch(self, attachment: Attachment, limit: int) -> AsyncIterator[bytes]:
        if attachment.size is not None and attachment.size > limit:
            raise ChannelDown(f"the file is larger than {limit} bytes")
        try:
            answer = await self._client.files_info(file=attachment.handle)
        except FAILURES as error:
            raise channel_error(error, self.account) from None
        file = answer.get("file")
        known = file if isinstance(file, dict) else {}
        url = known.get("url_private_download") or known.get("url_private")
        if not isinstance(url, str) or not url:
            raise ChannelDown("Slack does not hold the bytes of this file")
        async for piece in self._client.download(url, limit):
            yield piece

    async def check(self) -> str:
        await self.start()
        try:
            answer = await self._client.auth_test()
        except FAILURES as error:
            raise channel_error(error, self.account) from None
        if self.options.app_token:
            await self._receiver.check_app_token()
        return f"@{answer.get('user')}"


def _ts(answer: Any) -> str:
    """The time stamp in an answer, which names the message."""
    return _text_in(answer.data, "ts")


def _text_in(data: object, name: str) -> str:
    """A text that Slack's answer must hold; without it, nobody knows what was done."""
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, str) or not value:
        raise ValueError(f"no {name}")
    return value
