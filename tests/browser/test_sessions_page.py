"""/sessions: find one among many, read it, take it along, change it, put it away."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Page, expect

from bot.engine.port import Script, q
from tests.browser.axe import findings
from tests.browser.site import MAIN, Site, answers, growing, say
from tests.browser.test_parts import OVERLAP
from tests.contracts.cli_support import Trunkline

pytestmark = pytest.mark.browser


async def talked(web: Site, *texts: str, key: str = MAIN) -> None:
    """Something was said and answered in a session, before anybody looks."""
    page = await web.visit("/sessions")
    for number, text in enumerate(texts):
        await web.bench.ask(text, f"run-{key}-{number}", key)
        await expect(page.locator("[data-row]").first).to_be_visible()
    await expect(page.get_by_text("answering")).to_have_count(0)
    await page.close()


def rows(page: Page):
    return page.get_by_role("table", name="Sessions").locator("[data-row]")


async def test_filters_live_in_the_address(web: Site):
    await talked(web, "hello")
    await talked(web, "hello", key="agent:helper:main")
    await talked(web, "hello", key="agent:helper:main:chat:plans")
    page = await web.visit("/sessions")
    await expect(rows(page)).to_have_count(3)
    await page.get_by_role("combobox", name="Agent").select_option("helper")
    await expect(rows(page)).to_have_count(2)
    await page.get_by_role("searchbox", name="Search").fill("PLANS")
    await expect(rows(page)).to_have_count(1)
    await expect(page.get_by_text("1 of 3")).to_be_visible()
    await expect(page).to_have_url(f"{web.url}/sessions?agent=helper&q=PLANS")
    await page.reload()
    await expect(rows(page)).to_have_count(1)
    await page.get_by_role("searchbox", name="Search").fill("nothing like it")
    await page.get_by_role("link", name="Clear the filters").click()
    await expect(rows(page)).to_have_count(3)


# What a session of the store is copied to, so many times.
MANY = 4_000
COPIES = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
INSERT INTO sessions(id, key, base, agent, kind, label, slug, created_at, updated_at)
SELECT 'copy-' || i, key || ':chat:copy-' || i, base, agent, 'chat', 'Copy ' || i, 'copy-' || i,
  created_at, updated_at - i FROM sessions, n WHERE key = ?
"""


async def test_thousands_of_sessions_are_a_window_and_are_found_at_once(web: Site):
    await talked(web, "hello")

    def copied() -> Script[None]:
        yield q(COPIES, MANY, MAIN)

    await web.bench.app.engine.tx(copied())
    page = await web.visit("/sessions")
    await expect(page.get_by_text(f"{MANY + 1:,}", exact=True)).to_be_visible()
    assert await rows(page).count() < 200
    await page.get_by_role("searchbox", name="Search").fill(f"copy {MANY}")
    await expect(rows(page)).to_have_count(1)
    await page.get_by_role("searchbox", name="Search").fill("")
    await page.set_viewport_size({"width": 360, "height": 740})
    assert await page.evaluate(OVERLAP) == 0
    await page.goto(f"{web.url}/agents/main/sessions")
    await expect(page.get_by_text(f"{MANY + 1:,}", exact=True)).to_be_visible()
    assert await rows(page).count() < 200
    chat = await web.open()
    await expect(answers(chat)).to_contain_text("echo hello")
    await chat.get_by_role("searchbox", name="Search sessions").fill("copy 300")
    await expect(chat.locator(".side .row")).to_have_count(1)


async def test_the_order_is_chosen_by_the_column_headers(web: Site):
    await talked(web, "hello")
    await talked(web, "hello", key="agent:helper:main")
    page = await web.visit("/sessions")
    head = page.get_by_role("columnheader", name="Session")
    await head.get_by_role("button").click()
    await expect(head).to_have_attribute("aria-sort", "ascending")
    await expect(rows(page).first).to_contain_text("Assistant")
    await head.get_by_role("button").click()
    await expect(head).to_have_attribute("aria-sort", "descending")
    await expect(rows(page).first).to_contain_text("Helper")
    await expect(page).to_have_url(f"{web.url}/sessions?sort=-name")


async def test_a_new_session_appears_by_itself(web: Site):
    page = await web.visit("/sessions")
    await expect(page.get_by_text("No sessions yet")).to_be_visible()
    await web.bench.ask("hello", "run-1")
    await expect(rows(page)).to_have_count(1)


async def test_a_transcript_shows_what_was_said_and_done(demo: Site):
    await talked(demo, "[[demo tool session_status {}]]", "[[demo markdown]]")
    page = await demo.visit("/sessions")
    await page.get_by_role("link", name="Assistant / Main").click()
    await expect(page).to_have_url(f"{demo.url}/sessions/{quote(MAIN, safe='')}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Assistant / Main")
    entries = page.locator(".entry")
    await expect(entries).to_have_count(4)
    await expect(entries.nth(3).get_by_role("table")).to_be_visible()
    tool = entries.nth(1).locator("details")
    await tool.locator("summary").click()
    await expect(tool).to_contain_text("Output")
    assert await findings(page) == []
    await demo.bench.ask("and more", "run-more")
    await expect(entries).to_have_count(6)


