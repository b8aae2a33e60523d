"""Sign-in by device code (RFC 8628): a person confirms elsewhere, the tokens are kept in a file.

The tokens are in `<state>/logins/<provider>.json`, for their owner alone; never in the
configuration, a log or a table.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bot import jsonio
from bot.clock import Clock
from bot.config.agents import OAuth
from bot.providers.failures import failure, scrub
from bot.providers.http import Refused

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
TIMEOUT = aiohttp.ClientTimeout(total=30.0)
MAX_ANSWER = 64 << 10
# A token that ends within a minute is renewed before it is used.
MARGIN = 60.0
SLOWER = 5.0
_LIFE = 1800.0
_WRONG = {
    "access_denied": "the sign-in was refused",
    "expired_token": "the code ran out before anybody confirmed it; start again",
    "invalid_client": "the issuer does not know this client_id; check providers.{}.oauth",
    "invalid_scope": "the issuer does not grant this scope; check providers.{}.oauth",
}


@dataclass(frozen=True, slots=True)
class Device:
    """A sign-in that waits for a person. `interval` and `expires_in` are in seconds."""

    code: str
    user_code: str
    url: str
    whole_url: str | None
    interval: float
    expires_in: float


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in gave. `expires_at` is in seconds since the epoch, None: it does not say."""

    access: str
    refresh: str | None
    expires_at: float | None

    def __repr__(self) -> str:
        return f"Tokens(expires_at={self.expires_at})"


def read_device(body: Any) -> Device | None:
    """The issuer's answer to a new sign-in (RFC 8628, 3.2); None when it is none."""
    if not isinstance(body, Mapping):
        return None
    url = body.get("verification_uri") or body.get("verification_url")
    code, shown = body.get("device_code"), body.get("user_code")
    if not all(isinstance(one, str) and one for one in (url, code, shown)):
        return None
    whole = body.get("verification_uri_complete")
    return Device(
        str(code),
        str(shown),
        str(url),
        whole if isinstance(whole, str) else None,
        _seconds(body.get("interval"), 5.0),
        _seconds(body.get("expires_in"), _LIFE),
    )


def read_tokens(body: Any, now: float, before: Tokens | None = None) -> Tokens | None:
    """The issuer's tokens (RFC 6749, 5.1); a renewal without a new refresh token keeps the old."""
    access = body.get("access_token") if isinstance(body, Mapping) else None
    if not isinstance(access, str) or not access:
        return None
    refresh, life = body.get("refresh_token"), _seconds(body.get("expires_in"), 0.0)
    kept = before.refresh if before else None
    return Tokens(
        access,
        refresh if isinstance(refresh, str) and refresh else kept,
        now + life if life else None,
    )


