"""Accessibility findings of a page, by axe-core, which `.ci/run` installs below `.tools`."""

from __future__ import annotations

import os
from typing import Any

import pytest
from playwright.async_api import Page

from tests.rules.source import ROOT

AXE = ROOT / ".tools" / "node_modules" / "axe-core" / "axe.min.js"
INSTALL = "npm install --no-audit --no-fund --prefix .tools axe-core"
_GRAVE = ("serious", "critical")
# What fades in has its own colours only at the end.
_RUN = """async () => {
    const ends = one => one.effect.getTiming().iterations !== Infinity;
    const moving = document.getAnimations().filter(ends);
    await Promise.all(moving.map(one => one.finished.catch(() => null)));
    const {violations} = await axe.run(document, {resultTypes: ["violations"]});
    const places = nodes => nodes.map(node => node.html.slice(0, 200));
    return violations.map(({id, impact, nodes}) => ({id, impact, nodes: places(nodes)}));
}"""


def needed() -> None:
    """Skip a test where axe-core is not installed; where everything must be there, fail."""
    if AXE.is_file():
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"axe-core is missing; run: {INSTALL}")
    pytest.skip(f"to check accessibility, run: {INSTALL}")


async def findings(page: Page) -> list[dict[str, Any]]:
    """The serious and critical ones."""
    needed()
    # The page's content policy allows no foreign script; the test speaks through the debugger.
    await page.evaluate(AXE.read_text("utf-8") + "; undefined")
    return [one for one in await page.evaluate(_RUN) if one["impact"] in _GRAVE]
