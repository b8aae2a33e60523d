"""A session's transcript as people see it, with what is on and what waits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from bot.codec import author_json
from bot.engine.port import Row, Script
from bot.gateway import sent
from bot.gateway.rows import message_row, when
from bot.gateway.services import Core
from bot.gateway.uploads import Uploads
from bot.gateway.uploads_http import stored_id
from bot.gateway.webchat import WebChat
from bot.keys import SessionKey
from bot.reply import final_text
from bot.store import entries, inbox, runs, sessions
from bot.store.inbox import Item
from bot.types import Entry

Json = dict[str, Any]

_WAITING = 100


def shown(entry: Entry, reasoning: bool) -> Json | None:
    """A line as people see it; None for one that was meant to be silent."""
    if entry.role != "assistant":
        return message_row(entry)
    error = None
    if entry.error is not None and entry.stop == "error":
        error = (entry.error.get("code", "INTERNAL"), entry.error.get("message", ""))
    text = final_text(entry.text, error=error)
    if not text and not entry.calls and not (reasoning and entry.thinking):
        return None
    return message_row(replace(entry, text=text), reasoning)


def _with_files(row: Json, agent: str) -> Json:
    """A message whose files can be downloaded: each by an id, where it was brought in."""
    files = [
        {**one, "id": stored_id(agent, one["path"]) if one.get("path") else None}
        for one in row["attachments"]
    ]
    return row | {"attachments": files}


def queued_row(item: Item) -> Json:
    """A message that waits for its turn."""
    said = item.message
    row = message_row(Entry(role="user", text=said.text, at=said.at.timestamp(), run=item.run))
    # Where a platform keeps a file is its own business; of the page it is the upload's id.
    ours = said.ref.address.channel == WebChat.channel
    files = [
        {
            "kind": one.kind,
            "name": one.name,
            "mime": one.mime,
            "size": one.size,
            "id": one.handle if ours else None,
        }
        for one in said.attachments
    ]
    more = {"author": author_json(said.author), "attachments": files}
    return row | more | {"state": "queued"}


class _Read:
    """What one look at the store found."""

    def __init__(
        self, session: Row | None, lines: list[Entry], more: bool, on: list[Row], items: list[Item]
    ) -> None:
        self.session = session
        self.lines = lines
        self.more = more
        self.on = on
        self.items = items


def _read(key: str, limit: int, before: int | None) -> Script[_Read]:
    """Everything in one look, so that no message is in two places or in none."""
    session = yield from sessions.current(key)
    if session is None:
        return _Read(None, [], False, [], [])
    lines = yield from entries.tail(session["id"], limit + 1, before)
    on = [row for row in (yield from runs.active(key)) if row["state"] == "running"]
    items = (yield from inbox.waiting(key, _WAITING)) if before is None else []
    waiting = [item for item in items if item.state == "open" and item.kind == "prompt"]
    return _Read(session, lines[-limit:], len(lines) > limit, on, waiting)


async def history(core: Core, key: SessionKey, limit: int, before: int | None) -> Json:
    """The payload of `chat.history`."""
    found = await core.engine.read(_read(key.text, limit, before))
    active = _active(core, found.on)
    if found.on and active is None:
        # It ended after this look: look again, so that its answer is in one of the two.
        found = await core.engine.read(_read(key.text, limit, before))
        active = _active(core, found.on)
    if found.on and active is None:
        run = found.on[0]
        active = {"runId": run["id"], "seq": 0, "text": "", "startedAt": when(run["started_at"])}
    view = await core.view(key.text)
    messages = await _messages(core, key, found.lines, view.reasoning != "off")
    return {
        "sessionKey": key.text,
        "sessionId": found.session["id"] if found.session is not None else None,
        "messages": messages + [queued_row(item) for item in found.items],
        "hasMore": found.more,
        "activeRun": active,
        "queued": len(found.items),
    }


async def _messages(core: Core, key: SessionKey, lines: list[Entry], reasoning: bool) -> list[Json]:
    """The lines as people see them; what tools have shown stands behind their results."""
    messages, uploads = [], Uploads(core.state / "uploads")
    for line in lines:
        if (row := shown(line, reasoning)) is not None:
            messages.append(_with_files(row, key.agent))
        if sent.has_said(line):
            messages += await asyncio.to_thread(sent.rows, line, uploads)
    return messages


def _active(core: Core, on: list[Row]) -> Json | None:
    for run in on:
        if (growing := core.turns.text_of(run["id"])) is not None:
            seq, text = growing
            return {
                "runId": run["id"],
                "seq": seq,
                "text": text,
                "startedAt": when(run["started_at"]),
            }
    return None


def everything(session: str) -> Script[list[Entry]]:
    return (yield from entries.after(session, 0))
