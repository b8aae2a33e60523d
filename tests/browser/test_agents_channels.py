"""An agent's channels against a local Telegram: added, tried, repaired, opened, routed."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from adapters.fakes.telegram import FakeTelegram
from tests.browser.agents_site import CONFIG, Shop, row, said, shop
from tests.browser.axe import findings

pytestmark = pytest.mark.browser

ADA, BOB = 12345, 67890
HERE = "Accounts that reach this agent"


def config(fake: FakeTelegram, more: str = "") -> str:
    return f"""{CONFIG}\
channels:
  telegram:  # kept: the first bot
    token: "{fake.token}"
    base_url: {fake.base_url}
    streaming: "off"
{more}"""


async def answered(fake: FakeTelegram, person: int, text: str) -> str:
    before = len(fake.visible(person))
    fake.say(person, text, sender=person)
    await fake.wait_for(lambda: len(fake.visible(person)) > before)
    return fake.visible(person)[-1]


async def test_043_a_channel_is_added_only_with_a_token_that_works(
    browser: Browser, tmp_path: Path
):
    async with FakeTelegram() as fake, shop(browser, tmp_path) as web:
        page = await web.visit("/agents/helper/channels")
        await expect(page.get_by_text("No channel reaches this agent")).to_be_visible()
        await page.get_by_role("button", name="Add a channel").click()
        dialog = page.get_by_role("dialog", name="Add a channel")
        await dialog.get_by_label("Kind").select_option("telegram")
        token = dialog.get_by_label("token", exact=True)
        await expect(token).to_have_attribute("type", "password")
        await token.fill("1:wrong")
        await dialog.get_by_text("More", exact=True).click()
        await dialog.get_by_label("base_url").fill(fake.base_url)
        assert await findings(page) == []
        await dialog.get_by_role("button", name="Test and save").click()
        await expect(dialog).to_contain_text("Telegram refuses the token")
        assert "telegram" not in web.saved()
        await token.fill(fake.token)
        await dialog.get_by_role("button", name="Test and save").click()
        await said(page, "The platform knows it as @trunk_bot")
        await expect(row(page, HERE, "telegram")).to_contain_text("connected")
        await expect(row(page, HERE, "telegram")).to_contain_text("channels.telegram.agent")
        assert fake.token in web.saved() and fake.token not in await page.content()
        assert await findings(page) == []


async def test_a_refused_token_says_what_to_do_and_is_replaced(browser: Browser, tmp_path: Path):
    async with FakeTelegram() as fake:
        text = config(fake).replace(fake.token, "1:wrong")
        async with shop(browser, tmp_path, text) as web:
            page = await web.visit("/agents/main/channels")
            await expect(row(page, HERE, "telegram")).to_contain_text("refuses the token")
            await expect(row(page, HERE, "telegram")).to_contain_text("give it a new token")
            await page.get_by_role("link", name="telegram").click()
            await expect(page).to_have_url(f"{web.url}/agents/main/channels?account=telegram")
            await page.get_by_role("button", name="Test", exact=True).click()
            await expect(page.locator(".verdict")).to_contain_text("refuses the token")
            await page.get_by_role("button", name="New token").click()
            dialog = page.get_by_role("dialog")
            await dialog.get_by_label("token", exact=True).fill(fake.token)
            await dialog.get_by_role("button", name="Test and save").click()
            await said(page, "The platform knows it as @trunk_bot")
            await expect(page.get_by_role("region", name="telegram")).to_contain_text("connected")
            await page.get_by_role("button", name="Disconnect").click()
            await said(page, "It is off")
            await page.get_by_role("button", name="Remove").click()
            await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
            await expect(page.get_by_text("No channel reaches this agent")).to_be_visible()


async def test_044_an_account_without_a_route_falls_back_to_the_default_agent(
    browser: Browser, tmp_path: Path
):
    async with FakeTelegram() as fake, shop(browser, tmp_path, config(fake)) as web:
        page = await web.visit("/agents/main/channels")
        await expect(row(page, HERE, "telegram")).to_contain_text("fallback: default agent")
        page = await web.visit("/agents/helper/channels")
        await page.get_by_role("checkbox", name="Show 1 more that other agents answer").check()
        await expect(row(page, HERE, "telegram")).to_contain_text("fallback: default agent")


async def test_a_test_message_is_sent_and_a_refused_one_has_its_reason(
    browser: Browser, tmp_path: Path
):
    async with FakeTelegram() as fake, shop(browser, tmp_path, config(fake)) as web:
        fake.say(ADA, "hello", sender=ADA)
        page = await web.visit("/agents/main/channels?account=telegram")
        await page.get_by_role("textbox", name="Send a test to").fill(str(ADA))
        await page.get_by_role("button", name="Send a test").click()
        await expect(page.locator(".verdict")).to_contain_text("The test message arrived")
        assert [text for text in fake.visible(ADA) if text.startswith("[Trunkline test]")]
        fake.fail("sendMessage", status=403, description="Forbidden: bot was blocked by the user")
        await page.get_by_role("button", name="Send a test").click()
        await expect(page.locator(".verdict")).to_contain_text("bot was blocked by the user")


async def test_a_person_is_let_in_by_two_clicks_and_put_out_again(browser: Browser, tmp_path: Path):
    async with FakeTelegram() as fake, shop(browser, tmp_path, config(fake)) as web:
        page = await web.visit("/agents/main")
        for person in (ADA, BOB):
            assert "code" in await answered(fake, person, "let me in")
        await page.get_by_role("tab", name="Channels").click()
        await row(page, "Waiting to be let in", str(BOB)).get_by_role("button", name="Deny").click()
        await expect(row(page, "Waiting to be let in", str(BOB))).to_have_count(0)
        asking = row(page, "Waiting to be let in", str(ADA))
        await asking.get_by_role("button", name="Approve").click()
        await said(page, "is let in")
        await expect(page.get_by_role("table", name="Waiting to be let in")).to_have_count(0)
        assert "hello again" in await answered(fake, ADA, "hello again")
        await page.get_by_role("link", name="telegram").click()
        await row(page, "People let in by pairing", str(ADA)).get_by_role("button").click()
        await page.get_by_role("dialog").get_by_role("button", name="Put out").click()
        await said(page, "is put out")
        await expect(page.get_by_text("Nobody was let in by pairing")).to_be_visible()


async def test_who_may_talk_is_changed(browser: Browser, tmp_path: Path):
    async with FakeTelegram() as fake, shop(browser, tmp_path, config(fake)) as web:
        page = await web.visit("/agents/main/channels?account=telegram")
        await page.get_by_role("button", name="Change who may talk").click()
        dialog = page.get_by_role("dialog", name="Who may talk on telegram")
        await dialog.get_by_label("Direct chats", exact=True).select_option("allowlist")
        await dialog.get_by_label("Ids let in to direct chats").fill(f"{ADA}\n{BOB}")
        await dialog.get_by_role("button", name="Save").click()
        await said(page, "Saved")
        who = page.get_by_role("region", name="Who may talk")
        await expect(who).to_contain_text("only the ids on the list")
        await expect(who).to_contain_text(f"{ADA}, {BOB}")
        assert "# kept: the first bot" in web.saved()
        assert "hello" in await answered(fake, ADA, "hello")


async def test_045_a_route_leads_one_person_to_another_agent(browser: Browser, tmp_path: Path):
    people = f'    dm_policy: open\n    allow_from: ["*"]\n    agent: main  # {BOB}\n'
    async with FakeTelegram() as fake, shop(browser, tmp_path, config(fake, people)) as web:
        page = await web.visit("/agents/helper/channels")
        await expect(page.get_by_text("No rule names this agent")).to_be_visible()
        await page.get_by_role("button", name="Add a route").click()
        dialog = page.get_by_role("dialog", name="Add a route")
        await dialog.get_by_label("person in a direct chat").fill(str(ADA))
        await dialog.get_by_role("button", name="Add a route").click()
        await said(page, "The route counts from the next message on")
        rule = row(page, "Routes to this agent", f"person in a direct chat: {ADA}")
        await expect(rule).to_contain_text("file, number 1")
        await expect(row(page, HERE, "telegram")).to_have_count(1)
        assert await findings(page) == []
        await answered(fake, ADA, "hello")
        await answered(fake, BOB, "hello")
        assert await agents_of(web) == {f"{ADA}": "helper", f"{BOB}": "main"}
        await rule.get_by_role("button", name="Remove").click()
        await said(page, "The route is removed")
        await expect(page.get_by_text("No rule names this agent")).to_be_visible()


async def agents_of(web: Shop) -> dict[str, str]:
    rows = await web.bench.rows("SELECT key FROM sessions WHERE key LIKE '%:direct:%'")
    return {row["key"].rpartition(":")[2]: row["key"].split(":")[1] for row in rows}
