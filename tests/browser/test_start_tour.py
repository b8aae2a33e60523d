"""The demo tour: four steps that are done by what really happened, and nothing is left behind.

Also where / leads while nothing is set up.
"""

import pytest
from playwright.async_api import Page, expect

from tests.browser.axe import findings
from tests.browser.site import Site, answers
from tests.browser.test_chat_page_access import WIDE
from tests.browser.test_pages import NARROW

pytestmark = pytest.mark.browser


async def step(page: Page, act: str, name: str) -> None:
    """Do a step of the tour by keyboard, and wait until it counts as done."""
    button = tour(page).get_by_role("button", name=act)
    await expect(button).to_be_enabled()
    await button.press("Enter")
    await expect(tour(page).get_by_role("button", name=f"{name}: done")).to_be_visible()


def tour(page: Page):
    return page.get_by_role("region", name="Demo tour")


async def test_a_new_trunkline_begins_with_the_first_steps_and_the_tour_cleans_up(demo: Site):
    core = demo.bench.app
    page = await demo.visit("/")
    await expect(page).to_have_url(f"{demo.url}/start")
    await page.get_by_role("button", name="Begin the tour").press("Enter")
    await expect(tour(page)).to_contain_text("step 1 of 4")
    assert await findings(page) == []
    await tour(page).get_by_role("button", name="Show an answer").press("Enter")
    await expect(page.locator("article.answer.running")).to_contain_text("word1")
    await expect(answers(page)).to_contain_text("word60")
    await step(page, "Show a tool", "A tool")
    await expect(answers(page).last.locator(".tool")).to_contain_text("session_status")
    await tour(page).get_by_role("button", name="Ask for one").press("Enter")
    group = page.get_by_role("group", name="Approval")
    await expect(group).to_contain_text("https://tour.invalid/")
    await page.reload()
    await expect(tour(page)).to_contain_text("step 3 of 4")
    await group.get_by_role("button", name="Allow once").press("Enter")
    await expect(tour(page)).to_contain_text("step 4 of 4")
    await tour(page).get_by_role("button", name="Open Schedule this").press("Enter")
    dialog = page.get_by_role("dialog", name="Schedule this")
    await expect(dialog).to_contain_text("Next runs:")
    await dialog.get_by_role("button", name="Create").press("Enter")
    await expect(tour(page)).to_contain_text("every step is done")
    assert len(await demo.bench.rows("SELECT id FROM tasks")) == 2
    # Beginning again goes on with the same tour.
    await page.goto(f"{demo.url}/start")
    await page.get_by_role("button", name="Go on with the tour").click()
    await expect(tour(page)).to_contain_text("every step is done")
    await tour(page).get_by_role("button", name="Leave the tour").press("Enter")
    asked = page.get_by_role("dialog", name="Leave the tour")
    await expect(asked).to_contain_text("the session Demo tour and its tasks: ")
    await asked.get_by_role("button", name="Leave the tour").press("Enter")
    await expect(page).to_have_url(f"{demo.url}/start")
    await expect(page.get_by_role("button", name="Begin the tour")).to_be_visible()
    assert await demo.bench.rows("SELECT id FROM tasks") == []
    assert [row["label"] for row in await core.sessions.listing()] == []
    # Whoever wants the chat says so once.
    await page.get_by_role("button", name="Not now, open the chat").click()
    await expect(page).to_have_url(f"{demo.url}/chat#agent:main:main")
    await page.goto(f"{demo.url}/")
    await expect(page).to_have_url(f"{demo.url}/chat#agent:main:main")


async def test_a_tour_that_waits_for_an_answer_can_be_left_on_a_phone(demo: Site):
    page = await demo.visit("/start")
    await page.set_viewport_size(NARROW)
    await page.get_by_role("button", name="Begin the tour").click()
    await tour(page).get_by_role("button", name="An approval: not done").click()
    await tour(page).get_by_role("button", name="Ask for one").click()
    await expect(page.get_by_role("group", name="Approval")).to_be_visible()
    assert await page.evaluate(WIDE) == 0
    await page.evaluate("document.documentElement.dir = 'rtl'")
    assert await page.evaluate(WIDE) == 0
    assert await findings(page) == []
    await tour(page).get_by_role("button", name="Leave the tour").click()
    dialog = page.get_by_role("dialog", name="Leave the tour")
    await dialog.get_by_role("button", name="Leave the tour").click()
    await expect(page).to_have_url(f"{demo.url}/start")
    rows = await demo.bench.rows("SELECT state FROM approvals")
    assert [row["state"] for row in rows] == ["denied"]
    assert await demo.bench.app.sessions.listing() == []
