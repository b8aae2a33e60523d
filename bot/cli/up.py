"""`up`: start everything, or a part of it, say where, and stop well."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit

import structlog
import typer

from bot import __version__
from bot.app import build, loop_factory
from bot.cli import Usage, journal, load, place
from bot.cli.inside import core_of
from bot.cli.options import ConfigFile, examples, program
from bot.cli.output import has_display, note
from bot.cli.place import Place, text_in
from bot.cli.settings import read_with
from bot.config.problems import ConfigMissing
from bot.config.settings import Config
from bot.errors import ConfigError
from bot.gateway.methods import table
from bot.gateway.secret import load_token
from bot.gateway.server import Gateway
from bot.gateway.services import site_of
from bot.jsonio import dumps
from bot.opening import shared
from bot.roles import Part, Role, role_of

app = program()
log = structlog.get_logger("up")

Host = Annotated[str | None, typer.Option(help="Listen on this address.", show_default=False)]
Port = Annotated[
    int | None, typer.Option(help="Listen on this port; 0: a free one.", show_default=False)
]
Only = Annotated[
    list[Part] | None,
    typer.Option(
        metavar="gateway|channels|worker",
        help="Do only this here, on a store that processes share; may be given twice.",
        show_default=False,
    ),
]
Mend = Annotated[
    bool,
    typer.Option("--repair", help="Serve a page to mend a broken configuration, then start."),
]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Leave the browser alone.")]


@app.command(epilog=examples("up", "up --port 8080 --no-browser", "up --only worker --port 0"))
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

    --only splits the work: gateway is the page and its interfaces, channels the connections to
    platforms, worker the agents. What has no page answers /healthz and /readyz.
    """
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
    role = _role(settings, only or [])
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(here, settings, role, browser=not no_browser))


def _role(config: Config, only: list[Part]) -> Role:
    """What this process does. Raises Usage where no other one could do the rest."""
    alone = [part.value for part in only if part is not Part.GATEWAY]
    if alone and not shared(config):
        raise Usage(
            f"--only {alone[0]} needs a store that several processes share; on SQLite one process "
            "does everything: set store.url to a PostgreSQL, leave --only out, or use "
            "--only gateway, which leaves out the channels"
        )
    return role_of(only)


async def _serve(here: Place, config: Config, role: Role, *, browser: bool) -> None:
    token = load_token(config.gateway.token.reveal(), here.token)
    told = journal.start(config, here.state, more=(token,))
    app = build(config, here.state, role=role)
    core = core_of(app, here.config, told)
    gateway = Gateway(config.gateway, token, site_of(core, app.supervisor), table(core), role)
    stop, announced = asyncio.Event(), ""
    try:
        url = await gateway.start()
        core.link = gateway.login_url
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await app.start(port=urlsplit(url).port)
        log.info("ready", url=url, version=__version__, role=role.name)
        if role.serves:
            announced = _announce(here, url)
            _welcome(gateway, url, browser)
        else:
            print(f"ready {url}/readyz", flush=True)
        await stop.wait()
        core.leaving = True
        _hurry_next_time(loop)
    finally:
        if announced and text_in(here.running) == announced:
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


def _announce(here: Place, url: str) -> str:
    """Where the command line finds this gateway; written whole or not at all. What was written."""
    about = {
        "url": url,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "version": __version__,
        "startedAt": datetime.now(UTC).isoformat(),
    }
    beside = here.running.with_name(".gateway.json")
    text = dumps(about)
    beside.write_text(text + "\n", encoding="utf-8")
    beside.chmod(0o600)
    beside.replace(here.running)
    return text


def _welcome(gateway: Gateway, url: str, browser: bool) -> None:
    print(f"ready {url}/chat", flush=True)
    if browser and has_display() and load("webbrowser").open(gateway.login_url()):
        return
    note("sign in with: trunkline open --print")
