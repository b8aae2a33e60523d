"""Shows an image to the model: a file of the workspace, or one from the web, kept there first."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from bot.context.files import MAX_IMAGE, image_type
from bot.errors import FetchError, PathError
from bot.filenames import shown
from bot.folder import MAX_FILE, Change, Folder, Names
from bot.tools.files import Files, sentence
from bot.types import Risk, ToolContext, ToolResult

FETCHED = "media/fetched"

Fetch = Callable[[str, int], Awaitable[tuple[bytes, str]]]


class Image:
    """Puts an image before the model. `fetch(url, most bytes)` gives what the web has there."""

    name = "image"
    description = (
        "Look at an image: of your workspace by path, or of the web by url. prompt says what to "
        "look for."
    )
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "a path in your workspace"},
            "url": {"type": "string", "description": "an address of the web"},
            "prompt": {"type": "string", "description": "what to look for"},
        },
        "required": ["prompt"],
        "additionalProperties": False,
    }
    risk: Risk = "read"
    repeatable = True
    tags: Collection[str] = ()

    def __init__(self, files: Files, fetch: Fetch | None = None) -> None:
        self._files = files
        self._fetch = fetch

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        path, url = args.get("path"), args.get("url")
        if (path is None) == (url is None):
            return ToolResult("Give either path or url.", is_error=True)
        try:
            if url is not None:
                return await self._of_web(url, args["prompt"], ctx)
            return await asyncio.to_thread(self._of_workspace, str(path), args["prompt"], ctx)
        except (PathError, FetchError) as error:
            return ToolResult(sentence(str(error)), is_error=True)

    def _of_workspace(self, path: str, prompt: str, ctx: ToolContext) -> ToolResult:
        folder, names = self._files.place(path, ctx, write=False)
        data = folder.read(names, MAX_IMAGE).data
        return _shown(names, data, _type_of(data, path), prompt)

    async def _of_web(self, url: str, prompt: str, ctx: ToolContext) -> ToolResult:
        if self._fetch is None:
            return ToolResult("Images of the web cannot be fetched here.", is_error=True)
        data, _ = await self._fetch(url, MAX_FILE)
        mime = _type_of(data, url)
        folder = self._files.folder(ctx.turn.session.agent)
        names = await asyncio.to_thread(self._kept, folder, data, mime)
        return _shown(names, data, mime, prompt)

    def _kept(self, folder: Folder, data: bytes, mime: str) -> Names:
        """The image in the workspace, under a name made of its content."""
        digest = hashlib.sha256(data).hexdigest()[:16]
        names = folder.names(f"{FETCHED}/{digest}.{mime.removeprefix('image/')}")
        assert names is not None
        with self._files.changing:
            if folder.stamp(names) is None:
                folder.change([Change(names, data, None)])
        return names


def _type_of(data: bytes, where: str) -> str:
    mime = image_type(data[:16])
    if mime is None:
        raise PathError(f"{shown(where)} is no image in PNG, JPEG, GIF or WebP")
    return mime


def _shown(names: Names, data: bytes, mime: str, prompt: str) -> ToolResult:
    row = {"kind": "image", "name": names[-1], "mime": mime, "path": "/".join(names)}
    text = f"{row['path']} ({mime}, {len(data):,} bytes). Look for: {prompt}"
    return ToolResult(text, attachments=(row,))
