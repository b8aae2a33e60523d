"""The list of sessions, the model of one, and the keys that lead around."""

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.axe import findings
from tests.browser.site import CONFIG, MAIN, Site, answers, composer, say, site

pytestmark = pytest.mark.browser

PRICED = CONFIG.replace(
    "providers:\n",
    "providers:\n  local: {api: demo, models: [{id: big, context_window: 8000,"
    " cost: {input: 1.25, output: 10}}]}\n",
).replace("models:\n  demo/demo", "models:\n  local/big: {}\n  demo/demo")
# What moves on the page now.
MOVING = "() => document.getAnimations().filter(one => one.playState === 'running').length"


def rows(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Sessions").get_by_role("link")


async def names(page: Page) -> list[str]:
    return await page.locator(".side .row .name").all_inner_texts()


async def change(page: Page, name: str, **fields: object) -> None:
    await page.get_by_role("button", name=f"About {name}", exact=True).click()
    dialog = page.get_by_role("dialog", name="Session")
    for label, value in fields.items():
        if isinstance(value, bool):
            await dialog.get_by_role("checkbox", name=label).set_checked(value)
        else:
            await dialog.get_by_role("textbox", name=label).fill(str(value))
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_have_count(0)


async def test_sessions_are_found_renamed_pinned_and_put_away(web: Site):
    for label in ("Alpha", "Beta", "Gamma"):
        await web.bench.app.sessions.create(MAIN, label)
    page = await web.sign_in()
    await change(page, "Alpha", Name="Plans", Pinned=True)
    await expect(rows(page).first).to_contain_text("Plans")
    await expect(rows(page).first.get_by_role("img", name="pinned")).to_be_visible()
    await change(page, "Beta", **{"Put away": True})
    await expect(rows(page)).to_have_count(3)
    assert "Beta" not in await names(page)
    await page.reload()
    await expect(rows(page)).to_have_count(3)
    assert (await names(page))[0] == "Plans"
    await page.get_by_role("button", name="Put away (1)").click()
    await expect(rows(page)).to_have_count(4)
    search = page.get_by_role("searchbox", name="Search sessions")
    await search.fill("gam")
    await expect(rows(page)).to_have_count(1)
    await search.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Gamma")
    await search.fill("nothing like it")
    await expect(page.get_by_text("Nothing found.")).to_be_visible()
    await search.press("Escape")
    await expect(composer(page)).to_be_focused()
    assert await findings(page) == []


async def test_what_happened_elsewhere_is_marked_until_it_is_looked_at(web: Site):
    made = await web.bench.app.sessions.create(MAIN, "Other")
    go_on = asyncio.Event()
    web.model.on("hello", ["echo ", go_on, "hello"])
    page = await web.sign_in()
    unread = page.locator(".side .unread")
    await expect(unread).to_have_count(0)
    await web.bench.ask("hello", "run-1", made["key"])
    other = page.locator(".side li").filter(has_text="Other")
    await expect(other.locator(".live")).to_have_text("running")
    assert await page.evaluate(MOVING) > 0
    await page.emulate_media(reduced_motion="reduce")
    assert await page.evaluate(MOVING) == 0
    go_on.set()
    await expect(unread).to_contain_text("Other")
    await expect(other.locator(".live")).to_have_count(0)
    await rows(page).get_by_text("Other").click()
    await expect(answers(page)).to_contain_text("echo hello")
    await expect(unread).to_have_count(0)
    await page.reload()
    await expect(answers(page)).to_have_count(1)
    await expect(unread).to_have_count(0)


async def test_two_browsers_agree_on_pins_and_on_what_was_read(web: Site, browser: Browser):
    made = [await web.bench.app.sessions.create(MAIN, label) for label in ("Alpha", "Beta")]
    page = await web.sign_in()
    # What an earlier version kept in this browser is carried over once.
    old = {"pinned": {made[0]["key"]: True}, "archived": {}, "seen": {}, "since": "2020"}
    await page.evaluate("marks => localStorage.setItem('chat-marks', JSON.stringify(marks))", old)
    await page.reload()
    await expect(rows(page).first).to_contain_text("Alpha")
    assert await page.evaluate("localStorage.getItem('chat-marks')") is None
    context = await browser.new_context()
    other = await context.new_page()
    await other.goto(web.gateway.login_url())
    await web.ready(other)
    await expect(rows(other).first.get_by_role("img", name="pinned")).to_be_visible()
    await change(other, "Alpha", **{"Pinned to the top": False})
    await change(other, "Beta", **{"Put away": True})
    await expect(page.get_by_role("img", name="pinned")).to_have_count(0)
    await expect(page.get_by_role("button", name="Put away (1)")).to_be_visible()
    await web.bench.ask("hello", "run-1", made[0]["key"])
    for one in (page, other):
        await expect(one.locator(".side .unread")).to_contain_text("Alpha")
    await rows(other).get_by_text("Alpha").click()
    await expect(page.locator(".side .unread")).to_have_count(0)
    await context.close()


async def test_a_model_has_its_price_and_the_context_its_measure(tmp_path: Path, browser: Browser):
    async with site(browser, tmp_path, config=PRICED) as web:
        page = await web.sign_in()
        picker = page.get_by_role("combobox", name="Model")
        offered = await picker.locator("option").all_inner_texts()
        assert "local/big ($1.25 in, $10 out per million tokens)" in offered
        assert not any("locked" in one for one in offered)
        await picker.select_option("local/big")
        await say(page, "hello")
        await expect(answers(page)).to_contain_text("local/big")
        await expect(answers(page)).to_contain_text("10 tokens in, 5 out")
        await expect(answers(page)).to_contain_text("$0.0001")
        await expect(
            page.get_by_role("meter", name=re.compile("Context: .* of 8,000"))
        ).to_be_visible()
        assert web.complaints == [] and web.strangers() == []


async def test_everything_is_found_by_the_palette(web: Site):
    await web.bench.app.sessions.create(MAIN, "Holiday plans")
    page = await web.sign_in()
    await page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Palette")
    assert await findings(page) == []
    await page.keyboard.type("holpl")
    await expect(palette.get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(palette).to_have_count(0)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Holiday plans")
    await page.keyboard.press("Meta+k")
    await page.keyboard.type("use demo/second")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("combobox", name="Model")).to_have_value("demo/second")
    await page.keyboard.press("Control+k")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog", name="Schedule this")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_letters_are_keys_only_where_nothing_is_written(web: Site):
    page = await web.sign_in()
    await page.keyboard.type("/?")
    await expect(composer(page)).to_have_value("/?")
    await composer(page).blur()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_contain_text("palette")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.locator("h1").click()
    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox", name="Search sessions")).to_be_focused()
