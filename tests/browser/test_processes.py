"""Where several processes share a store, the pages say which there are and what each holds."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from adapters.fakes.telegram import FakeTelegram
from tests.browser.axe import findings
from tests.browser.site import CONFIG, site
from tests.contracts.postgres_kit import database
from tests.contracts.test_cluster_account import ADA, OPEN
from tests.contracts.test_cluster_two_gateways import Machine

pytestmark = pytest.mark.browser


async def test_processes_and_who_holds_an_account_are_shown(browser: Browser, tmp_path: Path):
    async with FakeTelegram() as fake:
        account = OPEN.format(ada=ADA, token=fake.token, url=fake.base_url)
        with database(empty=True) as url:
            other = Machine(tmp_path / "other", url, account)
            with other.program.up("--only", "channels", "--only", "worker") as running:
                await fake.wait_for(lambda: fake.called("getUpdates"))
                config = f'{CONFIG}\nstore: {{url: "{url}"}}\n{account}'
                home = tmp_path / "home"
                async with site(browser, home, config=config, scripted=False) as web:
                    process = f"process {running.process.pid}"
                    page = await web.visit("/settings")
                    table = page.get_by_role("table", name="Processes")
                    await expect(table.get_by_role("row")).to_have_count(3)
                    row = table.get_by_role("row").filter(has_text=process)
                    for text in ("channels+worker", "telegram", "now"):
                        await expect(row).to_contain_text(text)
                    assert await findings(page) == []
                    page = await web.visit("/agents/main/channels?account=telegram")
                    facts = page.locator("dl", has_text="Held by")
                    await expect(facts).to_contain_text("connected")
                    await expect(facts).to_contain_text(process)
                assert web.complaints == [] and web.strangers() == []
