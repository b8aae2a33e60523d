"""A broken configuration is mended in a browser without scripts, after signing in."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from bot.cli.settings import option_types
from bot.clock import SystemClock
from bot.gateway.file import ConfigFile
from bot.gateway.repair import Repair
from tests.browser.axe import findings
from tests.browser.site import site
from tests.browser.test_chat_page_access import WIDE

pytestmark = pytest.mark.browser

TOKEN = "a-token-for-tests"
BROKEN = """\
# mine
gateway: {prot: 1}
providers:
  x: {api: openai, api_key: sk-literal, timeuot: 3s}
"""


@dataclass
class Bench:
    repair: Repair
    file: Path

    @property
    def url(self) -> str:
        return self.repair.url


@pytest.fixture
async def broken(tmp_path: Path) -> AsyncIterator[Bench]:
    file = tmp_path / "config.yaml"
    file.write_text(BROKEN)
    known = ConfigFile(file, os.environ, option_types(), lambda config: None)
    repair = Repair(TOKEN, known, SystemClock())
    await repair.start("127.0.0.1", 0)
    yield Bench(repair, file)
    await repair.stop()


async def entered(browser: Browser, broken: Bench, path: str = "/repair") -> Page:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(broken.url + path)
    await expect(page).to_have_url(f"{broken.url}/login")
    await page.get_by_label("Token").fill(TOKEN)
    await page.get_by_role("button", name="Sign in").click()
    return page


async def test_the_file_is_mended_without_scripts(browser: Browser, broken: Bench):
    page = await entered(browser, broken)
    await expect(page.get_by_role("heading", level=1)).to_contain_text("has mistakes")
    mistakes = page.get_by_role("list", name="2 mistakes").get_by_role("listitem")
    await expect(mistakes.nth(0)).to_contain_text("Line 2, column 11")
    await expect(mistakes.nth(0)).to_contain_text('did you mean "port"?')
    await expect(mistakes.nth(0)).to_contain_text(f"{broken.file}:2:11")
    await expect(mistakes.nth(1)).to_contain_text("providers.x.timeuot")
    assert "sk-literal" not in await page.content()
    box = page.get_by_role("textbox", name="Text of the file")
    text = (await box.input_value()).replace("prot: 1", "port: 8")
    await box.fill(text)
    await page.get_by_role("button", name="Save and start").click()
    await expect(page.get_by_role("heading", name="1 mistake")).to_be_visible()
    assert broken.file.read_text() == BROKEN and not broken.repair.mended.is_set()
    await box.fill(text.replace("timeuot", "idle_timeout"))
    await page.get_by_role("button", name="Check").click()
    await expect(page.get_by_role("status")).to_contain_text("No mistakes")
    assert broken.file.read_text() == BROKEN
    await page.get_by_role("button", name="Save and start").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Saved")
    expected = BROKEN.replace("prot: 1", "port: 8").replace("timeuot", "idle_timeout")
    assert broken.file.read_text() == expected and broken.repair.mended.is_set()


async def test_a_file_that_changed_meanwhile_is_left_alone(browser: Browser, broken: Bench):
    page = await entered(browser, broken, "/chat")
    box = page.get_by_role("textbox", name="Text of the file")
    await box.fill("# only this\n")
    broken.file.write_text("# by hand\n" + BROKEN)
    await page.get_by_role("button", name="Save and start").click()
    await expect(page.get_by_role("alert")).to_contain_text("has changed since")
    await expect(box).to_have_value("# only this\n")
    assert broken.file.read_text() == "# by hand\n" + BROKEN


async def test_nobody_mends_without_signing_in(broken: Bench):
    form = {"text": "# evil\n", "base": "", "do": "save"}
    async with aiohttp.ClientSession() as http:
        for path in ("/", "/repair", "/chat", "/settings"):
            page = await http.get(broken.url + path, allow_redirects=False)
            assert (page.status, page.headers["Location"]) == (303, "/login"), path
        assert (await http.get(broken.url + "/healthz")).status == 200
        assert (await http.get(broken.url + "/readyz")).status == 503
        assert (await http.get(broken.url + "/ws")).status == 404
        own = {"Origin": broken.url}
        assert (await http.post(broken.url + "/repair", data=form, headers=own)).status == 401
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        evil = {**bearer, "Origin": "http://evil.example"}
        assert (await http.post(broken.url + "/repair", data=form, headers=evil)).status == 403
        wrong = {**bearer, "Host": "evil.example"}
        assert (await http.post(broken.url + "/repair", data=form, headers=wrong)).status == 404
        plain = {**bearer, "Content-Type": "text/plain"}
        sent = await http.post(broken.url + "/repair", data="text=x", headers=plain)
        assert sent.status == 415
    assert broken.file.read_text() == BROKEN


async def test_the_page_has_no_grave_findings(browser: Browser, broken: Bench):
    # The check itself is a script, so here scripts are on.
    page = await (await browser.new_context()).new_page()
    for path in ("/login", "/repair"):
        if path == "/repair":
            await page.goto(broken.repair.login_url())
        await page.goto(broken.url + path)
        for scheme, width in (("light", 1200), ("dark", 1200), ("light", 360), ("dark", 320)):
            await page.emulate_media(color_scheme=scheme)
            await page.set_viewport_size({"width": width, "height": 700})
            assert await findings(page) == [], (path, scheme, width)
            assert await page.evaluate(WIDE) == 0, (path, width)
        await page.evaluate("document.documentElement.dir = 'rtl'")
        assert await page.evaluate(WIDE) == 0, path


async def test_sign_in_and_health_need_no_scripts(browser: Browser, tmp_path: Path):
    async with site(browser, tmp_path, java_script_enabled=False) as web:
        page = await web.context.new_page()
        await page.goto(f"{web.url}/settings")
        await page.get_by_label("Token").fill("wrong")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("not right")
        await page.get_by_label("Token").fill(TOKEN)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page).to_have_url(f"{web.url}/chat")
        await page.goto(f"{web.url}/healthz")
        await expect(page.locator("body")).to_contain_text('{"ok":true}')
