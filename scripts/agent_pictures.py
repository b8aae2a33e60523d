"""Remake the pictures of the agents' pages in docs/images: `python scripts/agent_pictures.py`.

They show the demo model and a local server of one platform on a fresh store, in a browser that is
found on the PATH.
"""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.async_api import Browser, ViewportSize, expect  # noqa: E402

from adapters.fakes.telegram import FakeTelegram  # noqa: E402
from tests.browser.agents_site import Shop, row, shop  # noqa: E402
from tests.browser.site import chromium_at  # noqa: E402

IMAGES = ROOT / "docs" / "images"
CONFIG = """\
limits: {{per_sender: null}}
agents:
  - id: main
    name: Assistant
    model: {{primary: demo/demo, fallbacks: [demo/second, openai/gpt-5]}}
  - {{id: helper, name: Helper, model: openai/gpt-5}}
providers: {{openai: {{api_key: ""}}}}
models: {{demo/demo: {{}}, demo/second: {{}}, openai/gpt-5: {{alias: best}}}}
channels:
  telegram: {{token: "{token}", base_url: "{url}"}}
bindings: [{{agent: main, match: {{account: telegram, peer: "12345"}}}}]
"""
WIDE = ViewportSize(width=1200, height=960)
NARROW = ViewportSize(width=320, height=640)


async def prepared(web: Shop, fake: FakeTelegram) -> None:
    """A task that ran once, and somebody who asks to be let in."""
    page = await web.visit("/agents/main/tasks")
    words = "/task new every day at 08:00 Asia/Tokyo: Water the plants"
    await web.bench.ask(words, "run-1")
    await page.get_by_role("button", name="Run now: Water").click()
    await expect(row(page, "Tasks", "Water")).to_contain_text("ok", timeout=20_000)
    fake.say(12345, "May I come in?", sender=12345)
    await fake.wait_for(lambda: bool(fake.visible(12345)))
    await page.close()


async def picture(
    browser: Browser, path: str, name: str, scheme: str, size: ViewportSize, link: str = ""
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        look = {"viewport": size, "color_scheme": scheme, "timezone_id": "Europe/Berlin"}
        async with FakeTelegram() as fake:
            config = CONFIG.format(token=fake.token, url=fake.base_url)
            async with shop(browser, Path(folder), config, **look, locale="en-GB") as web:
                await prepared(web, fake)
                page = await web.visit(path)
                if link:
                    await page.get_by_role("link", name=link).click()
                    await web.settled(page)
                # What is read by several parts of a tab does not come at once.
                await page.wait_for_load_state("networkidle")
                await page.screenshot(path=IMAGES / f"{name}.png")


async def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("needs chromium on the PATH")
    async with chromium_at(Path(chromium)) as browser:
        await picture(browser, "/agents/main/models", "agent-models-light", "light", WIDE)
        await picture(browser, "/agents/main/channels", "agent-channels-dark", "dark", WIDE)
        await picture(browser, "/agents/main/tasks", "agent-task-light", "light", WIDE, "Water")
        await picture(browser, "/agents/main/tasks", "agent-tasks-narrow", "light", NARROW)


if __name__ == "__main__":
    asyncio.run(main())
