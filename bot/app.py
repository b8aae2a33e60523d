"""The composition root: builds every part, and knows the order of start and stop.

The only module that knows all others, and the only place where adapters and commands are loaded, by
name, so that nothing heavy is imported before it is needed.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from bot import __version__
from bot.bridge import Bridge
from bot.channels import Channel, Channels
from bot.children import Children
from bot.claims import Claims
from bot.clock import Clock, SystemClock
from bot.config.channels import Blocks
from bot.config.channels import Channel as ChannelConfig
from bot.config.secrets import passwords_in, secrets_in
from bot.config.settings import Config
from bot.context.gather import Scenes
from bot.context.recall import Memory
from bot.context.seeds import seed
from bot.context.skills import Shelves
from bot.contract import Adapter, CommandSpec
from bot.control import Control
from bot.delivery import Delivery
from bot.engine.port import Engine, Self
from bot.errors import ChannelError, ChannelRefused
from bot.events import Event, Hub, Signal
from bot.gateway.chat import ChatEvents
from bot.gateway.secret import load_token
from bot.gateway.uploads import MAX_UPLOAD, Uploads
from bot.gateway.webchat import WebChat
from bot.gateway.why import why as story_of
from bot.hooking import Parts, hook_up
from bot.hooks.points import Hooks
from bot.inbound import Inbound
from bot.lanes import Lanes
from bot.live import Acks
from bot.media import Media
from bot.notes import Notes
from bot.opening import Store, beside, held, shared
from bot.plugins import commands_of, offer_providers, tools_of
from bot.providers.catalogue import Catalogue
from bot.providers.spending import Spending
from bot.reply import Secrets
from bot.reply.blocks import Pace
from bot.roles import Role
from bot.schedule.acting import ToolTasks
from bot.schedule.tasks import Tasks
from bot.schedule.wiring import Beyond, for_chats, tasks_of
from bot.sessions import Sessions
from bot.store import upkeep
from bot.subsessions import Subsessions
from bot.supervisor import Supervisor
from bot.toolbox import Reach, built_in
from bot.tools.approval import Approvals
from bot.tools.outside import Outside
from bot.tools.outside_agent import permit
from bot.tools.registry import Tools
from bot.tools.shell_jobs import Jobs
from bot.tools.shell_told import teller
from bot.turn import Turns
from bot.types import CommandTable
from bot.workspace import Workspaces
from bot.world import World

log = structlog.get_logger("app")

WEB = WebChat.channel
GRACE = 30.0
SIGNING = "webhook-secret"


def adapters() -> Any:
    """The package of adapters: `adapter_class(name)`, `option_types()`."""
    return importlib.import_module("adapters")


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The faster event loop where it is installed (the extra `fast`), else asyncio's own."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module(
        "uvloop"
    ).new_event_loop
    return factory


def command_table(config: Config) -> CommandTable:
    """Every command, without those the configuration switches off. Raises ConfigError."""
    table: CommandTable = importlib.import_module("commands").table(commands_of(config))
    off = {name.lower() for name in config.commands.disabled}
    kept = tuple(info for info in table.infos if info.name not in off)
    return CommandTable(kept, table.handlers)


@dataclass(slots=True)
class App:
    """All parts, wired. `start` begins to work, `stop` drains."""

    config: Config
    state: Path
    clock: Clock
    store: Store
    engine: Engine
    hub: Hub
    chat: ChatEvents
    catalogue: Catalogue
    sessions: Sessions
    world: World
    inbound: Inbound
    channels: Channels
    turns: Turns
    lanes: Lanes
    commands: CommandTable
    supervisor: Supervisor
    scenes: Scenes
    memory: Memory
    approvals: Approvals
    jobs: Jobs
    outside: Outside
    hooks: Hooks
    tasks: Tasks
    workspaces: Workspaces
    role: Role
    bridge: Bridge | None = None
    started: bool = False

    async def start(self, *, port: int | None = None) -> None:
        """Wake what was open, then let the channels in. `port` is where the gateway listens."""
        self.engine.present(Self(self.role.name, __version__, self._told))
        self.hub.listen(self._heard)
        await self.catalogue.begin()
        if self.bridge is not None:
            self.bridge.start()
        await self.engine.start(upkeep.sweep, self.role.kinds)
        await self.outside.start()
        if self.role.receives or (self.role.sends and shared(self.config)):
            self.supervisor.start(receive=self.role.receives)
        self.started = True
        if self.role.serves:
            self.hooks.gateway_start(port or self.config.gateway.port)

    def _told(self) -> dict[str, Any]:
        """What the other processes are told of the accounts here."""
        if not self.role.receives:
            return {}
        return {"accounts": {name: asdict(one) for name, one in self.inbound.states.items()}}

    def _heard(self, event: Event) -> None:
        if isinstance(event, Signal) and event.name == "channel.status":
            self.engine.tell()

    def make(self, account: ChannelConfig) -> Adapter:
        """An adapter for an account. Raises ChannelError when it cannot be loaded or made."""
        try:
            kind: type[Adapter] = adapters().adapter_class(account.adapter)
            return kind(account.name, account.options)
        except ChannelError:
            raise
        except Exception as error:
            # A library or an adapter of somebody else may raise anything; the others go on.
            log.error("adapter cannot be made", account=account.name, exc_info=error)
            what = f"the {account.adapter} adapter cannot be loaded: {type(error).__name__}"
            raise ChannelRefused(f"{what}; the log has the reason") from error

    async def adopt(self, config: Config, *accounts: str) -> bool:
        """Go on with other routes, and with these accounts as they are now, the others untouched.

        False when no channel runs here, so that a change counts where and when they are started.
        """
        if accounts:
            await self.supervisor.quiet(*accounts)
        former = [self.supervisor.forget(name) for name in accounts]
        self.config = config
        self.world.use(config)
        self.sessions.default_agent = config.default_agent.id
        self.catalogue.use(config)
        self.turns.secrets.use(_secrets(config, self.state))
        for name in accounts:
            self.channels.remove(name)
            if name in config.channels:
                _add_channel(self, config.channels[name])
            else:
                self.inbound.state(name, "off")
                del self.inbound.states[name]
        for adapter in former:
            if adapter is not None:
                await self.supervisor.end(adapter)
        return self.supervisor.running

    async def stop(self, grace: float = GRACE) -> None:
        """Let nothing new in, give what runs `grace` seconds, close. Raises nothing."""
        await self.supervisor.quiet()
        self.lanes.close()
        self.approvals.close()
        await self.engine.drain(grace)
        if self.started and self.role.serves:
            await self.hooks.gateway_stop("stopped")
        await self.jobs.close()
        await self.outside.close()
        await self.supervisor.close()
        if self.bridge is not None:
            await self.bridge.stop()
        await self.engine.close()
        await self.chat.stop()
        await self.catalogue.close()
        await self.memory.close()
        self.scenes.close()
        self.store.free()


def build(config: Config, state: Path, clock: Clock | None = None, role: Role | None = None) -> App:
    """Wire everything on a store, which this process holds alone if it is not shared.

    With a `role` it does only that of what there is to do; without one, everything.

    Raises ConfigError, StoreHeld (naming the holder), StoreForeign, StoreError.
    """
    clock = clock or SystemClock()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = held(config, state, clock)
    try:
        return _wire(config, state, clock, store, role or Role())
    except BaseException:
        store.free()
        raise


def peek(config: Config, state: Path, clock: Clock | None = None) -> App:
    """Wire everything over a store that another process may hold: for reading, not for `start`.

    Raises ConfigError.
    """
    clock = clock or SystemClock()
    return _wire(config, state, clock, beside(config, state, clock), Role())


def _wire(config: Config, state: Path, clock: Clock, store: Store, role: Role) -> App:
    engine = store.engine
    hub = Hub()
    chat = ChatEvents(hub, clock)
    workspaces = Workspaces(state, lambda: world.config, seed)
    approvals = Approvals(engine, clock, hub, lambda: world.config, WEB)
    permitted = permit(approvals, lambda key, call: turns.asking(key, call))
    hooks = Hooks()
    offer_providers(config)
    catalogue = Catalogue(config, clock, workspaces.ensure, permitted, engine=engine, state=state)
    sessions = Sessions(engine, clock, hub, config.default_agent.id, hooks)
    commands = command_table(config)
    children = Children(engine, clock)
    subsessions = Subsessions(engine, clock, hub, lambda: world.config, hooks)
    world = World(config, catalogue, commands, sessions, WEB, children)
    claims = Claims(world, hooks)
    channels = Channels()
    acks = Acks(clock, channels)
    inbound = Inbound(engine, clock, hub, world, claims, acks.react, hooks)
    web = WebChat(WEB, chat, Uploads(state / "uploads"))
    channels.add(Channel(web, max_attachment=MAX_UPLOAD))
    secrets = Secrets(_secrets(config, state))
    delivery = Delivery(engine, clock, channels, secrets, hooks, alone=not shared(config))
    shelves = Shelves(state, Path.home(), os.environ)
    scenes = Scenes(lambda: world.config, workspaces.ensure, shelves)
    memory = Memory(engine, clock, lambda: world.config, workspaces.ensure)
    media = Media(engine, channels, workspaces.ensure)
    jobs = Jobs(clock, teller(engine, clock))
    outside = Outside(engine, clock, hub, lambda: world.config, workspaces.folder)
    beyond = Beyond(outside.web, partial(_signing, state), workspaces.path, secrets.clean, WEB)
    tasks = tasks_of(
        engine, clock, hub, world, delivery, chat.said, lambda *run: lanes.stop(*run), beyond
    )
    reach = Reach(
        engine, clock, hub, lambda: world.config, workspaces.ensure, workspaces.folder, state,
        memory, scenes.scope, approvals, jobs, outside, subsessions, children, delivery,
        ToolTasks(tasks, WEB), scenes.attached, scenes.shown,
    )  # fmt: skip
    tools = Tools([*built_in(reach), *tools_of(config)], outside.late)
    turns = Turns(engine, clock, hub, delivery, world, tools, media, scenes, secrets, hooks)
    control = Control(
        engine, clock, hub, commands, world, inbound.release, delivery.fitting, WEB, hooks
    )
    control.clean, control.tasks = secrets.clean, for_chats(tasks, WEB)
    control.why = partial(story_of, engine)
    lanes = Lanes(engine, clock, hub, turns, control.run, claims, config)
    children.stop, subsessions.check_model = lanes.stop, world.check_model
    engine.handle("out", delivery.drain)
    supervisor = Supervisor(engine, clock, inbound, _published(commands))
    app = App(
        config, state, clock, store, engine, hub, chat, catalogue, sessions, world, inbound,
        channels, turns, lanes, commands, supervisor, scenes, memory, approvals,
        jobs, outside, hooks, tasks, workspaces, role,
    )  # fmt: skip
    _tie(app)
    for account in config.channels.values():
        _add_channel(app, account)
    return app


def _tie(app: App) -> None:
    """Hand what was built late to the parts that were built before it."""
    engine, clock, world, turns = app.engine, app.clock, app.world, app.turns
    world.stopper, world.scenes, app.scenes.hooks = app.lanes.stop, app.scenes, app.hooks
    world.offered = turns.tools.specs
    engine.handle("lane", app.lanes.drain)
    app.hub.listen(app.jobs.hear)
    turns.compactor.remember = _notes(clock, app.workspaces, app.scenes, world).keep
    world.spending = turns.inference.spending = Spending(engine, clock, world.limits)
    world.approvals, turns.approve = app.approvals, app.approvals.approve
    parts = Parts(engine, clock, world, app.inbound, app.workspaces, app.state, WEB)
    hook_up(parts, app.hooks)
    if shared(app.config):
        app.bridge = _bridge(app)


def _bridge(app: App) -> Bridge:
    """What joins this process to the others of the store."""
    bridge = Bridge(app.engine, app.clock, app.hub, app.turns.growing)
    app.turns.elsewhere = bridge.elsewhere
    bridge.listen(app.turns.told)
    bridge.listen(app.tasks.waiting.told)
    return bridge


def _notes(clock: Clock, workspaces: Workspaces, scenes: Scenes, world: World) -> Notes:
    """What keeps notes of a conversation before it is summed up."""
    return Notes(
        clock,
        workspaces.folder,
        lambda turn: scenes.scope(turn, world.owner(turn)),
        lambda agent: world.prompt(agent).timezone,
    )


def _secrets(config: Config, state: Path) -> list[str]:
    """Every value that may not be shown: the configuration's, and those that were made here."""
    files = [state / "token", state / SIGNING]
    made = [file.read_text("utf-8", "replace").strip() for file in files if file.is_file()]
    return [*secrets_in(config), *passwords_in(config.store.url), *made]


