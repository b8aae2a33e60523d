"""What scenarios of helpers share: agents that may start them, and what tools told the model."""

import asyncio
import json
from typing import Any

from bot.store.children import REPORT as REPORT
from bot.testing.running import CONFIG, Bench
from tests.scenarios.kit import scripted

ADA = "agent:main:idempotent:idempotent:direct:ada"
BOB = "agent:main:idempotent:idempotent:direct:bob"
LIMITS = "{max_depth: 2, max_children: 2, allow_agents: [other]}"
AGENTS = CONFIG + (
    "agents:\n"
    f"  - {{id: main, tools: {{profile: full}}, subagents: {LIMITS}}}\n"
    "  - {id: other, tools: {profile: full}}\n"
    "  - {id: third, tools: {profile: full}}\n"
)
OWNED = AGENTS + "owners: ['idempotent:ada']\n"


def results(bench: Bench, tool: str) -> list[Any]:
    """What calls of a tool told the model, in order: JSON where it is, else the text."""
    found: dict[tuple[str | None, str | None], Any] = {}
    for request in scripted(bench).requests:
        for one in request.entries:
            if one.role == "tool" and one.name == tool:
                found[one.run, one.call_id] = _read(one.text)
    return list(found.values())


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


async def idle(bench: Bench) -> None:
    """Return when nothing is left to do now."""
    await bench.settle()
    await bench.app.engine.idle()


async def busy(bench: Bench, runs: int = 1) -> None:
    """Wait until the model is asked by so many runs at once."""
    async with asyncio.timeout(20):
        while scripted(bench).running < runs:
            await bench.settle()
