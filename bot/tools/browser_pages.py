"""The browser itself: started when it is first needed, one context for each session.

What sessions do not use is closed after a while, and the browser with the last of them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import dataclass
from typing import Any

import structlog

from bot.clock import Clock
from bot.errors import FetchError, MissingExtra
from bot.lazy import optional
from bot.tools.browser_proxy import Proxy
from bot.tools.web_client import WebClient

log = structlog.get_logger("browser")

IDLE = 600.0
MAX_CONTEXTS = 8
_LOOK = 60.0
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = (
    # Names are the proxy's business; this makes every other look-up fail.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    # Calls between browsers would go past the proxy.
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--disable-background-networking",
)


@dataclass(slots=True)
class Tab:
    """A session's page and when it was used last."""

    context: Any
    page: Any
    used_at: float


class Pages:
    """Pages by session key."""

    def __init__(self, clock: Clock, web: WebClient) -> None:
        self._clock = clock
        self._web = web
        self._tabs: dict[str, Tab] = {}
        self._lock = asyncio.Lock()
        self._proxy: Proxy | None = None
        self._library: Any = None
        self._browser: Any = None
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def open(self) -> int:
        """How many sessions have a page."""
        return len(self._tabs)

    def get(self, session: str) -> Any | None:
        """A session's page, None when it has none."""
        tab = self._tabs.get(session)
        if tab is None or tab.page.is_closed():
            return None
        tab.used_at = self._clock.now()
        return tab.page

    async def make(self, session: str) -> Any:
        """A session's page, new if it has none. Raises FetchError that says what is missing."""
        async with self._lock:
            if (page := self.get(session)) is not None:
                return page
            await self._start()
            await self._shut(session)
            if len(self._tabs) >= MAX_CONTEXTS:
                await self._shut(min(self._tabs, key=lambda one: self._tabs[one].used_at))
            context = await self._browser.new_context(
                accept_downloads=False, service_workers="block"
            )
            page = await context.new_page()
            tab = self._tabs[session] = Tab(context, page, self._clock.now())
            # A link may open a page of its own: that is the one to look at then.
            context.on("page", lambda opened: setattr(tab, "page", opened))
            return page

    async def drop(self, session: str) -> bool:
        """Close a session's page; was there one?"""
        async with self._lock:
            return await self._shut(session)

    async def close(self) -> None:
        """Close everything."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
            self._sweeper = None
        async with self._lock:
            await self._end()

    async def _start(self) -> None:
        if self._browser is not None and self._browser.is_connected():
            return
        await self._end()
        try:
            library = optional("playwright.async_api")
        except MissingExtra as error:
            raise FetchError(f"there is no browser: {error}") from None
        self._proxy = Proxy(self._web)
        await self._proxy.start()
        try:
            self._library = await library.async_playwright().start()
            self._browser = await self._library.chromium.launch(
                executable_path=next(filter(None, map(shutil.which, _PROGRAMS)), None),
                proxy={"server": self._proxy.url, "bypass": "<-loopback>"},
                # Chromium refuses its own sandbox to root.
                chromium_sandbox=os.geteuid() != 0,
                args=list(_ARGUMENTS),
            )
        except (library.Error, OSError) as error:
            log.warning("browser cannot be started", error=str(error)[:500])
            await self._end()
            raise FetchError(
                "the browser cannot be started; install chromium, or run: "
                "playwright install chromium (the log has the reason)"
            ) from None
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep(), name="browser-idle")

    async def _sweep(self) -> None:
        while True:
            await self._clock.sleep(_LOOK)
            async with self._lock:
                now = self._clock.now()
                for session in [k for k, tab in self._tabs.items() if now - tab.used_at >= IDLE]:
                    await self._shut(session)
                if not self._tabs:
                    await self._end()

    async def _shut(self, session: str) -> bool:
        tab = self._tabs.pop(session, None)
        if tab is None:
            return False
        await _quietly(tab.context.close())
        return True

    async def _end(self) -> None:
        for session in tuple(self._tabs):
            await self._shut(session)
        if self._browser is not None:
            await _quietly(self._browser.close())
        if self._library is not None:
            await _quietly(self._library.stop())
        if self._proxy is not None:
            await self._proxy.close()
        self._browser = self._library = self._proxy = None


async def _quietly(closing: Any) -> None:
    """Close what may be broken already."""
    try:
        await closing
    except Exception as error:
        log.debug("browser part was gone", error=type(error).__name__)
