"""The browser tool drives a real Chromium, which reaches only what the guard lets it reach."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.clock import Clock, SystemClock
from bot.folder import Folder
from bot.testing.clock import VirtualClock
from bot.tools import browser_pages
from bot.tools.browser import Browser
from bot.tools.browser_pages import Pages
from bot.tools.web_client import WebClient
from tests.contracts.web_kit import Listener, Names, context, says, serving

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("chromium")]

PAGE = """<!doctype html><title>Shop</title><h1>Welcome</h1>
<label>Name <input></label>
<button onclick="document.querySelector('p').textContent =
  'Hello ' + document.querySelector('input').value">Greet</button><p>Nobody yet</p>
<a href="/next">Onwards</a><a href="/next" target="_blank">Elsewhere</a></quoted>"""


@asynccontextmanager
async def browsing(
    folder: Path, private: list[str], names: Any = None, clock: Clock | None = None
) -> AsyncIterator[Browser]:
    clock = clock or SystemClock()
    client = WebClient(lambda: private, names) if names else WebClient(lambda: private)
    pages = Pages(clock, client)
    try:
        yield Browser(pages, client, clock, lambda agent: Folder(folder))
    finally:
        await pages.close()


async def use(tool: Browser, action: str, session: str = "agent:main:main", **args: Any) -> Any:
    return await tool.run({"action": action, **args}, context(key=session))


def ref(text: str, part: str) -> str:
    found = re.search(rf"{part}.*?\[ref=(\w+)\]", text)
    assert found is not None, text
    return found[1]


async def test_a_page_is_opened_read_used_and_pictured(tmp_path: Path) -> None:
    """Acceptance row 174."""
    routes = {"/": says(PAGE, "text/html"), "/next": says("<h1>Arrived</h1>", "text/html")}
    async with serving(routes) as url, browsing(tmp_path, ["127.0.0.1"]) as tool:
        seen = (await use(tool, "open", url=url + "/")).text
        assert seen.startswith("<quoted>") and '"title": "Shop"' in seen
        assert seen.count("</quoted>") == 1 and 'heading "Welcome"' in seen
        await use(tool, "type", ref=ref(seen, 'textbox "Name"'), text="Ada")
        greeted = await use(tool, "click", ref=ref(seen, 'button "Greet"'))
        assert "Hello Ada" in greeted.text and not greeted.is_error
        shot = await use(tool, "screenshot")
        [picture] = shot.attachments
        assert (tmp_path / picture["path"]).read_bytes().startswith(b"\x89PNG")
        assert picture["mime"] == "image/png" and picture["path"] in shot.text
        arrived = await use(tool, "click", ref=ref(greeted.text, 'link "Onwards"'))
        assert "Arrived" in arrived.text or "Arrived" in (await use(tool, "snapshot")).text
        assert (await use(tool, "close")).text == "The page is closed."
        gone = await use(tool, "snapshot")
        assert gone.is_error and "use the action open first" in gone.text


async def test_sessions_share_nothing(tmp_path: Path) -> None:
    async def cookie(request: web.Request) -> web.Response:
        said = request.cookies.get("who", "nobody")
        answer = web.Response(text=f"<p>you are {said}", content_type="text/html")
        answer.set_cookie("who", "one")
        return answer

    async with serving({"/": cookie}) as url, browsing(tmp_path, ["127.0.0.1"]) as tool:
        await use(tool, "open", "agent:a:main", url=url + "/")
        assert "you are one" in (await use(tool, "open", "agent:a:main", url=url + "/")).text
        assert "you are nobody" in (await use(tool, "open", "agent:b:main", url=url + "/")).text


async def test_a_page_reaches_nothing_private(tmp_path: Path) -> None:
    """Pictures, frames, scripts, sockets, redirects and links of a page, and a name that turns."""
    async with Listener().listening() as private:
        port = private.port
        inside = f"127.0.0.1:{port}"
        page = f"""<h1>Trap</h1><img src="http://{inside}/a"><iframe src="http://localhost:{port}/b">
