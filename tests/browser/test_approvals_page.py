"""/approvals: what waits in all sessions is decided with one press, and stays listed after it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.axe import findings
from tests.browser.site import Site, site
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
