"""A real browser at the door: signing in without scripts, and what foreign pages cannot do."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Browser, async_playwright

from tests.contracts.gateway_kit import TOKEN, Rig, running

pytestmark = pytest.mark.browser

# What a page of somebody else tries from the operator's own browser.
ATTACK = """
async ([url, token]) => {
  const tried = {};
  const post = (type, body) => fetch(url + '/login', {
    method: 'POST', mode: 'no-cors', credentials: 'include', body,
    headers: {'Content-Type': type}}).then((answer) => answer.type, () => 'failed');
  tried.text = await post('text/plain', JSON.stringify({token}));
  tried.form = await post('application/x-www-form-urlencoded', 'token=' + token);
  tried.read = await fetch(url + '/readyz').then(() => 'read', () => 'failed');
  tried.socket = await new Promise((done) => {
    const socket = new WebSocket(url.replace('http', 'ws') + '/ws');
    socket.onopen = () => done('open');
    socket.onerror = () => done('failed');
  });
  return tried;
}
"""


@pytest.fixture
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    async with async_playwright() as play:
        started = await play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        await started.close()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running() as rig:
        yield rig


@pytest.fixture
async def foreign() -> AsyncIterator[str]:
    """A page of another origin on the same machine."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<h1>elsewhere</h1>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


@pytest.mark.parametrize("scripts", [True, False])
async def test_the_token_opens_the_page_with_and_without_scripts(
    rig: Rig, browser: Browser, scripts: bool
):
    context = await browser.new_context(java_script_enabled=scripts)
    page = await context.new_page()
    await page.goto(rig.url + "/chat")
    assert page.url == rig.url + "/login"
    await page.get_by_label("Token").fill("wrong")
    await page.get_by_role("button", name="Sign in").click()
    assert await page.get_by_role("alert").inner_text() == "That token is not right."
    await page.get_by_label("Token").fill(TOKEN)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(rig.url + "/chat")
    [cookie] = await context.cookies()
    assert cookie["httpOnly"] is True and cookie["sameSite"] == "Strict"


async def test_a_link_opens_the_page_and_leaves_no_code_behind(rig: Rig, browser: Browser):
    page = await browser.new_page()
    await page.goto(rig.gateway.login_url())
    assert page.url == rig.url + "/chat"
    assert await page.evaluate("document.referrer") == ""


async def test_the_sign_in_page_obeys_the_policy(rig: Rig, browser: Browser):
    page = await browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.goto(rig.url + "/login")
    assert not [text for text in said if "Content Security Policy" in text or "Refused" in text]
    width = await page.locator("main").evaluate("(node) => node.getBoundingClientRect().width")
    assert width <= 26 * 16


async def test_a_foreign_page_can_do_nothing_with_a_signed_in_browser(
    rig: Rig, browser: Browser, foreign: str
):
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(rig.gateway.login_url())
    before = dict(rig.browsers.rows)
    await page.goto(foreign)
    tried = await page.evaluate(ATTACK, [rig.url, TOKEN])
    assert tried == {
        "text": "failed",
        "form": "failed",
        "read": "failed",
        "socket": "failed",
    }
    assert rig.browsers.rows == before
    await page.set_content(f'<iframe src="{rig.url}/chat"></iframe>')
    frame = page.frames[-1]
    assert "Trunkline" not in await frame.content()
