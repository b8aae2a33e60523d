"""`POST /uploads` and `GET /attachments/{id}`: files in, and files out as downloads only."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import AsyncIterator
from urllib.parse import quote

from aiohttp import web

from bot.context.memory import INBOUND
from bot.errors import PathError, RequestError
from bot.folder import Folder
from bot.gateway.answers import json_answer
from bot.gateway.auth import Auth
from bot.gateway.services import Core
from bot.gateway.uploads import MAX_UPLOAD, Uploads, sniffed

_STORED = "file."
# A body that comes slower than this is given up.
_BODY_TIME = 300.0


def add(app: web.Application, core: Core, auth: Auth) -> None:
    """Register both routes."""
    files = _Files(core, auth)
    app.router.add_post("/uploads", files.upload)
    app.router.add_get("/attachments/{id}", files.download)


async def pieces_of(request: web.Request, most: int) -> AsyncIterator[bytes]:
    """A body piece by piece. Raises RequestError beyond `most` bytes or when it drips in."""
    size, until = 0, time.monotonic() + _BODY_TIME
    while True:
        try:
            piece = await asyncio.wait_for(request.content.readany(), until - time.monotonic())
        except TimeoutError:
            raise web.HTTPRequestTimeout(reason="the body took too long") from None
        if not piece:
            return
        size += len(piece)
        if size > most:
            raise RequestError("TOO_LARGE", f"a body is at most {most} bytes")
        yield piece


def stored_id(agent: str, path: str) -> str:
    """The id under which a file in an agent's folder is downloaded."""
    name = base64.urlsafe_b64encode(f"{agent}\n{path}".encode()).decode().rstrip("=")
    return _STORED + name


class _Files:
    def __init__(self, core: Core, auth: Auth) -> None:
        self._core = core
        self._auth = auth
        self._uploads = Uploads(core.state / "uploads")

    async def upload(self, request: web.Request) -> web.Response:
        await _signed_in(self._auth, request)
        now = self._core.clock.now()
        with self._uploads.taking() as incoming:
            async for piece in pieces_of(request, MAX_UPLOAD):
                incoming.write(piece)
            if not incoming.size:
                raise RequestError("INVALID_PARAMS", "the body is empty; send the file itself")
        upload = self._uploads.keep(incoming, request.query.get("name", "file")[:500], now)
        await asyncio.to_thread(self._uploads.tidy, now)
        return json_answer(upload.row())

    async def download(self, request: web.Request) -> web.StreamResponse:
        await _signed_in(self._auth, request)
        id = request.match_info["id"]
        if id.startswith(_STORED):
            agent, path = _place(id.removeprefix(_STORED))
            self._core.world.agent(agent)
            data = await asyncio.to_thread(_read, self._core.folder(agent), path)
            headers = _headers(path.rpartition("/")[2], sniffed(data[:4096]))
            return web.Response(body=data, headers=headers)
        upload = self._uploads.get(id)
        content = self._uploads.path(upload)
        if not content.is_file():
            raise RequestError("NOT_FOUND", "there is no such file")
        return web.FileResponse(content, headers=_headers(upload.name, upload.mime))


async def _signed_in(auth: Auth, request: web.Request) -> None:
    if not await auth.signed_in(request):
        raise RequestError("UNAUTHORIZED", "sign in first, or send the token as a bearer token")


def _headers(name: str, mime: str) -> dict[str, str]:
    """Always a download, and nothing in it may run."""
    return {
        "Content-Type": mime,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }


def _place(text: str) -> tuple[str, str]:
    """Agent and path of a stored file. Raises RequestError for what is none of a message."""
    try:
        said = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        said = ""
    agent, _, path = said.partition("\n")
    if not path.startswith(f"{INBOUND}/"):
        raise RequestError("NOT_FOUND", "there is no such file")
    return agent, path


def _read(folder: Folder, path: str) -> bytes:
    try:
        names = folder.names(path)
        if names is None:
            raise PathError("outside")
        return folder.read(names, 100 << 20).data
    except PathError:
        raise RequestError("NOT_FOUND", "this file is no longer there") from None
