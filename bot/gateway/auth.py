"""Who has signed in: the token, one-time links that the command line makes, and browsers."""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from typing import Protocol

from aiohttp import web

from bot.clock import Clock
from bot.errors import RequestError
from bot.gateway.guard import COOKIE, Guard
from bot.gateway.lockout import Lockout

CODE_LIFE = 60.0
COOKIE_LIFE = 30 * 86400.0
_CODES = 32
_COOKIE_LENGTH = 43


class Browsers(Protocol):
    """Signed-in browsers, known by the hash of their cookie; times in seconds since the epoch."""

    async def add(self, hash: str, now: float, expires_at: float, agent: str) -> None: ...

    async def seen(self, hash: str, now: float, expires_at: float) -> bool:
        """Is it signed in at `now`? If so it stays so until `expires_at`."""
        ...

    async def revoke(self, hash: str) -> None: ...


class Auth:
    """Checks credentials, each by its value and in constant time; remembers only their hashes."""

    def __init__(self, token: str, guard: Guard, browsers: Browsers, clock: Clock) -> None:
        if not token:
            raise ValueError("a gateway needs a token")
        self._token = token.encode("utf-8", "surrogateescape")
        self._guard = guard
        self._browsers = browsers
        self._clock = clock
        self._lockout = Lockout(clock)
        self._codes: dict[str, float] = {}

    def issue_code(self) -> str:
        """A code for one sign-in within a minute."""
        now = self._clock.now()
        self._codes = {code: until for code, until in self._codes.items() if until > now}
        while len(self._codes) >= _CODES:
            del self._codes[next(iter(self._codes))]
        code = secrets.token_urlsafe(32)
        self._codes[_hash(code)] = now + CODE_LIFE
        return code

    async def redeem(self, request: web.Request, code: str) -> str:
        """Sign a browser in by a code; its cookie. Raises RequestError for a spent or wrong one."""
        source = self._guard.source(request)
        self._lockout.check(source)
        if self._codes.pop(_hash(code), 0.0) <= self._clock.now():
            await self._lockout.failed(source)
            raise RequestError(
                "UNAUTHORIZED", "This link was used or is too old. Run `trunkline open` again."
            )
        return await self._new_browser(request)

    async def sign_in(self, request: web.Request, token: object) -> str:
        """Sign a browser in by the token; its cookie. Raises RequestError for a wrong one."""
        await self.check_token(request, token)
        return await self._new_browser(request)

    async def check_token(self, request: web.Request, token: object, own: str = "") -> None:
        """Raises RequestError unless this is the token, or the `own` one of what is asked for."""
        source = self._guard.source(request)
        self._lockout.check(source)
        given = token.encode("utf-8", "surrogateescape") if isinstance(token, str) else b""
        known = [self._token, own.encode("utf-8", "surrogateescape")] if own else [self._token]
        if not any([hmac.compare_digest(given, one) for one in known]):
            await self._lockout.failed(source)
            raise RequestError("UNAUTHORIZED", "That token is not right.")
        self._lockout.passed(source)

    async def signed_in(self, request: web.Request) -> bool:
        """Does a request carry a credential? A bearer token decides alone when it is there.

        Raises RequestError while its source is locked out.
        """
        if "Authorization" in request.headers:
            try:
                await self.check_token(request, bearer(request))
            except RequestError as error:
                if error.code == "UNAUTHORIZED":
                    return False
                raise
            return True
        return await self.browser(request)

    async def browser(self, request: web.Request) -> bool:
        """Does the cookie belong to a browser that has signed in?"""
        value = request.cookies.get(self._cookie(request), "")
        if len(value) != _COOKIE_LENGTH:
            return False
        now = self._clock.now()
        return await self._browsers.seen(_hash(value), now, now + COOKIE_LIFE)

    async def forget(self, request: web.Request) -> None:
        """Sign the browser out that sent this request, if it was in."""
        if value := request.cookies.get(self._cookie(request)):
            await self._browsers.revoke(_hash(value))

    def remember(self, request: web.Request, answer: web.Response, value: str) -> None:
        """Set the cookie; scripts cannot read it and other sites cannot send it."""
        answer.set_cookie(
            self._cookie(request),
            value,
            path="/",
            max_age=int(COOKIE_LIFE),
            httponly=True,
            samesite="Strict",
            secure=self._guard.https(request),
        )

    def _cookie(self, request: web.Request) -> str:
        # Cookies do not know ports: two gateways on one host must not sign each other out.
        name = f"{COOKIE}_{self._guard.port}"
        return f"__Host-{name}" if self._guard.https(request) else name

    async def _new_browser(self, request: web.Request) -> str:
        await self.forget(request)
        value, now = secrets.token_urlsafe(32), self._clock.now()
        agent = request.headers.get("User-Agent", "")[:200]
        await self._browsers.add(_hash(value), now, now + COOKIE_LIFE, agent)
        return value


def bearer(request: web.Request) -> str:
    """The token of an Authorization header, "" when there is none or it is of another kind."""
    given = request.headers.getall("Authorization", ())
    kind, _, value = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    return value.strip() if kind.lower() == "bearer" else ""


def _hash(value: str) -> str:
    return sha256(value.encode("utf-8", "surrogateescape")).hexdigest()
