"""Remake the pictures of every page: `python scripts/pictures.py [NAME ...]`.

Each page is taken in light, in dark and on a phone, and stands in docs/images/pages. They show one
store that the demo model has lived in, in a browser that is found on the PATH.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.async_api import Browser, Page, ViewportSize, expect  # noqa: E402

from bot.cli.settings import option_types  # noqa: E402
from bot.clock import SystemClock  # noqa: E402
from bot.gateway.file import ConfigFile  # noqa: E402
from bot.gateway.repair import Repair  # noqa: E402
from scripts.pictured_house import LOOK, TOLD, house  # noqa: E402
from tests.browser.agents_site import Shop  # noqa: E402
from tests.browser.site import answers, chromium_at, growing, say  # noqa: E402

IMAGES = ROOT / "docs" / "images" / "pages"
DESK = ViewportSize(width=1200, height=860)
PHONE = ViewportSize(width=360, height=740)
BROKEN = """\
# The assistants of the house.
gateway: {prot: 8080}
agents:
  - {id: main, name: Assistant}
providers:
  openai: {api_key: "${OPENAI_API_KEY}", timeuot: 30s}
"""
IDLE = "() => new Promise(done => requestIdleCallback(done, {timeout: 1000}))"
Prepare = Callable[[Page], Awaitable[object]]


async def nothing(page: Page) -> None:
    """Take the page as it stands."""


async def conversed(page: Page) -> None:
    """An answer that grows below one that has ended."""
    await answers(page).first.wait_for()
    await say(page, "Tell me a story. [[demo stream 4000 40]]")
    await growing(page).get_by_text("word14").wait_for()


async def asked_why(page: Page) -> None:
    await page.get_by_role("button", name="Why").last.click()
    await page.get_by_role("dialog").get_by_text("Steps").wait_for()


async def scheduled(page: Page) -> None:
    """The form that makes a task, with what it has understood."""
    await page.get_by_role("button", name="Schedule this").click()
    form = page.get_by_role("dialog", name="Schedule this")
    await form.get_by_role("textbox", name="When").fill("every weekday at 8am")
    await form.get_by_role("textbox", name="Prompt").fill("Sum up what happened since yesterday.")
    await form.get_by_role("listitem").nth(2).wait_for()


async def plotted(page: Page) -> None:
    await page.locator("canvas").first.wait_for()


async def searched(page: Page) -> None:
    await page.get_by_role("button", name="Index again").click()
    await expect(page.locator("#live")).to_contain_text("The memory is indexed")
    await page.get_by_role("searchbox", name="Question").fill("when are the roses watered")
    await page.keyboard.press("Enter")
    await page.get_by_role("list", name="Results").get_by_role("listitem").first.wait_for()


async def looked_into(page: Page) -> None:
    """A task with its runs."""
    await page.get_by_role("link", name="Water the plants").click()
    await page.get_by_role("table", name="Runs of this task").wait_for()


async def mistaken(page: Page) -> None:
    """A mistake in the text of the file, told beside its line."""
    box = page.get_by_role("textbox", name="Text of the file")
    await box.fill(await box.input_value() + "gatway: {port: 8080}\n")
    await page.locator(".mistakes li").wait_for()


PAGES: dict[str, tuple[str, Prepare]] = {
    "start": ("/start", nothing),
    "chat-schedule": (f"/chat#{TOLD}", scheduled),
    "agents": ("/agents", nothing),
    "agent-models": ("/agents/main/models", nothing),
    "agent-channels": ("/agents/ops/channels", nothing),
    "agent-sessions": ("/agents/main/sessions", nothing),
    "agent-tasks": ("/agents/main/tasks", nothing),
    "agent-task": ("/agents/main/tasks", looked_into),
    "agent-skills": ("/agents/main/skills", nothing),
    "agent-memory": ("/agents/main/memory", searched),
    "agent-files": ("/agents/main/files", nothing),
    "sessions": ("/sessions", nothing),
    "session": (f"/sessions/{quote(TOLD)}", nothing),
    "why": (f"/sessions/{quote(TOLD)}", asked_why),
    "approvals": ("/approvals", nothing),
    "usage": ("/usage", plotted),
    "logs": ("/logs", nothing),
    "settings": ("/settings", nothing),
    "settings-text": ("/settings?view=text", mistaken),
    "chat": (f"/chat#{TOLD}", conversed),
}
DOOR = ("login", "repair")
NAMES = (*DOOR, *PAGES)


async def taken(page: Page, name: str) -> None:
    """One page as it stands, in every look."""
    looks = (("light", "light", DESK), ("dark", "dark", DESK), ("phone", "light", PHONE))
    for look, scheme, size in looks:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await page.set_viewport_size(size)
        # Once more round the loop, for what follows the size: plots and windows of rows.
        await page.evaluate(IDLE)
        await page.screenshot(path=IMAGES / f"{name}-{look}.png")


@asynccontextmanager
async def mending(folder: Path) -> AsyncIterator[Repair]:
    """What the program serves when its configuration has mistakes."""
    file = folder / "config.yaml"
    file.write_text(BROKEN, "utf-8")
    known = ConfigFile(file, os.environ, option_types(), lambda config: None)
    repair = Repair("a-token-for-pictures", known, SystemClock())
    await repair.start("127.0.0.1", 0)
    try:
        yield repair
    finally:
        await repair.stop()


async def door(browser: Browser, folder: Path, wanted: list[str]) -> None:
    """What is there before anybody is signed in, and when nothing else can be served."""
    async with mending(folder) as repair:
        page = await browser.new_page(**LOOK)
        await page.goto(f"{repair.url}/login")
        if "login" in wanted:
            await taken(page, "login")
        await page.goto(repair.login_url())
        await page.goto(f"{repair.url}/repair")
        if "repair" in wanted:
            await taken(page, "repair")
        await page.close()


async def rooms(web: Shop, wanted: list[str]) -> None:
    for name in (one for one in PAGES if one in wanted):
        path, prepare = PAGES[name]
        page = await web.visit(path)
        if path.startswith("/chat"):
            await web.ready(page)
        await page.wait_for_load_state("networkidle")
        await prepare(page)
        await taken(page, name)
        await page.close()


async def main(wanted: list[str]) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("needs chromium on the PATH")
    if unknown := set(wanted) - set(NAMES):
        sys.exit(f"no picture is called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    wanted = wanted or list(NAMES)
    IMAGES.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.gettempdir(), "trunkline")  # it is seen in the pictures
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("broken", "state"):
        (folder / name).mkdir(parents=True)
    async with chromium_at(Path(chromium)) as browser:
        await door(browser, folder / "broken", wanted)
        if set(wanted) - set(DOOR):
            async with house(browser, folder / "state") as web:
                await rooms(web, wanted)
    shutil.rmtree(folder)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
