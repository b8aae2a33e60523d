"""What the gateway stands on: `Site` is what serving needs, `Core` what the methods act on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.clock import Clock
from bot.config.channels import Channel
from bot.config.settings import Config
from bot.context.recall import Memory
from bot.contract import Adapter, HttpRequest, HttpResponse
from bot.engine.port import Engine
from bot.errors import RequestError, StoreError
from bot.events import Hub, Signal
from bot.folder import Folder
from bot.gateway.auth import Browsers
from bot.gateway.browsers import StoredBrowsers
from bot.gateway.chat import ChatEvents
from bot.gateway.feed import View, Views
from bot.gateway.file import ConfigFile
from bot.inbound import ChannelState, Inbound
from bot.lanes import Lanes
from bot.providers.catalogue import Catalogue
from bot.roles import Role
from bot.schedule.tasks import Tasks
from bot.sessions import Sessions
from bot.store import sessions as session_scripts
from bot.store import upkeep
from bot.supervisor import Supervisor
from bot.tools.approval import Approvals
from bot.tools.mcp_tools import Servers
from bot.tools.nodes import Nodes
from bot.turn import Turns
from bot.world import World

Webhook = Callable[[str, HttpRequest], Awaitable[HttpResponse | None]]


def no_link() -> str:
    """Stands for the maker of sign-in links while no gateway listens."""
    raise RequestError("UNAVAILABLE", "no gateway is running; start one with: trunkline up")


class Accounts(Protocol):
    """The channel accounts of this process."""

    def make(self, account: Channel) -> Adapter:
        """An adapter of its own for an account. Raises ChannelError."""
        ...

    async def adopt(self, config: Config, *accounts: str) -> bool:
        """Go on with other routes, and with these accounts as they are now; is it in effect?"""
        ...


@dataclass(slots=True)
class Core:
    """The parts that methods act on; times in seconds since the epoch."""

    config: Config
    engine: Engine
    clock: Clock
    hub: Hub
    chat: ChatEvents
    catalogue: Catalogue
    sessions: Sessions
    world: World
    inbound: Inbound
    lanes: Lanes
    turns: Turns
    approvals: Approvals
    memory: Memory
    nodes: Nodes
    servers: Servers
    tasks: Tasks
    started_at: float
    accounts: Accounts
    file: ConfigFile
    folder: Callable[[str], Folder]
    state: Path
    role: Role
    link: Callable[[], str] = no_link
    leaving: bool = False

    async def adopt(self, config: Config, *accounts: str) -> bool:
        """Go on with a changed configuration; does the change count now? Every page hears of it."""
        self.config = config
        live = await self.accounts.adopt(config, *accounts)
        self.hub.publish(Signal("agents.changed", {}))
        return live

    def channel_state(self, account: str) -> ChannelState:
        return self.inbound.states.get(account, ChannelState())

    async def ready(self) -> bool:
        """Does the store answer, and is every enabled channel of this process connected?

        One that waits for another process to let go of a channel does all it can; one that ends
        wants no more work.
        """
        if self.leaving:
            return False
        try:
            await self.engine.read(upkeep.counts())
        except StoreError:
            return False
        if not self.role.receives:
            return True
        enabled = [one.name for one in self.config.channels.values() if one.settings.enabled]
        return all(self.channel_state(name).state in ("up", "standby") for name in enabled)

    async def view(self, key: str) -> View:
        """What the session of a key lets watchers see."""
        row = await self.sessions.get(key)
        if row is None:
            return View()
        return View(*self.world.view(session_scripts.session_from(row)))


@dataclass(slots=True)
class Site:
    """What serving needs.

    `ready`: can everything work now? `views`: what a session lets watchers see. `webhook`: hand a
    request to an account's adapter, None when there is no such account. `nodes`: where devices are
    let in. `core`: what the other HTTP routes act on, None where only pages and sockets are served.
    """

    hub: Hub
    clock: Clock
    browsers: Browsers
    ready: Callable[[], Awaitable[bool]]
    views: Views
    webhook: Webhook
    nodes: Nodes | None = None
    core: Core | None = None


def site_of(core: Core, supervisor: Supervisor) -> Site:
    """The site of a core whose adapters a supervisor keeps."""

    async def webhook(account: str, request: HttpRequest) -> HttpResponse | None:
        adapter = supervisor.get(account)
        return await adapter.handle(request, core.inbound) if adapter else None

    browsers = StoredBrowsers(core.engine)
    return Site(core.hub, core.clock, browsers, core.ready, core.view, webhook, core.nodes, core)
