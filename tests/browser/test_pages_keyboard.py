"""The main path of every page without a mouse: reached by Tab, done by Enter."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from bot.gateway.pages_shell import TABS
from tests.browser.agents_site import Shop, row, said, shop
from tests.browser.site import MAIN
from tests.browser.test_chat_page_access import tab_to
from tests.scenarios.exec_kit import directive

pytestmark = pytest.mark.browser

CONFIG = """\
limits: {per_sender: null}
agents:
  - {id: main, name: Assistant, tools: {allow: [exec], exec: {security: allowlist}}}
  - {id: helper, name: Helper}
"""


async def in_main(page: Page) -> None:
    """By the link that is the first stop of every page."""
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()


async def agents(web: Shop) -> None:
    page = await web.visit("/agents")
    await in_main(page)
    await tab_to(page, "Create")
    await page.keyboard.press("Enter")
    await page.keyboard.type("Night desk")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{web.url}/agents/night-desk/models")
    await page.close()


# What each tab is for, by the name of its first button, and the dialog that this opens.
OPENS = {
    "models": ("Add a provider", "Add a provider"),
    "channels": ("Add a channel", "Add a channel"),
    "tasks": ("New task", "New task"),
    "files": ("New file", "New file"),
}


async def tabs(web: Shop) -> None:
    """Every tab is walked to by arrows; what it opens gives the focus back."""
    page = await web.visit(f"/agents/main/{TABS[0]}")
    await in_main(page)
    await tab_to(page, "Models")
    for tab in TABS:
        await expect(page.get_by_role("tab", name=tab.capitalize(), selected=True)).to_be_focused()
        if tab in OPENS:
            button, title = OPENS[tab]
            await web.settled(page)
            await tab_to(page, button)
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("dialog", name=title)).to_be_visible()
            await page.keyboard.press("Escape")
            await expect(page.get_by_role("dialog")).to_have_count(0)
            await expect(page.get_by_role("button", name=button, exact=True)).to_be_focused()
            await tab_to(page, tab.capitalize(), "Shift+Tab")
        await page.keyboard.press("ArrowRight")
    await page.close()


async def sessions(web: Shop) -> None:
    page = await web.visit("/sessions")
    await in_main(page)
    await tab_to(page, "Search")
    await page.keyboard.type("assistant")
    await expect(row(page, "Sessions", "Assistant / Main")).to_be_visible()
    await tab_to(page, "Assistant / Main")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Assistant / Main")
    await web.settled(page)
    await in_main(page)
    await tab_to(page, "Why")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_contain_text("Steps")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.close()


async def approvals(web: Shop) -> None:
    page = await web.visit("/approvals")
    await expect(page.get_by_role("group", name="Approval")).to_contain_text("touch made")
    await in_main(page)
    await tab_to(page, "Deny")
    await page.keyboard.press("Enter")
    await said(page, "Denied.")
    await expect(row(page, "Decided", "touch made")).to_contain_text("denied")
    await page.close()


async def usage(web: Shop) -> None:
    page = await web.visit("/usage")
    plot = page.get_by_role("region", name="Cost per day", exact=True)
    await expect(plot.locator("canvas")).to_be_visible()
    await in_main(page)
    await tab_to(page, "Cost per day, as a table")
    await page.keyboard.press("Enter")
    await expect(plot.get_by_role("table")).to_be_visible()
    await tab_to(page, "Cost per day, as CSV")
    async with page.expect_download() as saved:
        await page.keyboard.press("Enter")
    assert (await saved.value).suggested_filename.endswith(".csv")
    await page.close()


async def logs(web: Shop) -> None:
    page = await web.visit("/logs")
    await in_main(page)
    await tab_to(page, "Pause")
    await page.keyboard.press("Space")
    await expect(page.get_by_role("button", name="Go on")).to_be_focused()
    await page.close()


async def settings(web: Shop) -> None:
    page = await web.visit("/settings")
    await in_main(page)
    await tab_to(page, "Search the settings")
    await page.keyboard.type("daily_cost")
    field = page.get_by_label("daily_cost")
    await expect(field).to_be_visible()
    await tab_to(page, "daily_cost")
    await page.keyboard.type("4")
    await page.keyboard.press("Enter")
    await said(page, "Saved")
    assert "daily_cost: 4" in web.saved()
    await page.close()


async def start(web: Shop) -> None:
    page = await web.visit("/start")
    await in_main(page)
    await tab_to(page, "Paste a key instead")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{web.url}/agents/main/models")
    await page.close()


async def test_the_main_path_of_every_page_by_keyboard(browser: Browser, tmp_path: Path):
    async with shop(browser, tmp_path, CONFIG) as web:
        await web.bench.ask("hello", "run-1", MAIN)
        await web.bench.settle()
        await web.bench.ask(directive("exec", {"command": "touch made"}), "run-2", MAIN)
        for path in (approvals, agents, tabs, sessions, usage, logs, settings, start):
            await path(web)
