"""What can be done with messages: copy, edit, fork, ask again, link, and pick up what waits."""

import asyncio
import re

import pytest
from playwright.async_api import Page, expect

from bot.testing.model import call
from bot.types import ThinkDelta
from tests.browser.axe import findings
from tests.browser.site import (
    MAIN,
    Site,
    answers,
    composer,
    growing,
    log,
    questions,
    say,
)

pytestmark = pytest.mark.browser

BLOCKS = "```python\ndef f(x):\n    return 'a' + 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |"


async def clipboard(page: Page) -> str:
    return str(await page.evaluate("navigator.clipboard.readText()"))


async def test_messages_code_and_tables_are_copied_and_code_is_coloured(web: Site):
    await web.context.grant_permissions(["clipboard-read", "clipboard-write"])
    web.model.on("show", [BLOCKS])
    page = await web.sign_in()
    await say(page, "show")
    await expect(answers(page)).to_have_count(1)
    await expect(answers(page).locator(".hljs-keyword").first).to_have_text("def")
    await answers(page).get_by_role("button", name="Copy code").click()
    await expect(answers(page).get_by_text("Copied")).to_be_visible()
    assert await clipboard(page) == "def f(x):\n    return 'a' + 1"
    await answers(page).get_by_role("button", name="Copy table").click()
    await expect(answers(page).locator(".table-bar")).to_contain_text("Copied")
    assert await clipboard(page) == "a\tb\n1\t2"
    await answers(page).locator("footer").get_by_role("button", name="Copy", exact=True).click()
    await expect(answers(page).locator("footer")).to_contain_text("Copied")
    assert await clipboard(page) == BLOCKS
    await questions(page).get_by_role("button", name="Copy", exact=True).click()
    await expect(questions(page).locator("footer")).to_contain_text("Copied")
    assert await clipboard(page) == "show"


async def test_what_waits_is_edited_by_taking_it_back(web: Site):
    go_on = asyncio.Event()
    web.model.on("first", ["busy", go_on])
    page = await web.sign_in()
    await say(page, "first")
    await expect(growing(page)).to_contain_text("busy")
    await say(page, "secnd")
    await questions(page).last.get_by_role("button", name="Edit").click()
    await expect(composer(page)).to_have_value("secnd")
    await expect(composer(page)).to_be_focused()
    await expect(page.get_by_role("button", name="Withdraw")).to_have_count(0)
    await say(page, "second")
    go_on.set()
    await expect(answers(page)).to_have_count(2)
    assert [one.entries[-1].text for one in web.model.requests] == ["first", "second"]


async def test_an_old_question_is_edited_in_a_branch_and_the_old_one_stays(web: Site):
    page = await web.sign_in()
    for text in ("one", "two"):
        await say(page, text)
        await expect(answers(page).last).to_contain_text(f"echo {text}")
    await questions(page).last.get_by_role("button", name="Edit").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Main branch")
    await expect(composer(page)).to_have_value("two")
    await expect(answers(page)).to_have_count(1)
    await say(page, "three")
    await expect(answers(page).last).to_contain_text("echo three")
    texts = [entry.text for entry in web.model.requests[-1].entries]
    assert texts == ["one", "echo one", "three"]
    await page.locator('.side a[href$=":main"]').click()
    await expect(questions(page).last).to_contain_text("two")


async def test_an_answer_is_forked_and_asked_again_with_another_model(web: Site):
    page = await web.sign_in()
    for text in ("one", "two"):
        await say(page, text)
        await expect(answers(page).last).to_contain_text(f"echo {text}")
    await answers(page).last.get_by_role("button", name="Retry").click()
    dialog = page.get_by_role("dialog", name="Ask again")
    await dialog.get_by_role("combobox", name="Answer with").select_option("demo/second")
    await dialog.get_by_role("button", name="Retry").click()
    await expect(answers(page).last).to_contain_text("demo/second")
    await expect(answers(page).last).to_contain_text("echo two")
    await answers(page).first.get_by_role("button", name="Fork").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Main branch")
    await expect(log(page).locator("article")).to_have_count(2)
    await expect(answers(page)).to_contain_text("echo one")


