"""One Chromium for all browser tests, and a product with its page for each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.site import Site, chromium_at, site


@pytest.fixture
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    async with chromium_at(chromium) as browser:
        yield browser


@pytest.fixture
async def web(browser: Browser, tmp_path: Path) -> AsyncIterator[Site]:
    """A product whose model says what the test wrote down; the page must not complain."""
    async with site(browser, tmp_path) as web:
        yield web
    assert web.complaints == []
    assert web.strangers() == []


@pytest.fixture
async def demo(browser: Browser, tmp_path: Path) -> AsyncIterator[Site]:
    """A product on the demo model."""
    async with site(browser, tmp_path, scripted=False) as web:
        yield web
    assert web.complaints == []
    assert web.strangers() == []
