"""A program in a process group of its own, which is ended with all that it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from bot.clock import Clock

T = TypeVar("T")

# A program has this long, in seconds, to end itself when asked; then its group is killed.
GRACE = 0.7
MAX_STDERR = 4096
# The longest line, such as a message with a picture in it.
MAX_LINE = 32 << 20
OWN_VARIABLES = "TRUNKLINE_"


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment for a program: ours, without what is meant for ourselves."""
    return {name: value for name, value in env.items() if not name.startswith(OWN_VARIABLES)}


async def within(clock: Clock, seconds: float, what: Awaitable[T]) -> T:
    """Wait for something, at most so many seconds; 0 is no limit. Raises TimeoutError."""
    if not seconds:
        return await what
    work = asyncio.create_task(_awaited(what), name="provider wait")
    timer = asyncio.create_task(clock.sleep(seconds), name="provider timer")
    try:
        await asyncio.wait({work, timer}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        raise TimeoutError
    finally:
        timer.cancel()
        if not work.done():
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work


async def _awaited(what: Awaitable[T]) -> T:
    return await what


class Child:
    """A running program. Make one with `start`; `errors` is the end of what it wrote to stderr."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.stdin = process.stdin
        self.stdout = process.stdout
        self._errors = bytearray()
        self._stopped = False
        self._listening = asyncio.create_task(self._listen(), name="provider stderr")

    @classmethod
    async def start(cls, argv: Sequence[str], cwd: Path | None = None) -> Child:
        """Run a program without a shell. Raises OSError when it cannot be started."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            cwd=cwd,
            env=environment(os.environ),
            start_new_session=True,
            limit=MAX_LINE,
        )
        return cls(process)

    @property
    def running(self) -> bool:
        return self.process.returncode is None

    @property
    def errors(self) -> str:
        return self._errors.decode("utf-8", "replace").strip()

    async def write(self, data: bytes) -> None:
        """Write to its stdin; nothing is raised when it does not read any more."""
        with contextlib.suppress(ConnectionError, RuntimeError):
            self.stdin.write(data)
            await self.stdin.drain()

    async def exit_code(self) -> int:
        """Wait for its end, and for the last of its stderr; negative: the signal that ended it."""
        code = await self.process.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await asyncio.shield(self._listening)
        return code

    async def stop(self) -> None:
        """End the program and everything in its group: asked first, then killed."""
        if self._stopped:
            return
        self._stopped = True
        self.stdin.close()
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(GRACE):
                await self.process.wait()
        except TimeoutError:
            pass
        finally:
            # Also when it ended: what it started may still run.
            self._signal(signal.SIGKILL)
            self._listening.cancel()
        await self.process.wait()
        self.process._transport.close()  # type: ignore[attr-defined]

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    async def _listen(self) -> None:
        assert self.process.stderr is not None
        while chunk := await self.process.stderr.read(MAX_STDERR):
            self._errors += chunk
            del self._errors[:-MAX_STDERR]


def signal_name(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
