"""One Chromium for all browser tests, and a product with its page for each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.site import Site, chromium_at, site

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests share one event loop, as the one browser that they share is tied to it."""
    for item in items:
        if item.path.parent == HERE and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    async with chromium_at(chromium) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def web(browser: Browser, tmp_path: Path) -> AsyncIterator[Site]:
    """A product whose model says what the test wrote down; the page must not complain."""
    async with site(browser, tmp_path) as web:
        yield web
    assert web.complaints == []
    assert web.strangers() == []


@pytest_asyncio.fixture(loop_scope="session")
async def demo(browser: Browser, tmp_path: Path) -> AsyncIterator[Site]:
    """A product on the demo model."""
    async with site(browser, tmp_path, scripted=False) as web:
        yield web
    assert web.complaints == []
    assert web.strangers() == []
