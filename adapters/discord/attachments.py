"""The files, stickers and polls that come with a message, as attachments and lines of text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from adapters.discord.ids import is_id, snowflake
from adapters.fields import Event, item, items, line, number
from bot.contract import Attachment, AttachmentKind

CDN = "https://cdn.discordapp.com"
_KINDS: dict[str, AttachmentKind] = {"image": "image", "audio": "audio", "video": "video"}
# discord.com/developers/docs/resources/sticker#sticker-object-sticker-format-types
_STICKERS = {
    1: ("png", "image/png", CDN),
    2: ("png", "image/apng", CDN),
    3: ("json", "application/json", CDN),
    4: ("gif", "image/gif", "https://media.discordapp.net"),
}
_MIME = re.compile(r"[\w.+-]+/[\w.+-]+")


@dataclass(frozen=True, slots=True)
class Handle:
    """What it takes to fetch a file again: its address expires, the message it hangs on stays.

    See discord.com/developers/docs/reference#signed-attachment-cdn-urls.
    """

    channel: str
    message: str
    file: str
    url: str

    def __str__(self) -> str:
        return f"{self.channel}/{self.message}/{self.file} {self.url}"

    @classmethod
    def read(cls, text: str) -> Handle | None:
        """The handle that a text is, None when it is none."""
        place, _, url = text.partition(" ")
        parts = place.split("/")
        if len(parts) != 3 or not all(map(is_id, parts)):
            return None
        return cls(parts[0], parts[1], parts[2], url)


def read(message: Event, channel: str, identifier: str) -> tuple[Attachment, ...]:
    """A message's files and stickers. Raises BadEvent."""
    files = [_file(file, channel, identifier) for file in items(message, "attachments")]
    stickers = [_sticker(sticker) for sticker in items(message, "sticker_items")]
    return (*files, *stickers)


def words(message: Event) -> str:
    """What a poll asks, and what a program put into embeds, in words. Raises BadEvent."""
    found = []
    if poll := item(message, "poll"):
        question = line(item(poll, "question") or {}, "text")
        answers = [item(answer, "poll_media") or {} for answer in items(poll, "answers")]
        found += [f"Poll: {question}", *(f"- {line(answer, 'text')}" for answer in answers)]
    return "\n".join(found)


def embedded(message: Event) -> str:
    """The words of embeds that a program wrote; those that a link unfolded into are left out."""
    found: list[str] = []
    for embed in items(message, "embeds"):
        if line(embed, "type") in ("", "rich"):
            fields = [f"{line(f, 'name')}: {line(f, 'value')}" for f in items(embed, "fields")]
            found += [line(embed, "title"), line(embed, "description"), *fields]
    return "\n".join(filter(None, found))


def _file(file: Event, channel: str, identifier: str) -> Attachment:
    said = line(file, "content_type").partition(";")[0].strip()
    mime = said if _MIME.fullmatch(said) else "application/octet-stream"
    handle = Handle(channel, identifier, snowflake(file), line(file, "url"))
    return Attachment(
        kind=_KINDS.get(mime.partition("/")[0], "file"),
        name=_base(line(file, "filename")) or "file",
        mime=mime,
        size=number(file, "size"),
        handle=str(handle),
    )


def _sticker(sticker: Event) -> Attachment:
    extension, mime, host = _STICKERS.get(number(sticker, "format_type") or 1, _STICKERS[1])
    return Attachment(
        kind="sticker",
        name=f"{_base(line(sticker, 'name')) or 'sticker'}.{extension}",
        mime=mime,
        handle=f"{host}/stickers/{snowflake(sticker)}.{extension}",
    )


def _base(name: str) -> str:
    """The last part of a path: a sender chooses the name, not the folder."""
    return name.replace("\\", "/").rpartition("/")[2].strip()
