"""Keeps the adapters running: starts each, starts it again after a failure, and stops them all.

A process that only sends opens them and receives nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from functools import partial

import structlog

from bot.clock import Clock
from bot.contract import Adapter, CommandSpec
from bot.engine.port import Engine
from bot.errors import ChannelError, ChannelRefused, SendError
from bot.inbound import Inbound

log = structlog.get_logger("channels")

_FIRST, _LONGEST, _REFUSED = 1.0, 60.0, 60.0


def resource_of(account: str) -> str:
    """What a process owns that holds the connection of an account."""
    return f"channel:{account}"


class Supervisor:
    """One task for each account. Receiving ends first, sending last, so that a stop can drain."""

    def __init__(
        self, engine: Engine, clock: Clock, inbound: Inbound, commands: Sequence[CommandSpec]
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._inbound = inbound
        self._commands = commands
        self._adapters: dict[str, Adapter] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.running = False
        self._receive = True

    def add(self, adapter: Adapter) -> None:
        """Keep this adapter, from now on if the others run."""
        self._adapters[adapter.account] = adapter
        if self.running:
            self._begin(adapter)

    def get(self, account: str) -> Adapter | None:
        return self._adapters.get(account)

    def forget(self, account: str) -> Adapter | None:
        """The adapter of an account, which is not kept any more; `quiet` it before."""
        return self._adapters.pop(account, None)

    def start(self, *, receive: bool = True) -> None:
        self.running, self._receive = True, receive
        for adapter in self._adapters.values():
            self._begin(adapter)

    def _begin(self, adapter: Adapter) -> None:
        name = f"channel:{adapter.account}"
        work = self._keep(adapter) if self._receive else self._opened(adapter)
        self._tasks[adapter.account] = asyncio.create_task(work, name=name)

    async def quiet(self, *accounts: str) -> None:
        """Let these accounts receive nothing more; without a name, none at all."""
        if not accounts:
            self.running = False
        names = accounts or tuple(self._tasks)
        ending = [self._tasks.pop(name) for name in names if name in self._tasks]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def close(self) -> None:
        """Close what the adapters opened."""
        for adapter in self._adapters.values():
            await self.end(adapter)

    async def end(self, adapter: Adapter) -> None:
        """Close what an adapter opened. Raises nothing."""
        try:
            await adapter.stop()
        except Exception as error:
            log.error("channel did not stop well", account=adapter.account, exc_info=error)

    async def _opened(self, adapter: Adapter) -> None:
        """Make an adapter able to send. Raises nothing."""
        delay = _FIRST
        while True:
            try:
                return await adapter.start()
            except Exception as error:
                known = isinstance(error, ChannelError)
                log.error(
                    "channel cannot send yet",
                    account=adapter.account,
                    reason=str(error) if known else None,
                    exc_info=None if known else error,
                )
            await self._clock.sleep(delay * random.uniform(0.8, 1.2))
            delay = min(delay * 2, _LONGEST)

    async def _keep(self, adapter: Adapter) -> None:
        delay = _FIRST
        while True:
            state = partial(self._inbound.state, adapter.account)
            state("connecting")
            began = self._clock.now()
            try:
                # Every process sends; the one that has the account receives, too.
                await adapter.start()
                waiting = partial(state, "standby")
                async with self._engine.own(resource_of(adapter.account), waiting) as lost:
                    state("connecting")
                    reason = await self._run(adapter, lost)
            except ChannelRefused as error:
                reason, delay = str(error), _REFUSED
            except ChannelError as error:
                reason = str(error)
            except Exception as error:
                log.error("channel raised", account=adapter.account, exc_info=error)
                reason = "an unexpected error; the log has it"
            if self._clock.now() - began > _LONGEST:
                delay = _FIRST
            state("down", reason)
            await self._clock.sleep(delay * random.uniform(0.8, 1.2))
            delay = min(delay * 2, _LONGEST)

    async def _run(self, adapter: Adapter, lost: asyncio.Event) -> str:
        """Receive until the connection ends or another process has the account; what it was."""
        publishing: asyncio.Task[None] | None = None
        if adapter.caps.native_commands:
            publishing = asyncio.create_task(
                self._publish(adapter), name=f"commands:{adapter.account}"
            )
        running = asyncio.create_task(adapter.run(self._inbound), name=f"run:{adapter.account}")
        losing = asyncio.create_task(lost.wait(), name=f"losing:{adapter.account}")
        try:
            await asyncio.wait({running, losing}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                return "another process may have it now"
            await running
            return "the connection ended"
        finally:
            ending = [task for task in (running, losing, publishing) if task is not None]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)

    async def _publish(self, adapter: Adapter) -> None:
        try:
            await adapter.publish_commands(self._commands)
        except (SendError, ChannelError) as error:
            log.warning("command menu not updated", account=adapter.account, reason=str(error))
