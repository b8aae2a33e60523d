"""Runs the program in a process of its own, kills it, starts it again, and reads what is left."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg.rows import dict_row

from bot.testing.platform import Platform
from bot.testing.remote import served
from tests.kill.program import QUIET
from tests.rules.source import ROOT

CONFIG = """
store: {{url: "{store}"}}
limits: {{per_sender: null}}
messages: {{queue: followup}}
{agents}
channels:
{channels}
logging: {{level: error}}
{beside}"""
AGENTS = """
agents:
  - id: main
    tools: {allow: [count, edit, read, sessions_spawn, message]}
    compaction: {keep_recent: 0}
"""
CHANNEL = '  {kind}: {{dm_policy: open, allow_from: ["*"], url: "{url}"{more}}}'
PATIENCE = 90.0


class House:
    """A store, its platforms, and the program between them, on PostgreSQL any number of it."""

    def __init__(
        self,
        state: Path,
        platforms: dict[str, Platform],
        urls: dict[str, str],
        more: str,
        store: str | None,
        **config: str,
    ) -> None:
        self.state = state
        self.platforms = platforms
        self.store = store
        self._urls = urls
        self._program: asyncio.subprocess.Process | None = None
        self.programs: list[asyncio.subprocess.Process] = []
        self._config = state / "config.yaml"
        lines = [
            CHANNEL.format(kind=kind, url=urls[kind], more=more)
            for kind in platforms
            if kind != "desk"
        ]
        told = CONFIG.format(channels="\n".join(lines), store=store or "sqlite", **config)
        self._config.write_text(told)
        self.edited = state / "workspaces" / "main" / "ones.txt"
        self.edited.parent.mkdir(parents=True, exist_ok=True)
        self.edited.write_text("1\n")

    async def start(
        self, crash_at: str | None = None, inside: Sequence[str] = ()
    ) -> asyncio.subprocess.Process:
        """Start the program, or another one beside those that run; `inside` begins its command."""
        env = dict(os.environ, TRUNKLINE_TEST="1", PYTHONPATH=str(ROOT))
        if crash_at is not None:
            env["TRUNKLINE_CRASH_AT"] = crash_at
        with (self.state / "log").open("ab") as log:
            self._program = await asyncio.create_subprocess_exec(
                *inside,
                sys.executable,
                "-m",
                "tests.kill.program",
                str(self.state),
                str(self._config),
                self._urls["desk"],
                cwd=ROOT,
                env=env,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
            )
        self.programs.append(self._program)
        return self._program

    async def died(self) -> bool:
        """Wait for the program to kill itself; False when it never came to that."""
        assert self._program is not None
        try:
            async with asyncio.timeout(PATIENCE):
                code = await self._program.wait()
        except TimeoutError:
            return False
        assert code == -signal.SIGKILL, f"the program ended by itself: {code}\n{self.log()}"
        return True

    async def kill(self, *programs: asyncio.subprocess.Process) -> None:
        """Kill these, or all that run."""
        for program in programs or tuple(self.programs):
            if program.returncode is None:
                program.kill()
            await program.wait()
            self.programs.remove(program)

    async def stop(self, program: asyncio.subprocess.Process) -> None:
        """Tell one to stop, and wait until it has."""
        program.terminate()
        async with asyncio.timeout(PATIENCE):
            await program.wait()
        self.programs.remove(program)

    def log(self) -> str:
        return (self.state / "log").read_text("utf-8", "replace")[-4000:]

    def rows(self, sql: str) -> list[Any]:
        """Rows of the store, read by column name."""
        if self.store is not None:
            with psycopg.connect(self.store, row_factory=dict_row) as shared:
                return list(shared.execute(cast(Any, sql)).fetchall())
        path = self.state / "trunkline.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
            store.row_factory = sqlite3.Row
            return store.execute(sql).fetchall()

    async def quiet(self) -> None:
        """Wait until the program has taken everything and has nothing left to do."""
        for platform in self.platforms.values():
            await platform.all_taken(PATIENCE)
        desk = self.platforms["desk"]
        before = desk.count("send")
        desk.push({"text": QUIET, "run": f"quiet{before}"})
        await desk.wait_for(lambda one: one.count("send") > before, PATIENCE)

    def counted(self) -> list[str]:
        """What the tool with a side effect was called for."""
        file = self.state / "counted"
        return file.read_text().split() if file.exists() else []


@asynccontextmanager
async def house(
    state: Path,
    *kinds: str,
    more: str = "",
    store: str | None = None,
    host: str = "127.0.0.1",
    agents: str = AGENTS,
    beside: str = "",
) -> AsyncIterator[House]:
    """A house with a platform of each kind, and the operator's desk, at this address.

    `more` is what the configuration says of each channel beside that, `agents` what of the agents,
    and `beside` whatever else; `store` is the PostgreSQL.
    """
    state.mkdir(parents=True, exist_ok=True)
    platforms = {kind: Platform(idempotent=kind == "idempotent") for kind in (*kinds, "desk")}
    async with served(host, **platforms) as urls:
        built = House(state, platforms, urls, more, store, agents=agents, beside=beside)
        try:
            yield built
        finally:
            await built.kill()