def _signing(state: Path) -> str:
    """What results for web addresses are signed with, made on first use. Raises ConfigError."""
    return load_token("", state / SIGNING, "the secret of webhooks")


def _add_channel(app: App, account: ChannelConfig) -> None:
    """Load an account's adapter; one that cannot be loaded is told, and the others go on."""
    if not account.settings.enabled:
        app.inbound.state(account.name, "off")
        return
    try:
        adapter = app.make(account)
    except ChannelError as error:
        app.inbound.state(account.name, "down", str(error))
        return
    if adapter.caps.bang:
        app.world.bangs.add(account.name)
    if adapter.caps.native_commands:
        app.world.natives.add(account.name)
    if adapter.caps.roots:
        app.world.roots.add(account.name)
    settings = account.settings
    app.channels.add(
        Channel(
            adapter,
            on_uncertain=settings.on_uncertain,
            streaming=settings.streaming,
            reply_to=settings.reply_to,
            typing=settings.typing,
            text_limit=settings.text_limit or 0,
            prefix=app.config.messages.response_prefix,
            ack=settings.ack_reaction or "",
            pace=_pace(settings.blocks, adapter.caps.max_chars, settings.text_limit or 0),
            max_attachment=int(settings.max_attachment_mb * (1 << 20)),
        )
    )
    app.supervisor.add(adapter)


def _pace(blocks: Blocks, *limits: int) -> Pace:
    """How blocks are cut: none longer than the platform or the account lets a message be."""
    most = min([blocks.max_chars, *(limit for limit in limits if limit)])
    return Pace(blocks.at, min(blocks.min_chars, most), most, blocks.idle)


def _published(commands: CommandTable) -> list[CommandSpec]:
    return [CommandSpec(info.name, info.help, info.owner) for info in commands.infos]
