"""A channel account tried on the platform itself: is the token taken, does a message arrive?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import structlog

from bot.config.channels import Channel
from bot.contract import Adapter, Address, Reply
from bot.errors import (
    ChannelError,
    ChannelRefused,
    RateLimited,
    Refused,
    SendError,
    Unsupported,
)
from bot.gateway.services import Accounts

log = structlog.get_logger("channels")

PATIENCE = 20.0
MARK = "[Trunkline test]"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the platform says. `reason`: refused, unreachable or unsupported; None when all is well.

    `said` is the answer: the bot's name, a message's id, or the platform's words.
    """

    reason: str | None
    said: str

    @property
    def ok(self) -> bool:
        return self.reason is None


async def check(accounts: Accounts, account: Channel) -> Verdict:
    """Ask who the bot is, with a connection of its own. Raises nothing."""
    return await _asked(_checked(accounts, account), account.name)


async def send(accounts: Accounts, account: Channel, to: Address) -> Verdict:
    """Show a message that says it is a test. Raises nothing."""
    return await _asked(_sent(accounts, account, to), account.name)


async def _checked(accounts: Accounts, account: Channel) -> str:
    async with _made(accounts, account) as adapter:
        return await adapter.check()


async def _sent(accounts: Accounts, account: Channel, to: Address) -> str:
    async with _made(accounts, account) as adapter:
        await adapter.start()
        text = f"{MARK} The account {account.name} can write here. There is nothing to do."
        return (await adapter.send(to, Reply(text), f"test:{uuid4().hex[:12]}")).id


@asynccontextmanager
async def _made(accounts: Accounts, account: Channel) -> AsyncIterator[Adapter]:
    adapter = accounts.make(account)
    try:
        yield adapter
    finally:
        await adapter.stop()


async def _asked(asking: Awaitable[str], name: str) -> Verdict:
    try:
        async with asyncio.timeout(PATIENCE):
            return Verdict(None, await asking)
    except Unsupported as error:
        return Verdict("unsupported", str(error))
    except (ChannelRefused, Refused) as error:
        return Verdict("refused", str(error))
    except RateLimited as error:
        return Verdict("unreachable", f"{error}; again in {error.retry_after:.0f} s")
    except (ChannelError, SendError) as error:
        return Verdict("unreachable", str(error))
    except TimeoutError:
        return Verdict("unreachable", f"no answer within {PATIENCE:.0f} seconds")
    except Exception as error:
        log.error("channel raised", account=name, exc_info=error)
        return Verdict("unreachable", "an unexpected error; the log has it")


def said_of(verdict: Verdict, name: str) -> dict[str, Any]:
    """A verdict on the wire; what was found stands under `name`."""
    if verdict.ok:
        return {"ok": True, name: verdict.said}
    return {"ok": False, "reason": verdict.reason, "message": verdict.said}
