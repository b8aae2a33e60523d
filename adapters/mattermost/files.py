"""The files of a post, as attachments."""

from __future__ import annotations

from adapters.fields import Event, items, line
from adapters.mattermost.fields import identifier, is_id, item, texts, whole
from bot.contract import Attachment, AttachmentKind
from bot.errors import BadEvent

_KINDS: dict[str, AttachmentKind] = {"audio": "audio", "video": "video"}
# Drawings and raw photos are images to the platform and files to everybody else.
_PICTURES = {"image/jpeg", "image/png", "image/gif", "image/webp"}
_UNKNOWN = "application/octet-stream"


def read(post: Event) -> tuple[Attachment, ...]:
    """A post's files; where it only has their ids, those. Raises BadEvent."""
    told = [_file(file) for file in items(item(post, "metadata"), "files")]
    there = {attachment.handle for attachment in told}
    rest = [file_id for file_id in texts(post, "file_ids") if file_id not in there]
    return (*told, *(_unseen(file_id) for file_id in rest))


def _file(file: Event) -> Attachment:
    mime = line(file, "mime_type").partition(";")[0].strip() or _UNKNOWN
    size = whole(file, "size")
    return Attachment(
        kind="image" if mime in _PICTURES else _KINDS.get(mime.partition("/")[0], "file"),
        # A sender chooses the name, not the folder.
        name=line(file, "name").replace("\\", "/").rpartition("/")[2].strip() or "file",
        mime=mime,
        size=size if size > 0 else None,
        handle=identifier(file),
    )


def _unseen(file_id: str) -> Attachment:
    if not is_id(file_id):
        raise BadEvent("file_ids holds something that is not an id")
    return Attachment("file", file_id, _UNKNOWN, handle=file_id)
