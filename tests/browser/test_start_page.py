"""/start: four cards that say what is really done; a model is saved only after it has answered."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web as http
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect

from tests.browser.site import Site, site

pytestmark = pytest.mark.browser

FIRST = "# kept: mine\nagents:\n  - {id: main, name: Assistant}\n"


@pytest.fixture
async def fresh(browser: Browser, tmp_path: Path) -> AsyncIterator[Site]:
    file = tmp_path / "config.yaml"
    async with site(browser, tmp_path, scripted=False, config=FIRST, file=file) as web:
        yield web
    assert web.complaints == [] and web.strangers() == []


def card(page: Page, name: str):
    return page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=name))


async def test_cards_are_done_by_what_is_there(fresh: Site):
    page = await fresh.visit("/start")
    for name in ("Add a model", "Connect a channel", "Schedule something", "Try the demo"):
        await expect(card(page, name)).to_contain_text("not done")
    await fresh.bench.ask("hello", "run-1")
    await fresh.bench.settle()
    await expect(card(page, "Try the demo")).to_have_attribute("data-done", "true")
    await page.reload()
    await expect(card(page, "Try the demo")).to_contain_text("The demo model has answered.")
    await expect(card(page, "Add a model")).to_contain_text("not done")


async def answering(replies: list[int]) -> TestServer:
    """A server of models in the form that local ones have; `replies` are its next statuses."""

    async def models(request: http.Request) -> http.Response:
        return http.json_response({"models": [{"name": "small", "model": "small"}]})

    async def show(request: http.Request) -> http.Response:
        return http.json_response({"capabilities": ["completion"], "model_info": {}})

    async def chat(request: http.Request) -> http.Response:
        if (status := replies.pop(0)) != 200:
            return http.json_response({"error": "not now"}, status=status)
        text = '{"message": {"role": "assistant", "content": "OK"}, "done": false}\n'
        text += '{"message": {"content": ""}, "done": true, "done_reason": "stop"}\n'
        return http.Response(text=text, content_type="application/x-ndjson")

    app = http.Application()
    app.router.add_get("/api/tags", models)
    app.router.add_post("/api/show", show)
    app.router.add_post("/api/chat", chat)
    server = TestServer(app, port=11434)
    await server.start_server()
    return server


async def test_a_local_model_is_saved_after_it_has_answered(fresh: Site, tmp_path: Path):
    file = tmp_path / "config.yaml"
    page = await fresh.visit("/start")
    try:
        server = await answering([404, 200, 200])
    except OSError:
        pytest.skip("something listens on the port of the local server that is looked for")
    try:
        await page.get_by_role("button", name="Look for models").click()
        dialog = page.get_by_role("dialog", name="Found here")
        await expect(dialog.get_by_label("Server")).to_contain_text("Ollama")
        await dialog.get_by_role("button", name="Test and save").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("Nothing was saved")
        assert file.read_text() == FIRST
        await dialog.get_by_role("button", name="Test and save").click()
        await expect(card(page, "Add a model")).to_have_attribute("data-done", "true")
        saved = file.read_text()
        assert "# kept: mine" in saved and "model: ollama/small" in saved
        # Once more changes nothing.
        await page.get_by_role("button", name="Look for models").click()
        await dialog.get_by_role("button", name="Test and save").click()
        await expect(page.get_by_role("status")).to_contain_text("nothing was changed")
        assert file.read_text() == saved
    finally:
        await server.close()
