"""One agent process that speaks the Agent Client Protocol: requests out, answers and updates in."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot import jsonio
from bot.clock import Clock
from bot.providers.acp_wire import (
    NOT_OURS,
    PROTOCOL,
    Permission,
    decision,
    hello,
    read_permission,
    refusal,
)
from bot.providers.command import last_line, start
from bot.providers.failures import failure, scrub
from bot.providers.http import Refused
from bot.providers.process import MAX_LINE, Child, signal_name, within

Permit = Callable[[Permission], Awaitable[bool]]
Hear = Callable[[Mapping[str, Any]], None]


class Agent:
    """A running agent. `key` is the session of ours that it serves; `asking` counts the questions
    of the agent that are not decided yet, while which its silence means nothing.

    Methods raise Refused.
    """

    def __init__(self, name: str, child: Child, key: str, clock: Clock, permit: Permit | None):
        self.asking = 0
        self.capabilities: Mapping[str, Any] = {}
        self.session: str | None = None
        self._name = name
        self._child = child
        self._key = key
        self._clock = clock
        self._permit = permit
        self._numbers = itertools.count(1)
        self._open: dict[int, asyncio.Future[Any]] = {}
        self._hear: Hear | None = None
        self._questions: set[asyncio.Task[None]] = set()
        self._reading = asyncio.create_task(self._read(), name=f"{name} messages")

    @classmethod
    async def begin(
        cls,
        name: str,
        argv: Sequence[str],
        cwd: Path,
        key: str,
        *,
        clock: Clock,
        permit: Permit | None,
        limit: float,
    ) -> Agent:
        """Start the program and shake hands with it. `limit` is in seconds for each step."""
        agent = cls(name, await start(name, argv, cwd), key, clock, permit)
        try:
            result = await agent.ask("initialize", hello(), limit)
            version = result.get("protocolVersion") if isinstance(result, dict) else None
            if version != PROTOCOL:
                text = f"{name} speaks version {version!r} of the protocol, not {PROTOCOL}"
                raise Refused(failure("NO_MODEL", scrub(text)))
            said = result.get("agentCapabilities")
            agent.capabilities = said if isinstance(said, dict) else {}
        except BaseException:
            await agent.stop()
            raise
        return agent

    @property
    def running(self) -> bool:
        return self._child.running and not self._reading.done()

    async def open(self, session: str | None, cwd: Path, limit: float) -> bool:
        """Take up a session of the agent's, or begin a new one; whether it was taken up."""
        place = {"cwd": str(cwd), "mcpServers": []}
        if session is not None and self.capabilities.get("loadSession") is True:
            with contextlib.suppress(Refused):
                # Its whole history comes as updates before the answer; we have that already.
                await self.ask("session/load", {"sessionId": session, **place}, limit)
                self.session = session
                return True
        result = await self.ask("session/new", place, limit)
        found = result.get("sessionId") if isinstance(result, dict) else None
        if not isinstance(found, str) or not found:
            raise Refused(failure("MODEL_CUT", f"{self._name} began no session"))
        self.session = found
        return False

    def prompt(self, blocks: Sequence[Mapping[str, Any]], hear: Hear) -> asyncio.Future[Any]:
        """Ask; `hear` is called with each update until the future has the result."""
        self._hear = hear
        return self._ask("session/prompt", {"sessionId": self.session, "prompt": blocks})

    async def cancel(self, answer: asyncio.Future[Any], grace: float) -> None:
        """End a prompt; an agent that goes on all the same is stopped."""
        self._hear = None
        await self._send({"method": "session/cancel", "params": {"sessionId": self.session}})
        await asyncio.wait({answer}, timeout=grace)
        if not answer.done():
            await self.stop()

    async def ask(self, method: str, params: Mapping[str, Any], limit: float) -> Any:
        """The result of a request within `limit` seconds."""
        try:
            return await within(self._clock, limit, self._ask(method, params))
        except TimeoutError:
            text = f"{self._name} did not answer {method} within {limit:g} seconds"
            raise Refused(failure("MODEL_STALL", text)) from None

    async def stop(self) -> None:
        """End the process and everything it started."""
        self._reading.cancel()
        for task in self._questions:
            task.cancel()
        await self._child.stop()
        self._lose("was stopped")

    def _ask(self, method: str, params: Mapping[str, Any]) -> asyncio.Future[Any]:
        answer = asyncio.get_running_loop().create_future()
        # Nobody may be waiting any more when it fails.
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        number = next(self._numbers)
        self._open[number] = answer
        if not self.running:
            self._lose("is not running")
            return answer
        message = {"id": number, "method": method, "params": params}
        self._background(self._send(message), method)
        return answer

    def _background(self, work: Any, what: str) -> None:
        task = asyncio.create_task(work, name=f"{self._name} {what}")
        self._questions.add(task)
        task.add_done_callback(self._questions.discard)

    async def _send(self, message: Mapping[str, Any]) -> None:
        line = jsonio.dumps({"jsonrpc": "2.0", **message})
        await self._child.write(line.encode() + b"\n")

    async def _read(self) -> None:
        """Take the agent's lines until it ends; what is no message is passed over."""
        try:
            while line := await self._child.stdout.readline():
                with contextlib.suppress(ValueError):
                    message = jsonio.loads(line, max_bytes=MAX_LINE)
                    if isinstance(message, dict):
                        self._take(message)
        except ValueError:
            self._lose("sent a message that is too large")
            return
        code = await self._child.exit_code()
        words = scrub(last_line(self._child.errors))
        self._lose(f"ended with {signal_name(code)}{f': {words}' if words else ''}")

    def _take(self, message: Mapping[str, Any]) -> None:
        method, params = message.get("method"), message.get("params")
        params = params if isinstance(params, dict) else {}
        if not isinstance(method, str):
            self._answered(message)
        elif "id" in message:
            self._background(self._answer(message["id"], method, params), "question")
        elif method == "session/update" and params.get("sessionId") == self.session:
            update = params.get("update")
            if self._hear is not None and isinstance(update, dict):
                self._hear(update)

    def _answered(self, message: Mapping[str, Any]) -> None:
        number = message.get("id")
        answer = self._open.pop(number, None) if type(number) is int else None
        if answer is None or answer.done():
            return
        if "result" in message:
            answer.set_result(message["result"])
        else:
            answer.set_exception(Refused(refusal(self._name, message.get("error"))))

    async def _answer(self, number: Any, method: str, params: Mapping[str, Any]) -> None:
        """Answer a question of the agent: whether it may do something, and no to all else."""
        if method != "session/request_permission":
            error = {"code": NOT_OURS, "message": f"{method[:80]} is not available here"}
            await self._send({"id": number, "error": error})
            return
        allow = False
        self.asking += 1
        try:
            if self._permit is not None:
                allow = await self._permit(read_permission(self._key, params))
        finally:
            self.asking -= 1
            await self._send({"id": number, "result": decision(params, allow)})

    def _lose(self, what: str) -> None:
        """Whoever still waits hears that the agent is gone."""
        waiting, self._open = self._open, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(Refused(failure("MODEL_CUT", f"{self._name} {what}")))
