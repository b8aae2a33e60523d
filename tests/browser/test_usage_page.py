"""/usage: every plot has a drawing, a table and a file, and says how far back it reaches."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.axe import findings
from tests.browser.site import Site, site

pytestmark = pytest.mark.browser

PLOTS = (
    "Cost per day",
    "Tokens per day",
    "Time to the first text",
    "Time to the whole answer",
    "Wait before a run began",
    "Tool calls",
    "Runs that failed, and refusals for too many requests",
    "Times that a platform or a model asked to wait (429)",
)


async def saved(page: Page, plot: Locator) -> str:
    """The file of a plot."""
    async with page.expect_download() as told:
        await plot.get_by_role("button", name="as CSV").click()
    return Path(await (await told.value).path()).read_text("utf-8")


async def test_plots_tables_and_files_show_the_stored_rows(demo: Site):
    page = await demo.visit("/usage")
    await expect(page.get_by_text("Nothing was used yet")).to_be_visible()
    for number, text in enumerate(
        ("hello", "[[demo tool session_status {}]]", "[[demo error 429]]")
    ):
        await demo.bench.ask(text, f"run-{number}", key=f"agent:main:s{number}")
        await demo.bench.settle()
    await page.goto(f"{demo.url}/usage?days=7")
    await expect(page.get_by_text("figures begin")).to_be_visible()
    for name in PLOTS:
        await expect(page.get_by_role("region", name=name).locator("canvas")).to_be_visible()
    for name in (*PLOTS, "Messages by channel and hour"):
        plot = page.get_by_role("region", name=name, exact=True)
        await plot.get_by_role("button", name=f"{name}, as a table").click()
        heads = await plot.get_by_role("columnheader").locator("button").all_inner_texts()
        lines = (await saved(page, plot)).splitlines()
        assert lines[0] == ",".join(one.rstrip("↑↓").strip() for one in heads), name
        await expect(plot.locator("[data-row]")).to_have_count(len(lines) - 1)
    await expect(page.get_by_role("region", name="Messages by channel")).to_contain_text("webchat")
    tools = page.get_by_role("region", name="Tool calls", exact=True)
    await expect(tools.get_by_role("row", name="session_status")).to_contain_text("1")
    waits = page.get_by_role("region", name="asked to wait (429)")
    await expect(waits.get_by_role("row", name="demo/demo")).to_contain_text("model")
    assert await findings(page) == []
    assert await saved(page, tools) == "Tool,Calls,Failed\nsession_status,1,0\n"


async def test_no_cell_of_a_file_is_a_formula(demo: Site):
    page = await demo.visit("/usage")
    cells = await page.evaluate(
        """async () => {
            const {cell} = await import("/static/usage/csv.js");
            return ["=1+1", "@x", 'a"b', "a,b", 1.5, null, "plain"].map(cell);
        }"""
    )
    assert cells == ["'=1+1", "'@x", '"a""b"', '"a,b"', "1.5", "", "plain"]


async def test_plots_fit_a_narrow_screen(browser: Browser, tmp_path: Path):
    look = {"viewport": {"width": 320, "height": 640}}
    async with site(browser, tmp_path, scripted=False, **look) as web:
        await web.bench.ask("hello", "run-1")
        await web.bench.settle()
        page = await web.visit("/usage")
        await expect(page.locator("canvas").first).to_be_visible()
        width = "document.documentElement.scrollWidth - innerWidth"
        assert await page.evaluate(width) <= 0
        assert web.complaints == [] and web.strangers() == []
