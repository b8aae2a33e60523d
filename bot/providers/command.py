"""A model behind a program: the prompt on its stdin, the answer on its stdout as it comes.

Text only: it is told of no tools. `{model}` in the command is the name behind the slash.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from bot.clock import Clock, SystemClock
from bot.jsonio import clean_text
from bot.providers.answer import MAX_ANSWER
from bot.providers.demo import failed
from bot.providers.failures import failure, scrub
from bot.providers.found import Found
from bot.providers.http import Refused
from bot.providers.plain import plain_text
from bot.providers.process import GRACE, Child, signal_name, within
from bot.types import Entry, Failure, Final, ModelEvent, ModelRequest, TextDelta

CHUNK = 1 << 16


class Command:
    """A Provider. `argv` is the program and its words, without a shell; `cwd` where it runs;
    `idle_timeout` in seconds, 0 is none; `max_concurrent` None is no cap."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        clock: Clock | None = None,
        idle_timeout: float = 60.0,
        max_concurrent: int | None = None,
    ) -> None:
        self._name = name
        self._argv = tuple(argv)
        self._cwd = cwd
        self._clock = clock or SystemClock()
        self._idle = idle_timeout
        self._slots: contextlib.AbstractAsyncContextManager[object] = (
            asyncio.Semaphore(max_concurrent) if max_concurrent else contextlib.nullcontext()
        )

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Call the model; see `bot.types.Provider`. Closing it ends the program and its group."""
        said = _Said()
        wrong: Failure | None = None
        async with self._slots:
            child: Child | None = None
            writing: asyncio.Task[None] | None = None
            try:
                child = await start(self._name, self._words(request.model), self._cwd)
                writing = asyncio.create_task(_tell(child, request), name=f"{self._name} stdin")
                while said.size <= MAX_ANSWER and (chunk := await self._read(child)):
                    if text := said.take(chunk):
                        yield TextDelta(text)
                if text := said.end():
                    yield TextDelta(text)
                wrong = await self._verdict(child, said)
            except Refused as refused:
                wrong = refused.failure
            except TimeoutError:
                text = f"{self._name} printed nothing for {self._idle:g} seconds"
                wrong = failure("MODEL_STALL", text)
            finally:
                if writing is not None:
                    writing.cancel()
                if child is not None:
                    await child.stop()
        entry = Entry(
            role="assistant",
            text=said.text,
            at=self._clock.now(),
            stop="end",
            model=f"{self._name}/{request.model}",
        )
        yield Final(entry) if wrong is None else failed(entry, wrong)

    async def models(self) -> list[Found]:
        """One: what the program is. Raises Refused when it cannot be started."""
        installed(self._name, self._argv)
        return [Found("default", self._argv[0])]

    async def close(self) -> None:
        """Nothing is open between calls."""

    def _words(self, model: str) -> list[str]:
        return [word.replace("{model}", model) for word in self._argv]

    async def _read(self, child: Child) -> bytes:
        """What it printed, empty at its end. A helper that it left running is not waited for."""
        reading = asyncio.create_task(child.stdout.read(CHUNK), name=f"{self._name} stdout")
        ended = asyncio.create_task(child.process.wait(), name=f"{self._name} end")
        try:
            both = asyncio.wait({reading, ended}, return_when=asyncio.FIRST_COMPLETED)
            await within(self._clock, self._idle, both)
            if not reading.done():
                await asyncio.wait({reading}, timeout=GRACE)
            return reading.result() if reading.done() else b""
        finally:
            reading.cancel()
            ended.cancel()

    async def _verdict(self, child: Child, said: _Said) -> Failure | None:
        """What is wrong with an answer that was printed to its end."""
        if said.size > MAX_ANSWER:
            return failure("MODEL_CUT", f"{self._name} printed more than {MAX_ANSWER >> 20} MiB")
        code = await within(self._clock, self._idle, child.exit_code())
        if code != 0:
            words = scrub(last_line(child.errors))
            why = f": {words}" if words else ""
            return failure("MODEL_CUT", f"{self._name} ended with {signal_name(code)}{why}")
        if not said.text:
            return failure("MODEL_CUT", f"{self._name} ended without printing an answer")
        return None


class _Said:
    """The answer as it is printed, without the blanks at its end."""

    def __init__(self) -> None:
        self.size = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pieces: list[str] = []
        self._blanks = ""

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def take(self, chunk: bytes) -> str:
        """What of these bytes can be shown. Beyond the limit nothing is."""
        self.size += len(chunk)
        if self.size > MAX_ANSWER:
            return ""
        return self._keep(self._decoder.decode(chunk))

    def end(self) -> str:
        return self._keep(self._decoder.decode(b"", True))

    def _keep(self, piece: str) -> str:
        text = self._blanks + clean_text(piece)
        shown = text.rstrip()
        self._blanks = text[len(shown) :]
        if shown:
            self._pieces.append(shown)
        return shown


async def start(name: str, argv: Sequence[str], cwd: Path | None) -> Child:
    """Start a program. Raises Refused with what to do when it cannot be."""
    try:
        if cwd is not None:
            await asyncio.to_thread(cwd.mkdir, 0o700, True, True)
        return await Child.start(argv, cwd)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "a word of the command is no text"
        text = f"{name}: cannot start {argv[0]} ({reason}); check providers.{name}.command"
        raise Refused(failure("NO_MODEL", text)) from error


def installed(name: str, argv: Sequence[str]) -> None:
    """Raises Refused when there is no such program."""
    if shutil.which(argv[0]) is None:
        text = f"the program {argv[0]} is not installed; see providers.{name}.command"
        raise Refused(failure("NO_MODEL", text))


def last_line(text: str) -> str:
    """The last line of what a program complained about: the one that says why."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")


async def _tell(child: Child, request: ModelRequest) -> None:
    await child.write(plain_text(request.system, request.entries).encode("utf-8", "replace"))
    child.stdin.close()
