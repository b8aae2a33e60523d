"""The client of this process: the same methods over the same store, without a gateway."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot import __version__
from bot.app import App, adapters, build, peek
from bot.cli import journal
from bot.cli.place import Place, private
from bot.cli.settings import read
from bot.config.settings import Config
from bot.engine.port import Script, Self
from bot.gateway.file import ConfigFile
from bot.gateway.local import Local
from bot.gateway.methods import table
from bot.gateway.services import Core
from bot.opening import is_there
from bot.roles import TERMINAL, Role


def core_of(app: App, config: Path | None = None, log: journal.Journal | None = None) -> Core:
    """The parts of an application that the gateway's methods act on.

    `config` is the file that methods may change; `log` learns the secrets that come with it.
    """

    def seen(loaded: Config) -> None:
        if log is not None:
            log.hide(journal.secrets_of(loaded))

    return Core(
        config=app.config,
        engine=app.engine,
        clock=app.clock,
        hub=app.hub,
        chat=app.chat,
        catalogue=app.catalogue,
        sessions=app.sessions,
        world=app.world,
        inbound=app.inbound,
        lanes=app.lanes,
        turns=app.turns,
        approvals=app.approvals,
        memory=app.memory,
        nodes=app.outside.nodes,
        servers=app.outside.servers,
        tasks=app.tasks,
        started_at=app.clock.now(),
        accounts=app,
        file=ConfigFile(config, os.environ, adapters().option_types(), seen),
        folder=app.workspaces.folder,
        state=app.state,
        role=app.role,
    )


async def _open_channels(app: App) -> None:
    """Make the accounts able to send; none of them receives. Raises ChannelError."""
    for account in app.config.channels:
        adapter = app.supervisor.get(account)
        if adapter is not None:
            await adapter.start()


def _nothing(now: float) -> Script[None]:
    """Wake nothing on start: what channels left open waits for the process that runs them."""
    yield from ()


@asynccontextmanager
async def client(place: Place, *, runs: bool, sends: bool, changes: bool) -> AsyncIterator[Local]:
    """A client of this process. Whoever changes something holds the store alone meanwhile."""
    private(place.state)
    config = read(place)
    log = journal.start(config, place.state, level="warning")
    new = not is_there(config, place.state)
    held = changes or new
    app = build(config, place.state, role=Role(TERMINAL)) if held else peek(config, place.state)
    core = core_of(app, place.config, log)
    try:
        if runs:
            app.engine.present(Self(app.role.name, __version__))
            await app.engine.start(_nothing)
        if sends:
            await _open_channels(app)
        here = Local(table(core), app.hub, core.view, frozenset({"tool-events"}))
        try:
            yield here
        finally:
            here.close()
    finally:
        await app.stop()
