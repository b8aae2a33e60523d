"""`up`: start everything, say where, and stop well."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

import structlog
import typer

from bot import __version__
from bot.app import build, loop_factory
from bot.cli import Usage, journal, load, place
from bot.cli.inside import core_of
from bot.cli.options import ConfigFile, examples, program
from bot.cli.output import has_display, note
from bot.cli.place import Place
from bot.cli.settings import read_with
from bot.config.problems import ConfigMissing
from bot.config.settings import Config
from bot.errors import ConfigError
from bot.gateway.methods import table
from bot.gateway.secret import load_token
from bot.gateway.server import Gateway
from bot.gateway.services import site_of
from bot.jsonio import dumps

app = program()
log = structlog.get_logger("up")

Host = Annotated[str | None, typer.Option(help="Listen on this address.", show_default=False)]
Port = Annotated[
    int | None, typer.Option(help="Listen on this port; 0: a free one.", show_default=False)
]
Only = Annotated[
    Literal["gateway", "channels", "worker"] | None,
    typer.Option(help="Start only this part; gateway: no channels.", show_default=False),
]
Mend = Annotated[
    bool,
    typer.Option("--repair", help="Serve a page to mend a broken configuration, then start."),
]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Leave the browser alone.")]


@app.command(epilog=examples("up", "up --port 8080 --no-browser"))
def up(
    config: ConfigFile = None,
    host: Host = None,
    port: Port = None,
    only: Only = None,
    no_browser: NoBrowser = False,
    repair: Mend = False,
) -> None:
    """Start everything and serve until it is stopped; SIGTERM and Ctrl-C drain first.

    Prints one line on stdout when it serves. Writes a configuration on first use.
    """
    if only in ("channels", "worker"):
        raise Usage(
            f"--only {only} needs a store that several processes share; on SQLite one process "
            "does everything: leave --only out, or use --only gateway"
        )
    here = place.find(config)
    place.private(here.state)
    if here.config is None:
        here = load("bot.cli.init").first(here)
    flags = {"gateway.host": host, "gateway.port": port}
    given = {key: value for key, value in flags.items() if value is not None}
    try:
        settings = read_with(here, given)
    except ConfigError as error:
        if not repair or isinstance(error, ConfigMissing):
            raise
        load("bot.cli.repair").mend(here, error, host, port, browser=not no_browser)
        return
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(here, settings, channels=only is None, browser=not no_browser))


async def _serve(here: Place, config: Config, *, channels: bool, browser: bool) -> None:
    token = load_token(config.gateway.token.reveal(), here.token)
    told = journal.start(config, here.state, more=(token,))
    app = build(config, here.state)
    core = core_of(app, here.config, told)
    gateway = Gateway(config.gateway, token, site_of(core, app.supervisor), table(core))
    stop = asyncio.Event()
    try:
        url = await gateway.start()
        core.link = gateway.login_url
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await app.start(channels=channels, port=urlsplit(url).port)
        _announce(here, url)
        log.info("ready", url=url, version=__version__)
        _welcome(gateway, url, browser)
        await stop.wait()
        _hurry_next_time(loop)
    finally:
        here.running.unlink(missing_ok=True)
        await app.stop()
        await gateway.stop()
        log.info("stopped")


def _hurry_next_time(loop: asyncio.AbstractEventLoop) -> None:
    """A second signal ends the process at once: nothing that was accepted is lost by that."""
    note("stopping: what runs is finished first; again to stop at once")
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)


def _announce(here: Place, url: str) -> None:
    """Where the command line finds this gateway; written whole or not at all."""
    about = {
        "url": url,
        "pid": os.getpid(),
        "version": __version__,
        "startedAt": datetime.now(UTC).isoformat(),
    }
    beside = here.running.with_name(".gateway.json")
    beside.write_text(dumps(about) + "\n", encoding="utf-8")
    beside.chmod(0o600)
    beside.replace(here.running)


def _welcome(gateway: Gateway, url: str, browser: bool) -> None:
    print(f"ready {url}/chat", flush=True)
    if browser and has_display() and load("webbrowser").open(gateway.login_url()):
        return
    note("sign in with: trunkline open --print")
