"""One Chromium for all browser tests of a process, and a product with its page for each."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.site import Site, chromium_at, site


@pytest.fixture
def _function_scoped_runner(_session_scoped_runner: asyncio.Runner) -> asyncio.Runner:
    """These tests and their fixtures share one event loop: the browser is tied to its own.

    pytest-asyncio runs each of them in the fixture of this name, so none has to ask for it. Should
    a version name it otherwise, every test here fails with "attached to a different loop".
    """
    return _session_scoped_runner


@pytest_asyncio.fixture(scope="session", loop_scope="session")
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
