"""An agent's tasks and sessions: made, run, stopped, changed in words."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from bot.store import task_runs
from tests.browser.agents_site import CONFIG, Shop, said, shop
from tests.browser.axe import findings
from tests.browser.site import MAIN, answers

pytestmark = pytest.mark.browser

RUNS = "Runs of this task"
HERE = {"timezone_id": "Europe/Berlin", "locale": "en-GB"}


async def made(page: Page, when: str, prompt: str) -> None:
    await page.get_by_role("button", name="New task").click()
    dialog = page.get_by_role("dialog", name="New task")
    await dialog.get_by_role("textbox", name="When").fill(when)
    await dialog.get_by_role("textbox", name="Prompt").fill(prompt)
    await dialog.get_by_role("button", name="Create").click()
    await said(page, "The task is made")
    await expect(dialog).to_have_count(0)


async def in_chat(web: Shop, text: str, key: str = MAIN) -> str:
    """What a command answers in the chat of a session."""
    chat = await web.open(key)
    await chat.get_by_role("textbox", name="Message").fill(text)
    await chat.keyboard.press("Enter")
    await expect(answers(chat).last).to_contain_text("task-", timeout=20_000)
    told = await chat.get_by_role("log").inner_text()
    await chat.close()
    return told


async def test_058_a_task_shows_its_definition_and_each_run(browser: Browser, tmp_path: Path):
    async with shop(browser, tmp_path, **HERE) as web:
        page = await web.visit("/agents/main/tasks")
        await expect(page.get_by_text("No tasks")).to_be_visible()
        await made(page, "every day at 08:00 Asia/Tokyo", "[[demo text The plants are wet.]]")
        await expect(page).to_have_url(f"{web.url}/agents/main/tasks?task=" + await task_id(web))
        facts = page.locator(".facts").nth(1)
        await expect(facts).to_contain_text("Asia/Tokyo 08:00")
        await expect(facts).to_contain_text("demo/demo")
        await expect(page.get_by_text("It did not run yet")).to_be_visible()
        await page.get_by_role("button", name="Run now").click()
        run = page.get_by_role("table", name=RUNS).locator("[data-row]")
        await expect(run).to_contain_text("ok", timeout=20_000)
        await expect(run).to_contain_text("by hand")
        await expect(run).to_contain_text("not requested")
        await expect(run).to_contain_text("The plants are wet.")
        await expect(run.locator("td[data-label=Duration]")).to_contain_text("s")
        await run.get_by_role("button", name="Why").click()
        await expect(page.get_by_role("dialog")).to_contain_text("Steps")
        await page.keyboard.press("Escape")
        assert await findings(page) == []
        await page.get_by_role("link", name="All tasks").click()
        listed = page.get_by_role("table", name="Tasks").locator("[data-row]")
        await expect(listed).to_contain_text("Asia/Tokyo 08:00")
        await expect(listed).to_contain_text("ok")
        assert await findings(page) == []


async def task_id(web: Shop) -> str:
    rows: list[Any] = await web.bench.rows("SELECT id FROM tasks")
    return str(rows[0]["id"])


async def test_a_time_is_never_only_the_servers(browser: Browser, tmp_path: Path):
    """Without a zone of its own a task has the host's; the reader's time comes first."""
    look = {"timezone_id": "Asia/Tokyo", "locale": "en-GB"}
    async with shop(browser, tmp_path, **look) as web:
        page = await web.visit("/agents/main/tasks")
        await made(page, "every day at 08:00", "Water the plants")
        await page.get_by_role("link", name="All tasks").click()
        listed = page.get_by_role("table", name="Tasks").locator("[data-row]")
        await expect(listed.locator("td[data-label='Next run']")).to_contain_text(" 08:00)")
        await expect(listed.locator("time").first).to_have_text("17:00 (+00:00 08:00)")


async def test_a_task_is_read_back_before_it_is_made(browser: Browser, tmp_path: Path):
    async with shop(browser, tmp_path, **HERE) as web:
        page = await web.visit("/agents/main/tasks")
        await page.get_by_role("button", name="New task").click()
        dialog = page.get_by_role("dialog", name="New task")
        await dialog.get_by_role("textbox", name="When").fill("when pigs fly")
        await dialog.get_by_role("textbox", name="Prompt").fill("Look up")
        await dialog.get_by_role("button", name="Read it back").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("is no time")
        await dialog.get_by_role("textbox", name="When").fill("weekdays at 17:30 Europe/Berlin")
        await dialog.get_by_role("button", name="Read it back").click()
        await expect(dialog.get_by_role("status")).to_contain_text("17:30")
        await expect(dialog.get_by_role("status").locator("time")).to_have_count(3)
        assert await findings(page) == []
        assert await web.bench.rows("SELECT id FROM tasks") == []


async def test_a_task_rests_goes_on_changes_by_words_and_goes(browser: Browser, tmp_path: Path):
    async with shop(browser, tmp_path, **HERE) as web:
        page = await web.visit("/agents/main/tasks")
        await made(page, "every day at 8", "Water the plants")
        await page.get_by_role("button", name="Pause").click()
        await expect(page.locator(".facts").nth(1)).to_contain_text("paused by")
        await page.get_by_role("button", name="Resume").click()
        await said(page, "goes on")
        await page.get_by_role("button", name="Edit").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("textbox").fill("every 30m and rename to Thirsty plants")
        await page.keyboard.press("Tab")
        await dialog.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("heading", level=2, name="Thirsty plants")).to_be_visible()
        await expect(page.locator(".facts").nth(1)).to_contain_text("every 30 minutes")
        await page.get_by_role("button", name="Delete").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("No tasks")).to_be_visible()


async def test_056_a_run_is_cancelled_and_the_chat_sees_the_same(browser: Browser, tmp_path: Path):
    async with shop(browser, tmp_path, **HERE) as web:
        page = await web.visit("/agents/main/tasks")
        await made(page, "every day at 8", "[[demo stream 4000 50]]")
        await page.get_by_role("button", name="Run now").click()
        run = page.get_by_role("table", name=RUNS).locator("[data-row]")
        await run.get_by_role("button", name="Cancel").click()
        await said(page, "The run is stopped")
        await expect(run.get_by_role("button", name="Run again")).to_be_visible()
        await page.get_by_role("button", name="Pause").click()
        await said(page, "is paused")
        assert await task_id(web) in await in_chat(web, "/task list all")


async def test_057_a_sessions_tasks_are_changed_where_it_is_shown(browser: Browser, tmp_path: Path):
    async with shop(browser, tmp_path, **HERE) as web:
        await web.bench.ask("hello", "run-1")
        await web.bench.ask("/task new every day at 9: [[demo stream 4000 50]]", "run-2")
        await web.bench.ask("hello", "run-3", key="agent:main:main:chat:plans")
        page = await web.visit("/agents/main/sessions")
        main = page.get_by_role("link", name="Main", exact=True)
        mine = page.get_by_role("table", name="Sessions").locator("[data-row]").filter(has=main)
        await expect(mine.locator("td[data-label=Tasks]")).to_have_text("1")
        await expect(mine.locator("td[data-label=Origin]")).to_contain_text("web")
        await expect(mine.locator("td[data-label=Tokens]")).not_to_be_empty()
        assert await findings(page) == []
        await mine.get_by_role("link").click()
        await expect(page).to_have_url(
            f"{web.url}/agents/main/sessions?session={MAIN.replace(':', '%3A')}"
        )
        await page.get_by_label("Model of this session").select_option("demo/demo")
        await said(page, "It counts from the next message on")
        await expect(page.locator(".facts").nth(1)).to_contain_text("model demo/demo")
        assert web.saved() == CONFIG  # row 39: the agent's own model is as it was
        tasks = page.get_by_role("table", name="Tasks of this session").locator("[data-row]")
        await expect(tasks).to_have_count(1)
        await tasks.get_by_role("button", name="Pause").click()
        await expect(tasks).to_contain_text("paused")
        await tasks.get_by_role("link").click()
        await page.get_by_role("button", name="Edit").click()
        edit = "rename to Morning news"
        await page.get_by_role("dialog").get_by_role("textbox").fill(edit)
        await page.get_by_role("dialog").get_by_role("button", name="Save").click()
        await expect(page.get_by_role("heading", level=2, name="Morning news")).to_be_visible()
        await page.get_by_role("button", name="Run now").click()
        run = page.get_by_role("table", name=RUNS).locator("[data-row]")
        await run.get_by_role("button", name="Cancel").click()
        await said(page, "The run is stopped")
        assert "Morning news" in await in_chat(web, "/task list all")


async def test_a_session_is_renamed_summed_up_begun_anew_taken_along_and_deleted_from_its_agent(
    browser: Browser, tmp_path: Path
):
    async with shop(browser, tmp_path, **HERE) as web:
        await web.bench.ask("hello", "run-1", key="agent:main:main:chat:plans")
        page = await web.visit("/agents/main/sessions?session=agent:main:main:chat:plans")
        await page.get_by_role("button", name="Rename").click()
        await page.get_by_role("textbox", name="Name").fill("Holiday plans")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=2, name="Holiday plans")).to_be_visible()
        async with page.expect_download() as saved:
            await page.get_by_role("button", name="Export as Markdown").click()
        text = Path(await (await saved.value).path()).read_text("utf-8")
        assert text.startswith("# Assistant / Holiday plans\n") and "hello" in text
        await page.get_by_role("button", name="Sum up").click()
        await said(page, "Nothing was summed up")
        await page.get_by_role("button", name="Begin anew").click()
        await page.get_by_role("dialog").get_by_role("button", name="Begin anew").click()
        await said(page, "begins anew")
        assert await web.bench.transcript("agent:main:main:chat:plans") == []
        await page.get_by_role("button", name="Delete").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(page).to_have_url(f"{web.url}/agents/main/sessions")
        await expect(page.get_by_text("No sessions yet")).to_be_visible()


async def test_056_the_sessions_page_changes_its_tasks_too(browser: Browser, tmp_path: Path):
    async with shop(browser, tmp_path, **HERE) as web:
        await web.bench.ask("/task new every day at 9: [[demo stream 4000 50]]", "run-1")
        page = await web.visit(f"/sessions/{MAIN}")
        tasks = page.get_by_role("table", name="Tasks of this session").locator("[data-row]")
        await tasks.get_by_role("button", name="Pause").click()
        await said(page, "is paused")
        await tasks.get_by_role("link").click()
        await page.get_by_role("button", name="Edit").click()
        await page.get_by_role("dialog").get_by_role("textbox").fill("rename to Long story")
        await page.get_by_role("dialog").get_by_role("button", name="Save").click()
        await page.get_by_role("button", name="Run now").click()
        run = page.get_by_role("table", name=RUNS).locator("[data-row]")
        await run.get_by_role("button", name="Cancel").click()
        await said(page, "The run is stopped")
        assert await findings(page) == []
        told = await in_chat(web, "/task list all")
        assert "Long story" in told and "paused" in told


async def test_a_run_that_did_not_happen_says_why(browser: Browser, tmp_path: Path):
    async with shop(browser, tmp_path, **HERE) as web:
        page = await web.visit("/agents/main/tasks")
        await made(page, "every day at 8", "Water the plants")
        task, why = await task_id(web), "the run before was still on"
        due = web.bench.app.clock.now() - 60
        await web.bench.app.engine.tx(task_runs.skip(f"{task}@1", task, due, why, due))
        await page.reload()
        run = page.get_by_role("table", name=RUNS).locator("[data-row]")
        await expect(run).to_contain_text("skipped")
        await expect(run).to_contain_text(why)
        await expect(run.get_by_role("button", name="Run again")).to_be_visible()
        await expect(run.get_by_role("button", name="Why")).to_have_count(0)
