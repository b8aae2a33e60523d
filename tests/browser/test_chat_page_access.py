"""The page without a mouse, on a narrow screen, in the dark, and to somebody who listens."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.site import Site, answers, composer, growing, log, say, site

pytestmark = pytest.mark.browser

WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# What is added to the log, each piece once, unless it is below what is not live.
LISTEN = """() => {
  window.announced = [];
  const spoken = node => node.parentElement?.closest('[aria-live=off]') === null
    && node.ariaLive !== 'off';
  new MutationObserver(changes => {
    const added = new Set(changes.flatMap(change => [...change.addedNodes]));
    const inside = ({parentNode: up}) => up && (added.has(up) || inside(up));
    for (const node of added) {
      if (!inside(node) && spoken(node)) window.announced.push(node.textContent);
    }
  }).observe(document.querySelector('[role=log]'), {childList: true, subtree: true});
}"""
NARROW = {"width": 320, "height": 640}
ZOOMED = {"width": 320, "height": 256}  # 1280 by 1024 at 400 %
LONG = (
    "Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüsselloch" * 3
    + "\n\n```\n"
    + "x" * 300
    + "\n```\n\n|"
    + "column|" * 20
    + "\n|"
    + "---|" * 20
    + "\n\nhttps://far.example/"
    + "a" * 200
)


async def focused(page: Page) -> str:
    """The name of what has the focus; a stretch of the page has none."""
    return str(
        await page.evaluate(
            "() => { const one = document.activeElement;"
            "if (one.matches('main, [role=tabpanel]')) return '';"
            "return one.getAttribute('aria-label') ?? one.labels?.[0]?.innerText ?? one.innerText }"
        )
    )


async def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    seen = []
    for _ in range(30):
        await page.keyboard.press(key)
        seen.append(await focused(page))
        if seen[-1].startswith(name):
            return
    raise AssertionError(f"{name} is not among {seen}")


async def test_everything_works_by_keyboard(web: Site):
    never = asyncio.Event()
    web.model.on("first\nsecond", ["growing", never])
    page = await web.sign_in()
    await expect(composer(page)).to_be_focused()
    await page.keyboard.type("first")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("second")
    await page.keyboard.press("Enter")
    await expect(growing(page)).to_contain_text("growing")
    await expect(composer(page)).to_be_focused()
    await tab_to(page, "Stop")
    await page.keyboard.press("Enter")
    await expect(answers(page)).to_contain_text("Stopped.")
    await expect(composer(page)).to_be_focused()
    await page.keyboard.press("Control+Shift+O")
    await expect(page.get_by_role("dialog", name="New session")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(composer(page)).to_be_focused()
    await tab_to(page, "New session", "Shift+Tab")
    await page.keyboard.press("Enter")
    await page.keyboard.type("By hand")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("By hand")
    await expect(composer(page)).to_be_focused()
    await page.keyboard.press("Alt+ArrowDown")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Main")
    await tab_to(page, "Model", "Shift+Tab")
    await tab_to(page, "Theme: system", "Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")


async def test_roles_and_names(web: Site):
    page = await web.sign_in()
    await expect(page.get_by_role("main")).to_have_count(1)
    await expect(page.get_by_role("heading", level=1)).to_have_count(1)
    await expect(page.get_by_role("log")).to_have_count(1)
    await expect(page.get_by_role("textbox", name="Message")).to_be_visible()
    for name in ("Send", "New session"):
        await expect(page.get_by_role("button", name=name, exact=True)).to_have_count(1)
    nameless = await page.locator("button, a, input, textarea, select").evaluate_all(
        "all => all.filter(one => !(one.getAttribute('aria-label') || one.innerText.trim()"
        "|| one.labels?.length)).map(one => one.outerHTML)"
    )
    assert nameless == []


async def test_an_answer_is_announced_once_and_whole(web: Site):
    one, two = asyncio.Event(), asyncio.Event()
    web.model.on("hello", ["a ", one, "b ", two, "c"])
    page = await web.sign_in()
    await page.evaluate(LISTEN)
    await say(page, "hello")
    await expect(growing(page)).to_contain_text("a")
    one.set()
    await expect(growing(page)).to_contain_text("a b")
    two.set()
    await expect(answers(page)).to_contain_text("a b c")
    announced = await page.evaluate("window.announced")
    spoken = [text for text in announced if "a b" in text]
    assert len(spoken) == 1 and "a b c" in spoken[0], announced


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_narrow_screen_has_no_sideways_scroll(
    browser: Browser, tmp_path: Path, scheme: str
):
    async with site(browser, tmp_path, viewport=NARROW, color_scheme=scheme) as web:
        web.model.on("long", [LONG])
        page = await web.sign_in()
        assert await page.evaluate(WIDE) == 0
        await say(page, "long")
        await expect(answers(page)).to_have_count(1)
        assert await page.evaluate(WIDE) == 0
        await page.get_by_role("button", name="Show sessions").click()
        await page.get_by_role("link", name="Main").click()
        await expect(page.get_by_role("button", name="Hide sessions")).not_to_be_visible()
        await page.get_by_role("button", name="New session").click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        assert await page.evaluate(WIDE) == 0
        await page.keyboard.press("Escape")
        await page.set_viewport_size(ZOOMED)
        box = await page.locator(".scroller").bounding_box()
        assert box is not None and box["height"] > ZOOMED["height"] / 2
        await composer(page).scroll_into_view_if_needed()
        await expect(composer(page)).to_be_in_viewport()
        assert await page.evaluate(WIDE) == 0
        await page.get_by_role("button", name="Schedule this").click()
        create = page.get_by_role("button", name="Create")
        await create.scroll_into_view_if_needed()
        await expect(create).to_be_in_viewport(ratio=1)
        assert await page.evaluate(WIDE) == 0
        assert web.complaints == []


async def test_light_and_dark_differ_and_a_choice_stays(web: Site):
    page = await web.sign_in()
    ground = "getComputedStyle(document.body).backgroundColor"
    await page.emulate_media(color_scheme="dark")
    dark = await page.evaluate(ground)
    await page.emulate_media(color_scheme="light")
    light = await page.evaluate(ground)
    assert dark != light
    await page.get_by_role("button", name="Theme: system").click()
    await page.get_by_role("button", name="Theme: light").click()
    assert await page.evaluate(ground) == dark
    await page.reload()
    assert await page.evaluate(ground) == dark


# The last line may grow once more, by its time and tokens, before the page follows it down.
AT_THE_END = """() => {
    const box = document.querySelector(".scroller");
    return Math.round(box.scrollHeight - box.clientHeight - box.scrollTop) <= 1;
}"""


async def test_a_reader_who_scrolled_up_is_left_there(web: Site):
    page = await web.sign_in()
    web.model.on("tall", ["line  \n" * 200])
    await say(page, "tall")
    await expect(answers(page)).to_have_count(1)
    scroller = page.locator(".scroller")
    await page.wait_for_function(AT_THE_END)
    await log(page).hover()
    await page.mouse.wheel(0, -1500)
    latest = page.get_by_role("button", name="Jump to latest")
    await expect(latest).to_be_visible()
    before = await scroller.evaluate("box => box.scrollTop")
    await web.bench.ask("from elsewhere", "run-elsewhere")
    await expect(answers(page)).to_have_count(2)
    assert await scroller.evaluate("box => box.scrollTop") == before
    await latest.click()
    await page.wait_for_function(AT_THE_END)
    await expect(latest).to_have_count(0)


async def test_without_scripts_the_page_says_what_to_do(browser: Browser, tmp_path: Path):
    async with site(browser, tmp_path, java_script_enabled=False) as web:
        page = await web.context.new_page()
        await page.goto(web.gateway.login_url())
        await expect(page.get_by_role("main")).to_contain_text("trunkline chat")
