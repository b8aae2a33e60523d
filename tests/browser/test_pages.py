"""Every page: its shell, its access without a mouse or much room, and what it may not do."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from bot.gateway.pages_shell import PAGES, TABS
from tests.browser.axe import findings
from tests.browser.site import Site, serve, site
from tests.browser.test_chat_page_access import NARROW, WIDE, ZOOMED
from tests.browser.test_chat_page_sessions import MOVING

pytestmark = pytest.mark.browser

PATHS = [page.path for page in PAGES]
DEEPER = ["/sessions/agent:main:main", *(f"/agents/main/{tab}" for tab in TABS)]
PHONE = {"width": 360, "height": 740}


async def checked(web: Site, path: str) -> Page:
    page = await (web.open() if path == "/chat" else web.visit(path))
    await expect(page.get_by_role("main")).to_have_count(1)
    await expect(page.get_by_role("heading", level=1)).to_have_count(1)
    await expect(page.get_by_role("status")).to_have_count(1)
    return page


# Signs that a look is kept: where one is and what has the focus are seen without colours of ours.
MARKED = """() => {
    const here = getComputedStyle(document.querySelector("[aria-current=page]")).outlineStyle;
    const lined = one => parseFloat(getComputedStyle(one).borderTopWidth) >= 1;
    return here === "solid" && [...document.querySelectorAll("button.primary, .tag")].every(lined);
}"""
# Text of a control that is cut where nobody can scroll it, at any width.
CUT = """() => [...document.querySelectorAll("main :is(button, label, h1, h2, dt, dd, p)")]
    .filter(one => one.checkVisibility() && getComputedStyle(one).overflow !== "hidden")
    .filter(one => !one.closest(".grid thead, .unseen, .chips, .side"))
    .map(one => [one.getBoundingClientRect(), one.outerHTML.slice(0, 120)])
    .filter(([box]) => box.left < -1 || box.right > innerWidth + 1)"""


@pytest.mark.parametrize("paths", [PATHS, DEEPER], ids=["pages", "deeper"])
async def test_every_page_in_every_look(web: Site, paths: list[str]):
    """Landmarks; no grave findings in light, dark and on a phone; forced colours, less motion, 320
    pixels, 400 % zoom and the other direction of writing."""
    await web.bench.ask("hello", "run-1")
    await web.sign_in()
    for path in paths:
        page = await checked(web, path)
        assert await findings(page) == [], path
        await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        assert await findings(page) == [], path
        assert await page.evaluate(MOVING) == 0, path
        await page.emulate_media(color_scheme="light", forced_colors="active")
        assert await page.evaluate(MARKED), path
        await page.emulate_media(forced_colors="none")
        await page.set_viewport_size(PHONE)
        assert await findings(page) == [], path
        for size in (PHONE, NARROW, ZOOMED):
            await page.set_viewport_size(size)
            assert await page.evaluate(WIDE) == 0, (path, size)
            assert await page.evaluate(CUT) == [], (path, size)
        await page.evaluate("document.documentElement.dir = 'rtl'")
        assert await page.evaluate(WIDE) == 0, path
        assert await page.evaluate(CUT) == [], path
        await page.close()


async def test_only_a_signed_in_browser_sees_a_page(web: Site):
    for path in (*PATHS, *DEEPER):
        answer = await web.context.request.get(web.url + path, max_redirects=0)
        assert (answer.status, answer.headers["location"]) == (303, "/login"), path
    assert (await web.context.request.get(f"{web.url}/agents/main/nothing")).status == 404


async def test_the_navigation_leads_everywhere_and_says_where_one_is(web: Site):
    page = await web.visit("/agents")
    rail = page.get_by_role("navigation", name="Pages")
    for one in PAGES:
        await rail.get_by_role("link", name=one.title).click()
        await expect(page).to_have_url(
            f"{web.url}{one.path}" + "#agent:main:main" * (one.name == "chat")
        )
        await expect(rail.locator("[aria-current=page]")).to_contain_text(one.title)


async def test_the_first_tab_stop_skips_the_navigation(web: Site):
    page = await web.visit("/sessions")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("searchbox", name="Search")).to_be_focused()


async def test_tabs_are_walked_by_arrow_keys(web: Site):
    page = await web.visit("/agents/main/models")
    models = page.get_by_role("tab", name="Models")
    await models.focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("tab", name="Channels")).to_be_focused()
    await expect(page).to_have_url(f"{web.url}/agents/main/channels")
    await page.keyboard.press("End")
    await expect(page.get_by_role("tab", name="Files", selected=True)).to_be_focused()
    await page.keyboard.press("Home")
    await expect(models).to_have_attribute("aria-selected", "true")
    await page.go_back()
    await expect(page.get_by_role("tab", name="Files", selected=True)).to_be_visible()


async def test_a_lost_connection_is_said_and_mends_itself(web: Site):
    page = await web.visit("/agents")
    await expect(page.get_by_role("table", name="Agents")).to_contain_text("Helper")
    await web.gateway.stop()
    await expect(page.get_by_role("status")).to_contain_text("No connection")
    await expect(page.get_by_role("table", name="Agents")).to_contain_text("Helper")
    web.gateway = await serve(web.bench, int(web.url.rpartition(":")[2]))
    await expect(page.get_by_role("status")).to_have_text("", timeout=30_000)
    web.complaints[:] = [one for one in web.complaints if "ERR_CONNECTION_REFUSED" not in one]


async def test_the_looks_can_be_chosen(web: Site):
    page = await web.visit("/sessions")
    for name, theme in (("system", "light"), ("light", "dark"), ("dark", "contrast")):
        await page.get_by_role("button", name=f"Theme: {name}").click()
        await expect(page.locator("html")).to_have_attribute("data-theme", theme)
    assert await findings(page) == []
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-theme", "contrast")


async def test_without_scripts_a_page_says_what_to_do(browser: Browser, tmp_path: Path):
    async with site(browser, tmp_path, java_script_enabled=False) as web:
        page = await web.context.new_page()
        await page.goto(web.gateway.login_url())
        await page.goto(f"{web.url}/sessions")
        await expect(page.locator("noscript p")).to_contain_text("needs JavaScript")
