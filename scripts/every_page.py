"""Picture every page in light, dark and phone width: `python scripts/every_page.py`.

They show one store of the demo model with a few runs and tasks, and stand in docs/images/pages.
"""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.async_api import Browser, Page, ViewportSize  # noqa: E402

from scripts.screenshots import NARROW, OPERATOR, SAID, WIDE  # noqa: E402
from tests.browser.site import chromium_at, site  # noqa: E402

IMAGES = ROOT / "docs" / "images" / "pages"
MAIN = "agent:main:main"
PAGES = {
    "chat": "/chat",
    "agents": "/agents",
    "agent-models": "/agents/main/models",
    "agent-channels": "/agents/main/channels",
    "agent-sessions": "/agents/main/sessions",
    "agent-tasks": "/agents/main/tasks",
    "agent-skills": "/agents/main/skills",
    "agent-memory": "/agents/main/memory",
    "agent-files": "/agents/main/files",
    "sessions": "/sessions",
    "session": "/sessions/agent:main:shown0",
    "approvals": "/approvals",
    "usage": "/usage",
    "logs": "/logs",
    "settings": "/settings",
    "start": "/start",
}
LOOKS: dict[str, tuple[str, ViewportSize]] = {
    "light": ("light", WIDE),
    "dark": ("dark", WIDE),
    "phone": ("light", NARROW),
}
TASKS = (
    "every 1h Service watch: Check the provider's status with a cheap check first and escalate if "
    "deeper analysis is needed.",
    "every weekday at 8am Europe/Berlin Morning: Sum up what happened since yesterday.",
)


async def settled(page: Page) -> None:
    """Wait until a page shows what it has asked for."""
    await page.wait_for_load_state("networkidle")
    await page.locator("main").wait_for()
    if page.url.endswith("/usage"):
        await page.locator("canvas").first.wait_for()


async def pictures(browser: Browser, look: str) -> None:
    scheme, size = LOOKS[look]
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        given = {"viewport": size, "color_scheme": scheme, "file": state / "config.yaml"}
        async with site(browser, state, scripted=False, config=OPERATOR, **given) as web:
            for number, said in enumerate(SAID):
                await web.bench.ask(said, f"run-{number}", key=f"agent:main:shown{number}")
            for number, text in enumerate(TASKS):
                await web.bench.ask(f"/task new {text}", f"task-{number}", key=MAIN)
            await web.bench.settle()
            login = await browser.new_page(viewport=size, color_scheme=scheme)
            await login.goto(f"{web.url}/login")
            await login.screenshot(path=IMAGES / f"login-{look}.png")
            await login.close()
            for name, path in PAGES.items():
                page = await web.visit(path)
                await settled(page)
                await page.screenshot(path=IMAGES / f"{name}-{look}.png")


async def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("needs chromium on the PATH")
    IMAGES.mkdir(parents=True, exist_ok=True)
    async with chromium_at(Path(chromium)) as browser:
        for look in LOOKS:
            await pictures(browser, look)


if __name__ == "__main__":
    asyncio.run(main())
