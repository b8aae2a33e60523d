"""`process`: look after the programs that an agent's `exec` started, its own and no others."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.clock import Clock
from bot.tools.shell import report, shortened, wrong
from bot.tools.shell_jobs import Job, Jobs
from bot.types import Risk, ToolContext, ToolResult

_PATIENCE = 10.0
_LINES = 200
_KEYS: dict[str, bytes] = {
    "enter": b"\n",
    "return": b"\n",
    "tab": b"\t",
    "space": b" ",
    "escape": b"\x1b",
    "backspace": b"\x7f",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
}
_INTERRUPT, _END = ("c-c", "ctrl-c", "^c"), ("c-d", "ctrl-d", "^d")

Action = Literal[
    "list", "poll", "log", "write", "send-keys", "submit", "paste", "kill", "clear", "remove"
]


class ProcessArgs(BaseModel):
    """The arguments of `process`."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)

    action: Action
    id: str | None = None
    text: Annotated[str, Field(max_length=1 << 20)] = ""
    keys: list[str] = []
    eof: bool = False
    timeout: Annotated[float, Field(ge=0, le=600)] = 0.0
    offset: Annotated[int, Field(ge=0)] | None = None
    limit: Annotated[int, Field(ge=1, le=10_000)] = _LINES


class Process:
    """Lists, reads, feeds and ends what runs in the background."""

    name = "process"
    description = (
        "Look after commands in the background: list them; poll (what is new since the last look, "
        "waiting up to timeout seconds), log (offset and limit in lines), write, submit (write and "
        "Enter), paste, send-keys (Enter, Tab, C-c, C-d ...), kill, clear (forget an ended one), "
        "remove (kill and forget)."
    )
    schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "action": {"enum": list(get_args(Action))},
            "id": {"type": "string", "description": "which one; not for list"},
            "text": {"type": "string"},
            "keys": {"type": "array", "items": {"type": "string"}},
            "eof": {"type": "boolean", "description": "end the input after the text"},
            "timeout": {"type": "number", "description": "seconds that poll may wait"},
            "offset": {"type": "integer"},
            "limit": {"type": "integer"},
        },
        "required": ["action"],
        "additionalProperties": False,
    }
    risk: Risk = "exec"
    repeatable = False
    tags: Collection[str] = ()

    def __init__(self, clock: Clock, jobs: Jobs) -> None:
        self._clock = clock
        self._jobs = jobs

    async def run(self, args: Mapping[str, Any], ctx: ToolContext) -> ToolResult:
        try:
            asked = ProcessArgs.model_validate(dict(args))
        except ValidationError as error:
            return ToolResult(wrong(error), is_error=True)
        agent = ctx.turn.session.agent
        if asked.action == "list":
            return ToolResult(self._listed(agent))
        job = self._jobs.get(agent, asked.id or "")
        if job is None:
            return ToolResult(
                f"There is no command {asked.id!r} of this agent; process list shows them.",
                is_error=True,
            )
        return await self._act(asked, job)

    def _listed(self, agent: str) -> str:
        now = self._clock.now()
        lines = [
            f"{job.id}  {job.state}, {(job.ended_at or now) - job.started_at:.0f} s  "
            f"{' '.join(job.command.split())[:120]}"
            for job in self._jobs.of(agent)
        ]
        return "\n".join(lines) or "Nothing was started in the background."

    async def _act(self, asked: ProcessArgs, job: Job) -> ToolResult:
        if asked.action == "poll":
            return await self._poll(asked, job)
        if asked.action == "log":
            return ToolResult(_log(asked, job))
        if asked.action == "kill":
            return await self._kill(job)
        if asked.action in ("clear", "remove"):
            return await self._forget(asked, job)
        return await self._feed(asked, job)

    async def _poll(self, asked: ProcessArgs, job: Job) -> ToolResult:
        if asked.timeout and not job.over.is_set():
            await self._within(job.over, asked.timeout)
        new = shortened(job.output.since(job.read_to)).rstrip("\n")
        job.read_to = job.output.total
        return ToolResult(f"{new or '(nothing new)'}\n[{job.id}: {job.state}]")

    async def _kill(self, job: Job) -> ToolResult:
        if job.over.is_set():
            return ToolResult(f"{job.id} has ended already: {job.state}.")
        job.background = False  # whoever ends it need not be told of its end
        job.kill("killed")
        await self._within(job.over, _PATIENCE)
        return ToolResult(report(job))

    async def _forget(self, asked: ProcessArgs, job: Job) -> ToolResult:
        if not job.over.is_set():
            if asked.action == "clear":
                text = f"{job.id} still runs; kill it first, or use remove."
                return ToolResult(text, is_error=True)
            await self._kill(job)
        self._jobs.forget(job)
        return ToolResult(f"{job.id} is forgotten.")

    async def _feed(self, asked: ProcessArgs, job: Job) -> ToolResult:
        """Write into a program's input, or press keys."""
        pipe = job.process.stdin
        if job.over.is_set() or pipe is None or pipe.is_closing():
            why = job.state if job.over.is_set() else "it has no input; start it with background"
            return ToolResult(f"{job.id} takes no input: {why}.", is_error=True)
        keys = [key.lower() for key in asked.keys]
        if unknown := [key for key in keys if len(_bytes(key)) == 0 and not _special(key)]:
            return ToolResult(f"There is no key {unknown[0]!r}.", is_error=True)
        data = asked.text.encode("utf-8", "replace") + b"".join(map(_bytes, keys))
        data += b"\n" if asked.action == "submit" else b""
        with suppress(ConnectionError):
            pipe.write(data)
            async with asyncio.timeout(_PATIENCE):
                await pipe.drain()
        if any(key in _INTERRUPT for key in keys):
            job.interrupt()
        if asked.eof or any(key in _END for key in keys):
            pipe.close()
        return ToolResult(f"Written to {job.id}: {len(data)} bytes.")

    async def _within(self, event: asyncio.Event, seconds: float) -> None:
        """Wait for an event, not longer than some seconds."""
        happened = asyncio.create_task(event.wait(), name="process-wait")
        late = asyncio.create_task(self._clock.sleep(seconds), name="process-limit")
        try:
            await asyncio.wait({happened, late}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            happened.cancel()
            late.cancel()


def _special(key: str) -> bool:
    return key in _INTERRUPT or key in _END


def _bytes(key: str) -> bytes:
    """What a key puts into the input; nothing for one that is a signal, or unknown."""
    return _KEYS.get(key) or (key.encode() if len(key) == 1 else b"")


def _log(asked: ProcessArgs, job: Job) -> str:
    """Lines of the output: from an offset on, else the last ones."""
    lines = job.output.since(0).splitlines()
    start = max(0, len(lines) - asked.limit) if asked.offset is None else asked.offset
    shown = lines[start : start + asked.limit]
    place = f"lines {start + 1} to {start + len(shown)} of {len(lines)}"
    return f"{shortened(chr(10).join(shown))}\n[{job.id}: {job.state}; {place}]"
