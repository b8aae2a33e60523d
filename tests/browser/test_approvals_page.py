"""/approvals: what waits in all sessions is decided with one press, and stays listed after it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.axe import findings
from tests.browser.site import Site, answers, site
from tests.browser.test_chat_page_approvals import ASKING
from tests.scenarios.exec_kit import directive

pytestmark = pytest.mark.browser


@pytest.fixture
async def asking(tmp_path: Path, browser: Browser) -> AsyncIterator[Site]:
    async with site(browser, tmp_path, scripted=False, config=ASKING) as web:
        yield web
        assert web.complaints == [] and web.strangers() == []


async def test_a_question_is_counted_decided_and_kept(asking: Site, tmp_path: Path):
    made = tmp_path / "workspaces" / "main" / "made"
    page = await asking.visit("/approvals")
    await expect(page.get_by_text("Nothing waits")).to_be_visible()
    await asking.bench.ask(directive("exec", {"command": "touch made"}), "run-1")
    group = page.get_by_role("group", name="Approval")
    await expect(group).to_contain_text("touch made")
    rail = page.get_by_role("navigation", name="Pages")
    await expect(rail.get_by_role("link", name="Approvals")).to_contain_text("1")
    assert await findings(page) == []
    await group.get_by_role("button", name="Allow once").click()
    await expect(group).to_have_count(0)
    await expect(page.get_by_role("status")).to_contain_text("Allowed once.")
    row = page.get_by_role("table", name="Decided").locator("[data-row]")
    await expect(row).to_contain_text("touch made")
    await expect(row).to_contain_text("allowed")
    await expect(page.locator("#waiting")).to_be_hidden()
    assert await findings(page) == []
    await row.get_by_role("link", name="agent:main:main").click()
    await expect(page.locator(".entry").last).to_contain_text("exit code 0")
    assert made.exists()


async def test_two_pages_agree_and_the_slower_answer_is_told(asking: Site):
    first, second = await asking.visit("/approvals"), await asking.visit("/approvals")
    await asking.bench.ask(directive("exec", {"command": "touch made"}), "run-1")
    group = first.get_by_role("group", name="Approval")
    await expect(group).to_have_count(1)
    await expect(second.get_by_role("group", name="Approval")).to_have_count(1)
    await group.get_by_role("button", name="Deny").click()
    await expect(second.get_by_role("group", name="Approval")).to_have_count(0)
    await expect(second.get_by_role("table", name="Decided")).to_contain_text("denied")


async def test_what_was_decided_is_filtered_by_the_address(asking: Site):
    page = await asking.visit("/approvals?outcome=allowed")
    await asking.bench.ask(directive("exec", {"command": "touch made"}), "run-1")
    group = page.get_by_role("group", name="Approval")
    await group.get_by_role("button", name="Deny").click()
    await expect(page.get_by_text("Nothing matches these filters.")).to_be_visible()
    await page.get_by_label("Outcome").select_option("")
    await page.get_by_role("searchbox", name="Search").fill("touch")
    row = page.get_by_role("table", name="Decided").locator("[data-row]")
    await expect(row).to_contain_text("denied")
    await expect(page).to_have_url(f"{asking.url}/approvals?q=touch")


async def test_always_says_what_it_means_is_listed_and_taken_back(asking: Site, tmp_path: Path):
    folder = tmp_path / "workspaces" / "main"
    page = await asking.visit("/approvals")
    await expect(page.get_by_text("Nothing is allowed for always")).to_be_visible()
    # What could be anything next time cannot be allowed for always.
    await asking.bench.ask(directive("exec", {"command": "touch a > b"}), "run-1")
    group = page.get_by_role("group", name="Approval")
    await expect(group.get_by_role("button", name="Deny")).to_be_visible()
    await expect(group.get_by_role("button", name="Allow always")).to_have_count(0)
    await group.get_by_role("button", name="Deny").click()
    chat = await asking.open()
    await expect(answers(chat)).to_have_count(1)
    await asking.bench.ask(directive("exec", {"command": "touch made"}), "run-2")
    await chat.get_by_role("button", name="Allow always").press("Enter")
    dialog = chat.get_by_role("dialog", name="Allow always?")
    await expect(dialog).to_contain_text("the agent main may run ")
    await expect(dialog).to_contain_text("touch with any arguments, in every session")
    assert await findings(chat) == []
    await dialog.get_by_role("button", name="Cancel").press("Enter")
    assert await asking.bench.rows("SELECT id FROM grants") == []
    await chat.get_by_role("button", name="Allow always").press("Enter")
    await dialog.get_by_role("button", name="Allow always").press("Enter")
    await expect(answers(chat)).to_have_count(2)
    # The next one runs unasked.
    await asking.bench.ask(directive("exec", {"command": "touch more"}), "run-3")
    await expect(answers(chat)).to_have_count(3)
    assert (folder / "made").exists() and (folder / "more").exists()
    row = page.get_by_role("table", name="Always allowed").locator("[data-row]")
    await expect(row).to_contain_text("touch")
    assert await findings(page) == []
    await row.get_by_role("button", name="Take back").click()
    await expect(page.get_by_text("Nothing is allowed for always")).to_be_visible()
    await asking.bench.ask(directive("exec", {"command": "touch third"}), "run-4")
    await expect(group).to_contain_text("touch third")
