"""What tools reach beyond this process: the web, a browser, devices, other programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.clock import Clock
from bot.config.settings import Config
from bot.engine.port import Engine
from bot.events import Hub
from bot.folder import Folder
from bot.tools.browser import Browser
from bot.tools.browser_pages import Pages
from bot.tools.mcp_tools import Servers
from bot.tools.nodes import Nodes, NodesTool
from bot.tools.web_client import WebClient
from bot.tools.web_fetch import WebFetch
from bot.tools.web_search import WebSearch
from bot.types import Tool


class Outside:
    """Holds these connections, and makes the tools that use them.

    `web` is for everybody who asks for an address that somebody else chose.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        hub: Hub,
        config: Callable[[], Config],
        folder: Callable[[str], Folder],
    ) -> None:
        self._config = config
        self._clock = clock
        self.web = WebClient(lambda: config().tools.web.allow_private)
        self.nodes = Nodes(engine, clock, hub)
        self.servers = Servers(engine, clock, config)
        self.pages = Pages(clock, self.web)
        self._folder = folder

    def tools(self) -> list[Tool]:
        return [
            WebFetch(self.web, self._clock),
            WebSearch(self._config, self._clock),
            Browser(self.pages, self.web, self._clock, self._folder),
            NodesTool(self.nodes),
        ]

    def late(self) -> Mapping[str, Tool]:
        """Tools that come and go: those of tool servers."""
        return self.servers.tools()

    async def start(self) -> None:
        """Offer what tool servers have. Raises StoreError."""
        await self.servers.start()

    async def close(self) -> None:
        await self.pages.close()
        await self.servers.close()
