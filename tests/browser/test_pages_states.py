"""What every page says while it waits for the gateway, when that refuses, and when it answers."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, WebSocketRoute, expect

from bot.gateway.pages_shell import TABS
from tests.browser.agents_site import shop
from tests.browser.axe import findings

pytestmark = pytest.mark.browser

# The chat shows what it has; its own states are in its own tests.
PATHS = (
    "/agents",
    "/sessions",
    "/sessions/agent:main:main",
    "/approvals",
    "/usage",
    "/logs",
    "/settings",
    "/start",
    *(f"/agents/main/{tab}" for tab in TABS),
)
AWAY = "The store is away. Try again in a moment."


class Line:
    """The socket of the pages, on which answers are passed on, held back or refused."""

    def __init__(self) -> None:
        self.mode: Literal["open", "held", "refused"] = "open"
        self._held: list[tuple[WebSocketRoute, str]] = []

    def joined(self, route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        server.on_message(route.send)

        def asked(text: str | bytes) -> None:
            frame: dict[str, Any] = json.loads(text)
            if self.mode == "open" or frame["method"] == "connect":
                server.send(text)
            else:
                self._held.append((route, frame["id"]))
            if self.mode == "refused":
                self.refuse()

        route.on_message(asked)

    def refuse(self) -> None:
        """What was asked meanwhile, and what comes, is answered with a failure."""
        self.mode = "refused"
        error = {"code": "UNAVAILABLE", "message": AWAY, "retryable": True}
        for route, id in self._held:
            route.send(json.dumps({"type": "res", "id": id, "ok": False, "error": error}))
        self._held.clear()


async def test_every_page_waits_fails_and_goes_on(browser: Browser, tmp_path: Path):
    line = Line()
    async with shop(browser, tmp_path) as web:
        await web.bench.ask("hello", "run-1")
        await web.sign_in()
        await web.context.route_web_socket("**/ws", line.joined)
        for path in PATHS:
            line.mode = "held"
            page = await web.context.new_page()
            await page.goto(web.url + path)
            await expect(page.locator(".loading").first, path).to_be_visible()
            line.refuse()
            failed = page.locator("main").get_by_role("alert").filter(has_text=AWAY)
            await expect(failed.first, path).to_be_visible()
            assert await findings(page) == [], path
            line.mode = "open"
            while again := await page.get_by_role("button", name="Try again").all():
                await again[0].click()
                await expect(page.get_by_role("button", name="Try again"), path).to_have_count(
                    len(again) - 1
                )
            await web.settled(page)
            await expect(failed, path).to_have_count(0)
            await page.close()
