"""Rows 41 and 42: a task is made from the composer, and read back in plain words before."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from bot.testing.running import CONFIG as CHANNELS
from tests.browser.axe import findings
from tests.browser.site import MAIN, Site, answers, composer, say, site

pytestmark = pytest.mark.browser

ADA = "agent:main:idempotent:idempotent:direct:ada"


async def form(page: Page) -> Locator:
    await page.get_by_role("button", name="Schedule this").click()
    dialog = page.get_by_role("dialog", name="Schedule this")
    await expect(dialog).to_be_visible()
    return dialog


async def tasks(web: Site) -> list[dict]:
    return [dict(row) for row in await web.bench.rows("SELECT * FROM tasks")]


async def test_a_phrase_is_read_back_and_one_task_is_made(web: Site):
    page = await web.sign_in()
    await composer(page).fill("Sum up the news.")
    dialog = await form(page)
    await expect(dialog.get_by_role("textbox", name="Prompt")).to_have_value("Sum up the news.")
    await expect(dialog).to_contain_text("Belongs to Assistant, session Main")
    await dialog.get_by_role("textbox", name="When").fill("every friday at 5pm")
    await expect(dialog).to_contain_text("every Friday at 17:00")
    await expect(dialog.get_by_role("listitem")).to_have_count(3)
    await expect(dialog).to_contain_text("Runs: ")
    await expect(dialog.get_by_role("checkbox")).to_have_count(0)
    assert await findings(page) == []
    await dialog.get_by_role("button", name="Create").dblclick()
    await expect(dialog).to_have_count(0)
    [task] = await tasks(web)
    assert (task["agent"], task["session_key"], task["prompt"]) == (
        "main",
        MAIN,
        "Sum up the news.",
    )
    link = page.get_by_role("status").get_by_role("link")
    await expect(link).to_have_attribute("href", f"/agents/main/tasks?task={task['id']}")
    await expect(composer(page)).to_have_value("")
    # What a run took is told where the next one is made.
    await web.bench.ask(f"/task run {task['id']}", "run-task", MAIN)
    await web.bench.settle()
    dialog = await form(page)
    await expect(dialog).to_contain_text("A run of this session's tasks took 15 tokens")


async def test_what_is_no_time_is_said_and_nothing_is_made(web: Site):
    page = await web.sign_in()
    await say(page, "Look at the build.")
    await expect(answers(page)).to_have_count(1)
    dialog = await form(page)
    await expect(dialog.get_by_role("textbox", name="Prompt")).to_have_value("Look at the build.")
    await dialog.get_by_role("button", name="Create").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Say when")
    await dialog.get_by_role("textbox", name="When").fill("some day perhaps")
    await expect(dialog).to_contain_text("write for example: every 1h")
    await dialog.get_by_role("button", name="Create").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("write for example: every 1h")
    assert await tasks(web) == []
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def test_a_draft_that_says_when_fills_both_fields(web: Site):
    page = await web.sign_in()
    await composer(page).fill("every day at 8am: sum up the news")
    dialog = await form(page)
    await expect(dialog.get_by_role("textbox", name="When")).to_have_value("every day at 8am")
    await expect(dialog.get_by_role("textbox", name="Prompt")).to_have_value("sum up the news")
    await expect(dialog.get_by_role("listitem")).to_have_count(3)


async def test_the_source_channel_is_offered_where_there_is_one(tmp_path: Path, browser: Browser):
    async with site(browser, tmp_path, config=CHANNELS + "agents: [{id: main}]\n") as web:
        platform = web.bench.platform()
        platform.say("hello", "ada")
        await platform.shows("echo hello")
        page = await web.sign_in()
        page = await web.open(ADA)
        here = page.get_by_role("navigation", name="Sessions").locator("[aria-current=page]")
        await expect(here.locator(".letter")).to_have_text("I")
        dialog = await form(page)
        await dialog.get_by_role("textbox", name="When").fill("every 1h")
        await dialog.get_by_role("textbox", name="Prompt").fill("Look.")
        await dialog.get_by_role("checkbox", name="Send results back to idempotent").check()
        await expect(dialog.get_by_role("listitem")).to_have_count(3)
        await dialog.get_by_role("button", name="Create").click()
        await expect(dialog).to_have_count(0)
        [task] = await tasks(web)
        delivery = json.loads(task["delivery"])
        assert (delivery["mode"], delivery["to"], task["session_key"]) == ("announce", "ada", ADA)
        # Row 160: where it came from stays where it came from, whoever wrote in it last.
        await say(page, "from the page")
        await expect(answers(page).last).to_contain_text("echo from the page")
        await page.goto(f"{web.url}/sessions")
        listed = page.get_by_role("table", name="Sessions").locator("[data-row]")
        await expect(listed.filter(has_text="ada")).to_contain_text("idempotent")
        assert web.complaints == [] and web.strangers() == []
