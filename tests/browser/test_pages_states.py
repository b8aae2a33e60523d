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
# The failures of the others are made of the same part.
CHECKED = ("/agents", "/settings", "/start")
# What stands where there is nothing yet, which says what that means or what to do.
EMPTY = {
    "/agents/main/channels": "No channel reaches this agent",
    "/agents/main/sessions": "No sessions yet",
    "/agents/main/tasks": "No tasks",
    "/agents/main/skills": "No skills",
    "/sessions": "No sessions yet",
    "/approvals": "Nothing waits",
    "/usage": "Nothing was used yet",
    "/logs": "No record matches",
    "/sessions/agent:main:nobody": "There is no such session",
}
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
        await (await web.visit(PATHS[0])).close()
        await web.context.route_web_socket("**/ws", line.joined)
        for path in PATHS:
            line.mode = "held"
            page = await web.begun(path)
            await expect(page.locator(".loading").first, path).to_be_visible()
            line.refuse()
            failed = page.locator("main").get_by_role("alert").filter(has_text=AWAY)
            await expect(failed.first, path).to_be_visible()
            if path in CHECKED:
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


async def test_007_without_any_agent_in_the_file_there_is_one(browser: Browser, tmp_path: Path):
    async with shop(browser, tmp_path, "limits: {per_sender: null}\n") as web:
        page = await web.visit("/agents")
        only = page.get_by_role("table", name="Agents").locator("[data-row]")
        await expect(only).to_contain_text("default")
        await only.get_by_role("link").click()
        await expect(page).to_have_url(f"{web.url}/agents/main/models")
        for path, words in EMPTY.items():
            await page.goto(web.url + path)
            await expect(page.get_by_role("main"), path).to_contain_text(words)
