"""What the scenarios of commands share: an app whose agent may run some, and asking it to."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from bot.clock import Clock
from bot.events import Event, Finished, RunEvent
from bot.testing.running import Bench, running

PATIENCE = 60.0
CONFIG = """
limits: {{per_sender: null}}
owners: ["idempotent:boss"]
agents:
  - id: main
    tools:
      allow: [exec, process]
      exec: {{security: {security}, ask: {ask}, allow: {allow}, timeout: {timeout}}}
channels:
  idempotent: &open {{dm_policy: open, allow_from: ["*"]}}
  readable: *open
logging: {{level: error}}
{more}
"""


@asynccontextmanager
async def house(
    state: Path,
    security: str = "full",
    ask: str = "off",
    allow: tuple[str, ...] = (),
    *,
    timeout: str = "30m",
    more: str = "",
    clock: Clock | None = None,
    scripted: bool = False,
) -> AsyncIterator[Bench]:
    """An app whose agent has `exec` under this policy."""
    text = CONFIG.format(
        security=security, ask=ask, allow=json.dumps(allow), timeout=timeout, more=more
    )
    async with running(state, text, clock=clock, scripted=scripted) as bench:
        folder(bench).mkdir(parents=True, exist_ok=True)
        yield bench


def folder(bench: Bench) -> Path:
    return bench.app.state / "workspaces" / "main"


def directive(tool: str, args: Mapping[str, Any]) -> str:
    """The demo model's words for one call; a bracket in them must not end the directive."""
    return f"[[demo tool {tool} {json.dumps(args).replace(']]', chr(93) + chr(92) + 'u005d')}]]"


class Ends:
    """The ends of runs, as they come."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.events: list[RunEvent] = []
        self._changed = asyncio.Event()
        bench.app.hub.listen(self._heard)

    def _heard(self, event: Event) -> None:
        if isinstance(event, RunEvent):
            self.events.append(event)
            self._changed.set()

    async def call(self, tool: str, key: str = "main", **args: Any) -> str:
        """What the agent says after one call: the tool's result."""
        return await self.of(await self.begin(tool, key, **args))

    async def begin(self, tool: str, key: str = "main", **args: Any) -> str:
        run = f"run-{uuid4()}"
        await self._bench.ask(directive(tool, args), run, key)
        return run

    async def of(self, run: str) -> str:
        """Wait for a run's end; its reply."""
        while True:
            for event in self.events:
                if event.run == run and isinstance(event.body, Finished):
                    return event.body.reply
            await self.change()

    async def change(self) -> None:
        """Wait until something happens in any run."""
        self._changed.clear()
        async with asyncio.timeout(PATIENCE):
            await self._changed.wait()


async def asked(bench: Bench, count: int = 1) -> list[dict[str, Any]]:
    """Wait until so many approvals wait."""
    async with asyncio.timeout(PATIENCE):
        while len(rows := await bench.app.approvals.listed()) < count:
            await bench.app.clock.sleep(0.02)
    return rows