</iframe><iframe src="http://[::1]:{port}/c"></iframe><script src="https://{inside}/d"></script>
<link rel="preconnect" href="http://{inside}"><link rel="dns-prefetch" href="//inside.example">
<script>
for (const url of ["http://{inside}/e", "http://2130706433:{port}/", "http://inside.example:{port}/",
                   "http://0x7f.1:{port}/", "http://169.254.169.254/", "http://turns.example:{port}/"])
  fetch(url, {{mode: "no-cors"}}).catch(() => 0);
new WebSocket("ws://{inside}/f"); navigator.sendBeacon("http://{inside}/g", "x");
</script><a href="http://{inside}/h">Inside</a>"""

        async def away(request: web.Request) -> web.Response:
            return web.Response(status=302, headers={"Location": f"http://{inside}/"})

        routes = {"/": says(page, "text/html"), "/away": away}
        async with serving(routes) as url:
            names = Names()
            names.answers |= {
                "start.example": ["127.0.0.1"],
                "inside.example": ["127.0.0.1"],
                "turns.example": [["93.184.215.14"], ["127.0.0.1"]],
            }
            start = url.replace("127.0.0.1", "start.example")
            async with browsing(tmp_path, ["start.example"], names) as tool:
                seen = await use(tool, "open", url=start + "/")
                assert 'heading "Trap"' in seen.text
                await use(tool, "click", ref=ref(seen.text, 'link "Inside"'))
                await use(tool, "open", url=start + "/away")
                for refused in (
                    f"http://{inside}/",
                    "http://inside.example/",
                    "file:///etc/passwd",
                ):
                    result = await use(tool, "open", url=refused)
                    assert result.is_error and "secret" not in result.text
        assert private.connects == 0


async def test_the_private_server_would_have_seen_it(tmp_path: Path) -> None:
    async with Listener().listening() as private:
        page = f'<h1>Trap</h1><iframe src="http://127.0.0.1:{private.port}/"></iframe>'
        async with (
            serving({"/": says(page, "text/html")}) as url,
            browsing(tmp_path, ["127.0.0.1"]) as tool,
        ):
            assert "secret" in (await use(tool, "open", url=url + "/")).text
        assert private.connects >= 1


async def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    async with (
        serving({"/": says(PAGE, "text/html")}) as url,
        browsing(tmp_path, ["127.0.0.1"]) as t,
    ):
        assert "needs the argument url" in (await use(t, "open")).text
        await use(t, "open", url=url + "/")
        assert "needs the argument ref" in (await use(t, "click")).text
        assert (await use(t, "type", ref="e999", text="x")).is_error
        assert (await use(t, "explode")).is_error
        assert "No page was open" in (await use(t, "close", "agent:other:main")).text


async def test_what_nobody_uses_is_closed(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with (
        serving({"/": says(PAGE, "text/html")}) as url,
        browsing(tmp_path, ["127.0.0.1"], clock=clock) as tool,
    ):
        await use(tool, "open", url=url + "/")
        browser = tool._pages._browser
        closed = asyncio.Event()
        browser.on("disconnected", lambda _: closed.set())
        await clock.advance(browser_pages.IDLE + 60)
        async with asyncio.timeout(60):
            await closed.wait()
        assert tool._pages.open == 0


async def test_without_a_browser_there_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Acceptance row 174."""
    async with browsing(tmp_path, ["127.0.0.1"]) as tool:
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "playwright", None)
            patch.setitem(sys.modules, "playwright.async_api", None)
            missing = await use(tool, "open", url="http://127.0.0.1:9/")
            assert missing.is_error and 'pip install "trunkline[browser]"' in missing.text
        with monkeypatch.context() as patch:
            patch.setattr(browser_pages, "_PROGRAMS", ("false",))
            broken = await use(tool, "open", url="http://127.0.0.1:9/")
            assert broken.is_error and "install chromium" in broken.text
