"""Brings the files of an admitted message into the agent's folder, before the model is asked.

What cannot be brought is told in a note: a file is never passed over in silence.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from bot.channels import Channel, Channels
from bot.context.files import MAX_IMAGE, clean_name, has_images, image_type, with_images
from bot.context.memory import inbound_folder
from bot.contract import Attachment
from bot.engine.port import Engine, Script
from bot.errors import ChannelError, SendError
from bot.providers.chosen import Chosen
from bot.store import entries, runs
from bot.types import Entry, Final, ModelRequest, Turn

log = structlog.get_logger("media")

MOST_FILES = 20
TIME_LIMIT = 60.0


class _TooLarge(Exception):
    pass


class Media:
    """The files of messages. `workspace` gives an agent's folder."""

    def __init__(
        self, engine: Engine, channels: Channels, workspace: Callable[[str], Path]
    ) -> None:
        self._engine = engine
        self._channels = channels
        self._workspace = workspace
        self._blind: set[str] = set()

    async def fetched(self, turn: Turn, history: Sequence[Entry]) -> list[Entry]:
        """The transcript with the files of this turn's message fetched and named by their path."""
        known = list(history)
        files = turn.message.attachments
        if not files:
            return known
        places = [at for at, one in enumerate(known) if one.run == turn.id and one.role == "user"]
        if not places or any(map(_settled, known[places[0]].attachments)):
            return known
        entry = known[places[0]]
        rows = [
            await self._fetch(turn, number, file, dict(row))
            for number, (file, row) in enumerate(zip(files, entry.attachments, strict=True))
        ]
        entry = replace(entry, attachments=tuple(rows))
        await self._engine.tx(self._keep(turn, entry))
        known[places[0]] = entry
        return known

    def _keep(self, turn: Turn, entry: Entry) -> Script[None]:
        yield from runs.fence(turn.lane, turn.epoch)
        yield from entries.amend(turn.session.id, entry)

    async def _fetch(
        self, turn: Turn, number: int, file: Attachment, row: dict[str, Any]
    ) -> Mapping[str, Any]:
        """One file as its transcript row: with the path where it is, or a note why it is not."""
        channel = self._channels.serving(turn.message.address)
        if not file.handle or channel is None:
            return row
        if number >= MOST_FILES:
            return {**row, "note": f"not fetched: only the first {MOST_FILES} files are"}
        name = clean_name(file.name)
        count = f"{number + 1}-" if number else ""
        path = f"{inbound_folder(turn.session)}/{turn.inbox[0]}-{count}{name}"
        try:
            async with asyncio.timeout(TIME_LIMIT):
                size, head = await self._store(
                    channel, file, self._workspace(turn.session.agent) / path
                )
        except _TooLarge:
            limit = channel.max_attachment / (1 << 20)
            return {**row, "note": f"not fetched: larger than the limit of {limit:g} MB"}
        except (ChannelError, SendError) as error:
            return self._failed(turn, row, str(error))
        except TimeoutError:
            return self._failed(turn, row, f"it took longer than {TIME_LIMIT:g} s")
        except OSError as error:
            return self._failed(turn, row, f"it could not be stored: {error.strerror}")
        except Exception as error:
            log.error("fetch raised", run=turn.id, exc_info=error)
            return self._failed(turn, row, "the adapter failed")
        kept = {**row, **_kind(row, head), "size": size, "path": path}
        if kept["kind"] == "image" and size > MAX_IMAGE:
            kept["note"] = f"not shown: larger than {MAX_IMAGE >> 20} MB; it is in the folder"
        return kept

    def _failed(self, turn: Turn, row: dict[str, Any], reason: str) -> Mapping[str, Any]:
        log.warning("file not fetched", run=turn.id, reason=reason)
        return {**row, "note": f"not fetched: {reason}"}

    async def _store(self, channel: Channel, file: Attachment, path: Path) -> tuple[int, bytes]:
        """Write a file as it arrives; its size and first bytes. Raises _TooLarge and others."""
        limit, size, head = channel.max_attachment, 0, b""
        if file.size is not None and file.size > limit:
            raise _TooLarge
        with _private(path) as kept:
            async with aclosing(channel.adapter.fetch(file, limit)) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    size += len(piece)
                    if size > limit:
                        raise _TooLarge
                    head = (head + piece)[:16] if len(head) < 16 else head
                    kept.write(piece)
        return size, head

    async def request(self, turn: Turn, chosen: Chosen, request: ModelRequest) -> ModelRequest:
        """The request with its images, where the model reads images."""
        if not chosen.images or chosen.ref in self._blind or not has_images(request.entries):
            return request
        folder = self._workspace(turn.session.agent)
        shown = await asyncio.to_thread(with_images, request.entries, folder)
        return replace(request, entries=shown)

    def unseen(self, chosen: Chosen, request: ModelRequest, final: Final) -> bool:
        """Did the model refuse a request for its images? Then it gets none from now on."""
        if final.failure is None or final.failure.code != "MODEL_BAD_REQUEST":
            return False
        if not any("url" in one for entry in request.entries for one in entry.attachments):
            return False
        self._blind.add(chosen.ref)
        return True


@contextlib.contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    """A new file for nobody else, which is there once it is whole."""
    for folder in (*reversed(path.parents[:3]),):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _settled(row: Mapping[str, Any]) -> bool:
    return "path" in row or "note" in row


def _kind(row: Mapping[str, Any], head: bytes) -> dict[str, str]:
    """What a file is by its content, whatever it was called."""
    mime = image_type(head)
    if mime is not None:
        return {"kind": "sticker" if row["kind"] == "sticker" else "image", "mime": mime}
    if row["kind"] == "image" or row["mime"].startswith("image/"):
        return {"kind": "file", "mime": "application/octet-stream"}
    return {}
