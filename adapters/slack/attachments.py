"""The files that come with a message, and the words of another message that it shares."""

from __future__ import annotations

from adapters.fields import Event, items, line, number
from adapters.slack.fields import identifier, optional_id
from adapters.slack.identity import Me
from adapters.slack.markup import markdown
from bot.contract import Attachment, AttachmentKind, Author, Quote

_KINDS: dict[str, AttachmentKind] = {"image": "image", "audio": "audio", "video": "video"}
# docs.slack.dev/reference/objects/file-object: deleted, or beyond what the plan still shows.
_LOST = {"tombstone", "hidden_by_limit"}


def read(message: Event) -> tuple[Attachment, ...]:
    """A message's files. Raises BadEvent."""
    return tuple(_file(file) for file in items(message, "files") if line(file, "mode") not in _LOST)


def _file(file: Event) -> Attachment:
    mime = line(file, "mimetype") or "application/octet-stream"
    # A clip recorded in Slack may be a video file with sound alone.
    voice = line(file, "subtype") == "slack_audio"
    given = line(file, "name") or line(file, "title")
    return Attachment(
        kind="audio" if voice else _KINDS.get(mime.partition("/")[0], "file"),
        name=_base(given) or identifier(file, "id"),
        mime=mime,
        size=number(file, "size"),
        # The addresses of a file may change or be absent; its id finds them again.
        handle=identifier(file, "id"),
    )


def _base(name: str) -> str:
    """The last part of a path: a sender chooses the name, not the folder."""
    return name.replace("\\", "/").rpartition("/")[2].strip()


def shared(message: Event, me: Me) -> tuple[Quote | None, str]:
    """The message that is shared in this one, and what bots say in attachments instead of text."""
    found = items(message, "attachments")
    for part in found:
        if part.get("is_share") is True:
            return _quote(part, me)
    said = [line(part, "text") or line(part, "fallback") for part in found]
    return None, "\n".join(markdown(text) for text in said if text)


def _quote(part: Event, me: Me) -> tuple[Quote, str]:
    user = optional_id(part, "author_id")
    name = line(part, "author_name")
    author = Author(user, name, is_self=me.is_me(user)) if user or name else None
    text = markdown(line(part, "text") or line(part, "fallback"))
    return Quote(optional_id(part, "ts"), text, author), text
