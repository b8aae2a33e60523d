"""`python -m bench.pages`: how fast a long session opens, and how smooth an answer streams.

Chromium's own clock is read in the page of the whole product, which runs in this process.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import structlog
from playwright.async_api import Browser

from tests.browser.site import answers, chromium_at, growing, log, say, site
from tests.browser.test_chat_page_long import FRAMES, MANY, fill, opened

ROUNDS = 5
WORDS = 500  # at 100 a second
OPEN, FRAME = 500, 50  # what is allowed, in milliseconds


async def opening(browser: Browser, state: Path) -> str:
    """From the request for the page to the first painted messages of 10,000."""
    async with site(browser, state) as web:
        page = await web.sign_in()
        await say(page, "begin")
        await answers(page).first.wait_for()
        await fill(web, MANY)
        times = sorted([await opened(page) for _ in range(ROUNDS)])
    middle = statistics.median(times)
    return (
        f"a session of {MANY:,} messages opens in {middle:.0f} ms ({times[0]:.0f} to "
        f"{times[-1]:.0f}; allowed {OPEN}): {'ok' if middle < OPEN else 'MISSED'}"
    )


async def streaming(browser: Browser, state: Path) -> str:
    """The frames of the page below 2,000 earlier messages, while an answer grows."""
    async with site(browser, state, scripted=False) as web:
        page = await web.sign_in()
        await say(page, "hello")
        await answers(page).first.wait_for()
        await fill(web, 2_000)
        await page.reload()
        await log(page).get_by_text("message 1999 of many").wait_for()
        await say(page, f"[[demo stream {WORDS} 10]]")
        await growing(page).get_by_text("word5").wait_for()
        await page.evaluate(FRAMES)
        await answers(page).last.get_by_text(f"word{WORDS}").wait_for()
        frames = sorted(await page.evaluate("window.frames_"))
    long = sum(one > FRAME for one in frames)
    most = frames[int(len(frames) * 0.99)]
    return (
        f"100 tokens a second: {len(frames)} frames, median {statistics.median(frames):.0f} ms, "
        f"99 % under {most:.0f}, longest {frames[-1]:.0f}, {long} over {FRAME}: "
        f"{'ok' if not long else 'MISSED'}"
    )


async def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("needs chromium on the PATH")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with tempfile.TemporaryDirectory() as folder:
        async with chromium_at(Path(chromium)) as browser:
            for number, figure in enumerate((opening, streaming)):
                state = Path(folder) / str(number)
                state.mkdir()
                print(await figure(browser, state), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
