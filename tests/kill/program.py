"""The program under test: the whole app, its channels on a platform that lives elsewhere.

`python -m tests.kill.program STATE CONFIG OPERATOR_URL`: says `ready`, and runs until it is killed.
The operator's requests come over the wire too, each again until it was accepted.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bot.errors import SendError
from bot.steps import STEPS
from bot.testing.remote import RemotePlatform
from bot.testing.running import Bench, running
from bot.types import Risk, ToolContext, ToolResult

QUIET = "quiet"
GRACE = 20.0
OPEN = (
    "SELECT id FROM inbox WHERE state IN ('open', 'running') "
    "UNION ALL SELECT id FROM outbox WHERE state IN ('pending', 'sending', 'posting', 'posted') "
    "UNION ALL SELECT 1 FROM task_runs WHERE settled_at IS NULL "
    "UNION ALL SELECT 1 FROM tasks WHERE next_at <= ?"
)


class Counting:
    """A tool with a side effect that can be counted afterwards: a line in a file."""

    name = "count"
    description = "Counts."
    schema: Mapping[str, Any] = {"type": "object"}
    risk: Risk = "write"
    repeatable = False
    tags = ()

    def __init__(self, path: Path) -> None:
        self._path = path

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        with self._path.open("a") as file:
            file.write(f"{args['what']}\n")
        await asyncio.sleep(args.get("seconds", 0))
        return ToolResult(f"counted {args['what']}")


async def operate(bench: Bench, url: str) -> None:
    """Do what the operator asks; confirmed, as by any client, once it is accepted."""
    wire, offset = RemotePlatform(url), 0
    while True:
        try:
            got = await wire.call("poll", {"offset": offset})
        except SendError:
            await bench.app.clock.sleep(0.2)
            continue
        for update in got["updates"]:
            event, offset = update["event"], update["update"] + 1
            if event["text"] == QUIET:
                await quiet(bench)
                said = {"conversation": QUIET, "text": "", "key": event["run"]}
                with suppress(SendError):
                    await wire.call("send", said)
            else:
                await bench.ask(event["text"], event["run"])


async def quiet(bench: Bench) -> None:
    """Return when nothing is left to do."""
    while await bench.rows(OPEN, bench.app.clock.now()):
        await bench.app.clock.sleep(0.02)
    await bench.app.engine.idle()


async def main(state: Path, config: str, operator: str) -> None:
    step = os.environ.get("TRUNKLINE_CRASH_AT")
    assert step is None or step in STEPS
    async with running(state, config, tools=[Counting(state / "counted")], grace=GRACE) as bench:
        print("ready", flush=True)
        operating = asyncio.create_task(operate(bench, operator), name="operate")
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, operating.cancel)
        with suppress(asyncio.CancelledError):
            await operating


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]).read_text("utf-8"), sys.argv[3]))