def next_wait(body: Any, interval: float) -> float | None:
    """Seconds until the issuer may be asked again (RFC 8628, 3.5); None when it has decided."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if error == "authorization_pending":
        return interval
    return interval + SLOWER if error == "slow_down" else None


def _seconds(value: Any, otherwise: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return otherwise
    try:
        number = float(value)
    except ValueError:
        return otherwise
    return number if 0 < number < 1e9 else otherwise


class SignIn:
    """The sign-in of one provider. One renewal at a time, however many calls need it."""

    def __init__(self, name: str, oauth: OAuth, state: Path, clock: Clock) -> None:
        self.name = name
        self._oauth = oauth
        self._issuer = str(oauth.token_url)
        self._file = state / "logins" / f"{name}.json"
        self._clock = clock
        self._lock = asyncio.Lock()
        # The code that was given last, for whoever waits for its confirmation.
        self.device: Device | None = None

    @property
    def known(self) -> bool:
        """Has anybody signed in? Whether the issuer still agrees is seen when it is used."""
        return self._file.is_file()

    async def token(self) -> str:
        """A token that is good now, renewed if need be. Raises Refused."""
        tokens = await asyncio.to_thread(self._read)
        if tokens is None:
            raise self._refused(f"nobody has signed in; run: trunkline models login {self.name}")
        if tokens.expires_at is None or tokens.expires_at > self._clock.now() + MARGIN:
            return tokens.access
        return (await self._renewed(tokens)).access

    async def renew(self) -> bool:
        """Get another token in place of one that was refused; False when there is none to get."""
        tokens = await asyncio.to_thread(self._read)
        if tokens is None or tokens.refresh is None:
            return False
        try:
            await self._renewed(tokens)
        except Refused:
            return False
        return True

    async def _renewed(self, stale: Tokens) -> Tokens:
        async with self._lock:
            now_kept = await asyncio.to_thread(self._read)
            if now_kept is not None and now_kept.access != stale.access:
                return now_kept
            if stale.refresh is None:
                raise self._refused(f"the sign-in ran out; run: trunkline models login {self.name}")
            form = {"grant_type": "refresh_token", "refresh_token": stale.refresh}
            status, body = await self._post(self._oauth.token_url, form)
            tokens = read_tokens(body, self._clock.now(), stale) if status < 400 else None
            if tokens is None:
                again = f"run: trunkline models login {self.name}"
                raise self._refused(f"the sign-in could not be renewed{_said(body)}; {again}")
            await asyncio.to_thread(self._write, tokens)
            return tokens

    async def begin(self) -> Device:
        """Ask for a code that a person can confirm. Raises Refused."""
        form = {"scope": self._oauth.scope} if self._oauth.scope else {}
        status, body = await self._post(self._oauth.device_url, form)
        device = read_device(body) if status < 400 else None
        if device is None:
            raise self._wrong(body, f"the issuer gave no code (status {status}){_said(body)}")
        self.device = device
        return device

    async def finish(self, device: Device) -> None:
        """Wait until the person has confirmed, and keep the tokens. Raises Refused."""
        until, interval = self._clock.now() + device.expires_in, device.interval
        form = {"grant_type": GRANT, "device_code": device.code}
        while True:
            await self._clock.sleep(interval)
            if self._clock.now() > until:
                raise self._wrong({"error": "expired_token"}, "")
            try:
                _, body = await self._post(self._oauth.token_url, form)
            except Refused:
                # As RFC 8628 says of a lost connection: more slowly, but go on.
                interval *= 2
                continue
            tokens = read_tokens(body, self._clock.now())
            if tokens is not None:
                return await asyncio.to_thread(self._write, tokens)
            wait = next_wait(body, interval)
            if wait is None:
                raise self._wrong(body, f"the issuer gave no token{_said(body)}")
            interval = wait

    async def _post(self, url: str, form: Mapping[str, str]) -> tuple[int, Any]:
        """Status and document of an answer. Raises Refused when there is none."""
        sent = {"client_id": self._oauth.client_id, **form}
        accept = {"Accept": "application/json", "User-Agent": "trunkline"}
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()) as web,
                web.post(url, data=sent, headers=accept, allow_redirects=False) as response,
            ):
                data = await response.content.read(MAX_ANSWER)
                while len(data) < MAX_ANSWER and (more := await response.content.read(MAX_ANSWER)):
                    data += more
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = scrub(getattr(error, "strerror", None) or type(error).__name__)
            raise self._refused(f"cannot reach the issuer of the sign-in ({reason})") from None
        try:
            return response.status, jsonio.loads(data, max_bytes=MAX_ANSWER)
        except ValueError:
            return response.status, None

    def _read(self) -> Tokens | None:
        try:
            body = jsonio.loads(self._file.read_bytes())
            if body["issuer"] != self._issuer:
                # Tokens go to nobody but who gave them.
                return None
            return Tokens(str(body["access"]), body["refresh"], body["expires_at"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self, tokens: Tokens) -> None:
        """In place of the file at once, readable for its owner alone from the beginning."""
        folder = self._file.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=".login-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"issuer": self._issuer, **asdict(tokens)}, file)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._file)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise

    def _wrong(self, body: Any, otherwise: str) -> Refused:
        error = body.get("error") if isinstance(body, Mapping) else None
        return self._refused(_WRONG.get(str(error), otherwise).format(self.name))

    def _refused(self, words: str) -> Refused:
        return Refused(failure("NO_CREDENTIALS", f"{self.name}: {words}"))


def _said(body: Any) -> str:
    """What an issuer says went wrong, without anything that looks like a secret."""
    if not isinstance(body, Mapping):
        return ""
    words = body.get("error_description") or body.get("error")
    said = scrub(words) if isinstance(words, str) else ""
    return f": {said}" if said else ""
