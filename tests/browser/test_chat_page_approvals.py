"""What waits for a yes is shown in line, and one press decides it."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.site import CONFIG, answers, say, site
from tests.scenarios.exec_kit import directive

pytestmark = pytest.mark.browser

ASKING = CONFIG.replace(
    "- {id: main, name: Assistant}",
    "- {id: main, name: Assistant, tools: {allow: [exec], exec: {security: allowlist}}}",
)


async def test_a_question_is_shown_decided_and_gone(tmp_path: Path, browser: Browser):
    async with site(browser, tmp_path, scripted=False, config=ASKING) as web:
        made = tmp_path / "workspaces" / "main" / "made"
        page = await web.sign_in()
        group = page.get_by_role("group", name="Approval")
        await say(page, directive("exec", {"command": "touch made"}))
        await expect(group).to_contain_text("touch made")
        await page.reload()
        await expect(group).to_contain_text("touch made")
        for name in ("Allow once", "Allow for this session", "Deny"):
            await expect(group.get_by_role("button", name=name)).to_be_visible()
        assert not made.exists()
        await group.get_by_role("button", name="Allow once").click()
        await expect(group).to_have_count(0)
        await expect(answers(page)).to_contain_text("exit code 0")
        assert made.exists()
        assert web.complaints == [] and web.strangers() == []
