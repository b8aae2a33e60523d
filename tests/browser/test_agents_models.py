"""An agent's models: readiness, keys that go in and never come out, own servers, signing in."""

import stat
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.agents_site import row, said, shop
from tests.browser.axe import findings
from tests.browser.site import MAIN
from tests.fakes.issuer import USER_CODE, FakeIssuer
from tests.fakes.openai_server import FakeOpenAI, error, text_stream

pytestmark = pytest.mark.browser

KEY = "sk-canary-0123456789abcdef"


def config(server: FakeOpenAI) -> str:
    return f"""\
# kept: who answers
limits: {{per_sender: null}}
agents: [{{id: main, name: Assistant}}]
providers:
  far: {{api: openai, base_url: "{server.url}", models: [{{id: one}}, {{id: two}}]}}
"""


async def test_010_a_pasted_key_is_saved_only_when_it_works_and_never_shown(
    browser: Browser, tmp_path: Path
):
    async with FakeOpenAI() as server, shop(browser, tmp_path, config(server)) as web:
        web_frames: list[str] = []
        page = await web.visit("/agents/main/models")
        page.on("websocket", lambda ws: ws.on("framereceived", lambda one: web_frames.append(one)))
        await page.reload()
        await web.settled(page)
        await page.get_by_role("button", name="Paste a key: far").click()
        dialog = page.get_by_role("dialog", name="A key for far")
        key = dialog.get_by_label("Key", exact=True)
        await expect(key).to_have_attribute("type", "password")
        await key.fill(KEY)
        server.refuse(401, error("Incorrect API key provided", "invalid_api_key"))
        await dialog.get_by_role("button", name="Test and save").click()
        await expect(dialog).to_contain_text("Nothing was saved. The key was refused")
        assert KEY not in web.saved()
        server.answer(*text_stream("OK"))
        await dialog.get_by_role("button", name="Test and save").click()
        await said(page, "The key works and is saved")
        assert KEY in web.saved() and "# kept: who answers" in web.saved()
        assert stat.S_IMODE(web.file.stat().st_mode) == 0o600
        await expect(row(page, "Providers", "far")).to_contain_text("1")
        await page.reload()
        await web.settled(page)
        assert KEY not in await page.content()
        assert web_frames and KEY not in "".join(map(str, web_frames))


async def test_012_looking_asks_nobody_and_a_refused_key_has_its_reason(
    browser: Browser, tmp_path: Path
):
    async with FakeOpenAI() as server, shop(browser, tmp_path, config(server)) as web:
        page = await web.visit("/agents/main/models")
        await expect(row(page, "Models", "far/one")).to_contain_text("ready")
        assert server.requests == [] and server.lists == []
        server.refuse(401, error("Incorrect API key provided", "invalid_api_key"))
        await page.get_by_role("button", name="Test: far/one").click()
        await expect(row(page, "Models", "far/one")).to_contain_text("The key was refused")
        await expect(row(page, "Models", "far/one")).to_contain_text("not ready")
        server.answer(*text_stream("OK"))
        await page.get_by_role("button", name="Test: far/one").click()
        await expect(row(page, "Models", "far/one")).to_contain_text("Answered in")
        assert await findings(page) == []


