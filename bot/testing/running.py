"""A whole app in a test: real store, real engine, remembered platforms, time as the test likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.acceptance import Accepted, Request
from bot.app import App, adapters, build
from bot.clock import Clock
from bot.config.load import load_text
from bot.contract import Address, Author, Message, Ref, utcnow
from bot.engine.port import Row, Script, q
from bot.testing.channel import KINDS, FakeChannel
from bot.testing.clock import VirtualClock
from bot.testing.model import Answering, ScriptedModel
from bot.testing.platform import Platform
from bot.types import Tool

# Each message is a turn of its own, so that what is said and what is answered can be compared.
CONFIG = """
limits: {per_sender: null}
messages: {queue: {mode: followup, cap: 1000}}
channels:
  idempotent: &open {dm_policy: open, allow_from: ["*"]}
  readable: *open
  keyless: *open
"""
_ROUNDS = 12


@contextmanager
def fake_channels() -> Iterator[None]:
    """While this is open, a configuration may name the three fake channels."""
    table: dict[str, tuple[str, str]] = adapters().BUILT_IN
    here = FakeChannel.__module__
    fakes = {name: (f"{here}:FakeOptions", f"{here}:{cls.__name__}") for name, cls in KINDS.items()}
    table.update(fakes)
    try:
        yield
    finally:
        for name in fakes:
            table.pop(name, None)


def _nothing() -> Script[None]:
    yield q("SELECT 1")


@dataclass(slots=True)
class Bench:
    """An app under test, and what a test asks it. `model` is None on the demo model."""

    app: App
    model: ScriptedModel | None

    def platform(self, account: str = "idempotent") -> Platform:
        adapter = self.app.supervisor.get(account)
        assert isinstance(adapter, FakeChannel), f"no fake channel is called {account}"
        return adapter.platform

    async def ask(self, text: str, run: str, key: str = "main", **options: Any) -> Accepted:
        """The operator says something in a session, as from the page."""
        session = self.app.sessions.key(key)
        to = Address("webchat", "webchat", session.text)
        message = Message(Ref(to, run), Author("operator", "Operator"), text, utcnow(), "direct")
        request = Request(key=session, run=run, deliver_to=to, options=options)
        return await self.app.inbound.submit(message, request)

    async def rows(self, sql: str, *params: Any) -> list[Row]:
        """Read the store."""

        def script() -> Script[list[Row]]:
            return (yield q(sql, *params))

        return await self.app.engine.read(script())

    async def transcript(self, key: str) -> list[tuple[str, str]]:
        """Role and text of each entry of a session."""
        row = await self.app.sessions.get(key)
        assert row is not None, f"there is no session {key}"
        return [
            (entry.role, entry.text) for entry in await self.app.sessions.history(row["id"], 1000)
        ]

    async def settle(self) -> None:
        """Return when nothing can happen without more time: the threads have nothing to do."""
        for _ in range(_ROUNDS):
            for _ in range(5):
                await asyncio.sleep(0)
            await self.app.scenes.idle()
            await self.app.engine.tx(_nothing())
            await self.app.engine.read(_nothing())


@asynccontextmanager
async def running(
    state: Path,
    config: str = CONFIG,
    *,
    clock: Clock | None = None,
    scripted: bool = False,
    tools: Iterable[Tool] = (),
    grace: float = 0.0,
) -> AsyncIterator[Bench]:
    """Build and start an app on a state directory; stopped at the end with `grace` seconds.

    A `VirtualClock` settles through the app. `scripted`: every run is answered by `bench.model`.
    """
    with fake_channels():
        app = build(load_text(config, "config.yaml", {}, adapters().option_types()), state, clock)
    bench = Bench(app, ScriptedModel(app.clock) if scripted else None)
    if bench.model is not None:
        app.turns.agents = Answering(app.turns.agents, bench.model)
    app.turns.tools = app.turns.tools.also(tools)
    if isinstance(clock, VirtualClock):
        clock.settle = bench.settle
    await app.start()
    try:
        yield bench
    finally:
        await app.stop(grace)
