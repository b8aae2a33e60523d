"""The files, places and people that come with a message, as attachments and a line of text."""

from __future__ import annotations

from adapters.fields import Event, item, items, line, number
from adapters.telegram.fields import decimal
from bot.contract import Attachment, AttachmentKind

# field -> kind, type unless the event says so, extension. An animation also comes as a document,
# for old clients (core.telegram.org/bots/api#message), so it is looked for first.
_FILES: dict[str, tuple[AttachmentKind, str, str]] = {
    "animation": ("video", "video/mp4", ".mp4"),
    "audio": ("audio", "audio/mpeg", ".mp3"),
    "document": ("file", "application/octet-stream", ""),
    "video": ("video", "video/mp4", ".mp4"),
    "video_note": ("video", "video/mp4", ".mp4"),
    "voice": ("audio", "audio/ogg", ".ogg"),
}
_PICTURES = {"image/jpeg", "image/png", "image/gif", "image/webp"}


def read(message: Event) -> tuple[tuple[Attachment, ...], str]:
    """A message's attachments, and what to show of them in words. Raises BadEvent."""
    if photos := items(message, "photo"):
        return (_photo(photos),), ""
    for name in _FILES:
        if file := item(message, name):
            return (_file(name, file),), ""
    if sticker := item(message, "sticker"):
        return (_sticker(sticker),), ""
    return _place_or_person(message)


def _place_or_person(message: Event) -> tuple[tuple[Attachment, ...], str]:
    # A venue carries its location also beside itself.
    if venue := item(message, "venue"):
        return _location(item(venue, "location") or {}, venue)
    if location := item(message, "location"):
        return _location(location, {})
    if contact := item(message, "contact"):
        return _contact(contact)
    if dice := item(message, "dice"):
        return (), f"{line(dice, 'emoji')} {number(dice, 'value') or ''}".strip()
    if poll := item(message, "poll"):
        options = [f"- {line(option, 'text')}" for option in items(poll, "options")]
        return (), "\n".join([f"Poll: {line(poll, 'question')}", *options])
    return (), ""


def _photo(sizes: list[Event]) -> Attachment:
    """The largest of the sizes that a photo is offered in."""
    best = max(sizes, key=lambda size: (number(size, "width") or 0) * (number(size, "height") or 0))
    return Attachment(
        kind="image",
        name=_name(best, "photo", ".jpg"),
        mime="image/jpeg",
        size=number(best, "file_size"),
        handle=line(best, "file_id"),
    )


def _file(field: str, file: Event) -> Attachment:
    kind, mime, extension = _FILES[field]
    mime = line(file, "mime_type") or mime
    return Attachment(
        kind="image" if field == "document" and mime in _PICTURES else kind,
        name=_name(file, field, extension),
        mime=mime,
        size=number(file, "file_size"),
        handle=line(file, "file_id"),
    )


def _sticker(sticker: Event) -> Attachment:
    mime, extension = "image/webp", ".webp"
    if sticker.get("is_animated") is True:
        mime, extension = "application/x-tgsticker", ".tgs"
    elif sticker.get("is_video") is True:
        mime, extension = "video/webm", ".webm"
    return Attachment(
        kind="sticker",
        # The emoji says what the sticker means to whoever cannot see it.
        name=f"{_base(line(sticker, 'emoji')) or 'sticker'}{extension}",
        mime=mime,
        size=number(sticker, "file_size"),
        handle=line(sticker, "file_id"),
    )


def _location(location: Event, venue: Event) -> tuple[tuple[Attachment, ...], str]:
    place = f"{decimal(location, 'latitude'):.9g}, {decimal(location, 'longitude'):.9g}"
    named = ", ".join(filter(None, (line(venue, "title"), line(venue, "address"))))
    attachment = Attachment(kind="location", name=named or place, mime="text/plain")
    return (attachment,), f"Location: {place} ({named})" if named else f"Location: {place}"


def _contact(contact: Event) -> tuple[tuple[Attachment, ...], str]:
    names = (line(contact, "first_name"), line(contact, "last_name"))
    name = " ".join(filter(None, names)) or "unnamed"
    attachment = Attachment(kind="contact", name=name, mime="text/vcard")
    return (attachment,), f"Contact: {name}, {line(contact, 'phone_number')}".rstrip(", ")


def _name(file: Event, field: str, extension: str) -> str:
    given = _base(line(file, "file_name"))
    return given or f"{field}_{_base(line(file, 'file_unique_id')) or 'file'}{extension}"


def _base(name: str) -> str:
    """The last part of a path: a sender chooses the name, not the folder."""
    return name.replace("\\", "/").rpartition("/")[2].strip()
