"""Files go with a message: by button, by drag, by paste; and come back as downloads."""

import asyncio
import base64
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.site import Site, answers, composer, growing, questions, say

pytestmark = pytest.mark.browser

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
# An event that carries files, as a paste or a drop has it.
CARRY = """([selector, kind, name, type, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, {type}));
  const at = document.querySelector(selector);
  const carried = kind === 'paste' ? {clipboardData: data} : {dataTransfer: data};
  const made = kind === 'paste' ? ClipboardEvent : DragEvent;
  at.dispatchEvent(new made(kind, {bubbles: true, cancelable: true, ...carried}));
}"""


async def attach(page: Page, *files: dict) -> None:
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Attach files").click()
    await (await chooser.value).set_files(list(files))


def file(name: str, mime: str, data: bytes) -> dict:
    return {"name": name, "mimeType": mime, "buffer": data}


async def test_a_file_is_shown_sent_and_can_be_downloaded(web: Site):
    page = await web.sign_in()
    await attach(page, file("dot.png", "image/png", PNG), file("notes.txt", "text/plain", b"words"))
    waiting = page.locator(".composer .file")
    await expect(waiting).to_have_count(2)
    await expect(waiting.first.locator("img")).to_be_visible()
    await expect(page.get_by_text("uploading")).to_have_count(0)
    await page.reload()
    await expect(waiting).to_have_count(2)
    await say(page, "look at these")
    await expect(answers(page)).to_have_count(1)
    await expect(waiting).to_have_count(0)
    for _ in range(2):
        links = questions(page).get_by_role("link")
        await expect(links).to_have_count(2)
        await expect(questions(page).locator("img")).to_have_count(1)
        async with page.expect_download() as download:
            await links.nth(1).click()
        got = await download.value
        assert got.suggested_filename.endswith("notes.txt")
        assert Path(await got.path()).read_bytes() == b"words"
        await page.reload()
    [row] = (await web.bench.rows("SELECT body FROM entries WHERE role = 'user'"),)
    assert "notes.txt" in row[0]["body"]


@pytest.mark.parametrize(("kind", "at"), [("paste", "#message"), ("drop", ".dock")])
async def test_files_are_pasted_and_dropped(web: Site, kind: str, at: str):
    page = await web.sign_in()
    await page.evaluate(CARRY, [at, kind, "a.txt", "text/plain", "hello"])
    await expect(page.locator(".composer .file")).to_contain_text("a.txt")
    await expect(page.get_by_text("uploading")).to_have_count(0)
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(questions(page).get_by_role("link")).to_contain_text("a.txt")
    await expect(answers(page)).to_have_count(1)


async def test_a_file_can_be_taken_back_and_limits_are_said(web: Site):
    page = await web.sign_in()
    await attach(page, file("a.txt", "text/plain", b"a"))
    await page.get_by_role("button", name="Remove a.txt").click()
    await expect(page.locator(".composer .file")).to_have_count(0)
    await attach(page, file("none.txt", "text/plain", b""))
    await expect(page.get_by_role("alert")).to_contain_text("none.txt is empty")
    await attach(page, *(file(f"{n}.txt", "text/plain", b"x") for n in range(11)))
    await expect(page.get_by_role("alert")).to_contain_text("at most 10 files")
    await expect(page.locator(".composer .file")).to_have_count(10)
    await expect(composer(page)).to_have_value("")


async def test_a_question_that_waits_keeps_its_files_also_when_it_is_edited(web: Site):
    go_on = asyncio.Event()
    web.model.on("first", ["busy", go_on])
    page = await web.sign_in()
    await say(page, "first")
    await expect(growing(page)).to_contain_text("busy")
    await attach(page, file("a.txt", "text/plain", b"words"))
    await expect(page.get_by_text("uploading")).to_have_count(0)
    await say(page, "second")
    await expect(page.get_by_role("button", name="Withdraw")).to_have_count(1)
    await page.reload()
    await expect(questions(page).last.get_by_role("link")).to_contain_text("a.txt")
    await questions(page).last.get_by_role("button", name="Edit").click()
    await expect(composer(page)).to_have_value("second")
    await expect(page.locator(".composer .file")).to_contain_text("a.txt")
    await say(page, "second, better")
    go_on.set()
    await expect(answers(page)).to_have_count(2)
    await expect(questions(page).last.get_by_role("link")).to_contain_text("a.txt")
