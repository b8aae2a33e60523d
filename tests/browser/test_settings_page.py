"""/settings: the file as a form and as a text, saved when it is right, over nobody."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.axe import findings
from tests.browser.site import CONFIG, Site, composer, site
from tests.browser.test_chat_page_access import WIDE

pytestmark = pytest.mark.browser

SECRET = "a-literal-token"
TEXT = f'# kept: mine\n{CONFIG.lstrip()}gateway: {{token: "{SECRET}"}}  # kept: too\n'


@pytest.fixture
async def kept(browser: Browser, tmp_path: Path) -> AsyncIterator[Site]:
    file = tmp_path / "config.yaml"
    async with site(browser, tmp_path, config=TEXT, file=file) as web:
        yield web
    assert web.complaints == [] and web.strangers() == []


def editor(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Text of the file")


async def section(page: Page, name: str) -> Locator:
    fold = page.locator("details", has=page.get_by_text(name, exact=True)).first
    await fold.locator("summary").click()
    return fold


async def test_a_key_is_changed_in_the_form_and_comments_stay(kept: Site, tmp_path: Path):
    page = await kept.visit("/settings")
    fold = await section(page, "limits")
    await fold.get_by_label("daily_cost").fill("2.5")
    await fold.get_by_role("button", name="Save limits").click()
    await expect(page.locator("#live")).to_contain_text("Saved")
    text = (tmp_path / "config.yaml").read_text()
    assert "daily_cost: 2.5" in text and "# kept: mine" in text and "# kept: too" in text
    await fold.get_by_label("daily_cost").fill("much")
    await fold.get_by_role("button", name="Save limits").click()
    await expect(fold.locator(".field .error")).to_contain_text("must be a number")
    assert (tmp_path / "config.yaml").read_text() == text


async def test_a_secret_is_never_shown_and_code_is_only_for_the_file(kept: Site):
    page = await kept.visit("/settings")
    fold = await section(page, "gateway")
    await expect(fold.get_by_label("token")).to_have_value("")
    await expect(fold).to_contain_text("chars)")
    code = await section(page, "plugins")
    await expect(code).to_contain_text("changes in the file alone")
    await page.get_by_role("tab", name="Text").click()
    await expect(editor(page)).to_have_value(
        TEXT.replace(f'"{SECRET}"', "'(kept 1: gateway.token)'")
    )
    assert SECRET not in await page.content()


async def test_mistakes_are_told_beside_their_lines_and_not_saved(kept: Site, tmp_path: Path):
    page = await kept.visit("/settings?view=text")
    await editor(page).fill(await editor(page).input_value() + "gatway: {}\n")
    mistake = page.locator(".mistakes li")
    line = len(TEXT.splitlines()) + 1
    await expect(mistake).to_contain_text(f"Line {line}, column 1")
    await expect(mistake).to_contain_text('did you mean "gateway"?')
    await expect(page.locator(".gutter .wrong")).to_contain_text(str(line))
    await expect(page.get_by_role("button", name="Save")).to_be_disabled()
    await mistake.get_by_role("button").click()
    at = await editor(page).evaluate(
        "box => box.value.slice(0, box.selectionStart).split('\\n').length"
    )
    assert at == line
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_text("No mistakes")).to_be_visible()
    assert (tmp_path / "config.yaml").read_text() == TEXT


async def test_the_text_is_saved_with_its_secret(kept: Site, tmp_path: Path):
    page = await kept.visit("/settings?view=text")
    shown = await editor(page).input_value()
    await editor(page).fill(shown.replace("name: Helper", "name: Opal"))
    await expect(page.get_by_role("button", name="Save")).to_be_enabled()
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#live")).to_contain_text("Saved")
    assert (tmp_path / "config.yaml").read_text() == TEXT.replace("name: Helper", "name: Opal")


async def test_a_file_that_changed_is_not_saved_over(kept: Site, tmp_path: Path):
    page = await kept.visit("/settings?view=text")
    await editor(page).fill(await editor(page).input_value() + "# from the page\n")
    (tmp_path / "config.yaml").write_text(TEXT + "# by hand\n")
    await expect(page.get_by_role("button", name="Save")).to_be_enabled()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("The file has changed")
    await expect(page.locator(".differences")).to_contain_text("# by hand")
    await expect(page.locator(".differences")).to_contain_text("# from the page")
    assert (tmp_path / "config.yaml").read_text() == TEXT + "# by hand\n"
    await page.get_by_role("button", name="Take the file as it is now").click()
    await page.get_by_role("dialog").get_by_role("button", name="Take the file").click()
    await expect(editor(page)).to_have_value(
        (TEXT + "# by hand\n").replace(f'"{SECRET}"', "'(kept 1: gateway.token)'")
    )


async def test_what_names_a_program_is_refused_with_its_line(kept: Site, tmp_path: Path):
    page = await kept.visit("/settings?view=text")
    await editor(page).fill(await editor(page).input_value() + "hooks: {dirs: [/tmp]}\n")
    await expect(page.get_by_role("button", name="Save")).to_be_enabled()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("changes only in the file")
    await expect(page.get_by_role("alert")).to_contain_text("line ")
    assert (tmp_path / "config.yaml").read_text() == TEXT


async def test_a_file_that_breaks_is_told_on_every_page_until_it_is_mended(
    kept: Site, tmp_path: Path
):
    file = tmp_path / "config.yaml"
    right = file.read_text("utf-8")
    page, chat = await kept.visit("/sessions"), await kept.open()
    banner = page.get_by_role("alert").filter(has_text="The configuration file has a mistake.")
    file.write_text(right + "agnets: []\n", "utf-8")
    for one in (page, chat):
        await one.evaluate("import('/static/ui/broken.js').then(({look}) => look())")
        told = one.get_by_role("alert").filter(has_text="The configuration file has a mistake.")
        await expect(told).to_contain_text("agnets")
        await expect(told).to_contain_text("What runs goes on as before.")
        assert await findings(one) == []
        await one.set_viewport_size({"width": 320, "height": 640})
        assert await one.evaluate(WIDE) == 0
    await expect(composer(chat)).to_be_in_viewport()
    await banner.get_by_role("link", name="Mend it").click()
    await expect(page).to_have_url(f"{kept.url}/settings")
    await expect(banner).to_be_visible()
    file.write_text(right, "utf-8")
    await page.evaluate("import('/static/ui/broken.js').then(({look}) => look())")
    await expect(banner).to_have_count(0)
    await page.goto(f"{kept.url}/sessions")
    await expect(banner).to_have_count(0)
