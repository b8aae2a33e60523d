"""What a broken configuration is mended on: a page without scripts, behind the usual sign-in.

Nothing of the product runs meanwhile: no store is open, no channel connected, no method answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.clock import Clock
from bot.config.settings import Gateway as Options
from bot.contract import HttpRequest
from bot.errors import RequestError
from bot.events import Hub
from bot.gateway import config_text
from bot.gateway.answers import STATUS
from bot.gateway.auth import Auth
from bot.gateway.feed import View
from bot.gateway.file import ConfigFile
from bot.gateway.guard import MAX_BODY
from bot.gateway.pages_shell import PAGES, Templates
from bot.gateway.routes import Routes
from bot.gateway.rpc import Methods
from bot.gateway.server import Gateway
from bot.gateway.services import Site
from bot.gateway.socket import Sockets

_BODY_TIME = 30.0


class Remembered:
    """Browsers that signed in to mend; the end of the page signs them out."""

    def __init__(self) -> None:
        self._known: dict[str, float] = {}

    async def add(self, hash: str, now: float, expires_at: float, agent: str) -> None:
        self._known[hash] = expires_at

    async def seen(self, hash: str, now: float, expires_at: float) -> bool:
        return self._known.get(hash, 0.0) > now

    async def revoke(self, hash: str) -> None:
        self._known.pop(hash, None)


class Repair(Gateway):
    """Serves one page for one file, until `mended` is set: then the file is as it must be."""

    def __init__(self, token: str, file: ConfigFile, clock: Clock) -> None:
        site = Site(Hub(), clock, Remembered(), _not_ready, _nothing_seen, _no_webhook)
        super().__init__(Options(), token, site, Methods(None, ()))
        self._door = site
        self._file = file
        self._templates = Templates()
        self.mended = asyncio.Event()

    def routes(self, app: web.Application, auth: Auth, sockets: Sockets) -> None:
        Routes(auth, self._door).door(app)

        async def page(request: web.Request) -> web.Response:
            if not await auth.signed_in(request):
                raise web.HTTPSeeOther("/login")
            return self._shown()

        async def put(request: web.Request) -> web.Response:
            if not await auth.signed_in(request):
                raise RequestError("UNAUTHORIZED", "sign in first")
            return await self._put(await _form(request))

        for path in ("/", "/repair", *(path for one in PAGES for path in one.paths)):
            app.router.add_get(path, page)
        app.router.add_post("/repair", put)

    def _shown(self) -> web.Response:
        try:
            found = config_text.shown(self._file)
        except RequestError as error:
            return self._render({"text": "", "base": "", "problems": [], "ok": False}, str(error))
        return self._render(found)

    async def _put(self, form: Mapping[str, str]) -> web.Response:
        # A browser sends every line's end as two characters.
        text, base = form.get("text", "").replace("\r\n", "\n"), form.get("base", "")
        found: dict[str, Any] = {"text": text, "base": base}
        try:
            found |= config_text.checked(self._file, text)
            if form.get("do") == "save" and found["ok"]:
                async with self._file.lock:
                    config_text.put(self._file, text, base)
                self.mended.set()
                return self._answer("repaired.html", 200)
        except RequestError as error:
            found.setdefault("problems", [])
            return self._render(found, str(error), STATUS.get(error.code, 400))
        return self._render(found, checked=True)

    def _render(
        self, found: Mapping[str, Any], error: str = "", status: int = 200, checked: bool = False
    ) -> web.Response:
        try:
            file, kept = str(self._file.path), len(self._file.masked(self._file.read().text).kept)
        except RequestError:
            file, kept = "", 0
        values = {"file": file, "kept": kept, "error": error, "checked": checked}
        lines = found["text"].split("\n")
        problems = [{**one, "source": _line(lines, one["line"])} for one in found["problems"]]
        shown = {"text": found["text"], "base": found["base"], "problems": problems}
        return self._answer("repair.html", status, ok=found.get("ok", False), **shown, **values)

    def _answer(self, template: str, status: int, **values: Any) -> web.Response:
        text = self._templates.render(template, **values)
        return web.Response(text=text, status=status, content_type="text/html")


def _line(lines: list[str], number: int) -> str:
    return lines[number - 1] if 0 < number <= len(lines) else ""


async def _form(request: web.Request) -> Mapping[str, str]:
    try:
        form = await asyncio.wait_for(request.post(), _BODY_TIME)
    except TimeoutError:
        raise RequestError("UNAVAILABLE", "the body came too slowly; send it again") from None
    except ValueError:
        raise RequestError("TOO_LARGE", f"a body is at most {MAX_BODY} bytes") from None
    return {name: value for name, value in form.items() if isinstance(value, str)}


async def _not_ready() -> bool:
    return False


async def _nothing_seen(key: str) -> View:
    return View()


async def _no_webhook(account: str, request: HttpRequest) -> None:
    return None
