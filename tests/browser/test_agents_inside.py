"""What an agent knows and has: skills, tools, hooks, memory, and the files of its folder."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.agents_site import CONFIG, row, said, shop
from tests.browser.axe import findings

pytestmark = pytest.mark.browser

SKILL = "---\nname: {name}\ndescription: {text}\n{more}---\nDo it.\n"


def workspace(state: Path, agent: str = "main") -> Path:
    folder = state / "workspaces" / agent
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def skill(state: Path, name: str, text: str, more: str = "") -> None:
    folder = workspace(state) / "skills" / name
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(SKILL.format(name=name, text=text, more=more))


async def test_skills_tools_and_hooks_say_what_is_ready(browser: Browser, tmp_path: Path):
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "count.py").write_text("async def before_tool_call(event, ctx):\n    return None\n")
    (hooks / "broken.py").write_text("def nothing(:\n")
    skill(tmp_path, "brew", "Brews <b>tea</b>.")
    config = f"{CONFIG}hooks: {{dirs: [{hooks}]}}\n"
    async with shop(browser, tmp_path, config) as web:
        page = await web.visit("/agents/main/skills")
        brew = row(page, "Skills", "brew")
        await expect(brew).to_contain_text("ready")
        await expect(brew).to_contain_text("Brews <b>tea</b>.")
        tools = page.get_by_role("table", name="Tools")
        await expect(tools.locator("[data-row]").filter(has_text="memory_get")).to_contain_text(
            "allowed"
        )
        await expect(row(page, "Tools", "apply_patch")).to_contain_text("not allowed")
        await expect(row(page, "Hooks", "count")).to_contain_text("before_tool_call")
        await expect(row(page, "Hooks", "broken")).to_contain_text("not ready")
        assert await findings(page) == []


async def test_020_a_service_is_shown_for_the_agent_that_lists_it_alone(
    browser: Browser, tmp_path: Path
):
    config = """\
agents:
  - {id: main, name: Assistant, tools: {allow: [web_search]}}
  - {id: helper, name: Helper}
"""
    async with shop(browser, tmp_path, config) as web:
        for agent, state in (("main", "allowed"), ("helper", "not allowed")):
            page = await web.visit(f"/agents/{agent}/skills")
            found = row(page, "Tools", "web_search").locator("td[data-label=State]")
            await expect(found).to_have_text(state)


async def test_the_memory_is_indexed_and_searched(browser: Browser, tmp_path: Path):
    notes = workspace(tmp_path) / "memory"
    notes.mkdir()
    (notes / "garden.md").write_text("# Garden\n\nThe roses are watered on Tuesdays.\n")
    async with shop(browser, tmp_path) as web:
        page = await web.visit("/agents/main/memory")
        await page.get_by_role("button", name="Index again").click()
        await said(page, "The memory is indexed")
        await page.get_by_role("searchbox", name="Question").fill("when are the roses watered")
        await page.keyboard.press("Enter")
        hit = page.get_by_role("list", name="Results").get_by_role("listitem")
        await expect(hit).to_contain_text("watered on Tuesdays")
        await expect(page).to_have_url(f"{web.url}/agents/main/memory?q=when+are+the+roses+watered")
        assert await findings(page) == []
        await hit.get_by_role("link").click()
        await expect(page.get_by_role("textbox", name="Text")).to_have_value(
            "# Garden\n\nThe roses are watered on Tuesdays.\n"
        )
        await page.go_back()
        await page.get_by_role("searchbox", name="Question").fill("submarine")
        await page.get_by_role("button", name="Search").click()
        await expect(page.get_by_text("Nothing in this memory fits")).to_be_visible()


async def test_a_file_is_changed_unless_somebody_else_did(browser: Browser, tmp_path: Path):
    file = workspace(tmp_path) / "SOUL.md"
    file.write_text("Be kind.\n")
    async with shop(browser, tmp_path) as web:
        page = await web.visit("/agents/main/files")
        await page.get_by_role("link", name="SOUL.md").click()
        await expect(page).to_have_url(f"{web.url}/agents/main/files?file=SOUL.md")
        text = page.get_by_role("textbox", name="Text")
        await text.fill("Be kind and brief.\n")
        await expect(page.get_by_text("There are changes that are not saved")).to_be_visible()
        await page.get_by_role("button", name="Save").click()
        await said(page, "Saved")
        assert file.read_text() == "Be kind and brief.\n"
        file.write_text("Written by the agent itself.\n")
        await text.fill("Be loud.\n")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("alert")).to_contain_text("has changed since it was read")
        assert file.read_text() == "Written by the agent itself.\n"
        await expect(text).to_have_value("Be loud.\n")
        assert await findings(page) == []
        await page.get_by_role("button", name="Read again").click()
        await page.get_by_role("dialog").get_by_role("button", name="Read again").click()
        await expect(text).to_have_value("Written by the agent itself.\n")


async def test_a_file_is_made_found_and_deleted(browser: Browser, tmp_path: Path):
    (workspace(tmp_path) / "there.md").write_text("x")
    async with shop(browser, tmp_path) as web:
        page = await web.visit("/agents/main/files")
        await page.get_by_role("button", name="New file").click()
        dialog = page.get_by_role("dialog", name="New file")
        await dialog.get_by_role("textbox", name="Name").fill("../out.md")
        await page.keyboard.press("Enter")
        await expect(dialog).to_contain_text("leads upwards")
        await dialog.get_by_role("textbox", name="Name").fill("there.md")
        await page.keyboard.press("Enter")
        await expect(dialog).to_contain_text("There is a file of this name already")
        await dialog.get_by_role("textbox", name="Name").fill("notes/today.md")
        await page.keyboard.press("Enter")
        await page.get_by_role("textbox", name="Text").fill("Rain.")
        await page.get_by_role("button", name="Save").click()
        await said(page, "Saved")
        assert (workspace(tmp_path) / "notes" / "today.md").read_text() == "Rain."
        await page.get_by_role("link", name="Back to the folder").click()
        await expect(page).to_have_url(f"{web.url}/agents/main/files?path=notes")
        await page.get_by_role("link", name="Folder above").click()
        await page.get_by_role("link", name="there.md").click()
        await page.get_by_role("button", name="Delete").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await said(page, "The file is deleted")
        await expect(page.get_by_role("link", name="there.md")).to_have_count(0)
        assert not (workspace(tmp_path) / "there.md").exists()


async def test_026_what_was_chosen_is_the_same_after_a_new_start(browser: Browser, tmp_path: Path):
    config = "models: {demo/demo: {}, demo/second: {}}\nagents: [{id: main, name: Assistant}]\n"
    async with shop(browser, tmp_path, config) as web:
        page = await web.visit("/agents/main/models")
        await page.get_by_label("Primary model").select_option("demo/second")
        await page.get_by_label("Strong model for tasks").select_option("demo/demo")
        await page.get_by_role("button", name="Save").click()
        await said(page, "Saved. The next message uses it.")
        before, saved = web.bench.app.config.agent("main"), web.saved()
    async with shop(browser, tmp_path, saved) as web:
        assert web.bench.app.config.agent("main") == before
        page = await web.visit("/agents/main/models")
        await expect(page.get_by_label("Primary model")).to_have_value("demo/second")
        await expect(page.get_by_label("Strong model for tasks")).to_have_value("demo/demo")
