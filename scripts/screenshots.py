"""Remake the pictures of the page in docs/images: `python scripts/screenshots.py`.

They show the demo model on a fresh store, in a browser that is found on the PATH.
"""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.async_api import Browser, Page, ViewportSize  # noqa: E402

from tests.browser.site import answers, chromium_at, growing, say, site  # noqa: E402

IMAGES = ROOT / "docs" / "images"
CONFIG = "agents: [{id: main, name: Assistant}]"
OPERATOR = """\
# The assistant of the house.
gateway: {token: "a-literal-token"}   # shown nowhere
agents:
  - id: main
    name: Assistant
limits: {daily_cost: 5}
"""
SAID = (
    "What can an answer look like? [[demo markdown]]",
    "[[demo tool session_status {}]]",
    "Tell me more. [[demo long 4000]]",
    "[[demo error 429]]",
)
WIDE = ViewportSize(width=1200, height=960)
NARROW = ViewportSize(width=320, height=640)
SESSIONS = ("Holiday plans", "Release notes", "Reading list")


async def converse(page: Page) -> None:
    """A finished answer, and one that grows while the next question waits."""
    await say(page, "What can an answer look like? [[demo markdown]]")
    await answers(page).nth(0).wait_for()
    await say(page, "[[demo tool session_status {}]] [[demo stream 400 30]]")
    await growing(page).get_by_text("word14").wait_for()


async def schedule(page: Page) -> None:
    """The form that makes a task, with what it has understood."""
    await page.get_by_role("button", name="Schedule this").click()
    form = page.get_by_role("dialog")
    await form.get_by_role("textbox", name="When").fill("every weekday at 8am")
    await form.get_by_role("textbox", name="Prompt").fill("Sum up what happened since yesterday.")
    await form.get_by_role("listitem").nth(2).wait_for()


async def picture(browser: Browser, name: str, scheme: str, size: ViewportSize) -> None:
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        look = {"viewport": size, "color_scheme": scheme}
        async with site(browser, state, scripted=False, config=CONFIG, **look) as web:
            for label in SESSIONS:
                await web.bench.app.sessions.create("agent:main:main", label)
            page = await web.sign_in()
            await converse(page)
            await page.screenshot(path=IMAGES / f"{name}.png")
            if name == "chat-light":
                await schedule(page)
                await page.screenshot(path=IMAGES / "chat-schedule.png")


async def operator(
    browser: Browser, name: str, path: str, scheme: str, size: ViewportSize, typed: str = ""
) -> None:
    """One of the operator's pages after a few runs; `typed` is added to the file's text."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        look = {"viewport": size, "color_scheme": scheme, "file": state / "config.yaml"}
        async with site(browser, state, scripted=False, config=OPERATOR, **look) as web:
            for number, said in enumerate(SAID):
                await web.bench.ask(said, f"run-{number}", key=f"agent:main:shown{number}")
            await web.bench.settle()
            page = await web.visit(path)
            if typed:
                box = page.get_by_role("textbox", name="Text of the file")
                await box.fill(await box.input_value() + typed)
                await page.locator(".mistakes li").wait_for()
            if path == "/usage":
                await page.locator("canvas").first.wait_for()
            await page.screenshot(path=IMAGES / f"{name}.png")


async def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("needs chromium on the PATH")
    IMAGES.mkdir(parents=True, exist_ok=True)
    async with chromium_at(Path(chromium)) as browser:
        await picture(browser, "chat-light", "light", WIDE)
        await picture(browser, "chat-dark", "dark", WIDE)
        await picture(browser, "chat-narrow", "light", NARROW)
        await operator(browser, "usage-light", "/usage", "light", WIDE)
        text = "/settings?view=text"
        await operator(browser, "settings-dark", text, "dark", WIDE, "gatway: {port: 8080}\n")
        await operator(browser, "start-narrow", "/start", "light", NARROW)


if __name__ == "__main__":
    asyncio.run(main())
