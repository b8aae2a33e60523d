"""A reply as the calls that show it: its text in one message or several, then its files."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from telegram import Bot, Message

from adapters.telegram.render import render
from bot.contract import Address, Button, File, Reply
from bot.errors import Refused

# The General topic has this id, but a message to it must not name it.
GENERAL = "1"
# Labels that fit side by side on a phone.
_ROW = 28

# What could end a file's name early where it stands in the request.
_CONTROL = re.compile(r'[\x00-\x1f\x7f"\\]')

_METHODS = {
    "image/jpeg": "photo",
    "image/png": "photo",
    "audio/ogg": "voice",
    "audio/mpeg": "audio",
    "audio/mp4": "audio",
    "video/mp4": "video",
    "image/gif": "animation",
}
# Larger pictures are refused as photos (core.telegram.org/bots/api#sendphoto).
_LARGEST_PHOTO = 10_000_000


# A method of the API with its fields; the result as plain data.
Call: TypeAlias = Callable[[str, Mapping[str, Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to send: `extra` goes along as it is, `file` makes it one of the file methods.

    `bare`: the words without formatting, a file as nothing but a file.
    """

    chat: str
    text: str
    extra: Mapping[str, Any]
    file: File | None = None
    bare: bool = False

    async def send(self, bot: Bot, call: Call) -> str:
        """Send it, text by a straight `call`; the message's id. Raises the library's errors."""
        extra = dict(self.extra)
        if self.file is None:
            fields = {"chat_id": self.chat, "text": self.text, **extra}
            return str(int((await call("sendMessage", fields))["message_id"]))
        name, data = _CONTROL.sub("_", self.file.name), self.file.data
        method = "document" if self.bare else _METHODS.get(self.file.mime, "document")
        if method == "photo" and len(data) <= _LARGEST_PHOTO:
            return _id(await bot.send_photo(self.chat, data, filename=name, api_kwargs=extra))
        if method == "voice":
            return _id(await bot.send_voice(self.chat, data, filename=name, api_kwargs=extra))
        if method == "audio":
            return _id(await bot.send_audio(self.chat, data, filename=name, api_kwargs=extra))
        if method == "animation":
            return _id(await bot.send_animation(self.chat, data, filename=name, api_kwargs=extra))
        if method == "video":
            return _id(await bot.send_video(self.chat, data, filename=name, api_kwargs=extra))
        return _id(await bot.send_document(self.chat, data, filename=name, api_kwargs=extra))

    async def edit(self, call: Call, message_id: int) -> None:
        """Put this in the place of a message's text. Raises the library's errors."""
        place = {"chat_id": self.chat, "message_id": message_id}
        await call("editMessageText", {**place, "text": self.text, **self.extra})

    async def draft(self, bot: Bot, number: int) -> None:
        """Show it as being written (#sendmessagedraft). Raises the library's errors."""
        extra = {k: v for k, v in self.extra.items() if k in ("entities", "message_thread_id")}
        await bot.send_message_draft(int(self.chat), number, self.text, api_kwargs=extra)

    def without_dress(self) -> Outgoing | None:
        """What is sent when the platform refuses how it is shown; None: there is nothing simpler.

        The same words without formatting; a picture or a voice message as a mere file.
        """
        if self.bare or (self.file is None and "entities" not in self.extra):
            return None
        extra = {k: v for k, v in self.extra.items() if k != "entities"}
        return replace(self, extra=extra, bare=True)


def _id(message: Message) -> str:
    return str(message.message_id)


def outgoing(to: Address, reply: Reply) -> list[Outgoing]:
    """The messages of a reply, in order: the first quotes, the last has the buttons.

    Raises Refused when there is nothing to show.
    """
    place: dict[str, Any] = {}
    if to.thread not in (None, GENERAL):
        place["message_thread_id"] = whole(to.thread)
    texts = [_text(to.conversation, payload, place) for payload in render(reply.text)]
    files = [Outgoing(to.conversation, "", place, file) for file in reply.attachments]
    found = [*texts, *files]
    if not found:
        raise Refused("the reply is empty")
    if reply.reply_to:
        quoted = {"message_id": whole(reply.reply_to), "allow_sending_without_reply": True}
        found[0] = _with(found[0], reply_parameters=quoted)
    if reply.buttons:
        found[-1] = _with(found[-1], reply_markup=keyboard(reply.buttons))
    return found


def _text(chat: str, payload: Mapping[str, Any], place: Mapping[str, Any]) -> Outgoing:
    if "document" in payload:
        file = File(payload["document"], payload["mime"], payload["content"].encode())
        return Outgoing(chat, "", place, file)
    extra = {name: value for name, value in payload.items() if name != "text"}
    return Outgoing(chat, payload["text"], {**place, **extra})


def _with(message: Outgoing, **extra: Any) -> Outgoing:
    return replace(message, extra={**message.extra, **extra})


def keyboard(buttons: Sequence[Button]) -> dict[str, Any]:
    """An inline keyboard (core.telegram.org/bots/api#inlinekeyboardmarkup)."""
    keys = [_key(button) for button in buttons]
    short = len(buttons) <= 3 and sum(len(button.label) for button in buttons) <= _ROW
    return {"inline_keyboard": [keys] if short else [[key] for key in keys]}


def _key(button: Button) -> dict[str, str]:
    key = {"text": button.label, "callback_data": button.value}
    return key if button.style == "plain" else {**key, "style": button.style}


def whole(text: str | None) -> int:
    """An id of the platform as the number it is. Raises Refused."""
    try:
        return int(text or "")
    except ValueError:
        raise Refused(f"{text!r} is no id on Telegram; ids are whole numbers") from None
