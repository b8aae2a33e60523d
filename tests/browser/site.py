"""The whole product behind its page: a real gateway, a real Chromium, and what it asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    Error,
    Locator,
    Page,
    Request,
    async_playwright,
    expect,
)

from bot.cli.inside import core_of
from bot.gateway.methods import table
from bot.gateway.server import Gateway
from bot.gateway.services import site_of
from bot.testing.model import ScriptedModel
from bot.testing.running import Bench, running

CONFIG = """
limits: {per_sender: null}
messages: {queue: {mode: followup, cap: 1000}}
agents:
  - {id: main, name: Assistant}
  - {id: helper, name: Helper}
providers:
  locked: {api: openai, api_key: ""}
models:
  demo/demo: {}
  demo/second: {}
  locked/model: {}
"""
MAIN = "agent:main:main"
# Milliseconds that a busy machine may take to show something.
PATIENCE = 30_000
CHANGED = "net::ERR_NETWORK_CHANGED"
TRIES = 5
expect.set_options(timeout=PATIENCE)
# What a browser says to its maker's servers by itself, and what a small machine cannot spare.
FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--no-first-run",
    "--no-pings",
    "--disable-gpu",
    "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    "--disable-dev-shm-usage",
    "--disable-features=Translate,OptimizationHints,MediaRouter,AutofillServerCommunication"
    # Pages of an address bar that nobody sees, two more for each window.
    ",WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup",
)


@dataclass
class Site:
    """A running product; `open` gives a page of a browser that has signed in by a link."""

    bench: Bench
    gateway: Gateway
    context: BrowserContext
    url: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    cut: int = 0

    @property
    def model(self) -> ScriptedModel:
        assert self.bench.model is not None
        return self.bench.model

    async def sign_in(self) -> Page:
        page = await self._page()
        await self._load(page, self.gateway.login_url())
        await self.ready(page)
        return page

    async def open(self, key: str = MAIN) -> Page:
        """Another tab of the same browser."""
        page = await self._page()
        await self._load(page, f"{self.url}/chat#{key}")
        await self.ready(page)
        return page

    async def visit(self, path: str) -> Page:
        """A page other than the chat, in another tab of a browser that has signed in."""
        page = await self.begun(path)
        await self.settled(page)
        return page

    async def begun(self, path: str) -> Page:
        """The same, before it has what it shows."""
        page = await self._page()
        if not await self.context.cookies():
            await self._load(page, self.gateway.login_url())
        await self._load(page, self.url + path)
        return page

    async def _load(self, page: Page, url: str) -> None:
        """Open an address; once more where the machine's own network changed meanwhile (a container
        came or went), for which Chromium ends every request, also those to this machine."""
        arrived = False
        for _ in range(TRIES):
            before = self.cut
            try:
                await (page.reload() if arrived else page.goto(url))
                arrived = True
            except Error as error:
                if CHANGED not in str(error):
                    raise
            if arrived and self.cut == before:
                return

    async def settled(self, page: Page) -> None:
        """The page stands, and nothing on it says that it is still loading."""
        await page.locator("#app > *").first.wait_for()
        await expect(page.locator(".pill, .loading")).to_have_count(0)

    async def ready(self, page: Page) -> None:
        """The page is connected and has read its session."""
        await page.locator(".side nav a").first.wait_for(state="attached")
        await page.locator("[data-loaded=true]").wait_for(state="attached")

    async def _page(self) -> Page:
        page = await self.context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("requestfailed", self._failed)
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("console", self._heard)
        page.on("dialog", lambda dialog: self.complaints.append(f"a dialog: {dialog.message}"))
        return page

    def _failed(self, request: Request) -> None:
        self.cut += request.failure == CHANGED

    def _heard(self, message: object) -> None:
        text = getattr(message, "text", "")
        if getattr(message, "type", "") in ("error", "warning") and CHANGED not in text:
            self.complaints.append(text)

    def strangers(self) -> list[str]:
        """Requests that left the origin."""
        home = urlsplit(self.url).netloc
        far = (one for one in self.requests if not one.startswith(("data:", "blob:", "about:")))
        return [one for one in far if urlsplit(one).netloc != home]


@asynccontextmanager
async def chromium_at(path: Path) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def site(
    browser: Browser,
    state: Path,
    *,
    scripted: bool = True,
    config: str = CONFIG,
    file: Path | None = None,
    **look: object,
) -> AsyncIterator[Site]:
    """`look` are the browser's: viewport, color_scheme, ...; `file`: the configuration in a file
    of this name, which the pages may change."""
    if file is not None:
        file.write_text(config, "utf-8")
    async with running(state, config, scripted=scripted) as bench:
        gateway = await serve(bench, file=file)
        context = await browser.new_context(**look)  # type: ignore[arg-type]
        web = Site(bench, gateway, context, gateway.url)
        try:
            yield web
        finally:
            await context.close()
            await web.gateway.stop()


async def serve(bench: Bench, port: int = 0, file: Path | None = None) -> Gateway:
    core = core_of(bench.app, file)
    site = site_of(core, bench.app.supervisor)
    gateway = Gateway(bench.app.config.gateway, "a-token-for-tests", site, table(core))
    await gateway.start(port=port)
    return gateway


def composer(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message")


def log(page: Page) -> Locator:
    return page.get_by_role("log")


def answers(page: Page) -> Locator:
    """Answers that have ended."""
    return log(page).locator("article.answer:not(.running)")


def growing(page: Page) -> Locator:
    return log(page).locator("article.answer.running")


def questions(page: Page) -> Locator:
    return log(page).locator("article.question")


async def say(page: Page, text: str) -> None:
    await composer(page).fill(text)
    await composer(page).press("Enter")
