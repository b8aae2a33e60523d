"""The product with a configuration file that the pages may change, and its channels connected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from bot.cli.inside import core_of
from bot.gateway.methods import table
from bot.gateway.server import Gateway
from bot.gateway.services import site_of
from bot.testing.running import Bench, running
from tests.browser.site import Site

CONFIG = """\
# kept: who answers
limits: {per_sender: null}
agents:
  - {id: main, name: Assistant}
  - {id: helper, name: Helper, prompt: Be brief.}
"""


class Shop(Site):
    """A site whose configuration is in a file."""

    @property
    def file(self) -> Path:
        return self.bench.app.state / "config.yaml"

    def saved(self) -> str:
        return self.file.read_text("utf-8")


@asynccontextmanager
async def shop(
    browser: Browser, state: Path, config: str = CONFIG, *, scripted: bool = False, **look: Any
) -> AsyncIterator[Shop]:
    """`look` are the browser's: viewport, color_scheme, ... The page must not complain."""
    state.mkdir(exist_ok=True)
    file = state / "config.yaml"
    file.write_text(config, "utf-8")
    async with running(state, config, scripted=scripted) as bench:
        gateway = await _serve(bench, file)
        context = await browser.new_context(**look)
        web = Shop(bench, gateway, context, gateway.url)
        try:
            yield web
        finally:
            await context.close()
            await gateway.stop()
        assert web.complaints == []
        assert web.strangers() == []


async def _serve(bench: Bench, file: Path) -> Gateway:
    core = core_of(bench.app, file)
    site = site_of(core, bench.app.supervisor)
    gateway = Gateway(bench.app.config.gateway, "a-token-for-tests", site, table(core))
    await gateway.start(port=0)
    return gateway


def row(page: Page, table_name: str, text: str) -> Locator:
    """The row of a table that has a text."""
    return (
        page.get_by_role("table", name=table_name, exact=True)
        .locator("[data-row]")
        .filter(has_text=text)
    )


async def said(page: Page, text: str) -> None:
    """The page's live region says this."""
    await expect(page.locator("#live")).to_contain_text(text, timeout=20_000)
