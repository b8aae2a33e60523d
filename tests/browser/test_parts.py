"""The parts of pages by themselves: a table in every state, ten thousand rows included."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.axe import findings
from tests.browser.site import Site

pytestmark = pytest.mark.browser

SHOW = """async ({count, data, error}) => {
    const {html} = await import("/static/ui/html.js");
    const {render} = await import("/static/vendor/preact.js");
    const {Table} = await import("/static/ui/table.js");
    const columns = [
        {key: "name", name: "Name", sort: row => row.name, cell: row => row.name},
        {key: "size", name: "Size", end: true, sort: row => row.size, cell: row => row.size},
    ];
    const rows = Array.from({length: count}, (_, at) => ({name: `row ${at}`, size: count - at}));
    const live = {data: data ? {} : null, error: error ? new Error(error) : null, reload() {}};
    const empty = {title: "Nothing here", text: "Make one."};
    const place = document.getElementById("app");
    const began = performance.now();
    render(html`<${Table} name="Things" columns=${columns} rows=${rows} id=${row => row.name}
        live=${live} empty=${empty} />`, place);
    return performance.now() - began;
}"""

# By how many pixels a row covers the one before, at most.
OVERLAP = """() => {
    const box = one => one.getBoundingClientRect();
    const boxes = [...document.querySelectorAll("[data-row]")].map(box);
    const inside = [...document.querySelectorAll("[data-row] > *")].map(one =>
        box(one).bottom - box(one.parentElement).bottom);
    const between = boxes.slice(1).map((box, at) => boxes[at].bottom - box.top);
    return Math.max(0, ...inside.map(Math.round), ...between.map(Math.round));
}"""


async def shown(
    web: Site, count: int = 0, data: bool = True, error: str = ""
) -> tuple[Page, float]:
    page = await web.visit("/logs")
    return page, await page.evaluate(SHOW, {"count": count, "data": data, "error": error})


async def test_ten_thousand_rows_scroll_and_sort(web: Site):
    page, took = await shown(web, 10_000)
    assert took < 500
    rows = page.locator("[data-row]")
    assert await rows.count() < 200
    table = page.get_by_role("table", name="Things")
    await expect(table).to_have_attribute("aria-rowcount", "10001")
    await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    await expect(page.get_by_text("row 9999", exact=True)).to_be_in_viewport()
    assert await rows.count() < 200
    await page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
    await expect(page.get_by_text("row 5000", exact=True)).to_be_visible()
    await page.evaluate("scrollTo(0, 0)")
    await page.get_by_role("columnheader", name="Size").get_by_role("button").click()
    await expect(rows.first).to_contain_text("row 9999")
    assert await findings(page) == []
    await page.set_viewport_size({"width": 360, "height": 740})
    assert await page.evaluate(OVERLAP) == 0
    assert await rows.count() < 200
    assert await findings(page) == []


async def test_a_table_says_that_it_loads_that_it_failed_and_that_it_is_empty(web: Site):
    page, _ = await shown(web, data=False)
    await expect(page.get_by_text("Loading")).to_be_visible()
    page, _ = await shown(web, data=False, error="The store is away. Try again.")
    await expect(page.get_by_role("alert")).to_contain_text("The store is away.")
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page, _ = await shown(web)
    await expect(page.get_by_text("Make one.")).to_be_visible()
    assert await findings(page) == []
