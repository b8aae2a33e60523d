"""What hooks reach of the process: its configuration, its transcripts, its conversations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bot.acceptance import Request
from bot.bundled import Bundled
from bot.clock import Clock
from bot.contract import Address, Author, Message, Ref, Reply, utcnow
from bot.engine.port import Engine, Script
from bot.hooks.events import PUSHED
from bot.hooks.points import Hooks
from bot.inbound import Inbound
from bot.keys import parse_key
from bot.plugins import furnish
from bot.store import entries, outbox, runs
from bot.types import Entry
from bot.workspace import Workspaces
from bot.world import World

MOST = 1000  # lines of a transcript that a hook is told


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a process that its hooks reach."""

    engine: Engine
    clock: Clock
    world: World
    inbound: Inbound
    workspaces: Workspaces
    state: Path
    web: str

    async def lines(self, session: str) -> Sequence[Entry]:
        return await self.engine.read(entries.tail(session, MOST))

    async def agent_of(self, run: str) -> str | None:
        row = await self.engine.read(runs.get(run))
        return row["agent"] if row else None

    async def push(self, to: Address, texts: Sequence[str]) -> None:
        """Put texts out, in their order."""
        await self.engine.tx(self._pushed(to, [Reply(text) for text in texts]))

    def _pushed(self, to: Address, replies: list[Reply]) -> Script[None]:
        yield from outbox.enqueue(f"{PUSHED}{uuid4()}", to, replies, self.clock.now())

    async def ask(self, key: str, text: str) -> None:
        """Say something in a session, as the operator; the answer stays in it."""
        run, to = f"{PUSHED}{uuid4()}", Address(self.web, self.web, key)
        message = Message(Ref(to, run), Author("operator", "Operator"), text, utcnow(), "direct")
        await self.inbound.submit(message, Request(parse_key(key), run, commands=False))


def hook_up(parts: Parts, hooks: Hooks) -> None:
    """Find the hooks of the configuration, and give them what they reach. Raises ConfigError."""
    places = parts.workspaces
    own = Bundled(parts.clock, lambda: parts.world.config, places.ensure, places.folder, parts.ask)
    folder = parts.state / "workspaces"
    furnish(hooks, lambda: parts.world.config, places.path, folder, own.found())
    hooks.model_of = lambda turn: parts.world.choose(turn).ref
    hooks.lines, hooks.agent_of = parts.lines, parts.agent_of
    hooks.events.push, hooks.events.now = parts.push, parts.clock.now
