"""All platforms at once: one app with the real adapters, each on its local server.

The servers and the people around them are those of the conformance kit.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from adapters.fakes.discord_descriptor import DESCRIPTOR as DISCORD
from adapters.fakes.mattermost_descriptor import DESCRIPTOR as MATTERMOST
from adapters.fakes.slack_descriptor import DESCRIPTOR as SLACK
from adapters.fakes.telegram_descriptor import DESCRIPTOR as TELEGRAM
from bot.testing.conformance import Descriptor
from bot.testing.running import Bench, running

PATIENCE = 30.0
OPEN = {
    "dm_policy": "open",
    "allow_from": ["*"],
    "group_policy": "open",
    "streaming": "off",
    "typing": False,
}
# Each message is a turn of its own, however quickly they come.
ONE_BY_ONE = {
    "limits": {"per_sender": None},
    "messages": {"queue": {"mode": "followup", "debounce": "0s", "cap": 200}},
}
DESCRIPTORS: Mapping[str, Descriptor] = {
    one.name: one for one in (TELEGRAM, DISCORD, SLACK, MATTERMOST)
}
KINDS = ("direct", "group", "thread")


@dataclass(frozen=True)
class Surface:
    """One account. `name` is its own in the configuration, `bot` the one in its world."""

    name: str
    adapter: str
    bot: str
    world: Any

    @property
    def fake(self) -> Any:
        return self.world._fakes[self.bot]

    def place(self, kind: str) -> Any:
        return self.world.place(kind, self.bot)

    def conversation(self, kind: str) -> str:
        return str(self.place(kind).conversation)

    def config(self, *, valid: bool = True, **more: Any) -> dict[str, Any]:
        """The account as the configuration names it."""
        options = asdict(self.world.adapter(self.bot, valid=valid).options)
        given = {name: value for name, value in options.items() if _set(value)}
        return {"adapter": self.adapter, **OPEN, **given, **more}

    async def say(self, kind: str, text: str, **more: Any) -> str:
        """A person writes, to the bot where there are others."""
        return str(await self.world.say(self.place(kind), text, mention=kind != "direct", **more))

    def shown(self, kind: str) -> list[str]:
        """The bot's words in a place, whatever markup stands around them."""
        return [one.text.replace("\\", "") for one in self.world.seen(self.place(kind))]

    async def shows(self, kind: str, *texts: str) -> None:
        """Return when these words stand there in order; fails with what does."""
        try:
            await self.until(lambda: self.shown(kind) == list(texts))
        except TimeoutError:
            assert (self.name, kind, self.shown(kind)) == (self.name, kind, list(texts))

    async def until(self, predicate: Callable[[], object]) -> None:
        await self.fake.wait_for(predicate, PATIENCE)


def _set(value: object) -> bool:
    """Is an option given; a group of options may be empty as a whole."""
    return any(value.values()) if isinstance(value, dict) else bool(value)


@asynccontextmanager
async def surfaces(*twice: str) -> AsyncIterator[list[Surface]]:
    """An account on every platform, and two on those named."""
    async with AsyncExitStack() as stack:
        found = []
        for name, descriptor in DESCRIPTORS.items():
            world = await stack.enter_async_context(descriptor.world())
            found.append(Surface(name, name, "first", world))
            if name in twice:
                found.append(Surface(f"{name}-two", name, "second", world))
        yield found


@asynccontextmanager
async def everywhere(
    state: Path,
    accounts: Sequence[Surface],
    change: Mapping[str, Any] | None = None,
    **more: Any,
) -> AsyncIterator[Bench]:
    """An app on all of them, each connected. `change` is for every account, `more` beside them."""
    channels = {one.name: one.config(**(change or {})) for one in accounts}
    config = {**ONE_BY_ONE, "channels": channels, **more}
    async with running(state, json.dumps(config), scripted=True) as bench:
        for one in accounts:
            await comes(bench, one.name, "up")
        yield bench


async def comes(bench: Bench, account: str, state: str) -> None:
    """Return when an account's connection is so."""
    changed = asyncio.Event()
    bench.app.hub.listen(lambda _: changed.set())
    states = bench.app.inbound.states
    async with asyncio.timeout(PATIENCE):
        while not (account in states and states[account].state == state):
            changed.clear()
            await changed.wait()