async def test_thoughts_and_tools_say_how_long_they_took(web: Site):
    web.model.on("think", [ThinkDelta("one side, "), 0.3, ThinkDelta("other side"), "so"])
    web.model.on("tool", [call("session_status")], ["done"])
    page = await web.sign_in()
    await say(page, "/reasoning stream")
    await say(page, "/verbose full")
    await expect(answers(page)).to_have_count(2)
    await say(page, "think")
    await expect(answers(page).last.locator("summary")).to_have_text(
        re.compile(r"^Thinking, [0-9.]+ s$")
    )
    await say(page, "tool")
    card = answers(page).last.locator(".tool")
    for _ in range(2):
        await expect(card.locator("summary")).to_have_text(
            re.compile(r"session_status done [0-9.]+ s")
        )
        await card.locator("summary").click()
        await expect(card.get_by_role("heading", name="Output")).to_be_visible()
        await page.reload()


async def test_a_link_leads_to_its_message(web: Site):
    page = await web.sign_in()
    for number in range(12):
        await web.bench.ask(f"message {number}", f"run-{number}")
    await expect(answers(page)).to_have_count(12)
    await page.reload()
    target = questions(page).nth(1)
    number = await target.get_attribute("data-id")
    await page.goto("about:blank")
    await page.goto(f"{web.url}/chat#{MAIN}/{number}")
    pointed = log(page).locator(".pointed")
    await expect(pointed).to_contain_text("message 1")
    await expect(pointed).to_be_in_viewport()
    await expect(pointed).to_be_focused()
    await expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()
    # A message that is not here does no harm.
    await page.goto(f"{web.url}/chat#{MAIN}/99999999")
    await expect(answers(page)).to_have_count(12)


async def test_nothing_grave_is_found_in_messages_and_dialogs(web: Site):
    web.model.on("show", [BLOCKS + "\n\n```html\n<img src=x onerror=alert(1)>\n```"])
    page = await web.sign_in()
    await say(page, "show")
    await expect(answers(page).locator(".hljs-name")).to_have_text("img")
    await expect(answers(page).locator("pre").last).to_have_text("<img src=x onerror=alert(1)>")
    await expect(answers(page).locator("img")).to_have_count(0)
    assert await findings(page) == []
    await answers(page).get_by_role("button", name="Retry").click()
    await expect(page.get_by_role("dialog", name="Ask again")).to_be_visible()
    assert await findings(page) == []
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="About Main").click()
    await expect(page.get_by_role("dialog", name="Session")).to_be_visible()
    assert await findings(page) == []
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await composer(page).blur()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert await findings(page) == []


async def test_many_calls_are_one_line_and_thoughts_keep_their_time(web: Site):
    await web.bench.app.sessions.create(MAIN, "Thinker")
    key = f"{MAIN}:chat:thinker"
    await web.bench.app.sessions.patch(key, reasoning="stream")
    names = ("session_status", "agents_list", "sessions_list")
    calls = [call(name, f"c{at}") for at, name in enumerate(names)]
    calls.append(call("memory_search", "c9", query="x"))
    thoughts = [ThinkDelta("First I look. "), 0.3, ThinkDelta("Then I say.")]
    web.model.on("look", calls, [*thoughts, "There it is."])
    await web.sign_in()
    page = await web.open(key)
    await say(page, "look")
    await expect(answers(page)).to_contain_text("There it is.")
    for _ in range(2):
        fold = answers(page).locator("details.tools-of")
        await expect(fold.locator("summary").first).to_have_text("4 tool calls")
        await expect(fold.locator(".tool").first).to_be_hidden()
        await expect(answers(page).get_by_text(re.compile(r"^Thinking, 0\.\d s$"))).to_be_visible()
        await fold.locator("summary").first.press("Enter")
        await expect(fold.locator(".tool")).to_have_count(4)
        await expect(fold.locator(".tool").first).to_be_visible()
        assert await findings(page) == []
        # The same after a reload: it is stored.
        await page.reload()
        await web.ready(page)
