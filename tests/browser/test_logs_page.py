"""/logs: the log as it grows, with filters in the address, a pause, and few rows in the page."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.site import Site

pytestmark = pytest.mark.browser


def write(folder: Path, *events: str, level: str = "info") -> None:
    file = folder / "logs" / "trunkline.jsonl"
    file.parent.mkdir(exist_ok=True)
    with file.open("a") as stream:
        for event in events:
            record = {"at": "2026-01-01T00:00:00.000+00:00", "level": level, "event": event}
            stream.write(json.dumps({**record, "logger": "test", "number": 7}) + "\n")


def rows(page: Page, text: str) -> object:
    return page.get_by_role("table", name="Log records").get_by_role("row").filter(has_text=text)


async def test_new_records_come_by_themselves_and_wait_while_paused(web: Site, tmp_path: Path):
    write(tmp_path, "the first")
    page = await web.visit("/logs?level=error")
    await expect(page.get_by_text("No record matches")).to_be_visible()
    await page.get_by_label("From level").select_option("info")
    await expect(rows(page, "the first")).to_contain_text("number=7")
    write(tmp_path, "the second")
    await expect(rows(page, "the second")).to_be_visible()
    await page.get_by_role("button", name="Pause").click()
    write(tmp_path, "the third")
    await expect(page.get_by_text("1 new record waits")).to_be_visible()
    await expect(rows(page, "the third")).to_have_count(0)
    await page.get_by_role("button", name="Go on").click()
    await expect(rows(page, "the third")).to_be_visible()
    await web.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy what is shown").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    newest = str(await page.evaluate("navigator.clipboard.readText()")).partition("\n")[0]
    assert json.loads(newest)["event"] == "the third"


async def test_filters_stand_in_the_address(web: Site, tmp_path: Path):
    write(tmp_path, "calm", "<b>odd</b> apple")
    write(tmp_path, "broken apple", level="error")
    page = await web.visit("/logs?level=error")
    await expect(rows(page, "broken")).to_be_visible()
    await expect(rows(page, "calm")).to_have_count(0)
    await page.get_by_label("From level").select_option("debug")
    await page.get_by_role("searchbox", name="Search").fill("apple")
    await expect(rows(page, "<b>odd</b>")).to_be_visible()
    await expect(rows(page, "calm")).to_have_count(0)
    await expect(page).to_have_url(f"{web.url}/logs?level=debug&q=apple")
    await page.reload()
    await expect(rows(page, "broken")).to_be_visible()
    await expect(rows(page, "calm")).to_have_count(0)
    await page.get_by_role("searchbox", name="Search").fill("nothing like this")
    await expect(page.get_by_text("No record matches")).to_be_visible()


async def test_a_thousand_records_are_a_window(web: Site, tmp_path: Path):
    write(tmp_path, *(f"record {number}" for number in range(1200)))
    page = await web.visit("/logs")
    await expect(rows(page, "record 1199")).to_be_visible()
    assert await page.locator("[data-row]").count() < 200