async def test_008_the_choice_is_ordered_by_keyboard_and_changes_the_next_request(
    browser: Browser, tmp_path: Path
):
    async with FakeOpenAI() as server, shop(browser, tmp_path, config(server)) as web:
        page = await web.visit("/agents/main/models")
        choice = page.get_by_role("region", name="Which model answers")
        await expect(choice).to_contain_text("cheap checks fall back to demo/demo")
        await choice.get_by_label("Primary model").select_option("far/two")
        await expect(choice).to_contain_text("cheap checks fall back to far/two")
        for ref in ("far/one", "demo/demo"):
            await choice.get_by_label("Another fallback").select_option(ref)
            await choice.get_by_role("button", name="Add fallback").click()
        await choice.get_by_role("button", name="Up: demo/demo").focus()
        await page.keyboard.press("Enter")
        await expect(choice.get_by_role("listitem").first).to_contain_text("1. demo/demo")
        await said(page, "demo/demo is now 1 of 2")
        await choice.get_by_label("Cheap model for tasks").select_option("demo/demo")
        await choice.get_by_role("button", name="Save").click()
        await said(page, "Saved. The next message uses it.")
        agent = web.bench.app.config.agent("main")
        assert agent is not None
        assert agent.model.primary == "far/two"
        assert list(agent.model.fallbacks) == ["demo/demo", "far/one"]
        assert (agent.task_models.cheap, agent.task_models.strong) == ("demo/demo", None)
        server.answer(*text_stream("from two"))
        chat = await web.open(MAIN)
        await chat.get_by_role("textbox", name="Message").fill("hello")
        await chat.keyboard.press("Enter")
        await expect(chat.get_by_role("log")).to_contain_text("from two")
        assert server.requests[0].body["model"] == "two"
        await page.reload()
        await web.settled(page)
        await expect(choice.get_by_label("Primary model")).to_have_value("far/two")
        await expect(choice.get_by_role("listitem").first).to_contain_text("demo/demo")


async def test_011_an_own_server_is_found_tested_and_added(browser: Browser, tmp_path: Path):
    async with FakeOpenAI() as server, shop(browser, tmp_path) as web:
        server.documents["/v1/models"] = {"data": [{"id": "small"}, {"id": "large"}]}
        page = await web.visit("/agents/main/models")
        await page.get_by_role("button", name="Add a provider").click()
        dialog = page.get_by_role("dialog", name="Add a provider")
        await dialog.get_by_label("Kind").select_option("vllm")
        await expect(dialog.get_by_label("Provider")).to_have_value("vllm")
        await dialog.get_by_label("Address").fill("http://127.0.0.1:9/v1")
        await dialog.get_by_role("button", name="Test and save").click()
        await expect(dialog).to_contain_text("Nothing was saved. Unreachable")
        await dialog.get_by_label("Address").fill(server.url)
        await dialog.get_by_role("button", name="Find models").click()
        await expect(dialog).to_contain_text("It offers 2: small, large")
        await dialog.get_by_label("Model").fill("wrong")
        server.refuse(404, error("The model `wrong` does not exist", "model_not_found"))
        await dialog.get_by_role("button", name="Test and save").click()
        await expect(dialog).to_contain_text("Nothing was saved. No such model")
        assert await findings(page) == []
        await dialog.get_by_label("Model").fill("large")
        server.answer(*text_stream("OK"))
        await dialog.get_by_role("button", name="Test and save").click()
        await said(page, "vllm is saved and in use")
        await expect(row(page, "Models", "vllm/large")).to_contain_text("ready")
        await page.get_by_role("button", name="Remove: vllm").click()
        await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        await expect(row(page, "Providers", "vllm")).to_have_count(0)


async def test_009_a_person_signs_in_by_a_code(browser: Browser, tmp_path: Path):
    async with FakeIssuer() as issuer, FakeOpenAI() as server:
        text = f"""\
agents: [{{id: main, model: far/m}}]
providers:
  far: {{api: openai, base_url: "{server.url}", oauth: {issuer.settings()}}}
"""
        issuer.polls = ["authorization_pending"] * 40
        async with shop(browser, tmp_path, text) as web:
            page = await web.visit("/agents/main/models")
            await expect(row(page, "Providers", "far")).to_contain_text("not ready")
            await page.get_by_role("button", name="Sign in: far").click()
            dialog = page.get_by_role("dialog", name="Sign in to far")
            await expect(dialog).to_contain_text(USER_CODE)
            page_of = dialog.get_by_role("link", name="Open the page")
            await expect(page_of).to_have_attribute("href", f"{issuer.url}/activate")
            assert await findings(page) == []
            issuer.polls.clear()
            await said(page, "Signed in to far")
            await expect(dialog).to_have_count(0)
            await expect(row(page, "Providers", "far")).not_to_contain_text("not ready")
            assert "canary" not in await page.content()
