"""What scenarios share: a tool that tells how it goes, and a watch over all events."""

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.events import RunEvent
from bot.testing.model import ScriptedModel
from bot.testing.running import CONFIG, Bench
from bot.types import Risk, ToolContext, ToolResult

ADA = "agent:main:idempotent:idempotent:direct:ada"
TOOLS = CONFIG + "agents: [{id: main, tools: {allow: [probe]}}]\n"


class Probe:
    """A tool that tells how it goes, and waits at its gate when it has one."""

    name = "probe"
    description = "Looks."
    schema: Mapping[str, Any] = {"type": "object"}
    risk: Risk = "write"
    repeatable = False
    tags = ()

    def __init__(self) -> None:
        self.calls: list[Mapping[str, Any]] = []
        self.gate: asyncio.Event | None = None
        self.began = asyncio.Event()

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        self.calls.append(args)
        ctx.update("looking")
        self.began.set()
        if self.gate is not None:
            await self.gate.wait()
        if args.get("fail"):
            raise ZeroDivisionError
        return ToolResult(f"saw {args.get('what')}")


class Watch:
    """Every event of every run."""

    def __init__(self, bench: Bench) -> None:
        self.events: list[RunEvent] = []
        bench.app.hub.listen(self._note)

    def _note(self, event: object) -> None:
        if isinstance(event, RunEvent):
            self.events.append(event)

    def of(self, run: str) -> list[RunEvent]:
        return [event for event in self.events if event.run == run]

    def kinds(self, run: str) -> list[str]:
        return [type(event.body).__name__ for event in self.of(run)]


def scripted(bench: Bench) -> ScriptedModel:
    assert bench.model is not None
    return bench.model


async def run_row(bench: Bench, run: str) -> Any:
    [row] = await bench.rows("SELECT * FROM runs WHERE id = ?", run)
    return row
