"""Programs that agents started: each in a session of its own, ended as a group, heard to the end.

A program may leave its group, so each carries a mark in its environment, by which what is left is
found when it has to go.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import structlog

from bot.clock import Clock
from bot.events import Event, Finished, RunEvent

log = structlog.get_logger("exec")

Notify = Callable[["Job", str], Awaitable[None]]

KEPT = 1 << 20
MARK = "TRUNKLINE_JOB"
_CHUNK = 1 << 16
_POLITE = 1.0
_LATE_OUTPUT = 0.5
_FINISHED_KEPT = 50
_TOLD = 2_000
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


async def unheard(job: Job, output: str) -> None:
    """Stands for waking a session where nobody has wired that."""
    log.info("program ended", session=job.session_key, job=job.id)


@dataclass(slots=True)
class Output:
    """The last of what a program wrote, and how much there was in all (bytes)."""

    kept: bytearray = field(default_factory=bytearray)
    total: int = 0

    def add(self, data: bytes) -> None:
        self.total += len(data)
        self.kept += data
        if len(self.kept) > KEPT:
            del self.kept[: len(self.kept) - KEPT]

    def since(self, place: int) -> str:
        """What was written behind a place (in bytes), as far as it is kept."""
        left_out = max(0, self.total - len(self.kept) - place)
        start = max(0, place - (self.total - len(self.kept)))
        note = f"[{left_out} bytes were left out here]\n" if left_out else ""
        return note + readable(bytes(self.kept[start:]))


def readable(data: bytes) -> str:
    """Output as text: no escapes, no control characters; a placeholder for what is no text."""
    if b"\0" in data:
        return f"[{len(data)} bytes that are not text]"
    text = _ESCAPES.sub("", data.decode("utf-8", "replace").replace("\r\n", "\n"))
    return _CONTROLS.sub("", text.replace("\r", "\n"))


@dataclass(frozen=True, slots=True)
class Start:
    """How a program is started. `path` is what runs, `argv` what it is told; `timeout` in s."""

    path: str
    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    timeout: float
    stdin: bool = False


@dataclass(slots=True, eq=False)
class Job:
    """One program. `code` is its exit code when it has ended, `ended_by` who ended it, if anybody.

    `read_to` is how far the agent has read, in bytes.
    """

    id: str
    agent: str
    session_key: str
    run: str
    command: str
    started_at: float
    process: asyncio.subprocess.Process
    output: Output = field(default_factory=Output)
    code: int | None = None
    ended_at: float | None = None
    ended_by: str | None = None
    background: bool = False
    read_to: int = 0
    heard: Callable[[], None] | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def kill(self, why: str) -> None:
        """Let it end: asked first, and a second later made to."""
        if self.ended_by is None and not self.over.is_set():
            self.ended_by = why
            self.stopping.set()

    def interrupt(self) -> None:
        """What Ctrl-C does: the whole group is interrupted."""
        _signal(self.process.pid, signal.SIGINT)

    @property
    def state(self) -> str:
        """How it is, in words."""
        if not self.over.is_set():
            return "running"
        if self.ended_by is not None:
            return f"ended: {self.ended_by}"
        assert self.code is not None
        if self.code < 0:
            return f"ended by signal {-self.code}"
        return f"exit code {self.code}"


class Jobs:
    """The programs of a process. `notify` tells a session what ended in its background, and what it
    wrote there that nobody has read."""

    def __init__(self, clock: Clock, notify: Notify = unheard) -> None:
        self.notify = notify
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def of(self, agent: str) -> list[Job]:
        """An agent's programs in the order they were started."""
        return [job for job in self._jobs.values() if job.agent == agent]

    def get(self, agent: str, id: str) -> Job | None:
        """One of an agent's own."""
        job = self._jobs.get(id)
        return job if job is not None and job.agent == agent else None

    def forget(self, job: Job) -> None:
        self._jobs.pop(job.id, None)

    def hear(self, event: Event) -> None:
        """A run that was aborted takes with it what it started."""
        if not (isinstance(event, RunEvent) and isinstance(event.body, Finished)):
            return
        if event.body.status == "aborted":
            for job in self._jobs.values():
                if job.run == event.run:
                    job.background = False  # whoever stopped the run need not be told
                    job.kill("the run was stopped")

    async def start(self, how: Start, agent: str, session_key: str, run: str, command: str) -> Job:
        """Start a program. Raises OSError when it cannot be started."""
        id = f"exec-{uuid4().hex[:8]}"
        process = await asyncio.create_subprocess_exec(
            *how.argv,
            executable=how.path,
            cwd=how.cwd,
            env={**how.env, MARK: id},
            stdin=asyncio.subprocess.PIPE if how.stdin else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        job = Job(id, agent, session_key, run, command, self._clock.now(), process)
        self._jobs[id] = job
        task = asyncio.create_task(self._follow(job, how.timeout), name=f"exec:{id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    async def close(self) -> None:
        """End everything and wait for it."""
        self._closing = True
        for job in self._jobs.values():
            job.kill("the program was stopped")
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self, job: Job, timeout: float) -> None:
        """Hear a program to its end, or bring it about."""
        reading = asyncio.create_task(_read(job), name=f"exec-output:{job.id}")
        ending = asyncio.create_task(job.process.wait(), name=f"exec-end:{job.id}")
        stopping = asyncio.create_task(job.stopping.wait(), name=f"exec-stop:{job.id}")
        late = asyncio.create_task(self._clock.sleep(timeout), name=f"exec-limit:{job.id}")
        try:
            limits = {stopping, late} if timeout else {stopping}
            await asyncio.wait({ending, *limits}, return_when=asyncio.FIRST_COMPLETED)
            if not ending.done():
                job.ended_by = job.ended_by or f"it took longer than {timeout:g} s"
                await _end(job, ending)
            await asyncio.wait({reading}, timeout=_LATE_OUTPUT)
        finally:
            for task in (reading, stopping, late):
                task.cancel()
        job.code, job.ended_at = ending.result(), self._clock.now()
        job.over.set()
        self._tidy(job.agent)
        if job.background and not self._closing:
            await self._tell(job)

    async def _tell(self, job: Job) -> None:
        try:
            await self.notify(job, job.output.since(job.read_to)[-_TOLD:].strip())
        except Exception as error:
            log.error("nobody could be told of an end", job=job.id, exc_info=error)

    def _tidy(self, agent: str) -> None:
        over = [job for job in self.of(agent) if job.over.is_set()]
        for job in over[:-_FINISHED_KEPT]:
            self.forget(job)


async def _read(job: Job) -> None:
    assert job.process.stdout is not None
    while data := await job.process.stdout.read(_CHUNK):
        job.output.add(data)
        if job.heard is not None:
            job.heard()


async def _end(job: Job, ending: asyncio.Task[int]) -> None:
    """Ask the whole group to end, then make it end, and whatever left the group."""
    _signal(job.process.pid, signal.SIGTERM)
    await asyncio.wait({ending}, timeout=_POLITE)
    _signal(job.process.pid, signal.SIGKILL)
    for pid in await asyncio.to_thread(_marked, f"{MARK}={job.id}".encode()):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    await ending


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _marked(mark: bytes) -> list[int]:
    """The processes that carry a mark in their environment, where the system shows that."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found
