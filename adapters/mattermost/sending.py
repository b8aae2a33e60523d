"""A reply as the posts that show it: its text in one post or several, one file with each.

Every post carries the outbox's key in its props, so that it can be found again, and as its
`pending_post_id`, by which the server drops a repeat for half a minute.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from adapters.mattermost.render import render
from bot.contract import Address, File, Reply
from bot.errors import Refused

# The name in a post's props under which the key stands.
PROP = "trunkline_key"

_POST_ID = re.compile(r"[a-z0-9]{26}")
# What could end a file's name early where it stands in the request.
_CONTROL = re.compile(r'[\x00-\x1f\x7f"\\]')


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One post to make: its own part of the payload, and the file that goes with it.

    `quotes`: its thread is only there to quote, so that it may be posted without.
    """

    fields: Mapping[str, Any]
    key: str
    file: File | None = None
    quotes: bool = False

    def unquoted(self) -> Outgoing:
        """The same post beside the thread."""
        fields = {name: value for name, value in self.fields.items() if name != "root_id"}
        return replace(self, fields=fields, quotes=False)

    def payload(self, channel: str, file_id: str | None) -> dict[str, Any]:
        """What `POST /posts` takes."""
        props = {**self.fields.get("props", {}), PROP: self.key}
        # Keys are of any form and length; the server's field is short.
        pending = hashlib.sha256(f"{channel} {self.key}".encode()).hexdigest()[:48]
        files = {"file_ids": [file_id]} if file_id else {}
        ids = {"channel_id": channel, "pending_post_id": pending}
        return {**self.fields, **ids, "props": props, **files}


def outgoing(to: Address, reply: Reply, key: str, props: Mapping[str, Any]) -> list[Outgoing]:
    """The posts of a reply, in order; `props` go with the last. Raises Refused for nothing to show.

    The last one has the key itself: once it is there, all are.
    """
    payloads = render(reply.text)
    shown = [payload for payload in payloads if "message" in payload]
    files = [*map(_aside, payloads[len(shown) :]), *reply.attachments]
    if not shown and (files or props):
        shown = [{"message": ""}]
    if not shown:
        raise Refused("the reply is empty")
    # The first file goes with the text's last post.
    rest = [(fields, None) for fields in shown[:-1]]
    tail = list(zip_longest(shown[-1:], files, fillvalue=None))
    pairs = [*rest, *((fields or {"message": ""}, file) for fields, file in tail)]
    place = _place(to, reply.reply_to)
    found = [
        Outgoing({**fields, **place}, f"{key}/{number}", file, quotes=bool(place) and not to.thread)
        for number, (fields, file) in enumerate(pairs, 1)
    ]
    last = {**found[-1].fields, "props": dict(props)}
    return [*found[:-1], replace(found[-1], fields=last, key=key)]


def _aside(payload: Mapping[str, Any]) -> File:
    return File(payload["file"], payload["mime"], payload["text"].encode())


def _place(to: Address, reply_to: str | None) -> dict[str, str]:
    """The thread to post in. A quote is one, too; what is no post, as a command, has none."""
    root = to.thread or reply_to or ""
    return {"root_id": root} if _POST_ID.fullmatch(root) else {}


def clean_name(name: str) -> str:
    """A file's name that can stand in a request."""
    return _CONTROL.sub("_", name) or "file"