async def told(web: Site, state: Path, id: str) -> dict[str, Any]:
    """What `trunkline why` says in a terminal, by asking the gateway that serves the page."""
    (state / "gateway.json").write_text(json.dumps({"url": web.url}))
    (state / "token").write_text("a-token-for-tests")
    done = await asyncio.to_thread(Trunkline(state).run, "why", id, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


async def test_why_tells_the_story_of_a_message_as_the_command_line_does(
    demo: Site, tmp_path: Path
):
    await talked(demo, "[[demo tool session_status {}]]")
    page = await demo.visit(f"/sessions/{MAIN}")
    why = page.get_by_role("button", name="Why").last
    await why.click()
    story = page.get_by_role("dialog", name="How this came about")
    await expect(story).to_contain_text("Steps")
    said = await told(demo, tmp_path, f"run-{MAIN}-0")
    facts = (said["admission"]["rule"], said["route"]["matchedBy"], said["route"]["sessionKey"])
    for fact in (*facts, said["run"]["runId"], said["run"]["status"]):
        await expect(story).to_contain_text(fact)
    steps = story.get_by_role("list").first.get_by_role("listitem")
    assert [one["kind"] for one in said["steps"]] == [
        "inbox",
        "run",
        "model",
        "tool",
        "model",
        "run",
    ]
    await expect(steps).to_have_count(len(said["steps"]))
    for number, one in enumerate(said["steps"]):
        for word in (one["name"], one["detail"]):
            await expect(steps.nth(number)).to_contain_text(word or "")
    parts = story.get_by_role("list").last.get_by_role("listitem")
    await expect(parts).to_have_text([re.compile(one["state"]) for one in said["parts"]])
    assert await findings(page) == []
    await page.keyboard.press("Escape")
    await expect(story).to_have_count(0)
    await expect(why).to_be_focused()
    chat = await demo.open()
    await say(chat, "[[demo stream 4000 40]]")
    await expect(growing(chat)).to_contain_text("word3")
    await answers(chat).get_by_role("button", name="Why").click()
    await expect(chat.get_by_role("dialog")).to_contain_text(said["run"]["runId"])
    await chat.keyboard.press("Escape")
    await expect(chat.get_by_role("dialog")).to_have_count(0)
    await expect(growing(chat)).to_contain_text("word")  # the key closed the story and nothing else
    await chat.keyboard.press("Escape")
    await expect(answers(chat).last).to_contain_text("Stopped.")


async def test_a_session_is_renamed(web: Site):
    await talked(web, "hello", key="agent:main:main:chat:plans")
    page = await web.visit("/sessions/agent:main:main:chat:plans")
    await page.get_by_role("button", name="Rename").click()
    name = page.get_by_role("textbox", name="Name")
    await expect(name).to_be_focused()
    await name.fill("Holiday plans")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Assistant / Holiday plans")
    await expect(page.get_by_role("button", name="Rename")).to_be_focused()


async def test_a_session_begins_anew_only_after_a_yes(web: Site):
    await talked(web, "hello")
    page = await web.visit(f"/sessions/{MAIN}")
    await expect(page.locator(".entry")).to_have_count(2)
    again = page.get_by_role("button", name="Begin anew")
    await again.click()
    asked = page.get_by_role("dialog", name="Begin Assistant / Main anew?")
    await expect(asked).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(asked).to_have_count(0)
    await expect(again).to_be_focused()
    await expect(page.locator(".entry")).to_have_count(2)
    await again.click()
    await asked.get_by_role("button", name="Begin anew").click()
    await expect(page.get_by_text("Nothing was said yet")).to_be_visible()
    await expect(page.get_by_role("status")).to_contain_text("begins anew")


async def test_a_session_is_deleted_only_after_a_yes(web: Site):
    await talked(web, "hello", key="agent:main:main:chat:plans")
    page = await web.visit("/sessions/agent:main:main:chat:plans")
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page).to_have_url(f"{web.url}/sessions")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sessions")
    await expect(page.get_by_text("No sessions yet")).to_be_visible()


async def test_summing_up_says_how_it_went(web: Site):
    await talked(web, "hello")
    page = await web.visit(f"/sessions/{MAIN}")
    await page.get_by_role("button", name="Sum up").click()
    await expect(page.get_by_role("status")).to_contain_text("Nothing was summed up")


@pytest.mark.parametrize("format", ["JSON", "Markdown"])
async def test_a_session_is_exported(demo: Site, tmp_path: Path, format: str):
    await talked(demo, "hello ```", "[[demo tool session_status {}]]")
    page = await demo.visit(f"/sessions/{MAIN}")
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name=f"Export as {format}").click()
    saved = await waiting.value
    text = Path(await saved.path()).read_text("utf-8")
    if format == "JSON":
        assert saved.suggested_filename == "Main.json"
        whole = json.loads(text)
        assert whole["session"]["sessionKey"] == MAIN
        assert [one["role"] for one in whole["messages"]][:2] == ["user", "assistant"]
    else:
        assert saved.suggested_filename == "Main.md"
        assert text.startswith("# Assistant / Main\n")
        assert "## Operator" in text and "hello ```" in text
        assert "## Result of session_status" in text


async def test_a_session_that_is_not_there_says_so(web: Site):
    page = await web.visit("/sessions/agent:main:main:chat:gone")
    await expect(page.get_by_text("There is no such session")).to_be_visible()
    await page.get_by_role("link", name="All sessions").click()
    await expect(page).to_have_url(f"{web.url}/sessions")


async def test_hostile_names_and_texts_stay_inert(web: Site):
    label = "<img src=x onerror=alert(1)>\u202e"
    web.model.on(
        "<script>alert(1)</script>",
        ["<img src=x onerror=alert(1)> ![a](https://far.example/a.png)"],
    )
    await talked(web, "<script>alert(1)</script>")
    await web.bench.app.sessions.rename(MAIN, label)
    page = await web.visit(f"/sessions/{MAIN}")
    await expect(page.get_by_role("heading", level=1)).to_contain_text(
        "<img src=x onerror=alert(1)>"
    )
    await expect(page.locator(".entry")).to_have_count(2)
    await expect(page.locator("main img, main script")).to_have_count(0)
