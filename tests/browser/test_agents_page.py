"""/agents: the list, and what is done with agents: created, copied, switched off, taken away."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.agents_site import row, said, shop
from tests.browser.axe import findings
from tests.browser.test_chat_page_access import WIDE

pytestmark = pytest.mark.browser

KEY = "sk-canary-of-the-file-0001"
COPIED = f"""\
agents:
  - {{id: main, name: Assistant}}
  - id: helper
    name: Helper
    prompt: Be brief.
    providers: {{openai: {{api_key: {KEY}}}}}
providers:
  openai: {{api_key: {KEY}}}
"""
TABS = ("models", "channels", "sessions", "tasks", "skills", "memory", "files")


async def test_the_list_marks_the_default_and_says_what_is_ready(browser: Browser, tmp_path: Path):
    config = """\
agents:
  - {id: main, name: Assistant, default: true}
  - {id: helper, name: Helper, model: openai/gpt-5}
providers: {openai: {api_key: ""}}
"""
    async with shop(browser, tmp_path, config) as web:
        await web.bench.ask("hello", "run-1")
        page = await web.visit("/agents")
        first = row(page, "Agents", "Assistant")
        await expect(first).to_contain_text("default")
        await expect(first).to_contain_text("demo/demo ready")
        second = row(page, "Agents", "Helper")
        await expect(second).to_contain_text("not ready")
        await expect(second).to_contain_text("api_key")
        assert await findings(page) == []
        await first.get_by_role("link").click()
        await expect(page).to_have_url(f"{web.url}/agents/main/models")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Assistant")


async def test_017_an_agent_is_created_with_a_normal_id(browser: Browser, tmp_path: Path):
    async with shop(browser, tmp_path) as web:
        page = await web.visit("/agents")
        await page.get_by_role("button", name="Create").click()
        dialog = page.get_by_role("dialog", name="Create an agent")
        await dialog.get_by_role("textbox", name="Name").fill("Éva's Desk")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{web.url}/agents/eva-s-desk/models")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Éva's Desk")
        assert "# kept: who answers" in web.saved() and "eva-s-desk" in web.saved()
        await page.goto(f"{web.url}/agents")
        await web.settled(page)
        await page.get_by_role("button", name="Create").click()
        await dialog.get_by_role("textbox", name="Name").fill("Again")
        await dialog.get_by_role("textbox", name="Id").fill("Helper")
        await dialog.get_by_role("button", name="Create").click()
        await expect(dialog).to_contain_text("there is an agent helper already")


async def test_a_duplicate_has_the_settings_and_shows_no_key(browser: Browser, tmp_path: Path):
    async with shop(browser, tmp_path, COPIED) as web:
        page = await web.visit("/agents")
        await page.get_by_role("button", name="Duplicate: Helper").click()
        await page.get_by_role("dialog").get_by_role("button", name="Create").click()
        await expect(page).to_have_url(f"{web.url}/agents/helper-copy/models")
        assert web.saved().count("Be brief.") == 2
        copy = web.bench.app.config.agent("helper-copy")
        assert copy is not None and copy.prompt == "Be brief."
        assert KEY not in await page.content()


async def test_disabling_and_deleting_name_the_tasks_that_stop(browser: Browser, tmp_path: Path):
    async with shop(browser, tmp_path) as web:
        page = await web.visit("/agents/helper/tasks")
        await page.get_by_role("button", name="New task").click()
        dialog = page.get_by_role("dialog", name="New task")
        await dialog.get_by_role("textbox", name="When").fill("every day at 8")
        await dialog.get_by_role("textbox", name="Prompt").fill("Water the plants")
        await dialog.get_by_role("button", name="Create").click()
        await said(page, "The task is made")
        await page.goto(f"{web.url}/agents")
        await web.settled(page)
        await page.get_by_role("button", name="Disable: Helper").click()
        asked = page.get_by_role("dialog", name="Disable Helper?")
        await expect(asked).to_contain_text("Its task stops: ")
        await asked.get_by_role("button", name="Disable").click()
        await said(page, "Helper is off")
        await expect(row(page, "Agents", "Helper")).to_contain_text("off")
        await page.get_by_role("button", name="Enable: Helper").click()
        await said(page, "Helper is on")
        await page.get_by_role("button", name="Delete: Helper").click()
        asked = page.get_by_role("dialog", name="Delete Helper?")
        await expect(asked).to_contain_text("Its task stops: ")
        await asked.get_by_role("button", name="Delete").click()
        await said(page, "Helper is deleted")
        await expect(row(page, "Agents", "Helper")).to_have_count(0)
        await page.get_by_role("button", name="Delete: Assistant").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await said(page, "main is the only agent")


async def test_an_agent_that_is_off_says_so_and_can_be_enabled(browser: Browser, tmp_path: Path):
    config = "agents: [{id: main, name: Assistant}, {id: helper, name: Helper, enabled: false}]\n"
    async with shop(browser, tmp_path, config) as web:
        page = await web.visit("/agents/helper/tasks")
        banner = page.get_by_role("note").filter(has_text="This agent is off")
        for tab in TABS:
            await page.get_by_role("tab", name=tab.capitalize()).click()
            await web.settled(page)
            await expect(page.get_by_role("tabpanel").locator(".state.bad")).to_have_count(0)
            await expect(banner).to_be_visible()
        assert await findings(page) == []
        # What one tab changes, the others show: an agent switched on, a model, another agent.
        listed = await web.visit("/agents")
        await page.get_by_role("button", name="Enable").click()
        await expect(banner).to_have_count(0)
        await expect(row(listed, "Agents", "Helper")).to_contain_text("on")
        await listed.get_by_role("button", name="Disable: Helper").click()
        await listed.get_by_role("dialog").get_by_role("button", name="Disable").click()
        await expect(banner).to_be_visible()
        await listed.get_by_role("button", name="Delete: Helper").click()
        await listed.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("There is no agent helper")).to_be_visible()


async def test_016_an_old_address_of_a_provider_leads_to_the_models(
    browser: Browser, tmp_path: Path
):
    async with shop(browser, tmp_path, COPIED) as web:
        page = await web.visit("/providers/openai")
        await expect(page).to_have_url(f"{web.url}/agents/main/models?provider=openai")
        await expect(row(page, "Providers", "openai")).to_have_count(1)
        rail = page.get_by_role("navigation", name="Pages")
        await expect(rail.get_by_role("link", name="Providers")).to_have_count(0)


async def test_a_task_and_its_runs_fit_a_phone_and_have_no_grave_findings(
    browser: Browser, tmp_path: Path
):
    """With nothing in them the tabs are looked at beside the other pages, in test_pages."""
    look = {"viewport": {"width": 320, "height": 640}, "timezone_id": "America/Lima"}
    async with shop(browser, tmp_path, **look) as web:
        page = await web.visit("/agents/main/tasks")
        await web.bench.ask("/task new every day at 08:00 Asia/Tokyo: Water the plants", "run-1")
        await page.get_by_role("button", name="Run now: Water").click()
        await expect(row(page, "Tasks", "Water")).to_contain_text("ok", timeout=20_000)
        assert await page.evaluate(WIDE) == 0
        assert await findings(page) == []
        await page.get_by_role("link", name="Water").click()
        await expect(page.get_by_role("table", name="Runs of this task")).to_be_visible()
        assert await page.evaluate(WIDE) == 0
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            assert await findings(page) == [], scheme
