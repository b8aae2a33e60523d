"""The page as people use it: say something, watch it grow, stop it, come back, go elsewhere."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from bot.types import Failure
from tests.browser.site import (
    MAIN,
    Site,
    answers,
    composer,
    growing,
    log,
    questions,
    say,
    serve,
)

pytestmark = pytest.mark.browser


async def test_a_link_signs_in_and_hello_streams_to_one_answer(demo: Site):
    page = await demo.sign_in()
    await expect(page).to_have_url(re.compile(r"/chat#agent:main:main$"))
    await say(page, "hello")
    await expect(answers(page)).to_have_count(1)
    await expect(answers(page)).to_contain_text("You wrote: hello")
    await expect(questions(page)).to_have_count(1)
    await expect(growing(page)).to_have_count(0)
    await expect(composer(page)).to_have_value("")
    await page.reload()
    await expect(answers(page)).to_have_count(1)
    await expect(questions(page)).to_have_count(1)


async def test_without_a_sign_in_the_page_is_not_served(web: Site):
    page = await web.context.new_page()
    await page.goto(f"{web.url}/chat")
    await expect(page).to_have_url(f"{web.url}/login")


async def test_the_answer_grows_before_it_ends(web: Site):
    go_on = asyncio.Event()
    web.model.on("hello", ["first ", go_on, "second"])
    page = await web.sign_in()
    await say(page, "hello")
    await expect(growing(page)).to_contain_text("first")
    await expect(page.get_by_role("button", name="Stop")).to_be_visible()
    go_on.set()
    await expect(answers(page)).to_contain_text("first second")
    await expect(page.get_by_role("button", name="Stop")).to_have_count(0)


@pytest.mark.parametrize("by", ["button", "key"])
async def test_stop_keeps_what_was_written(web: Site, by: str):
    never = asyncio.Event()
    web.model.on("hello", ["so far", never])
    page = await web.sign_in()
    await say(page, "hello")
    await expect(growing(page)).to_contain_text("so far")
    if by == "button":
        await page.get_by_role("button", name="Stop").click()
    else:
        await page.keyboard.press("Escape")
    await expect(answers(page)).to_contain_text("so far")
    await expect(answers(page)).to_contain_text("Stopped.")
    await page.reload()
    await expect(answers(page)).to_contain_text("so far")
    await expect(answers(page)).to_contain_text("Stopped.")


async def test_a_reload_in_mid_stream_goes_on_without_gap_or_repeat(demo: Site):
    page = await demo.sign_in()
    await say(page, "[[demo stream 40 50]]")
    await expect(growing(page)).to_contain_text("word3")
    await page.reload()
    await expect(growing(page)).to_contain_text("word4")
    await expect(questions(page)).to_have_count(1)
    await expect(answers(page)).to_have_count(1)
    whole = " ".join(f"word{number}" for number in range(1, 41))
    await expect(answers(page).locator(".md")).to_have_text(whole)
    await expect(log(page).locator("article")).to_have_count(2)


async def test_a_lost_connection_is_told_and_mended_and_what_was_written_meanwhile_goes_out_once(
    web: Site,
):
    go_on = asyncio.Event()
    web.model.on("hello", ["one ", go_on, "two"])
    page = await web.sign_in()
    sent: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda text: sent.append(str(text))))
    await page.reload()
    await web.ready(page)
    await say(page, "hello")
    await expect(growing(page)).to_contain_text("one")
    port = int(web.url.rpartition(":")[2])
    await web.gateway.stop()
    await expect(page.get_by_role("status")).to_contain_text("No connection")
    await say(page, "written without a connection")
    await expect(questions(page).last).to_contain_text("goes out when the connection is back")
    go_on.set()
    web.gateway = await serve(web.bench, port)
    await expect(answers(page).first).to_contain_text("one two")
    await expect(answers(page).last).to_contain_text("echo written without a connection")
    await expect(page.get_by_role("status")).to_have_text("")
    await expect(log(page).locator("article")).to_have_count(4)
    assert [request.entries[-1].text for request in web.model.requests] == [
        "hello",
        "written without a connection",
    ]
    # However often it was tried, it is one send: under one key, as the first one has another.
    keys = [re.findall(r'"idempotencyKey":"([^"]+)"', one) for one in sent if "chat.send" in one]
    assert len({key for [key] in keys}) == 2
    # The browser itself writes down that it could not connect.
    web.complaints[:] = [one for one in web.complaints if "ERR_CONNECTION_REFUSED" not in one]


async def test_what_waits_is_shown_and_can_be_withdrawn(web: Site):
    go_on = asyncio.Event()
    web.model.on("first", ["busy", go_on])
    page = await web.sign_in()
    await say(page, "first")
    await expect(growing(page)).to_contain_text("busy")
    await say(page, "second")
    await say(page, "third")
    await expect(page.get_by_role("button", name="Withdraw")).to_have_count(2)
    await page.get_by_role("button", name="Withdraw").first.click()
    await expect(page.get_by_role("button", name="Withdraw")).to_have_count(1)
    await page.reload()
    await expect(page.get_by_role("button", name="Withdraw")).to_have_count(1)
    go_on.set()
    await expect(answers(page)).to_have_count(2)
    await expect(answers(page).last).to_contain_text("echo third")
    await expect(log(page).locator("article")).to_have_count(4)


async def test_a_new_session_is_empty_and_stays_and_the_old_one_keeps_its_history(web: Site):
    page = await web.sign_in()
    await say(page, "in the first")
    await expect(answers(page)).to_contain_text("echo in the first")
    await page.get_by_role("button", name="New session").click()
    await page.get_by_role("textbox", name="Name").fill("Holiday plans")
    await page.get_by_role("button", name="Create").click()
    sessions = page.get_by_role("navigation", name="Sessions")
    await expect(sessions.get_by_role("link", name="Holiday plans")).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Holiday plans")
    await expect(log(page).locator("article")).to_have_count(0)
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Holiday plans")
    await say(page, "in the second")
    await expect(answers(page)).to_contain_text("echo in the second")
    await sessions.get_by_role("link", name="Main").click()
    await expect(answers(page)).to_contain_text("echo in the first")
    await expect(log(page).locator("article")).to_have_count(2)
    await page.go_back()
    await expect(answers(page)).to_contain_text("echo in the second")


async def test_two_tabs_stay_in_step(web: Site):
    go_on = asyncio.Event()
    web.model.on("hello", ["one ", go_on, "two"])
    here = await web.sign_in()
    there = await web.open()
    await say(here, "hello")
    await expect(questions(there)).to_contain_text("hello")
    await expect(growing(there)).to_contain_text("one")
    go_on.set()
    for page in (here, there):
        await expect(answers(page)).to_contain_text("one two")
        await expect(log(page).locator("article")).to_have_count(2)
    await say(there, "and back")
    await expect(questions(here).last).to_contain_text("and back")
    await expect(answers(here)).to_have_count(2)


async def test_a_command_answers_in_place_and_a_new_transcript_is_empty(demo: Site):
    page = await demo.sign_in()
    await say(page, "hello")
    await expect(answers(page)).to_have_count(1)
    await say(page, "/status")
    await expect(answers(page)).to_have_count(2)
    await say(page, "again")
    await expect(answers(page)).to_have_count(3)
    texts = await log(page).locator("article").all_inner_texts()
    kinds = [text.split("\n")[0] for text in texts]
    assert kinds == ["You", "Assistant"] * 3
    assert "/status" in texts[2] and "again" in texts[4]
    await say(page, "/new")
    await expect(questions(page).first).to_contain_text("/new")
    await expect(answers(page).first).to_contain_text("New session started")
    await expect(log(page)).not_to_contain_text("/status")


async def test_silence_shows_nothing(web: Site):
    web.model.on("hush", ["NO_", "REPLY"])
    page = await web.sign_in()
    await say(page, "hush")
    await say(page, "hello")
    await expect(answers(page)).to_contain_text("echo hello")
    await expect(log(page)).not_to_contain_text("NO_")
    await expect(log(page).locator("article")).to_have_count(3)


async def test_an_error_is_a_readable_line_now_and_after_a_reload(web: Site):
    web.model.on("hello", ["began ", Failure("MODEL_CUT", "cut", None, None, False)])
    page = await web.sign_in()
    await say(page, "hello")
    for _ in range(2):
        await expect(answers(page)).to_have_count(1)
        await expect(answers(page)).to_contain_text("(E-MODEL-CUT)")
        await page.reload()


async def test_the_model_picker_offers_what_is_ready_and_changes_this_session_alone(web: Site):
    page = await web.sign_in()
    picker = page.get_by_role("combobox", name="Model")
    offered = await picker.locator("option").all_inner_texts()
    assert offered == ["Default: demo/demo", "demo/demo", "demo/second"]
    await picker.select_option("demo/second")
    await say(page, "hello")
    await expect(answers(page)).to_contain_text("demo/second")
    await page.reload()
    await expect(picker).to_have_value("demo/second")
    await picker.select_option("")
    await say(page, "again")
    await expect(answers(page).last).to_contain_text("demo/demo")
    row = await web.bench.app.sessions.get(MAIN)
    assert row is not None and '"model"' not in (row["settings"] or "")


async def test_an_agent_has_its_own_sessions(web: Site):
    page = await web.sign_in()
    await page.get_by_role("combobox", name="Agent").select_option("helper")
    await expect(page).to_have_url(re.compile("#agent:helper:main$"))
    await say(page, "hello")
    await expect(answers(page)).to_contain_text("echo hello")
    await page.get_by_role("combobox", name="Agent").select_option("main")
    await expect(log(page).locator("article")).to_have_count(0)


async def test_earlier_messages_come_when_asked_for(web: Site):
    page = await web.sign_in()
    for number in range(3):
        await web.bench.ask(f"message {number}", f"run-{number}")
    await expect(answers(page)).to_have_count(3)
    await page.route("**/static/chat/actions.js", _small_pages)
    await page.reload()
    await expect(answers(page)).to_have_count(1)
    await page.get_by_role("button", name="Show earlier messages").click()
    await expect(answers(page)).to_have_count(2)
    await page.get_by_role("button", name="Show earlier messages").click()
    await expect(answers(page)).to_have_count(3)
    await expect(page.get_by_role("button", name="Show earlier messages")).to_have_count(0)
    await say(page, "and a new one")
    await expect(answers(page)).to_have_count(4)


async def _small_pages(route):
    answer = await route.fetch()
    text = await answer.text()
    assert "const PAGE = 200;" in text
    await route.fulfill(response=answer, body=text.replace("const PAGE = 200;", "const PAGE = 2;"))


async def test_the_chips_of_the_demo_show_every_path(demo: Site):
    page = await demo.sign_in()
    await expect(page.get_by_text("Demo model, no AI")).to_be_visible()
    for number, name in enumerate(["Markdown", "Tool", "Error", "Think"], 1):
        await page.get_by_role("button", name=name, exact=True).click()
        await expect(answers(page)).to_have_count(number)
    shown = answers(page)
    await expect(shown.nth(0).get_by_role("table")).to_be_visible()
    await expect(shown.nth(0).get_by_role("link", name="a link")).to_be_visible()
    await expect(shown.nth(0).locator(".code-bar")).to_contain_text("python")
    await expect(shown.nth(1)).to_contain_text("session_status")
    await expect(shown.nth(2)).to_contain_text("E-MODEL-OVERLOADED")
    await expect(shown.nth(3)).to_contain_text("Both sides have a point.")


async def test_a_draft_survives_a_reload_and_belongs_to_its_session(web: Site):
    page = await web.sign_in()
    await composer(page).fill("half a thought")
    await page.reload()
    await expect(composer(page)).to_have_value("half a thought")
    await page.get_by_role("combobox", name="Agent").select_option("helper")
    await expect(composer(page)).to_have_value("")
    await composer(page).fill("for the helper")
    await page.get_by_role("combobox", name="Agent").select_option("main")
    await expect(composer(page)).to_have_value("half a thought")
    await page.get_by_role("combobox", name="Agent").select_option("helper")
    await expect(composer(page)).to_have_value("for the helper")


async def test_a_page_that_is_signed_out_says_so_and_leads_to_the_sign_in(web: Site):
    page = await web.sign_in()
    await web.context.clear_cookies()
    await web.gateway.stop()
    web.gateway = await serve(web.bench, int(web.url.rpartition(":")[2]))
    await expect(page.get_by_role("status")).to_contain_text("You are signed out.")
    link = page.get_by_role("link", name="Sign in")
    await expect(link).to_have_attribute("href", "/login")
    web.complaints[:] = [one for one in web.complaints if "ERR_CONNECTION_REFUSED" not in one]
