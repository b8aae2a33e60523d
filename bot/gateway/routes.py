"""The HTTP routes: health, sign-in, pages, and webhooks handed to their adapter."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Any, TypeVar

from aiohttp import web

from bot.contract import HttpRequest
from bot.errors import RequestError
from bot.gateway.answers import STATUS, Handler, json_answer, refusal
from bot.gateway.auth import Auth
from bot.gateway.methods_tour import is_new
from bot.gateway.pages_shell import HOME, PAGES, STATIC, Page, Templates
from bot.gateway.services import Site
from bot.jsonio import loads

T = TypeVar("T")

_BODY_TIME = 30.0


class Routes:
    """What answers under which path."""

    def __init__(self, auth: Auth, site: Site) -> None:
        self._auth = auth
        self._site = site
        self._templates = Templates()

        # A list of what there is, so that no path is ever built from a request.
        self._files = {
            file.relative_to(STATIC).as_posix(): file
            for file in STATIC.rglob("*")
            if file.is_file()
        }

    def health(self, app: web.Application) -> None:
        """What whoever watches over the process asks."""
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/readyz", self._ready)

    def hooks(self, app: web.Application) -> None:
        """What platforms call."""
        app.router.add_post("/channels/{account}", self._webhook)

    def door(self, app: web.Application) -> None:
        """What answers before anything else can: health, sign-in, and the files of pages."""
        self.health(app)
        app.router.add_get("/login", self._login_page, allow_head=False)
        app.router.add_post("/login", self._login)
        app.router.add_get("/static/{name:.+}", self._static)

    def add(self, app: web.Application, socket: Handler) -> None:
        self.door(app)
        self.hooks(app)
        app.router.add_get("/ws", socket, allow_head=False)
        app.router.add_get("/", self._home)
        for page in PAGES:
            for path in page.paths:
                app.router.add_get(path, partial(self._page, page))

    async def _health(self, request: web.Request) -> web.Response:
        return json_answer({"ok": True})

    async def _ready(self, request: web.Request) -> web.Response:
        ready = await self._site.ready()
        return json_answer({"ok": ready}, 200 if ready else 503)

    async def _home(self, request: web.Request) -> web.Response:
        """To the chat; to the first steps while nothing is set up."""
        if not await self._auth.signed_in(request):
            raise web.HTTPSeeOther("/login")
        core = self._site.core
        raise web.HTTPSeeOther("/start" if core is not None and await is_new(core) else HOME)

    async def _page(self, page: Page, request: web.Request) -> web.Response:
        if not await self._auth.signed_in(request):
            raise web.HTTPSeeOther("/login")
        return web.Response(text=self._templates.page(page), content_type="text/html")

    async def _static(self, request: web.Request) -> web.StreamResponse:
        found = self._files.get(request.match_info["name"])
        if found is None:
            raise RequestError("NOT_FOUND", "not found")
        return web.FileResponse(found)

    async def _login_page(self, request: web.Request) -> web.Response:
        code = request.query.get("code")
        if code is None:
            if await self._auth.browser(request):
                raise web.HTTPSeeOther(HOME)
            return self._render("login.html", error=None)
        try:
            cookie = await self._auth.redeem(request, code)
        except RequestError as error:
            return self._refused(error)
        return self._welcome(request, cookie)

    async def _login(self, request: web.Request) -> web.Response:
        if request.content_type == "application/json":
            cookie = await self._auth.sign_in(request, await _json_token(request))
            answer = json_answer({"ok": True})
            self._auth.remember(request, answer, cookie)
            return answer
        form = await _in_time(request.post())
        tokens = form.getall("token", [])
        try:
            cookie = await self._auth.sign_in(request, tokens[0] if len(tokens) == 1 else "")
        except RequestError as error:
            return self._refused(error)
        return self._welcome(request, cookie)

    async def _webhook(self, request: web.Request) -> web.Response:
        body = await _in_time(request.read())
        neutral = HttpRequest(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
        )
        answer = await self._site.webhook(request.match_info["account"], neutral)
        if answer is None:
            raise RequestError("NOT_FOUND", "not found")
        headers = {"Content-Type": answer.content_type}
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    def _render(self, template: str, status: int = 200, **values: Any) -> web.Response:
        text = self._templates.render(template, **values)
        return web.Response(text=text, status=status, content_type="text/html")

    def _refused(self, error: RequestError) -> web.Response:
        """The sign-in page again, with the reason."""
        answer = self._render("login.html", STATUS[error.code], error=str(error))
        answer.headers.update(
            {name: value for name, value in refusal(error).headers.items() if name == "Retry-After"}
        )
        return answer

    def _welcome(self, request: web.Request, cookie: str) -> web.Response:
        answer = web.Response(status=303, headers={"Location": HOME})
        self._auth.remember(request, answer, cookie)
        return answer


async def _in_time(reading: Awaitable[T]) -> T:
    """Wait for a body, but not for one that drips in."""
    try:
        return await asyncio.wait_for(reading, _BODY_TIME)
    except TimeoutError:
        raise web.HTTPRequestTimeout(reason="the body took too long") from None


async def _json_token(request: web.Request) -> object:
    try:
        data = loads(await _in_time(request.read()))
    except ValueError as error:
        raise RequestError("INVALID_PARAMS", str(error)) from None
    if not isinstance(data, dict) or data.keys() - {"token"}:
        raise RequestError("INVALID_PARAMS", 'send {"token": "…"}')
    return data.get("token")
