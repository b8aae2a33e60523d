"""The repair page of `up --repair`: served until the configuration has no mistakes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress

from bot.cli import journal, load
from bot.cli.output import has_display, note
from bot.cli.place import Place
from bot.cli.settings import option_types
from bot.clock import SystemClock
from bot.config.settings import Config
from bot.errors import ConfigError, TrunklineError
from bot.gateway.file import ConfigFile
from bot.gateway.repair import Repair
from bot.gateway.secret import load_token

HOST = "127.0.0.1"
PORT = 7440


def mend(
    here: Place, error: ConfigError, host: str | None, port: int | None, *, browser: bool
) -> None:
    """Say what is wrong, serve the page until it is right, and begin this process anew.

    The page listens on this machine alone unless `host` says otherwise. Raises TrunklineError when
    it is stopped before that.
    """
    note(f"the configuration has mistakes\n{error}")
    file = ConfigFile(here.config, os.environ, option_types(), lambda config: None)
    token = load_token("", here.token)
    journal.start(Config(), here.state, more=(token,))
    page = Repair(token, file, SystemClock())
    if not asyncio.run(_serve(page, here, host or HOST, PORT if port is None else port, browser)):
        raise TrunklineError("stopped; the configuration still has mistakes")
    # Nothing that was set up for the page is left: the log, for one, follows the mended file.
    os.execv(sys.executable, sys.orig_argv)


async def _serve(page: Repair, here: Place, host: str, port: int, browser: bool) -> bool:
    """Was it mended?"""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    url = await page.start(host, port)
    try:
        note(f"mend it at {url}/repair with the token in {here.token}")
        if browser and has_display():
            load("webbrowser").open(page.login_url())
        events = {"repair: mended": page.mended, "repair: stop": stop}
        waits = [asyncio.create_task(one.wait(), name=name) for name, one in events.items()]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()
            with suppress(asyncio.CancelledError):
                await one
        return page.mended.is_set()
    finally:
        await page.stop()
