"""What a check works with: the platform, a core, and adapters that are stopped at the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from bot.contract import Adapter, Address, HttpRequest, HttpResponse, Message, Reply
from bot.errors import ChannelDown, SendError, Unsupported
from bot.testing.conformance.core import PATIENCE, Core
from bot.testing.conformance.descriptor import Descriptor, Place, Seen, World

# Seconds between a lost connection and the next try.
_PAUSE = 1.0


class Stage:
    """One check's surroundings. `core` is the one that adapters get unless told otherwise."""

    def __init__(self, descriptor: Descriptor, world: World) -> None:
        self.world = world
        self.core = Core()
        self._absent = descriptor.absent
        self._running: dict[Adapter, asyncio.Task[None]] = {}
        self._made: list[Adapter] = []
        self._cores: dict[Adapter, Core] = {}
        world.http = self._http

    def has(self, trait: str) -> bool:
        return trait not in self._absent

    def adapter(self, account: str = "first", **how: Any) -> Adapter:
        """A new adapter, stopped at the end."""
        adapter = self.world.adapter(account, **how)
        self._made.append(adapter)
        return adapter

    async def started(self, **how: Any) -> Adapter:
        """An adapter that can send and does not receive."""
        adapter = self.adapter(**how)
        await adapter.start()
        return adapter

    def receiving(self, adapter: Adapter, core: Core | None = None) -> asyncio.Task[None]:
        """Let a started adapter receive."""
        self._cores[adapter] = core or self.core
        run = _again_and_again(adapter, core or self.core)
        task = asyncio.create_task(run, name=f"{adapter.account} receives")
        self._running[adapter] = task
        return task

    async def online(
        self, account: str = "first", core: Core | None = None, **how: Any
    ) -> tuple[Adapter, Core]:
        """An adapter that receives, once it says that it is up; and its core."""
        core = core or self.core
        adapter = await self.started(account=account, **how)
        task = self.receiving(adapter, core)
        up = asyncio.create_task(core.until("state `up`", lambda: core.now == "up"), name="up")
        try:
            await asyncio.wait([task, up], return_when=asyncio.FIRST_COMPLETED)
            if task.done() and not up.done():
                task.result()
                raise AssertionError("run returned instead of receiving")
            await up
        finally:
            up.cancel()
        return adapter, core

    async def offline(self, adapter: Adapter) -> None:
        """Stop receiving, then stop."""
        if task := self._running.pop(adapter, None):
            task.cancel()
            await asyncio.wait([task], timeout=PATIENCE)
            assert task.done(), "run goes on after it was cancelled"
            if not task.cancelled():
                task.exception()
        async with asyncio.timeout(PATIENCE):
            await adapter.stop()

    async def close(self) -> None:
        for adapter in reversed(self._made):
            await self.offline(adapter)

    async def _http(self, account: str, request: HttpRequest) -> HttpResponse:
        """What the platform calls over HTTP reaches the adapter of that account."""
        adapter = next(one for one in reversed(self._running) if one.account == account)
        return await adapter.handle(request, self._cores[adapter])

    def place(self, kind: Place | None = None) -> Address:
        """Where such a conversation is; without a kind, one that the platform has."""
        return self.world.place(kind or ("direct" if self.has("direct") else "group"))

    def seen(self, to: Address) -> list[Seen]:
        return list(self.world.seen(to))

    async def shows(self, adapter: Adapter, to: Address, reply: Reply | str) -> Seen:
        """Send, and look at what appeared last."""
        before = len(self.seen(to))
        await adapter.send(
            to, reply if isinstance(reply, Reply) else Reply(reply), key=f"k{before}"
        )
        after = self.seen(to)
        assert len(after) > before, "nothing appeared"
        return after[-1]

    async def hears(self, to: Address, text: str, **how: Any) -> Message:
        """A person says something; the message of it."""
        await self.world.say(to, text, **how)
        return await self.core.heard(text)

    async def quiet(self, to: Address, word: str = "the marker") -> None:
        """Return once everything before has been delivered: a later message is here."""
        await self.hears(to, word)


async def _again_and_again(adapter: Adapter, core: Core) -> None:
    """Receive as the core lets it: again after each ChannelDown. Raises ChannelRefused."""
    while True:
        try:
            return await adapter.run(core)
        except ChannelDown as error:
            core.state(adapter.account, "down", str(error))
            await asyncio.sleep(_PAUSE)
            await adapter.start()


async def failure(call: Awaitable[object]) -> SendError:
    """The error of a call that must not succeed. Raises AssertionError."""
    try:
        async with asyncio.timeout(PATIENCE):
            await call
    except SendError as error:
        return error
    except TimeoutError:
        raise AssertionError(f"it was not given up within {PATIENCE:g} s") from None
    raise AssertionError("it succeeded")


async def unsupported(call: Awaitable[object]) -> None:
    """A call for what is not claimed says Unsupported. Raises AssertionError."""
    error = await failure(call)
    expect(isinstance(error, Unsupported), f"it is {type(error).__name__}: {error}")


async def patiently(call: Awaitable[Any]) -> Any:
    """A call that must end. Raises AssertionError."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            return await call
    raise AssertionError(f"it was not done within {PATIENCE:g} s")


def expect(truth: object, words: str | Callable[[], str]) -> None:
    """Raises AssertionError with these words unless it is true."""
    if not truth:
        raise AssertionError(words if isinstance(words, str) else words())
